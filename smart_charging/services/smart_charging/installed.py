"""The profiles of each station, kept from its answers and from the ends of sessions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog

from ocpp_server.events.catalogue import smart_charging as events
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.translate.charging_profiles import DYNAMIC, EXTERNAL, TX
from smart_charging.live import INSTALLED, SERVER, Installed, kept_payload
from smart_charging.models import InstalledProfile
from smart_charging.models.installed_profile import OUR_SOURCE
from smart_charging.services.smart_charging import pushing, rules_21
from smart_charging.tables import INSTALLED_PROFILES

log = structlog.get_logger(__name__)
State = InstalledProfile.State

# A station can report any number of profiles: beyond this many, no further one is stored.
MOST: Final = 500
_LARGEST: Final = 2**31 - 1


def evse_of(number: int | None) -> int:
    """The EVSE that a station has named, for a column; 0 for the whole station."""
    return max(0, min(number or 0, _LARGEST))


class Criteria(NamedTuple):
    """The profiles that a command is about; None: any. All given ones must fit. The server can't clear those
    of another source (K10.FR.06).
    """

    ids: tuple[int, ...] | None = None
    evse: int | None = None
    purpose: str | None = None
    stack_level: int | None = None
    sources: tuple[str, ...] | None = (OUR_SOURCE,)

    def fit(self, one: Installed) -> bool:
        return (
            (self.ids is None or one.profile_id in self.ids)
            and self.evse in (None, one.evse)
            and self.purpose in (None, one.purpose)
            and self.stack_level in (None, one.stack_level)
            and (self.sources is None or one.source in self.sources)
        )


def install(*, station: Station, command_id: str, evse: int, payload: Mapping[str, Any]) -> None:
    """Store a profile that the station has accepted; it replaces the one with its id, and the one of its
    purpose, level and EVSE (1.6 3.13.2, 2.x K01.FR.05). `payload` is the profile as it was sent.
    """
    profile = translate.charging_profile(payload)
    added = _installed(station, evse, profile, payload, command_id=command_id)
    # One that the server sends again for a vehicle stays the operator's.
    added.is_planned = station.actor == SERVER and not any(
        one.purpose == TX and not one.is_planned for one in _replaced(station, added)
    )
    _replace(station, added)
    _add(station, added, profile, payload)


def wait(
    *, station: Station, command_id: str, evse: int | None, payload: Mapping[str, Any], until: datetime
) -> None:
    """Store the profile of an accepted remote start. It takes effect with the session, if one begins by
    `until`.
    """
    profile = translate.charging_profile(payload)
    added = _installed(station, evse or 0, profile, payload, command_id=command_id)
    added.state, added.until, added.transaction = State.WAITING.value, until, None
    _add(station, added, profile, payload)


def begin(*, station: Station, command_id: str, transaction: TransactionState) -> None:
    """The session of a remote start has begun: its profile limits this session from now on."""
    for one in INSTALLED.of(station):
        if one.command_id == command_id and one.state == State.WAITING:
            one.state, one.transaction = State.INSTALLED.value, transaction.id
            one.evse = transaction.evse or one.evse
            _replace(station, one)
            station.unit.update(
                INSTALLED_PROFILES,
                one.pk,
                state=one.state,
                transaction_id=one.transaction,
                evse_number=one.evse,
                push_at=_push_at(station, one),
            )
            _announce(station, one)
            return


def remove(*, station: Station, criteria: Criteria, is_missing: bool = False) -> None:
    """End the profiles that the station has cleared, or that it says it does not have (`is_missing`).

    A profile that waits for its session is not at work yet, and stays.
    """
    state = State.MISSING if is_missing else State.CLEARED
    for one in list(INSTALLED.of(station)):
        if one.state != State.WAITING and criteria.fit(one):
            _end(station, one, state)


def end_with_sessions(station: Station) -> None:
    """End the TxProfiles whose session has ended (1.6 3.13.1; 2.x K01.FR.31 ff.), and those of remote starts
    that led to none in time.
    """
    profiles = INSTALLED.of(station)
    if not profiles:
        return
    for one in list(profiles):
        if one.state == State.WAITING:
            if one.until is None or one.until < station.received_at:
                _end(station, one, State.UNUSED)
        elif one.purpose == TX and not _runs(station, one):
            _end(station, one, State.ENDED)


def doubt(station: Station, *, purpose: str | None = None, session: int | None = None) -> None:
    """The station has restarted, and may have lost its profiles: 1.6 does not say that it must keep them, and
    a station of 2.1 says whether it keeps its TxProfiles. `purpose` and `session` restrict them.
    """
    for one in INSTALLED.of(station):
        is_meant = purpose in (None, one.purpose) and session in (None, one.transaction)
        # One that was in doubt already is not sent again before its session goes on once more.
        if is_meant and (one.state == State.INSTALLED or one.resumed_at is not None):
            one.state, one.resumed_at = State.UNVERIFIED.value, None
            one.attempts, one.asked_at, one.asked_by = 0, None, ""
            station.unit.update(INSTALLED_PROFILES, one.pk, state=one.state, resumed_at=None)


def report(*, station: Station, evse: int, payloads: Iterable[Mapping[str, Any]], source: str) -> None:
    """Store the profiles that the station reports. One that is known by its id, EVSE and source is confirmed;
    if the station has changed its place, the reported one replaces it. `source` is the chargingLimitSource.
    One without a schedule, which is no profile, is left out.
    """
    source, evse = source[:64], evse_of(evse)
    known = {(one.profile_id, one.evse, one.source): one for one in INSTALLED.of(station)}
    for payload in payloads:
        if not translate.has_schedule(payload):
            log.info("charging_profiles.without_schedule", station=station.identity)
            continue
        profile = translate.charging_profile(payload)
        one = known.get((profile.id, evse, source))
        if one is not None and (one.purpose, one.stack_level) == (profile.purpose, profile.stack_level):
            _confirm(station, one)
            continue
        if one is not None:
            _end(station, one, State.REPLACED)
        elif len(INSTALLED.of(station)) >= MOST:
            log.warning("charging_profiles.too_many", station=station.identity, most=MOST)
            return
        one = known[profile.id, evse, source] = _installed(station, evse, profile, payload, source=source)
        _add(station, one, profile, payload, confirmed_at=station.received_at)


def _confirm(station: Station, one: Installed) -> None:
    if one.state == State.UNVERIFIED:
        one.state = State.INSTALLED.value
    station.unit.update(INSTALLED_PROFILES, one.pk, state=one.state, confirmed_at=station.received_at)


def miss(
    *, station: Station, criteria: Criteria, reported: Collection[tuple[int, int]], before: datetime
) -> None:
    """End the profiles that a complete report does not have: `reported` are (id, EVSE). One that came after
    the question (`before`) may not be in it.
    """
    for one in list(INSTALLED.of(station)):
        is_older = one.since is not None and one.since < before
        is_missing = criteria.fit(one) and (one.profile_id, one.evse) not in reported
        if one.state != State.WAITING and is_older and is_missing:
            _end(station, one, State.MISSING)


def lose(station: Station, one: Installed) -> None:
    """End a profile that the station does not have any more, and does not take again."""
    _end(station, one, State.MISSING)


def release(*, station: Station, source: str, evse: int | None) -> None:
    """A source has released its limit: the station has removed the external constraints that came of it."""
    for one in list(INSTALLED.of(station)):
        if one.purpose == EXTERNAL and one.source == source[:64] and evse in (None, one.evse):
            _end(station, one, State.CLEARED)


# -- dynamic profiles (2.1 K28) ----------------------------------------------------------------------------


def update(*, station: Station, profile_id: int, values: Mapping[str, Any]) -> None:
    """The station has accepted these limits and setpoints for a dynamic profile; the others stay."""
    for one in INSTALLED.of(station):
        if one.profile_id == profile_id and one.dynamic is not None:
            one.dynamic = {**one.dynamic, **values}
            station.unit.update(
                INSTALLED_PROFILES, one.pk, dynamic=one.dynamic, push_at=_push_at(station, one)
            )


def stop_pushing(*, station: Station, profile_id: int) -> None:
    """The station has refused the limits that the server sent at their interval: it gets no more of them."""
    for one in INSTALLED.of(station):
        if one.profile_id == profile_id and one.interval_s is not None:
            station.unit.update(INSTALLED_PROFILES, one.pk, push_at=None)


def wanted_update(*, station: Station, profile_id: int) -> dict[str, Any] | None:
    """The limits and setpoints that a dynamic profile of this server has now; None if there is none. A
    station that asks for them is not sent them for another interval.
    """
    for one in INSTALLED.of(station):
        if one.profile_id == profile_id and one.is_ours and one.state != State.WAITING and one.dynamic:
            if one.interval_s is not None:
                station.unit.update(INSTALLED_PROFILES, one.pk, push_at=_push_at(station, one))
            return dict(one.dynamic)
    return None


def _push_at(station: Station, one: Installed) -> datetime | None:
    """When to send the limits of a dynamic profile, if the station does not ask for them by then."""
    if one.interval_s is None or one.state == State.WAITING:
        return None
    return pushing.first_at(station.received_at, one.interval_s)


# ----------------------------------------------------------------------------------------------------------


def _installed(  # noqa: PLR0913 - the columns of a profile
    station: Station,
    evse: int,
    profile: ChargingProfile,
    payload: Mapping[str, Any],
    *,
    command_id: str = "",
    source: str = OUR_SOURCE,
) -> Installed:
    return Installed(
        pk=station.row_key("profile", profile.id, evse, source),
        profile_id=profile.id,
        evse=evse,
        purpose=profile.purpose[:64],
        stack_level=profile.stack_level,
        state=State.INSTALLED.value,
        transaction=_transaction(station, evse, profile),
        command_id=command_id,
        source=source,
        since=station.received_at,
        payload=kept_payload(source, profile.purpose, payload),
        dynamic=rules_21.first_values(payload) if profile.kind == DYNAMIC else None,
        interval_s=rules_21.update_interval_s(payload) if source == OUR_SOURCE else None,
    )


def _transaction(station: Station, evse: int, profile: ChargingProfile) -> int | None:
    """The running session of a TxProfile, by the id that the station knows; without one by the EVSE."""
    if profile.purpose != TX:
        return None
    wanted = profile.transaction_id
    found = [
        transaction.id
        for transaction in station.transactions.values()
        if transaction.is_active and (transaction.ocpp_id == wanted if wanted else transaction.evse == evse)
    ]
    return max(found, default=None)


def _runs(station: Station, one: Installed) -> bool:
    if one.transaction is None:
        running = station.transactions.values()
        return any(transaction.is_active and transaction.evse == one.evse for transaction in running)
    transaction = station.transactions.get(one.transaction)
    return transaction is not None and transaction.is_active


def _replaced(station: Station, added: Installed) -> list[Installed]:
    """The profiles that the station removes for this one."""
    place = (added.purpose, added.evse, added.stack_level)
    return [
        old
        for old in INSTALLED.of(station)
        if old is not added
        and old.is_ours
        and old.state != State.WAITING
        and (old.profile_id == added.profile_id or (old.purpose, old.evse, old.stack_level) == place)
    ]


def _replace(station: Station, added: Installed) -> None:
    for old in _replaced(station, added):
        _end(station, old, State.REPLACED)


def _add(
    station: Station,
    added: Installed,
    profile: ChargingProfile,
    payload: Mapping[str, Any],
    *,
    confirmed_at: datetime | None = None,
) -> None:
    INSTALLED.of(station).append(added)
    station.unit.insert(
        INSTALLED_PROFILES,
        id=added.pk,
        charge_point_id=station.pk,
        command_id=added.command_id or None,
        transaction_id=added.transaction,
        profile_id=added.profile_id,
        evse_number=added.evse,
        purpose=added.purpose,
        stack_level=added.stack_level,
        kind=profile.kind[:32],
        payload=dict(payload),
        state=added.state,
        waits_until=added.until,
        source=added.source,
        is_planned=added.is_planned,
        dynamic=added.dynamic,
        update_interval_s=added.interval_s,
        push_at=_push_at(station, added),
        installed_at=station.received_at,
        confirmed_at=confirmed_at,
    )
    _announce(station, added)


def _end(station: Station, one: Installed, state: InstalledProfile.State) -> None:
    INSTALLED.of(station).remove(one)
    one.state = state.value
    station.unit.update(INSTALLED_PROFILES, one.pk, state=one.state, ended_at=station.received_at)
    _announce(station, one)


def _announce(station: Station, one: Installed) -> None:
    station.emit(
        events.PROFILE_CHANGED,
        chargingProfileId=one.profile_id,
        evseId=one.evse,
        purpose=one.purpose,
        stackLevel=one.stack_level,
        transactionId=one.transaction,
        state=one.state,
        requestId=one.command_id or None,
    )
