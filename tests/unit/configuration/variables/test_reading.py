"""Which stations a reading claims, and what its result leaves for the next one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration import jobs
from configuration.commands.variables import whole
from configuration.models import ConfigurationState
from configuration.services.variables import reading
from configuration.services.variables.reading import CLAIM, PAUSES, Claimed, Done
from ocpp_server.storage.journal import journal

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
EARLIER = NOW - timedelta(minutes=1)


def waiting(identity: str = "CP-1", *, firmware: str = "1", row: Any = None, **columns: Any) -> ChargePoint:
    usual = {"is_online": True, "registration_status": "Accepted", "firmware_version": firmware}
    charge_point = ChargePoint.objects.create(identity=identity, **(usual | (row or {})))
    ConfigurationState.objects.create(charge_point=charge_point, **({"due_at": EARLIER} | columns))
    return charge_point


def claimed() -> list[str]:
    return [one.charge_point.identity for one in reading.claim(10, NOW)]


def test_a_station_is_claimed_once() -> None:
    waiting()

    assert (claimed(), claimed()) == (["CP-1"], [])


def test_no_more_than_the_free_places_are_claimed_the_longest_due_first() -> None:
    for number in range(3):
        waiting(f"CP-{number}", due_at=EARLIER - timedelta(minutes=number))

    assert [one.charge_point.identity for one in reading.claim(2, NOW)] == ["CP-2", "CP-1"]


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"is_online": False}, {}),
        ({"registration_status": "Pending"}, {}),
        ({"registration_status": "Rejected"}, {}),
        ({}, {"due_at": NOW + timedelta(seconds=1)}),
        ({}, {"due_at": None}),
        ({}, {"claimed_at": NOW - CLAIM}),
    ],
)
def test_a_station_waits_that_is_away_or_not_accepted_or_not_due_or_being_read(
    row: dict[str, Any], columns: dict[str, Any]
) -> None:
    waiting(row=row, **columns)

    assert claimed() == []


def test_the_claim_of_a_process_that_died_ends() -> None:
    waiting(claimed_at=NOW - CLAIM - timedelta(seconds=1))

    assert claimed() == ["CP-1"]


def test_the_claim_of_a_process_that_stops_is_given_back() -> None:
    waiting()
    (mine,) = reading.claim(10, NOW - timedelta(seconds=1))

    reading.release(mine)

    assert claimed() == ["CP-1"]
    reading.release(mine)  # late: another process has the claim meanwhile
    assert claimed() == []


def test_a_reading_that_is_interrupted_gives_its_claim_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(function: Any, *args: Any) -> Any:
        return function(*args)

    async def stop(*args: Any) -> Done:
        raise asyncio.CancelledError

    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(whole, "read_claimed", stop)
    waiting()
    (mine,) = reading.claim(10, NOW)

    with pytest.raises(asyncio.CancelledError):
        jobs.read_one(mine).send(None)

    assert claimed() == ["CP-1"]


def test_the_same_firmware_is_not_read_again() -> None:
    waiting(read_at=EARLIER, firmware_version="1")
    waiting("CP-2", read_at=EARLIER, firmware_version="0")

    assert claimed() == ["CP-2"]
    assert ConfigurationState.objects.get(charge_point__identity="CP-1").due_at is None


def _claimed() -> Claimed:
    (one,) = reading.claim(1, datetime.now(UTC))
    return one


def test_a_complete_reading_is_remembered_with_its_firmware_and_manner() -> None:
    waiting(attempts=2, problem="before")

    assert reading.finish(_claimed(), Done("parts"))

    state = ConfigurationState.objects.get()
    assert (state.manner, state.firmware_version, state.problem) == ("parts", "1", "")
    assert (state.attempts, state.due_at, state.claimed_at) == (0, None, None)
    assert state.read_at is not None
    assert state.whole_at is None


def test_an_incomplete_reading_is_repeated_later_and_later_until_the_next_boot() -> None:
    waiting()
    for pause in (*PAUSES, None):
        assert reading.finish(_claimed(), Done("whole", problem="No answer."))
        state = ConfigurationState.objects.get()
        if pause is None:
            assert state.due_at is None
        else:
            assert state.due_at is not None
            assert abs(state.due_at - datetime.now(UTC) - pause) < timedelta(minutes=1)
            ConfigurationState.objects.update(due_at=EARLIER)

    assert (state.problem, state.read_at) == ("No answer.", None)


def test_a_reading_that_a_boot_interrupts_does_not_end_the_one_that_the_boot_made_due() -> None:
    waiting()
    one = _claimed()
    ConfigurationState.objects.update(claimed_at=None)  # as a boot does

    assert not reading.finish(one, Done("whole"))
    assert ConfigurationState.objects.get().due_at == EARLIER


def test_a_station_that_booted_before_an_update_of_the_server_is_found() -> None:
    usual = {"is_online": True, "registration_status": "Accepted", "last_boot_at": EARLIER}
    for identity, more in {
        "A": {},
        "B": {"is_online": False},
        "C": {"registration_status": "Pending"},
        "D": {"last_boot_at": None},
    }.items():
        ChargePoint.objects.create(identity=identity, **(usual | more))

    reading.find_unread()
    reading.find_unread()

    assert [one.charge_point.identity for one in reading.claim(10)] == ["A"]
