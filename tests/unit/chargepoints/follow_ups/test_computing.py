"""The rows of reports and of their parts: every column, and the commands that they belong to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, FollowUp, ReportAssembly
from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.gathering import Request, compute

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=60)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noon(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return NOW

    monkeypatch.setattr(gathering, "datetime", Noon)


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="garage")


def part(garage: ChargePoint, seconds_ago: float, seq_no: int | None = 0, **more: Any) -> FollowUp:
    usual: dict[str, Any] = {
        "action": "NotifyReport",
        "request_id": 8,
        "seq_no": seq_no,
        "is_last": False,
        "payload": "{}",
        "fingerprint": str(FollowUp.objects.count()),
        "received_at": ago(seconds_ago),
    }
    return FollowUp.objects.create(charge_point=garage, **usual | more)


def command(garage: ChargePoint, seconds_ago: float, **more: Any) -> Command:
    usual: dict[str, Any] = {
        "id": f"c{Command.objects.count()}",
        "action": "GetBaseReport",
        "payload": {"requestId": 8},
        "state": "accepted",
        "created_at": ago(seconds_ago),
        "deadline_at": ago(seconds_ago),
    }
    return Command.objects.create(charge_point=garage, **usual | more)


def computed(garage: ChargePoint, **how: Any) -> list[ReportAssembly]:
    """The reports with number 8 after a computation, oldest first."""
    usual = {"since": LONG_AGO, "now": NOW}
    compute(Request(garage.pk, "NotifyReport", 8), **usual | how)
    return list(ReportAssembly.objects.order_by("started_at"))


def test_a_report_is_stored_with_all_its_columns_and_updated_in_place(garage: ChargePoint) -> None:
    asked = command(garage, 10)
    for seconds, number in ((9, 0), (8, 3), (7, 3)):
        part(garage, seconds, number)

    (row,) = computed(garage)
    first = row.pk
    assert (row.charge_point, row.action, row.request_id) == (garage, "NotifyReport", 8)
    assert (row.command, row.state, row.parts, row.doubles) == (asked, "collecting", 3, 1)
    assert (row.missing, row.highest_seq_no, row.has_last) == (2, 3, False)
    assert (row.started_at, row.last_at) == (ago(10), ago(7))

    for seconds, number in ((6, 1), (5, 2), (4, 4)):
        part(garage, seconds, number, is_last=number == 4)
    Command.objects.all().delete()
    part(garage, 3, 4)

    # The command is gone, and the report begins with its first part.
    rows = computed(garage)
    assert [one.command for one in rows] == [None, None]
    row = rows[-1]
    assert row.pk != first
    assert (row.state, row.parts, row.doubles, row.missing) == ("complete", 7, 2, 0)
    assert (row.highest_seq_no, row.has_last, row.last_at) == (4, True, ago(3))


def test_a_computed_row_gets_every_column_of_a_later_computation(garage: ChargePoint) -> None:
    asked = command(garage, 10)
    computed(garage)
    ReportAssembly.objects.update(command=None)
    for seconds, number in ((9, 0), (8, 3), (7, 3)):
        part(garage, seconds, number, is_last=number == 3)

    (row,) = computed(garage, now=NOW + timedelta(hours=1))

    assert (row.command, row.state, row.parts, row.doubles) == (asked, "incomplete", 3, 1)
    assert (row.missing, row.highest_seq_no, row.has_last, row.last_at) == (2, 3, True, ago(7))


def test_only_reports_that_have_changed_since_a_time_are_written(garage: ChargePoint) -> None:
    part(garage, 3000, is_last=True)
    part(garage, 10, is_last=True)

    (row,) = computed(garage, since=ago(10))

    assert row.started_at == ago(10)


@pytest.mark.parametrize("state", ["rejected", "empty", "error", "invalid"])
def test_a_refused_command_begins_no_report(garage: ChargePoint, state: str) -> None:
    command(garage, 10, state=state)
    part(garage, 9)

    (row,) = computed(garage)

    assert (row.command, row.started_at) == (None, ago(9))


@pytest.mark.parametrize(("accepted", "count"), [("c0", 1), ("", 0), ("c9", 0)])
def test_a_command_that_was_accepted_just_now_begins_its_report(
    garage: ChargePoint, accepted: str, count: int
) -> None:
    command(garage, 10, state="sent")

    assert len(computed(garage, accepted=accepted)) == count


@pytest.mark.parametrize(
    "more",
    [
        {"action": "GetMonitoringReport"},
        {"payload": {"requestId": 9}},
        {"created_at": NOW - timedelta(days=30, seconds=1)},
    ],
    ids=["action", "number", "time"],
)
def test_another_command_begins_another_report(garage: ChargePoint, more: dict[str, Any]) -> None:
    command(garage, 10, **more)

    assert computed(garage) == []


def test_the_commands_and_parts_of_another_station_are_not_read(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="other")
    command(other, 10)
    part(other, 9)
    part(garage, 8, action="NotifyMonitoringReport")
    part(garage, 8, request_id=9)

    assert computed(garage) == []


def test_the_newest_parts_are_read_of_a_very_long_report(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_PARTS", 2)
    for number in range(3):
        part(garage, 10 - number, number)

    (row,) = computed(garage)

    assert (row.parts, row.started_at) == (2, ago(9))


def test_a_message_without_a_report_or_a_number_gets_no_row(garage: ChargePoint) -> None:
    part(garage, 9, action="LogStatusNotification")
    part(garage, 9, request_id=None)

    compute(Request(garage.pk, "LogStatusNotification", 8), since=LONG_AGO, now=NOW)
    compute(Request(garage.pk, "NotifyReport", None), since=LONG_AGO, now=NOW)

    assert not ReportAssembly.objects.exists()


def test_a_part_belongs_to_the_last_command_before_it_and_keeps_its_command(garage: ChargePoint) -> None:
    first, second = command(garage, 100), command(garage, 50)
    rows = [part(garage, seconds) for seconds in (101, 100, 51, 50, 1)]
    kept = part(garage, 1, command=first)

    computed(garage)

    found = FollowUp.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    assert [row.command for row in found] == [None, first, first, second, second]
    kept.refresh_from_db()
    assert kept.command == first


def test_the_newest_commands_and_parts_are_connected_in_one_computation(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "AT_ONCE", 2)
    commands = [command(garage, 100 - number) for number in range(3)]
    parts = [part(garage, 50 - number, action="LogStatusNotification", seq_no=None) for number in range(3)]
    Command.objects.update(action="GetLog")

    compute(Request(garage.pk, "LogStatusNotification", 8), since=LONG_AGO, now=NOW)

    found = [FollowUp.objects.get(pk=row.pk).command for row in parts]
    assert found == [None, commands[2], commands[2]]
    Command.objects.filter(pk=commands[2].pk).delete()
    compute(Request(garage.pk, "LogStatusNotification", 8), since=LONG_AGO, now=NOW)
    assert FollowUp.objects.get(pk=parts[2].pk).command == commands[1]


def test_a_status_without_a_number_belongs_to_the_last_accepted_command_alone(garage: ChargePoint) -> None:
    accepted = command(garage, 100, action="GetLog")
    command(garage, 50, action="GetLog", state="sent")
    command(garage, 200, action="GetLog")
    row = part(garage, 10, None, action="LogStatusNotification", request_id=None)

    compute(Request(garage.pk, "LogStatusNotification", None), since=LONG_AGO, now=NOW)

    row.refresh_from_db()
    assert row.command == accepted


def test_a_reservation_belongs_to_the_command_with_its_id(garage: ChargePoint) -> None:
    asked = command(garage, 100, action="ReserveNow", payload={"id": 8})
    command(garage, 50, action="ReserveNow", payload={"id": 9, "requestId": 8})
    row = part(garage, 10, None, action="ReservationStatusUpdate")

    compute(Request(garage.pk, "ReservationStatusUpdate", 8), since=LONG_AGO, now=NOW)

    row.refresh_from_db()
    assert row.command == asked


# -- jobs ----------------------------------------------------------------------------------------------------


def collecting(garage: ChargePoint, number: int, seconds_ago: float, state: str = "collecting") -> int:
    row = ReportAssembly.objects.create(
        charge_point=garage,
        action="NotifyReport",
        request_id=number,
        state=state,
        started_at=ago(seconds_ago),
        last_at=ago(seconds_ago),
    )
    return row.pk


def states() -> list[str]:
    return list(ReportAssembly.objects.order_by("pk").values_list("state", flat=True))


def test_only_a_report_whose_time_is_over_ends(garage: ChargePoint) -> None:
    collecting(garage, 1, 121)
    collecting(garage, 2, 120)
    collecting(garage, 3, 121, "complete")

    gathering.end_overdue()

    assert states() == ["incomplete", "collecting", "complete"]


def test_a_report_whose_new_parts_were_not_computed_goes_on(garage: ChargePoint) -> None:
    part(garage, 300)
    computed(garage, now=ago(300))
    part(garage, 190, 1)
    part(garage, 80, 2)

    gathering.end_overdue()

    row = ReportAssembly.objects.get()
    assert (row.state, row.parts, row.last_at) == ("collecting", 3, ago(80))


def test_the_oldest_reports_end_first(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "AT_ONCE", 1)
    collecting(garage, 1, 300)
    collecting(garage, 2, 400)

    gathering.end_overdue()
    assert states() == ["collecting", "incomplete"]
    gathering.end_overdue()
    assert states() == ["incomplete", "incomplete"]


@pytest.mark.parametrize(
    ("minutes", "hour", "day"), [(59, 1, 1), (61, 0, 1), (23 * 60, 0, 1), (25 * 60, 0, 0)]
)
def test_missed_parts_are_found_within_an_hour_or_a_day(
    garage: ChargePoint, minutes: int, hour: int, day: int
) -> None:
    part(garage, minutes * 60)

    gathering.find_missed()
    assert ReportAssembly.objects.count() == hour
    gathering.find_missed(gathering.MISSED_IN_A_DAY)
    assert ReportAssembly.objects.count() == day


def test_a_part_after_the_last_computation_of_its_report_is_missed(garage: ChargePoint) -> None:
    part(garage, 20)
    computed(garage)
    part(garage, 10, 1)

    gathering.find_missed()

    assert ReportAssembly.objects.get().parts == 2


def test_the_reports_of_others_do_not_hide_a_missed_part(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="other")
    collecting(other, 8, 0)
    collecting(garage, 9, 0)
    ReportAssembly.objects.create(
        charge_point=garage, action="NotifyMonitoringReport", request_id=8, started_at=NOW, last_at=NOW
    )
    part(garage, 10)

    gathering.find_missed()

    found = ReportAssembly.objects.get(charge_point=garage, action="NotifyReport", request_id=8)
    assert found.parts == 1


def test_a_limited_number_of_missed_reports_is_computed_in_one_run(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "AT_ONCE", 1)
    for number in (1, 2):
        part(garage, 10, request_id=number)
    part(garage, 10, request_id=None)

    gathering.find_missed()
    assert ReportAssembly.objects.count() == 1
    gathering.find_missed()
    assert ReportAssembly.objects.count() == 2
