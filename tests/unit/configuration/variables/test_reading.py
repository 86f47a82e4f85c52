"""Which stations a reading claims, and what its result leaves for the next one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration import jobs
from configuration.commands.variables import whole
from configuration.models import (
    ConfigurationState,
    ConfigurationTemplate,
    DesiredValue,
    ReportedKey,
    TemplateAssignment,
)
from configuration.services.variables import reading
from configuration.services.variables.reading import CLAIM, PAUSES, Claimed, Done
from ocpp_server.storage.journal import journal

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
EARLIER = NOW - timedelta(minutes=1)


def waiting(identity: str = "CP-1", row: Any = None, *, firmware: str = "1", **columns: Any) -> ChargePoint:
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
        ({}, {"claimed_at": NOW}),
    ],
)
def test_a_station_waits_that_is_away_or_not_accepted_or_not_due_or_being_read(
    row: dict[str, Any], columns: dict[str, Any]
) -> None:
    waiting(row=row, **columns)

    assert claimed() == []


def test_a_station_is_due_from_its_time_on() -> None:
    waiting(due_at=NOW)

    assert claimed() == ["CP-1"]
    assert ConfigurationState.objects.get().claimed_at == NOW


def test_a_claim_has_the_state_before_it() -> None:
    made = waiting(attempts=3)

    (one,) = reading.claim(1)

    assert (one.charge_point, one.state.pk, one.state.attempts) == (made, made.pk, 3)
    assert ConfigurationState.objects.get().claimed_at == one.at
    assert datetime.now(UTC) - one.at < timedelta(minutes=1)


def test_a_station_that_another_process_has_claimed_first_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting(due_at=EARLIER - timedelta(minutes=1))
    waiting("CP-2")

    def other(charge_point: ChargePoint, state: ConfigurationState, at: datetime) -> Claimed:
        ConfigurationState.objects.exclude(pk=state.pk).update(claimed_at=NOW - timedelta(minutes=1))
        return Claimed(charge_point, state, at)

    monkeypatch.setattr(reading, "Claimed", other)

    assert claimed() == ["CP-1"]
    assert ConfigurationState.objects.get(claimed_at=NOW).charge_point.identity == "CP-1"


def test_a_process_that_has_not_finished_after_15_minutes_has_died() -> None:
    assert timedelta(minutes=15) == CLAIM


def test_the_pauses_are_a_minute_to_two_hours() -> None:
    assert [pause.total_seconds() for pause in PAUSES] == [60, 300, 1800, 7200]


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

    waiting("CP-3", firmware_version="1")
    wanted = waiting("CP-4", read_at=EARLIER, firmware_version="1")
    DesiredValue.objects.create(charge_point=wanted, key="A", value="1")
    waiting("CP-5", read_at=EARLIER, firmware_version="1", is_stale=True)
    waiting("CP-6", {"is_online": False}, read_at=EARLIER, firmware_version="1")

    assert sorted(claimed()) == ["CP-2", "CP-3", "CP-4", "CP-5"]
    states = ConfigurationState.objects.order_by("charge_point__identity")
    assert [state.due_at for state in states] == [None, *[EARLIER] * 5]
    assert states[0].claimed_at is None


def test_a_dead_claim_on_what_needs_no_reading_ends() -> None:
    waiting(read_at=EARLIER, firmware_version="1", claimed_at=NOW - 2 * CLAIM)

    assert claimed() == []
    assert ConfigurationState.objects.get().claimed_at is None


@pytest.mark.parametrize(
    ("read_at", "firmware", "is_whole"),
    [(None, "1", True), (EARLIER, "1", False), (EARLIER, "0", True), (None, "0", True)],
)
def test_everything_is_read_at_first_and_with_another_firmware(
    read_at: datetime | None, firmware: str, is_whole: bool
) -> None:
    state = ConfigurationState(read_at=read_at, firmware_version=firmware)

    assert Claimed(ChargePoint(firmware_version="1"), state, NOW).is_whole == is_whole


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


def test_a_key_that_a_station_left_out_when_it_named_everything_is_gone() -> None:
    made = waiting(whole_at=EARLIER)
    DesiredValue.objects.create(charge_point=made, key="A", value="1")
    row = {"key": "A", "value": "1", "reported_at": EARLIER}
    ReportedKey.objects.create(charge_point=made, **row)

    reading.finish(_claimed(), Done("parts"))
    first = DesiredValue.objects.get().state, ConfigurationState.objects.get().whole_at
    ConfigurationState.objects.update(due_at=EARLIER, firmware_version="0")
    reading.finish(_claimed(), Done("whole", NOW))

    assert first == ("not-reported", EARLIER)
    assert DesiredValue.objects.get().state == "unknown-key"
    assert ConfigurationState.objects.get().whole_at == NOW


def test_a_result_is_that_of_one_station() -> None:
    waiting(due_at=EARLIER - timedelta(minutes=1))
    waiting("CP-2")
    one, _ = reading.claim(2, NOW)

    reading.finish(one, Done("parts"))

    assert [state.manner for state in ConfigurationState.objects.order_by("pk")] == ["parts", "whole"]


def test_a_reading_without_a_claim_decides_nothing() -> None:
    made = waiting()
    DesiredValue.objects.create(charge_point=made, key="A", value="1", state="same")
    one = _claimed()
    ConfigurationState.objects.update(claimed_at=NOW - timedelta(minutes=1), whole_at=NOW)

    assert not reading.finish(one, Done("whole", NOW))
    assert not reading.finish(one, Done("whole", problem="No answer."))

    assert DesiredValue.objects.get().state == "same"
    assert ConfigurationState.objects.get().problem == ""


def test_an_incomplete_reading_names_nothing_as_gone_and_has_a_short_problem() -> None:
    waiting(read_at=EARLIER, firmware_version="0")

    assert reading.finish(_claimed(), Done("single", NOW, "p" * 501))

    state = ConfigurationState.objects.get()
    assert (state.problem, state.manner, state.attempts) == ("p" * 500, "single", 1)
    assert (state.read_at, state.whole_at, state.firmware_version) == (EARLIER, None, "0")
    assert state.claimed_at is None


def test_the_desired_values_of_now_are_read() -> None:
    made = waiting(is_stale=True)
    made.ocpp_version = "ocpp1.6"
    made.save()
    base = ConfigurationTemplate.objects.create(name="Base", dialect="1.6", values={"A": "1"})
    TemplateAssignment.objects.create(template=base, charge_point=made)

    assert reading.prepared(_claimed()) == ["A"]


def test_the_latest_500_reported_names_are_asked_for_again() -> None:
    made, other = waiting(), waiting("CP-2")
    rows = [ReportedKey(charge_point=made, key=f"K{n:03}", reported_at=EARLIER) for n in range(500)]
    rows.append(ReportedKey(charge_point=made, key="Latest", reported_at=NOW))
    rows.append(ReportedKey(charge_point=other, key="Other", reported_at=NOW))
    ReportedKey.objects.bulk_create(rows)

    assert reading.known_names(made.pk) == ["Latest", *(f"K{n:03}" for n in range(499))]


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
    assert ConfigurationState.objects.count() == 1


def test_a_found_station_keeps_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {"is_online": True, "registration_status": "Accepted", "last_boot_at": EARLIER}
    made = ChargePoint.objects.create(identity="A", **usual)
    ConfigurationState.objects.create(charge_point=made, manner="single")

    reading.find_unread()
    # A boot has made the row after the query.
    monkeypatch.setattr(reading, "_keys", lambda rows: [made.pk])
    reading.find_unread()

    state = ConfigurationState.objects.get()
    assert (state.manner, state.due_at) == ("single", None)


def test_200_stations_are_found_at_a_time() -> None:
    usual = {"is_online": True, "registration_status": "Accepted", "last_boot_at": EARLIER}
    ChargePoint.objects.bulk_create(
        ChargePoint(identity=f"CP-{n:03}", identity_key=f"cp-{n:03}", **usual) for n in range(201)
    )

    reading.find_unread()
    first = ConfigurationState.objects.count()
    reading.find_unread()

    assert (first, ConfigurationState.objects.count()) == (200, 201)
    assert ConfigurationState.objects.latest("pk").charge_point.identity == "CP-200"
