"""Profiles that end with their session, and those that wait for the session of a remote start."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smart_charging.live import INSTALLED, Installed
from smart_charging.services.smart_charging import installed, remote_starts
from smart_charging.tables import INSTALLED_PROFILES
from tests.unit.chargepoints.in_memory import NOON, a_station, changed, events, rows
from tests.unit.smart_charging.smart_charging.profiles import left, payload, with_profiles
from tests.unit.transactions.transactions.live_station import running


@pytest.mark.parametrize(
    ("transaction", "evse", "ends"),
    [(1000, 1, False), (1001, 1, True), (1009, 1, True), (None, 1, False), (None, 2, True), (None, 3, True)],
)
def test_a_profile_of_a_session_ends_with_it(transaction: int | None, evse: int, ends: bool) -> None:
    station = with_profiles()
    for one in (running(1000), running(1001, evse=2, is_active=False)):
        station.transactions[one.id] = one
    INSTALLED.of(station).append(Installed("pk-4", 4, evse, "TxProfile", 0, "installed", transaction))

    installed.end_with_sessions(station)

    assert (left(station) == [1, 2, 3]) is ends
    assert changed(station, INSTALLED_PROFILES) == (
        {"pk-4": {"state": "ended", "ended_at": NOON}} if ends else {}
    )


@pytest.mark.parametrize(("seconds", "is_unused"), [(-1, True), (0, False), (1, False), (None, True)])
def test_a_profile_waits_for_its_session_until_its_time(seconds: int | None, is_unused: bool) -> None:
    station = a_station()
    until = None if seconds is None else NOON + timedelta(seconds=seconds)
    INSTALLED.of(station).append(Installed("pk", 4, 1, "TxProfile", 0, "waiting", None, "c-1", until))

    installed.end_with_sessions(station)

    assert (left(station) == []) is is_unused
    assert [data["state"] for _type, data in events(station)] == ["unused"] * is_unused


@pytest.mark.parametrize("evse", [None, 2])
def test_the_profile_of_a_remote_start_waits_and_replaces_nothing(evse: int | None) -> None:
    station = with_profiles()
    station.transactions[1000] = running(1000, evse=evse or 0)
    until = NOON + timedelta(seconds=60)
    profile = payload(1, "TxProfile")

    remote_starts.wait(station, command_id="c-1", evse=evse, profile=profile, until=until)

    (row,) = rows(station, INSTALLED_PROFILES)
    wanted = {
        "state": "waiting",
        "waits_until": until,
        "transaction_id": None,
        "evse_number": evse or 0,
        "command_id": "c-1",
        "payload": profile,
        "kind": "Relative",
    }
    assert {name: row[name] for name in wanted} == wanted
    assert [data["state"] for _type, data in events(station)] == ["waiting"]
    assert left(station) == [1, 2, 3, 1]


@pytest.mark.parametrize(("evse", "place"), [(2, 2), (None, 5)])
def test_the_profile_begins_with_the_session_of_its_remote_start(evse: int | None, place: int) -> None:
    station = with_profiles()
    for number, command, state in ((7, "c-0", "waiting"), (8, "c-1", "installed"), (1, "c-1", "waiting")):
        one = Installed(f"w-{number}", number, 5, "TxProfile", number, state, None, command, NOON)
        INSTALLED.of(station).append(one)

    remote_starts.begin(station, command_id="c-1", transaction=running(1000, evse=evse))

    assert changed(station, INSTALLED_PROFILES) == {
        "pk-1": {"state": "replaced", "ended_at": NOON},
        "w-1": {"state": "installed", "transaction_id": 1000, "evse_number": place, "push_at": None},
    }
    assert left(station) == [2, 3, 7, 8, 1]
    begun = INSTALLED.of(station)[-1]
    assert (begun.state, begun.transaction, begun.evse) == ("installed", 1000, place)
    assert [(data["chargingProfileId"], data["state"]) for _type, data in events(station)] == [
        (1, "replaced"),
        (1, "installed"),
    ]
    assert events(station)[1][1]["transactionId"] == 1000
