"""Give every stored session the readings of one that a station has sent: the rows are the product's own.

`PYTHONPATH=CHECKOUT python -P bench/reading_rows.py IDENTITY` names the station of that session. Prints the
number of rows by model.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

# Sessions of one statement, and seconds between two readings.
PER_CALL = 50_000
EVERY_S = 500

_AT = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', session.started_at, "
    f"'+' || (pattern.nth * {EVERY_S}) || ' seconds')",
    "postgresql": f"session.started_at + pattern.nth * interval '{EVERY_S} seconds'",
}


def multiply(identity: str) -> dict[str, int]:
    """Copy the readings of this station's last session to all older sessions."""
    from django.apps import apps

    from transactions.models import Transaction

    pattern = Transaction.objects.filter(charge_point__identity=identity).latest("pk")
    counted = {}
    for model in apps.get_app_config("transactions").get_models():
        if model.__name__ in ("MeterValue", "Reading") and (
            model._default_manager.filter(transaction=pattern).exists()
        ):
            _make_months(model)
            counted[model.__name__] = _copied(model, pattern.pk)
    return counted


def _make_months(model: Any) -> None:
    """Create the partitions that a server which has run for long has."""
    from ocpp_server.storage import partitions

    if partitions.is_divided():
        for monthly in partitions.ALL:
            if monthly.model is model:
                for days in range(360, -1, -30):
                    partitions.make_ahead(
                        monthly.table, monthly.column, datetime.now(UTC) - timedelta(days=days)
                    )


def _copied(model: Any, pattern: int) -> int:
    from django.db import connection, transaction

    at = _AT[connection.vendor]
    own = {
        "transaction_id": "session.id",
        "charge_point_id": "session.charge_point_id",
        "evse_number": "session.evse_number",
        "connector_number": "session.connector_number",
        "measured_at": at,
        "received_at": at,
    }
    columns = [each.column for each in model._meta.concrete_fields if each.column != "id"]
    values = [own.get(column, f'pattern."{column}"') for column in columns]
    named = ", ".join(f'"{column}"' for column in columns)
    insert = (
        f"INSERT INTO {model._meta.db_table} ({named}) "  # noqa: S608 - names come from the model
        f"SELECT {', '.join(values)} FROM transactions_transaction AS session CROSS JOIN pattern "
        "WHERE session.id >= %s AND session.id < %s ORDER BY session.id, pattern.nth"
    )
    copied = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE pattern AS "
            "SELECT reading.*, dense_rank() OVER (ORDER BY measured_at) AS nth "  # noqa: S608
            f"FROM {model._meta.db_table} AS reading WHERE transaction_id = %s",
            [pattern],
        )
        for first in range(1000, pattern, PER_CALL):
            with transaction.atomic():
                cursor.execute(insert, [first, min(first + PER_CALL, pattern)])
                copied += cursor.rowcount
        cursor.execute("DROP TABLE pattern")
    return copied


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.write(json.dumps(multiply(sys.argv[1])) + "\n")
