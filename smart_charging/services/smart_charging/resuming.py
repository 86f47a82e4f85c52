"""TxProfiles that a station may have lost in a restart: sent again when their session goes on (2.1 B13, E17).

A restart leaves them in doubt. TxResumed marks those of its session in the unit of the event, so a process
that ends at this moment forgets none. They are sent after the answer, or by a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from chargepoints.models import ChargePoint
from ocpp_server.domain import DomainError
from ocpp_server.live.station import Station
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate.charging_profiles import DYNAMIC, TX
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from smart_charging.live import INSTALLED, SERVER, Installed
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import abilities, installed, plans
from smart_charging.tables import INSTALLED_PROFILES

log = structlog.get_logger(__name__)
State = InstalledProfile.State

# A profile that gets no answer is sent that many times, and not again within this time.
MOST_ATTEMPTS: Final = 3
RETRY: Final = timedelta(seconds=60)


def note_restart(station: Station, *, ocpp_id: str | None = None) -> None:
    """The station has restarted, or the EVSE of a session: it may have lost the TxProfiles."""
    if ocpp_id is None:
        installed.doubt(station, purpose=TX)
        return
    session = plans.session_of(station, ocpp_id)
    if session is not None:
        installed.doubt(station, purpose=TX, session=session.id)


def note_resumed(station: Station, *, ocpp_id: str) -> None:
    """A session goes on: its profiles that are in doubt are to be sent again. A repeated event finds none."""
    session = plans.session_of(station, ocpp_id)
    if session is None or not session.is_active:
        return
    for one in INSTALLED.of(station):
        is_lost = one.is_ours and one.purpose == TX and one.state == State.UNVERIFIED
        if is_lost and one.transaction == session.id and one.resumed_at is None:
            one.resumed_at = station.received_at
            station.unit.update(INSTALLED_PROFILES, one.pk, resumed_at=one.resumed_at)


def due(station: Station, now: datetime) -> list[Installed]:
    """The profiles to send now. A session that was interrupted once more waits for its next event."""
    return [
        one
        for one in INSTALLED.of(station)
        if one.resumed_at is not None
        and one.state == State.UNVERIFIED
        and one.attempts < MOST_ATTEMPTS
        and (one.asked_at is None or now - one.asked_at >= RETRY)
        and _goes_on(station, one)
    ]


def _goes_on(station: Station, one: Installed) -> bool:
    session = None if one.transaction is None else station.transactions.get(one.transaction)
    return session is not None and session.is_active and session.interrupted_at is None


async def send_due(station: Station) -> None:
    """Send the profiles that are due, unless the station reports that it keeps them over a restart."""
    now = datetime.now(UTC)
    found = due(station, now)
    if not found:
        return
    if await journal.run(abilities.keeps_tx_profiles, station.pk):
        for one in found:
            _settle(station, one, State.INSTALLED)
        return
    charge_point, payloads = await journal.run(_stored, station.pk, [one.pk for one in found])
    for one in found:
        assert one.transaction is not None
        ocpp_id = station.transactions[one.transaction].ocpp_id or ""
        profile = again(payloads[one.pk], ocpp_id=ocpp_id, values=one.dynamic, at=now)
        if profile is None:
            _settle(station, one, State.UNVERIFIED)
            continue
        one.attempts, one.asked_at = one.attempts + 1, now
        payload = {"evseId": one.evse, "chargingProfile": profile}
        try:
            command: Any = await calls.call(
                charge_point, "SetChargingProfile", payload, actor=SERVER, wait=False
            )
            one.asked_by = command.id
        except DomainError as error:
            log.warning("charging_profile.not_sent_again", station=station.identity, reason=str(error))


async def send_between_messages(station: Station, work: UnitOfWork) -> None:
    """`send_due` for a job."""
    await send_due(station)
    await work.store()


def refused(station: Station, *, command_id: str) -> None:
    """The station has refused a profile that was sent again."""
    for one in list(INSTALLED.of(station)):
        if one.asked_by == command_id:
            installed.lose(station, one)


def again(
    payload: Mapping[str, Any], *, ocpp_id: str, values: Mapping[str, Any] | None, at: datetime
) -> dict[str, Any] | None:
    """The same profile for SetChargingProfile; None for one whose validity is over.

    That of a remote start gets the session, which it could not have. A dynamic one has the values that hold
    now.
    """
    profile = translate.charging_profile(payload)
    if profile.valid_to is not None and profile.valid_to <= at:
        return None
    found = {**payload, "transactionId": ocpp_id}
    if profile.kind == DYNAMIC and values:
        schedule, *schedules = payload["chargingSchedule"]
        period, *periods = schedule["chargingSchedulePeriod"]
        now = {**schedule, "chargingSchedulePeriod": [{**period, **values}, *periods]}
        found |= {"dynUpdateTime": translate.time(at), "chargingSchedule": [now, *schedules]}
    return found


def _settle(station: Station, one: Installed, state: InstalledProfile.State) -> None:
    one.resumed_at, one.state = None, state.value
    station.unit.update(INSTALLED_PROFILES, one.pk, resumed_at=None, state=one.state)


def _stored(charge_point_pk: int, keys: list[str]) -> tuple[ChargePoint, dict[str, dict[str, Any]]]:
    rows = InstalledProfile.objects.filter(pk__in=keys).values_list("pk", "payload")
    return ChargePoint.objects.get(pk=charge_point_pk), dict(rows)
