"""Deviations from the specification, counted per station and kind."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from chargepoints.models import Deviation
from ocpp_server.live.station import DeviationCount

Counts = dict[tuple[str, str, str], DeviationCount]

# Paths are text of the station: beyond this many rows it only gets counted in those it has.
MAX_ROWS_PER_STATION = 500


def store(counted: list[tuple[int, Counts]], at: datetime) -> None:
    """Add counts to what is stored; the first frame of a kind stays its example."""
    for charge_point_pk, counts in counted:
        rows = Deviation.objects.filter(charge_point_id=charge_point_pk).count()
        for (kind, action, path), seen in counts.items():
            known = Deviation.objects.filter(
                charge_point_id=charge_point_pk, kind=kind, action=action, path=path
            ).update(count=F("count") + seen.count, last_at=at)
            if known or rows >= MAX_ROWS_PER_STATION:
                continue
            rows += 1
            Deviation.objects.create(
                charge_point_id=charge_point_pk,
                kind=kind,
                action=action,
                path=path,
                detail=seen.detail,
                example=seen.example,
                count=seen.count,
                first_at=at,
                last_at=at,
            )
