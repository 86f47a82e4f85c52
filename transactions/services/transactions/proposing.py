"""Reads the fix that a stored suspect session needs, and whether its vehicle is evidently charging."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Final

from accounts.models.token import normalise_uid
from chargepoints.models import Connector
from ocpp_server.protocol.translate.energy import mwh_of, register_mwh
from ocpp_server.protocol.translate.metering import ENERGY
from transactions.models import Settlement, Transaction
from transactions.services.metering.samples import OUTLET, Wanted
from transactions.services.metering.stored import Series
from transactions.services.transactions import fixes
from transactions.services.transactions.fixes import Proposal, Reading

# A session with a message this recent, at a connected station, counts as a vehicle that is charging.
RECENT: Final = timedelta(minutes=5)
# Readings that a proposal reads at most: more than a day at one per second.
_MOST_READINGS: Final = 100_000  # equivalent: only a bound
_TOTALS: Final = Wanted(frozenset({ENERGY}), phases=frozenset({""}), locations=OUTLET)


def proposed(row: Transaction) -> Proposal:
    """The proposed fix for a suspect session. At most five queries, two for each merged session."""
    known = session(row)
    needs_readings = not known.is_active and known.codes & fixes.ENERGY
    neighbours = _neighbours(row) if not known.is_active and known.codes & fixes.SPLIT else ()
    return fixes.propose(
        known, _readings(row) if needs_readings else (), [session(other) for other in neighbours]
    )


def is_evidently_charging(row: Transaction, now: datetime | None = None) -> bool:
    """Whether the station is connected and sent a message about the session recently, without a boot or a
    report that the connector is Available since.
    """
    charge_point, last = row.charge_point, row.last_message_at
    if row.status != Transaction.Status.ACTIVE or not charge_point.is_online:
        return False
    if (now or datetime.now(UTC)) - last > RECENT:
        return False
    if charge_point.last_boot_at is not None and charge_point.last_boot_at > last:
        return False
    if row.evse_number is None:
        return True
    available = Connector.objects.filter(
        charge_point=charge_point,
        evse__number=row.evse_number,
        status=Connector.Status.AVAILABLE,
        status_received_at__gte=last,
    )
    if row.connector_number is not None:
        available = available.filter(number=row.connector_number)
    return not available.exists()


def session(row: Transaction) -> fixes.Session:
    return fixes.Session(
        number=row.pk,
        is_active=row.status == Transaction.Status.ACTIVE,
        codes=codes(row),
        energy_mwh=mwh_of(row.energy_wh),
        meter_start_mwh=mwh_of(row.meter_start_wh),
        meter_last_mwh=mwh_of(row.meter_last_wh),
        meter_stop_mwh=mwh_of(row.meter_stop_wh),
        token_key=normalise_uid(row.id_token),
        started_at=row.started_at,
        ended_at=row.stopped_at or row.last_message_at,
    )


def _neighbours(row: Transaction) -> list[Transaction]:
    """The session after and the one before on the same EVSE."""
    same = Transaction.objects.filter(
        charge_point=row.charge_point_id, evse_number=row.evse_number, merged_into__isnull=True
    )
    found = (
        same.filter(pk__gt=row.pk).order_by("pk").first(),
        same.filter(pk__lt=row.pk).order_by("-pk").first(),
    )
    return [other for other in found if other is not None]


def _readings(row: Transaction) -> list[Reading]:
    """The register readings of the session and of the sessions merged into it."""
    merged = row.settlements.filter(fix=Settlement.Fix.MERGE).values("merged_with")
    merged_here = Transaction.objects.filter(pk__in=merged, merged_into=row)
    series = [Series(one.pk, wanted=_TOTALS) for one in (row, *merged_here)]
    samples = islice(heapq.merge(*(one.values() for one in series), key=itemgetter(0)), _MOST_READINGS)
    return [Reading(at, register_mwh(raw, kind.raw_unit, value)[0]) for at, kind, value, raw in samples]


def codes(row: Transaction) -> frozenset[str]:
    return frozenset(map(code, row.suspect_reasons))


def code(reason: str) -> str:
    return reason.partition(":")[0]
