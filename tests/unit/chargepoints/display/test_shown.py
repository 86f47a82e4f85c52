"""The messages of a station in memory: what its answers and reports change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.handlers import display as handlers
from chargepoints.live import DISPLAYS
from chargepoints.services.display import shown
from chargepoints.services.display.shown import Criteria, Report
from chargepoints.tables import DISPLAY_MESSAGES
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V201
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, changed, rows

ACCEPTED = {"status": "Accepted"}
BEFORE = NOON - timedelta(hours=1)


def message(number: int = 5, content: str = "Hi", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "priority": "NormalCycle",
        "message": {"format": "UTF8", "content": content},
        **more,
    }


def with_messages(*messages: dict[str, Any]) -> Station:
    """A station with these messages, set an hour ago; their keys are m5, m6 and so on."""
    station = a_station(version=V201)
    station.received_at = BEFORE
    for one in messages:
        shown.accept(station=station, command_id=f"m{one['id']}", message=one)
    station.received_at = NOON
    station.unit.clear()
    return station


def left(station: Station) -> list[int]:
    return [one.number for one in DISPLAYS.of(station)]


def states(station: Station) -> dict[str, str]:
    return {key: columns["state"] for key, columns in changed(station, DISPLAY_MESSAGES).items()}


async def set_(station: Station, one: dict[str, Any], response: dict[str, Any], key: str = "c1") -> None:
    await handlers.display_message_answered(station, {"message": one}, response, key)


async def test_an_accepted_message_is_stored_whole() -> None:
    station = a_station(version=V201, actor="ann", asked_at=BEFORE)
    extra = [{"format": "UTF8", "language": "de", "content": "Hallo"}]
    one = message(
        state="Charging",
        startDateTime="2026-05-04T13:00:00+02:00",
        endDateTime="9999-12-31T23:59:59Z",
        transactionId="T1",
        messageExtra=extra,
        display={"name": "Left"},
    )
    one["message"]["language"] = "en"

    await set_(station, one, ACCEPTED)

    (row,) = rows(station, DISPLAY_MESSAGES)
    assert row | {"starts_at": None, "ends_at": None} == {
        "id": "c1", "charge_point_id": STATION, "number": 5, "is_foreign": False, "priority": "NormalCycle",
        "station_state": "Charging", "starts_at": None, "ends_at": None, "transaction": "T1",
        "format": "UTF8", "language": "en", "content": "Hi", "extra": extra, "display": {"name": "Left"},
        "state": "requested", "reason": "", "actor": "ann", "created_at": BEFORE, "confirmed_at": None,
        "ended_at": None,
    }  # fmt: skip
    assert (row["starts_at"].hour, row["ends_at"].year) == (11, 9999)
    assert changed(station, DISPLAY_MESSAGES) == {
        "c1": {"state": "confirmed", "reason": "", "confirmed_at": NOON, "ended_at": None}
    }
    assert left(station) == [5]


async def test_a_refused_message_has_the_reason_and_leaves_the_one_before() -> None:
    station = with_messages(message())
    info = {"reasonCode": "Full", "additionalInfo": "x" * 700}

    await set_(station, message(content="New"), {"status": "Rejected", "statusInfo": info})

    (columns,) = changed(station, DISPLAY_MESSAGES).values()
    assert columns["state"] == "refused"
    assert columns["reason"] == f"Rejected: Full: {'x' * 700}"[:600]
    assert (columns["ended_at"], left(station)) == (NOON, [5])


@pytest.mark.parametrize(
    ("old", "new", "is_replaced"),
    [
        (message(), message(content="New"), True),
        (message(), message(6), False),
        (message(priority="AlwaysFront"), message(6, priority="AlwaysFront"), True),
        (message(priority="AlwaysFront"), message(6, priority="InFront"), False),
        (message(priority="InFront"), message(6, priority="InFront"), False),
        (
            message(priority="AlwaysFront", display={"name": "L"}),
            message(6, priority="AlwaysFront"),
            False,
        ),
    ],
)
async def test_a_message_replaces_another_one(
    old: dict[str, Any], new: dict[str, Any], *, is_replaced: bool
) -> None:
    station = with_messages(old)

    await set_(station, new, ACCEPTED)

    assert states(station) == {"c1": "confirmed"} | ({"m5": "replaced"} if is_replaced else {})
    assert left(station) == ([] if is_replaced else [5]) + [new["id"]]


async def test_an_answer_that_is_handled_twice_leaves_one_message() -> None:
    station = a_station(version=V201)

    await set_(station, message(), ACCEPTED)
    await set_(station, message(), ACCEPTED)

    assert left(station) == [5]
    assert states(station) == {"c1": "confirmed"}


@pytest.mark.parametrize(
    ("status", "state"), [("Accepted", "cleared"), ("Unknown", "missing"), ("Rejected", "")]
)
async def test_the_answer_to_clear(status: str, state: str) -> None:
    station = with_messages(message(), message(6))

    await handlers.clearing_answered(station, {"id": 5}, {"status": status}, "c1")

    assert states(station) == ({"m5": state} if state else {})
    assert left(station) == ([6] if state else [5, 6])


@pytest.mark.parametrize(
    ("kind", "transaction", "remain"),
    [("Ended", "T1", [6]), ("Ended", "T2", [5, 6]), ("Updated", "T1", [5, 6])],
)
async def test_the_end_of_a_session(kind: str, transaction: str, remain: list[int]) -> None:
    station = with_messages(message(transactionId="T1"), message(6))
    request = {"eventType": kind, "transactionInfo": {"transactionId": transaction}}

    await handlers.session_changed(station, request)

    assert left(station) == remain
    assert states(station) == ({} if len(remain) > 1 else {"m5": "ended"})


def test_a_message_that_has_passed_its_end_is_not_looked_at() -> None:
    station = with_messages(message(endDateTime="2026-05-04T12:00:00Z"), message(6))

    shown.remove(station=station, criteria=Criteria(), is_missing=True)

    assert (states(station), left(station)) == ({"m6": "missing"}, [])


# -- reports -------------------------------------------------------------------------------------------------


def test_a_report_confirms_adds_and_replaces() -> None:
    station = with_messages(message(), message(6))
    DISPLAYS.of(station)[0].is_confirmed = False

    shown.report(station=station, messages=[message(), message(6, "Other"), message(7)], end=None)

    assert states(station) == {"m5": "confirmed", "m6": "replaced"}
    added = rows(station, DISPLAY_MESSAGES)
    assert [(row["number"], row["content"], row["state"]) for row in added] == [
        (6, "Other", "confirmed"), (7, "Hi", "confirmed")
    ]  # fmt: skip
    assert all(row["is_foreign"] and row["confirmed_at"] == NOON for row in added)
    assert left(station) == [5, 6, 7]


@pytest.mark.parametrize(
    ("criteria", "asked_at", "before", "missing"),
    [
        (Criteria(), NOON, (), {"m5", "m6"}),
        (Criteria(), NOON, (6,), {"m5"}),
        (Criteria(), BEFORE, (), {"m5", "m6"}),
        # Set after the request: the report may not have it yet.
        (Criteria(), BEFORE - timedelta(seconds=1), (), set()),
        (Criteria(ids=(6, 7)), NOON, (), {"m6"}),
        (Criteria(priority="InFront"), NOON, (), {"m6"}),
        (Criteria(station_state="Idle"), NOON, (), {"m6"}),
        (Criteria(ids=(5,), priority="InFront"), NOON, (), set()),
    ],
)
def test_missing_is_what_was_asked_for_and_not_reported(
    criteria: Criteria, asked_at: Any, before: tuple[int, ...], missing: set[str]
) -> None:
    station = with_messages(message(), message(6, priority="InFront", state="Idle"), message(7))

    shown.report(station=station, messages=[message(7)], end=Report(criteria, asked_at, frozenset(before)))

    assert states(station) == dict.fromkeys(missing, "missing")


def test_a_station_can_not_report_without_bound() -> None:
    station = a_station(version=V201)

    shown.report(station=station, messages=[message(number) for number in range(shown.MOST + 5)], end=None)

    assert len(left(station)) == shown.MOST == len(rows(station, DISPLAY_MESSAGES))


def test_hostile_values_are_cut_to_the_columns() -> None:
    station = a_station(version=V201)
    one = message(2**80, endDateTime="soon", state="x" * 99, transactionId="y" * 99)
    one["message"] |= {"format": "f" * 99, "language": "l" * 99}

    shown.report(station=station, messages=[one], end=None)

    (row,) = rows(station, DISPLAY_MESSAGES)
    assert (row["number"], row["ends_at"]) == (2**63 - 1, None)
    assert (row["station_state"], row["transaction"]) == ("x" * 16, "y" * 36)
    assert (row["format"], row["language"]) == ("f" * 16, "l" * 8)
