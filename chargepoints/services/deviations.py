"""Deviations from the specification, counted per station and kind."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from chargepoints.models import ChargePoint, Deviation
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import DeviationCount

Counts = dict[tuple[str, str, str], DeviationCount]

# Paths are text that the station sends: beyond this many rows, only deviations that have a row are counted.
MAX_ROWS_PER_STATION = 500


def store(counted: list[tuple[int, Counts]], at: datetime) -> None:
    """Add counts to the stored rows; the first frame of a kind stays its example."""
    for charge_point_pk, counts in counted:
        rows = Deviation.objects.filter(charge_point_id=charge_point_pk).count()
        for kind, seen in counts.items():
            known = _of(charge_point_pk, kind)
            if _add(known, seen, at) or rows >= MAX_ROWS_PER_STATION:
                continue
            rows += 1
            try:
                with transaction.atomic():
                    Deviation.objects.create(
                        charge_point_id=charge_point_pk,
                        **_named(kind),
                        detail=seen.detail,
                        example=seen.example,
                        count=seen.count,
                        first_at=at,
                        last_at=at,
                    )
                    _announce(charge_point_pk, kind, seen)
            except IntegrityError:
                # The station's previous process has stored the first of this kind meanwhile.
                _add(known, seen, at)


def _named(of: tuple[str, str, str]) -> dict[str, str]:
    kind, action, path = of
    return {"kind": kind, "action": action, "path": path}


def _announce(charge_point_pk: int, kind: tuple[str, str, str], seen: DeviationCount) -> None:
    """station.deviated, if it is chosen."""
    if outbox.is_chosen(stations.DEVIATED):
        charge_point = ChargePoint.objects.only("identity", "site_id").get(pk=charge_point_pk)
        outbox.emit(
            stations.DEVIATED,
            station=charge_point.identity,
            site=charge_point.site_id,
            **_named(kind),
            detail=seen.detail,
        )


def _of(charge_point_pk: int, kind: tuple[str, str, str]) -> QuerySet[Deviation]:
    return Deviation.objects.filter(charge_point_id=charge_point_pk, **_named(kind))


def _add(known: QuerySet[Deviation], seen: DeviationCount, at: datetime) -> int:
    return known.update(count=F("count") + seen.count, last_at=at)
