"""Count what a server has stored and compare it with what was sent: a run that lost a row has no figures.

Another checkout may have other tables, so the rows are counted with the models of the checkout that wrote
them: `PYTHONPATH=CHECKOUT python -P bench/books.py`, with the database in the environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

_TRANSACTIONS = "SELECT count(*) FROM transactions_transaction"
_QUERIES = {
    "messages in the log": "SELECT count(*) FROM chargepoints_message WHERE error_code = ''",
    "transactions": _TRANSACTIONS,
    "transactions stopped by their station": f"{_TRANSACTIONS} WHERE ended_by = 'station'",
    "suspect transactions": f"{_TRANSACTIONS} WHERE suspect",
    "events": "SELECT count(*) FROM transactions_transactionevent",
    "Wh": "SELECT coalesce(sum(energy_wh), 0) FROM transactions_transaction",
    "deviations": "SELECT count(*) FROM chargepoints_deviation",
    "variables": "SELECT count(*) FROM configuration_reportedkey",
}


def differences(found: dict[str, Any], sent: dict[str, dict[str, int]]) -> list[str]:
    """Compare the counts of `counted` with the sums by version of what was sent. Empty when nothing is
    missing.
    """
    cycles = sum(each.get("cycles", 0) for each in sent.values())
    sent_2x = sent.get("2.0.1", {})
    expected = {
        "messages in the log": sum(each["messages"] for each in sent.values()),
        "transactions": cycles,
        "transactions stopped by their station": cycles,
        "suspect transactions": 0,
        "samples": sum(each.get("samples", 0) for each in sent.values()),
        "events": sent_2x.get("readings", 0) + 2 * sent_2x.get("cycles", 0),
        "Wh": sum(each.get("energy_wh", 0) for each in sent.values()),
        "deviations": 0,
        "variables": sum(each.get("variables", 0) for each in sent.values()),
    }
    return [
        f"{name}: {found[name]:g}, not {expected[name]:g}"
        for name in expected
        if found[name] != expected[name]
    ]


def counted() -> dict[str, Any]:
    """Return the counts of the configured database."""
    from django.db import connection

    found: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for name, query in _QUERIES.items():
            cursor.execute(query)
            found[name] = cursor.fetchone()[0]
    found["samples"] = sum(_samples())
    return found


def _samples() -> Iterator[int]:
    """The number of samples of each row: one in a table of meter values, several in a table of readings."""
    from django.apps import apps

    known = {model.__name__: model for model in apps.get_app_config("transactions").get_models()}
    if "MeterValue" in known:
        yield known["MeterValue"]._default_manager.count()
    if "Reading" in known:
        # Its rows name the number of the samples in them.
        yield from known["Reading"]._default_manager.values_list("sample_count", flat=True).iterator(10_000)


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(counted(), default=float) + "\n")
