"""The plans of sessions: the needs and schedules of vehicles, and priority (2.x K15 to K22, Q01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import structlog
from django.utils.translation import gettext

from chargepoints.models import ChargePoint
from ocpp_server import commanding
from ocpp_server.domain import DomainError
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate.charging_profiles import TX, TX_DEFAULT
from ocpp_server.storage.journal import journal
from smart_charging.live import INSTALLED, PLANS, SERVER, Installed, Plan
from smart_charging.models import ChargingPlan, InstalledProfile
from smart_charging.services.smart_charging import abilities, planning
from smart_charging.services.smart_charging.installed import evse_of
from smart_charging.services.smart_charging.planning import Needs, Planned
from smart_charging.tables import CHARGING_PLANS, put

log = structlog.get_logger(__name__)
Answer = ChargingPlan.Answer
_COMMAND: Final = "set-charging-profile"
# A vehicle that never keeps to its limits is not sent its profile again and again.
_MOST_REPEATED: Final = 3
_TRANSFER: Final = 64  # characters of the column
_LARGEST: Final = 2**63 - 1


class Answered(NamedTuple):
    """The answer to the needs of a vehicle, and the reason where no profile follows."""

    answer: ChargingPlan.Answer
    reason: str = ""


def session_at(station: Station, evse: int | None) -> TransactionState | None:
    """The newest running session of an EVSE."""
    running = [one for one in station.transactions.values() if one.is_active and one.evse == evse]
    return max(running, key=lambda one: one.id, default=None)


def session_of(station: Station, ocpp_id: str) -> TransactionState | None:
    """The newest session with this transactionId."""
    found = [one for one in station.transactions.values() if one.ocpp_id == ocpp_id]
    return max(found, key=lambda one: one.id, default=None)


# -- needs -------------------------------------------------------------------------------------------------


def ask(*, station: Station, request: Mapping[str, Any]) -> Answered:
    """Store the needs of a vehicle, and decide whether a profile follows."""
    session = session_at(station, request["evseId"])
    if session is None:
        return Answered(Answer.NO_PROFILE, gettext("No session is running at this EVSE."))
    answered = _decide(station, session, request)
    wanted = planning.needs(request)
    known = PLANS.of(station).get(session.id)
    if known is not None:
        known.repeated = 0
    _put(
        station,
        session,
        needs=request["chargingNeeds"],
        energy_transfer=wanted.transfer[:_TRANSFER],
        energy_wh=None if wanted.energy_wh is None else min(wanted.energy_wh, _LARGEST),
        departure_at=wanted.departure,
        needs_at=station.received_at,
        answer=answered.answer.value,
        reason=answered.reason[:255],
    )
    return answered


def _decide(station: Station, session: TransactionState, request: Mapping[str, Any]) -> Answered:
    transfer = str(request["chargingNeeds"]["requestedEnergyTransfer"])
    plan = PLANS.of(station).get(session.id, Plan())
    if plan.allowed and transfer not in plan.allowed:  # Q01
        return Answered(Answer.REFUSED, gettext("This energy transfer was not allowed for the session."))
    if not plan.allowed and transfer in planning.BIDIRECTIONAL:
        return Answered(Answer.NO_PROFILE, gettext("No V2X energy transfer was allowed for the session."))
    planned = _planned(station, session, planning.needs(request))
    if planned.arguments is None:
        return Answered(Answer.NO_PROFILE, planned.reason)
    return Answered(Answer.PROFILE)


def _planned(station: Station, session: TransactionState, wanted: Needs) -> Planned:
    payloads = [one.payload for one in _in_force(station, session)]
    return planning.plan(wanted, in_force=payloads, at=station.received_at)


def _in_force(station: Station, session: TransactionState) -> Sequence[Installed]:
    """The profiles that limit a session without the one that the server has planned for it."""
    ours = [
        one
        for one in INSTALLED.of(station)
        if one.is_ours and not one.is_planned and one.state != InstalledProfile.State.WAITING
    ]
    own = [one for one in ours if one.purpose == TX and one.transaction == session.id]
    return own or [one for one in ours if one.purpose == TX_DEFAULT and one.evse in (0, session.evse)]


async def follow(*, station: Station, request: Mapping[str, Any]) -> None:
    """Send the profile that was promised for these needs; after the answer has left."""
    session = session_at(station, request["evseId"])
    if session is None or _decide(station, session, request).answer != Answer.PROFILE:
        return
    wanted = planning.needs(request)
    if wanted.is_controlled and not await _takes_setpoints(station, request["evseId"], wanted):
        wanted = replace(wanted, is_controlled=False)
    await _send(station, session, _planned(station, session, wanted))


async def _takes_setpoints(station: Station, evse: int, wanted: Needs) -> bool:
    return await journal.run(abilities.takes_setpoints, station.pk, evse=evse, transfer=wanted.transfer)


async def _send(station: Station, session: TransactionState, planned: Planned) -> None:
    command = commanding.find(_COMMAND)
    assert command is not None
    assert planned.arguments is not None
    charge_point = await journal.run(ChargePoint.objects.get, pk=station.pk)
    try:
        await command.perform(
            charge_point,
            actor=SERVER,
            wait=False,
            purpose=TX,
            transaction=session.id,
            **planned.arguments,
        )
    except DomainError as error:
        log.warning("charging_plan.not_sent", station=station.identity, reason=str(error))
        _put(station, session, answer=Answer.NO_PROFILE.value, reason=error.sentence[:255])


# -- the schedule of the vehicle ---------------------------------------------------------------------------


def compare(*, station: Station, request: Mapping[str, Any]) -> bool | None:
    """Store the schedule of a vehicle. Returns whether it keeps to the profile of its session; None where
    there is no profile to compare it with.
    """
    session = session_at(station, request["evseId"])
    if session is None:
        return None
    base = station.moment(request["timeBase"])
    payload = _of_session(station, session)
    is_within = None
    if payload is not None:
        is_within = planning.is_within(payload, request["chargingSchedule"], base=base)
    _put(
        station,
        session,
        vehicle_schedule=request["chargingSchedule"],
        schedule_at=station.received_at,
        is_within_limits=is_within,
    )
    return is_within


def _of_session(station: Station, session: TransactionState) -> dict[str, Any] | None:
    """The TxProfile of the highest level that this server has set for a session."""
    own = [
        one
        for one in INSTALLED.of(station)
        if one.is_ours and one.purpose == TX and one.transaction == session.id
    ]
    best = max(own, key=lambda one: one.stack_level, default=None)
    return None if best is None else best.payload


async def repeat(*, station: Station, request: Mapping[str, Any]) -> None:
    """Send the profile of the session again, because the vehicle plans to exceed it (K16)."""
    session = session_at(station, request["evseId"])
    payload = None if session is None else _of_session(station, session)
    if session is None or payload is None:
        return
    base = station.moment(request["timeBase"])
    plan = PLANS.of(station).setdefault(session.id, Plan())
    is_within = planning.is_within(payload, request["chargingSchedule"], base=base)
    if is_within is not False or plan.repeated >= _MOST_REPEATED:
        return
    plan.repeated += 1
    await _send(station, session, planning.again(payload))


# -- priority and energy transfers -------------------------------------------------------------------------


def prioritise(*, station: Station, ocpp_id: str, is_active: bool) -> None:
    """The session has priority from now on, or no longer (K21, K22)."""
    session = session_of(station, ocpp_id)
    if session is not None:
        _put(station, session, has_priority=is_active, priority_at=station.received_at)


def allow(*, station: Station, ocpp_id: str, transfers: Sequence[str]) -> None:
    """The station has accepted the energy transfers that are allowed in a session (Q01)."""
    session = session_of(station, ocpp_id)
    if session is not None:
        plan = PLANS.of(station).setdefault(session.id, Plan())
        plan.allowed = tuple(transfers)
        _put(station, session, allowed_transfers=list(transfers))


def forget_ended(station: Station) -> None:
    """Forget the live plans of sessions that have ended; their rows stay."""
    plans = PLANS.of(station)
    for number in [one for one in plans if not _runs(station, one)]:
        del plans[number]


def _runs(station: Station, number: int) -> bool:
    session = station.transactions.get(number)
    return session is not None and session.is_active


def _put(station: Station, session: TransactionState, **values: Any) -> None:
    put(
        station.unit,
        CHARGING_PLANS,
        session.id,
        added={
            "charge_point_id": station.pk,
            "evse_number": None if session.evse is None else evse_of(session.evse),
        },
        updated_at=station.received_at,
        **values,
    )
