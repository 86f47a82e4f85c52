"""Sessions whose station calculates the cost itself (2.1 I07-I12, "local cost calculation")."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from ocpp_server import capabilities
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.actions import to_station
from ocpp_server.storage.journal import journal
from tariffs.live import COSTS
from tariffs.models import StationTariff

ENABLED_TARIFF: Final = "TariffCostCtrlr.Enabled[Tariff]"
ENABLED_COST: Final = "TariffCostCtrlr.Enabled[Cost]"
# Variables may be reported at any time: they are read again after this.
_AGAIN_AFTER: Final = timedelta(minutes=1)


async def applies(station: Station, session: TransactionState, now: datetime) -> bool:
    """Whether the station calculates the cost of a session.

    It does if it has named its tariff for the session or sent details of the cost (I12.FR.01). A running
    session will have both if its EVSE has a default tariff. A session that ended without them is priced by
    the server (I08.FR.34).
    """
    if session.counts_cost:
        return True
    if not session.is_active or "SetDefaultTariff" not in to_station(station.version):
        return False
    known = COSTS.of(station)
    if known.tariffs_read_at is None or now - known.tariffs_read_at >= _AGAIN_AFTER:
        known.tariffs_read_at = now
        known.tariffs = await journal.run(_default_tariffs, station.pk)
    return any(
        (not evse or session.evse in (None, evse)) and (valid_from is None or valid_from <= now)
        for evse, valid_from in known.tariffs
    )


def forget_stored(station: Station) -> None:
    """Read the default tariffs of a station again when they are needed: an answer has changed them.

    A function of the unit of work of that answer, see `Unit.run`: until its commit only the old tariffs can
    be read.
    """
    transaction.on_commit(partial(_forget, station), robust=True)


def _forget(station: Station) -> None:
    COSTS.of(station).tariffs_read_at = None


def _default_tariffs(charge_point_pk: int) -> tuple[tuple[int, datetime | None], ...]:
    """None for a station that reports that it calculates no costs."""
    reported = capabilities.reports.app.values(charge_point_pk, (ENABLED_TARIFF, ENABLED_COST))
    if any(value.strip().casefold() == "false" for value in reported.values()):
        return ()
    rows = (
        StationTariff.objects.current()
        .filter(charge_point=charge_point_pk)
        .exclude(state=StationTariff.State.MISSING)
        .values_list("evse_number", "evse_numbers", "valid_from")
    )
    return tuple((evse, valid_from) for own, found, valid_from in rows for evse in found or (own,))
