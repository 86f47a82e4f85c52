"""Values of events, written to the reported variables (2.x N07): a NotifyEvent is newer than the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from configuration.models import ReportedKey
from configuration.services.variables import drift


class Seen(NamedTuple):
    """A value of a variable, and its time by the station."""

    value: str
    at: datetime


def store(charge_point_pk: int, seen: Mapping[str, Seen]) -> None:
    """Write the values of variables that the station has reported before, by name. A value that is older than
    the reported one changes nothing: a station sends late what happened while it was offline.
    """
    rows = ReportedKey.objects.filter(charge_point=charge_point_pk, key__in=list(seen))
    changed = []
    for pk, key, value in rows.order_by("pk").values_list("pk", "key", "value"):
        one = seen[key]
        newer = ReportedKey.objects.filter(pk=pk, reported_at__lt=one.at)
        if newer.update(value=one.value, reported_at=one.at) and value != one.value:
            changed.append(key)
    if changed:
        drift.refresh(charge_point_pk, changed)
