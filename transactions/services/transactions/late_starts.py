"""1.6 starts that arrive after a session was built from their stop: see `ending`.

Without the join, the start opens a second session for the same energy, which no stop ends.
"""

from __future__ import annotations

from datetime import datetime

from accounts.models.token import normalise_uid
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place
from ocpp_server.protocol.translate.energy import mwh_of
from ocpp_server.storage.journal import journal
from transactions.live.unmatched import ORPHANS
from transactions.models import QuarantinedMessage
from transactions.services.authorization.decision import Decision
from transactions.services.metering import readings
from transactions.services.remote_control import remote_starts
from transactions.services.reservation import ending as reservation
from transactions.services.transactions import quarantine, sessions
from transactions.services.transactions.concurrency import was_refused
from transactions.services.transactions.suspicion import clear, has, suspect

_UNAUTHORIZED = "charged-unauthorized"


def built_from_stop(
    station: Station, *, token: IdToken, meter_wh: float, at: datetime
) -> TransactionState | None:
    """The session without a start that this start fits: the same token, and it began at the start or later,
    at a reading that is not below the start's. The first one, if there are several.
    """
    if not ORPHANS.of(station).count:
        return None
    key = normalise_uid(token.value)
    fitting = [
        t
        for t in station.transactions.values()
        if not t.is_active
        and t.start_fingerprint is None
        and has(t, "start-missing")
        and t.token_key in ("", key)
        and t.started_at >= at
        and (t.meter_start_mwh is None or t.meter_start_mwh >= mwh_of(meter_wh))
    ]
    return min(fitting, key=lambda t: (t.started_at, t.id), default=None)


async def join(
    station: Station,
    transaction: TransactionState,
    *,
    place: Place,
    token: IdToken,
    decision: Decision,
    meter_wh: float,
    at: datetime,
    fingerprint: str,
    reservation_id: int | None,
    was_offline: bool,
) -> None:
    """Give the session its start: place, time, token and meterStart."""
    transaction.evse, transaction.connector = place
    transaction.start_fingerprint, transaction.started_at = fingerprint, at
    # The stop's token stood in for the start's.
    transaction.id_token = ""  # equivalent: `set_token` sets another one
    sessions.set_token(transaction, token, decision)
    clear(transaction, "start-missing")
    suspect(transaction, "stop-came-first")
    stop_wh = await readings.begin(station, transaction, at=at, meter_wh=meter_wh)
    clear(transaction, _UNAUTHORIZED)
    if was_refused(transaction) and transaction.has_drawn:
        suspect(transaction, _UNAUTHORIZED, transaction.authorization_status)
    sessions.save(
        station,
        transaction,
        start_fingerprint=fingerprint,
        started_at=at,
        start_received_at=station.received_at,
        reservation_id=reservation_id,
        was_offline=was_offline,
        meter_stop_wh=stop_wh,
    )
    station.changed.append(transaction)
    remote_starts.link(station, transaction)
    await reservation.use(station, transaction, number=reservation_id, at=at if was_offline else None)
    for pk in await journal.run(_kept, station.pk, transaction.id):
        quarantine.resolve(station, pk, transaction.id)
        ORPHANS.of(station).count -= 1


def _kept(charge_point_pk: int, number: int) -> list[int]:
    waiting = QuarantinedMessage.objects.waiting_stops(charge_point_pk).filter(transaction=number)
    return list(waiting.values_list("pk", flat=True))
