"""The default tariffs of a station, kept from its answers (2.1 I07, I09, I10).

The functions use the database; handlers run them in the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from django.db import transaction

from ocpp_server.events import outbox
from ocpp_server.events.catalogue import tariffs as events
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from tariffs.models import StationTariff

log = structlog.get_logger(__name__)
State = StationTariff.State

# A station can report any number of tariffs: beyond this many, no further one of others is stored.
MOST_FOREIGN: Final = 100
ACCEPTED: Final = "Accepted"
_NO_TARIFF: Final = "NoTariff"
_DRIVER: Final = "DriverTariff"
_MOST_ID, _MOST_WORD, _MOST_REASON, _LARGEST_EVSE = 60, 32, 255, 2**31 - 1


class Place(NamedTuple):
    """The station, as rows and events name it."""

    pk: int
    identity: str
    site: int | None


class Answered(NamedTuple):
    """The answer of a station to a default tariff."""

    command_id: str
    evse: int
    tariff: Mapping[str, Any]
    status: str
    reason: str
    at: datetime


class Reported(NamedTuple):
    """A default tariff in a station's report: the EVSEs that have it, none if the report does not say."""

    evses: tuple[int, ...]
    valid_from: datetime | None


def place(station: Station) -> Place:
    return Place(station.pk, station.identity, station.site_pk)


def answered(at: Place, answer: Answered) -> None:
    """Store a default tariff with the answer of the station. An accepted one replaces the one before it at
    its EVSE (I07.FR.20-22).
    """
    starts = answer.tariff.get("validFrom")
    row = StationTariff(
        charge_point_id=at.pk,
        command_id=answer.command_id or None,
        tariff_id=str(answer.tariff["tariffId"])[:_MOST_ID],
        evse_number=answer.evse,
        tariff=dict(answer.tariff),
        valid_from=translate.sent_time(starts) if starts else None,
        state=State.ACCEPTED,
        status=answer.status[:_MOST_WORD],
        reason=answer.reason[:_MOST_REASON],
        set_at=answer.at,
    )
    with transaction.atomic():
        if answer.status == ACCEPTED:
            for old in _current(at):
                if is_replaced(old, row, now=answer.at):
                    _change(at, old, State.REPLACED, answer.at)
        else:
            row.state, row.ended_at = State.REFUSED, answer.at
        row.save(force_insert=True)
        _announce(at, row)


def is_replaced(old: StationTariff, new: StationTariff, *, now: datetime) -> bool:
    """Whether a station that has both removes the old one: they meet at its EVSE, and the new one is valid
    and begins no earlier (I07.FR.20-23).
    """
    if old.pk == new.pk or new.evse_number not in (0, old.evse_number):
        return False
    if old.tariff_id == new.tariff_id:
        return True
    if new.valid_from is None:
        return old.valid_from is None
    return new.valid_from <= now and (old.valid_from is None or old.valid_from <= new.valid_from)


def compare(at: Place, *, evse: int, assignments: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Compare the wanted tariffs with the station's report about one EVSE, or about all (0).

    A report about one EVSE says nothing about a tariff of the whole station that is not there: another one
    may have replaced it at this EVSE alone.
    """
    reported = read(assignments)
    with transaction.atomic():
        rows = list(_current(at))
        for row in rows:
            found = reported.get(row.tariff_id)
            is_there = found is not None and (
                not row.evse_number or not found.evses or row.evse_number in found.evses
            )
            if is_there:
                assert found is not None
                _found(at, row, found, now)
            elif evse in (0, row.evse_number):
                _missed(at, row, rows, now)
        known = {row.tariff_id for row in rows}
        foreign = [each for each in reported.items() if each[0] not in known]
        room = MOST_FOREIGN - sum(row.state == State.FOREIGN for row in rows)
        if len(foreign) > room:
            log.warning("station_tariffs.too_many", station=at.identity, most=MOST_FOREIGN)
        for tariff_id, one in foreign[: max(room, 0)]:
            _add_foreign(at, tariff_id, one, now)


def read(assignments: Iterable[Mapping[str, Any]]) -> dict[str, Reported]:
    """The default tariffs of a report by id. Tariffs of drivers are those of their sessions alone."""
    found: dict[str, Reported] = {}
    for one in assignments:
        if one["tariffKind"] == _DRIVER:
            continue
        evses = {number for number in one.get("evseIds", ()) if 0 < number <= _LARGEST_EVSE}
        key = one["tariffId"][:_MOST_ID]
        before = found.get(key, Reported((), None))
        found[key] = Reported(tuple(sorted({*before.evses, *evses})), before.valid_from or _moment(one))
    return found


def cleared(
    at: Place,
    *,
    asked: Collection[str] | None,
    evse: int,
    results: Iterable[Mapping[str, Any]],
    now: datetime,
) -> None:
    """End the tariffs that the station has cleared, or that it says it does not have (I10).

    A result without an id is about all that were asked for; `asked` is None for every tariff.
    """
    gone: set[str] = set()
    is_about_all = False
    for result in results:
        if result["status"] in (ACCEPTED, _NO_TARIFF):
            named = result.get("tariffId")
            gone |= {named} if named else set(asked or ())
            is_about_all |= named is None and asked is None
    with transaction.atomic():
        for row in _current(at):
            if (is_about_all or row.tariff_id in gone) and evse in (0, row.evse_number):
                _change(at, row, State.CLEARED, now)


def _current(at: Place) -> Iterable[StationTariff]:
    return StationTariff.objects.current().filter(charge_point=at.pk).order_by("set_at", "pk")


def _since(row: StationTariff) -> datetime:
    """When the station began to use a tariff that is valid, if no other one was in the way."""
    return max(row.set_at, row.valid_from or row.set_at)


def _found(at: Place, row: StationTariff, found: Reported, now: datetime) -> None:
    row.evse_numbers, row.checked_at = list(found.evses), now
    changes = row.state in (State.ACCEPTED, State.MISSING)
    if changes:
        row.state = State.CONFIRMED
    row.save(update_fields=["evse_numbers", "checked_at", "state"])
    if changes:
        _announce(at, row)


def _missed(at: Place, row: StationTariff, rows: Iterable[StationTariff], now: datetime) -> None:
    row.evse_numbers, row.checked_at = [], now
    if row.state == State.FOREIGN:
        _change(at, row, State.CLEARED, now)
    elif any(
        is_replaced(row, other, now=now) and _since(other) >= _since(row)
        for other in rows
        if other.ended_at is None
    ):
        _change(at, row, State.REPLACED, now)
    elif row.state != State.MISSING:
        _change(at, row, State.MISSING, now)
    else:
        row.save(update_fields=["evse_numbers", "checked_at"])


def _change(at: Place, row: StationTariff, state: StationTariff.State, now: datetime) -> None:
    row.state = state
    if state != State.MISSING:
        row.ended_at = now
    row.save(update_fields=["state", "ended_at", "evse_numbers", "checked_at"])
    _announce(at, row)


def _add_foreign(at: Place, tariff_id: str, one: Reported, now: datetime) -> None:
    row = StationTariff(
        charge_point_id=at.pk,
        tariff_id=tariff_id,
        evse_number=one.evses[0] if len(one.evses) == 1 else 0,
        valid_from=one.valid_from,
        state=State.FOREIGN,
        evse_numbers=list(one.evses),
        set_at=now,
        checked_at=now,
    )
    row.save(force_insert=True)
    _announce(at, row)


def _moment(one: Mapping[str, Any]) -> datetime | None:
    """The validFrom of an assignment; None for a text that is no time."""
    try:
        return translate.sent_time(one["validFrom"])
    except (KeyError, ValueError, OverflowError):
        return None


def _announce(at: Place, row: StationTariff) -> None:
    outbox.emit(
        events.TARIFF_CHANGED,
        station=at.identity,
        site=at.site,
        tariffId=row.tariff_id,
        evseId=row.evse_number,
        state=str(row.state),
        requestId=row.command_id,
    )
