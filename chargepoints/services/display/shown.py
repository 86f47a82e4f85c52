"""The messages on a station's displays, kept from its answers and reports, and from the ends of sessions.

A message is stored in the unit of work of the answer that shows it. The command that asked for it has stored
a row with the same key; without one, the answer to the generic command stores it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog

from chargepoints.live import DISPLAYS, Shown
from chargepoints.models import DisplayMessage
from chargepoints.services.follow_ups.recording import whole
from chargepoints.tables import DISPLAY_MESSAGES
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate

log = structlog.get_logger(__name__)
State = DisplayMessage.State
_ALWAYS_FRONT: Final = DisplayMessage.Priority.ALWAYS_FRONT.value

# A station can report any number of messages: beyond this many, no further one is stored.
MOST: Final = 500
_MOST_CONTENT: Final = 2000  # characters; OCPP 2.1 has 1024


class Criteria(NamedTuple):
    """The messages that a request is about; None: any. All given ones must fit."""

    ids: tuple[int, ...] | None = None
    priority: str | None = None
    station_state: str | None = None

    def fit(self, one: Shown) -> bool:
        return (
            (self.ids is None or one.number in self.ids)
            and self.priority in (None, one.priority)
            and self.station_state in (None, one.station_state)
        )


class Report(NamedTuple):
    """The end of a report: what was asked for, when, and the messages in the earlier parts."""

    criteria: Criteria
    asked_at: datetime
    before: frozenset[int]


def criteria_of(request: Mapping[str, Any]) -> Criteria:
    """The criteria of a GetDisplayMessages."""
    ids = request.get("id")
    return Criteria(
        ids=None if ids is None else tuple(ids),
        priority=request.get("priority"),
        station_state=request.get("state"),
    )


def current(station: Station) -> list[Shown]:
    """The messages that have not passed their end; those that have are forgotten here, and ended by a job."""
    kept = [one for one in DISPLAYS.of(station) if one.ends_at is None or one.ends_at > station.received_at]
    DISPLAYS.of(station)[:] = kept
    return kept


# -- answers -------------------------------------------------------------------------------------------------


def accept(*, station: Station, command_id: str, message: Mapping[str, Any]) -> None:
    """The station has taken the message. It replaces the one with its ID (O06), and one that always is in
    front replaces the other such one on the same display (O01.FR.16). `message` is as it was sent.
    """
    columns = columns_of(message)
    for old in current(station):
        is_in_its_place = (
            columns["priority"] == old.priority == _ALWAYS_FRONT and columns["display"] == old.display
        )
        if old.pk == command_id:
            DISPLAYS.of(station).remove(old)
        elif old.number == columns["number"] or is_in_its_place:
            _end(station, old, State.REPLACED)
    _insert(station, command_id, columns)
    station.unit.update(
        DISPLAY_MESSAGES,
        command_id,
        state=State.CONFIRMED.value,
        reason="",
        confirmed_at=station.received_at,
        ended_at=None,
    )
    DISPLAYS.of(station).append(_shown(command_id, columns, station.received_at))


def refuse(*, station: Station, command_id: str, message: Mapping[str, Any], reason: str) -> None:
    """The station has not taken the message; one that has its ID stays as it is."""
    DISPLAYS.of(station)[:] = [one for one in DISPLAYS.of(station) if one.pk != command_id]
    _insert(station, command_id, columns_of(message))
    station.unit.update(
        DISPLAY_MESSAGES,
        command_id,
        state=State.REFUSED.value,
        reason=reason,
        confirmed_at=None,
        ended_at=station.received_at,
    )


def remove(*, station: Station, criteria: Criteria, is_missing: bool = False) -> None:
    """End the messages that the station has cleared, or that it says it does not have (`is_missing`)."""
    for one in current(station):
        if criteria.fit(one):
            _end(station, one, State.MISSING if is_missing else State.CLEARED)


def end_with_session(station: Station, ended: str) -> None:
    """End the messages of a session that has just ended, by the station's ID of it (O02.FR.02), and those of
    sessions that were ended here.
    """
    if not DISPLAYS.of(station):
        return
    running = {one.ocpp_id: one.is_active for one in station.transactions.values()}
    for one in current(station):
        if one.transaction and (one.transaction == ended or running.get(one.transaction) is False):
            _end(station, one, State.ENDED)


# -- reports -------------------------------------------------------------------------------------------------


def report(*, station: Station, messages: Iterable[Mapping[str, Any]], end: Report | None) -> None:
    """Compare the messages that the station reports with the known ones. With the last part (`end`), those
    that were asked for and not reported are missing.
    """
    known = {one.number: one for one in current(station)}
    seen = set()
    for place, message in enumerate(messages):
        columns = columns_of(message)
        number = columns["number"]
        seen.add(number)
        one = known.get(number)
        if one is not None and one.text == (columns["format"], columns["content"]):
            _confirm(station, one)
            continue
        if one is not None:
            _end(station, one, State.REPLACED)
        if len(DISPLAYS.of(station)) >= MOST:
            log.warning("display_messages.too_many", station=station.identity, most=MOST)
            return
        known[number] = _add_foreign(station, columns, station.row_key("display", number, place))
    if end is not None:
        for one in current(station):
            is_known = one.number in seen or one.number in end.before
            if not is_known and one.since <= end.asked_at and end.criteria.fit(one):
                _end(station, one, State.MISSING)


def _confirm(station: Station, one: Shown) -> None:
    if not one.is_confirmed:
        one.is_confirmed, one.since = True, station.received_at
        station.unit.update(
            DISPLAY_MESSAGES, one.pk, state=State.CONFIRMED.value, confirmed_at=station.received_at
        )


def _add_foreign(station: Station, columns: dict[str, Any], key: str) -> Shown:
    added = _shown(key, columns, station.received_at)
    station.unit.insert(
        DISPLAY_MESSAGES,
        **columns,
        id=added.pk,
        charge_point_id=station.pk,
        is_foreign=True,
        state=State.CONFIRMED.value,
        created_at=station.received_at,
        confirmed_at=station.received_at,
    )
    DISPLAYS.of(station).append(added)
    return added


def _insert(station: Station, command_id: str, columns: dict[str, Any]) -> None:
    """The row of an answered request, unless its command has stored it."""
    station.unit.insert(
        DISPLAY_MESSAGES,
        **columns,
        id=command_id,
        charge_point_id=station.pk,
        actor=station.actor[:150],
        created_at=station.asked_at,
    )


def _end(station: Station, one: Shown, state: DisplayMessage.State) -> None:
    DISPLAYS.of(station).remove(one)
    station.unit.update(DISPLAY_MESSAGES, one.pk, state=state.value, ended_at=station.received_at)


def _shown(pk: str, columns: Mapping[str, Any], at: datetime) -> Shown:
    return Shown(
        pk=pk,
        number=columns["number"],
        priority=columns["priority"],
        station_state=columns["station_state"],
        transaction=columns["transaction"],
        ends_at=columns["ends_at"],
        text=(columns["format"], columns["content"]),
        display=columns["display"],
        since=at,
    )


# -- the content of a message --------------------------------------------------------------------------------


def number_of(message: Mapping[str, Any]) -> int:
    """The ID of a message, within the limits of the column."""
    return whole(message.get("id")) or 0


def columns_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a MessageInfo, as it was sent or reported. A tolerated report may lack any field."""
    content = message.get("message") or {}
    return {
        "number": number_of(message),
        "priority": _text(message, "priority", 16),
        "station_state": _text(message, "state", 16),
        "starts_at": translate.plain_time(message.get("startDateTime")),
        "ends_at": translate.plain_time(message.get("endDateTime")),
        "transaction": _text(message, "transactionId", 36),
        "format": _text(content, "format", 16),
        "language": _text(content, "language", 8),
        "content": _text(content, "content", _MOST_CONTENT),
        "extra": list(message.get("messageExtra") or ()),
        "display": dict(message.get("display") or {}),
    }


def _text(fields: Mapping[str, Any], name: str, most: int) -> str:
    """A field of a station, which may lack it, at the length of its column."""
    value = fields.get(name)
    return value[:most] if isinstance(value, str) else ""
