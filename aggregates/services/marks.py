"""Marks of stations whose hours are to be counted again. A mark is removed when they were counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import connection

from chargepoints.models import ChargePoint

# The earlier time stays, whichever process writes it last.
_MARK = """
    INSERT INTO aggregates_recount (charge_point_id, since, marked_at, marks) VALUES (%s, %s, %s, 1)
    ON CONFLICT (charge_point_id) DO UPDATE SET since = {earlier}(aggregates_recount.since, excluded.since),
    marks = aggregates_recount.marks + 1
"""


def mark(since: Mapping[int, datetime]) -> None:
    """Mark stations, by their keys, each from a time on. Those of the test site are in no sum."""
    if since:
        test = set(ChargePoint.objects.of_test().order_by().values_list("pk", flat=True))
        since = {pk: at for pk, at in since.items() if pk not in test}
    if not since:
        return
    adapted = connection.ops.adapt_datetimefield_value
    statement = _MARK.format(earlier="LEAST" if connection.vendor == "postgresql" else "MIN")
    now = adapted(datetime.now(UTC))
    with connection.cursor() as cursor:
        # In the order of their keys: two processes must not wait for each other's locks.
        cursor.executemany(statement, [(pk, adapted(at), now) for pk, at in sorted(since.items())])
