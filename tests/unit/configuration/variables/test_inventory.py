"""The report of all variables of a station: which one is being sent, the wait for it, its variables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chargepoints.models import ChargePoint, Command, FollowUp, ReportAssembly
from configuration.services.variables import inventory
from ocpp_server.storage.journal import journal

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


def asked(
    garage: ChargePoint, *, number: int = 8, base: str = "FullInventory", ago: timedelta = SECOND
) -> Command:
    at = datetime.now(UTC) - ago
    return Command.objects.create(
        id=f"{garage.pk}-{Command.objects.count()}",
        charge_point=garage,
        action="GetBaseReport",
        payload={"requestId": number, "reportBase": base},
        state="accepted",
        created_at=at,
        deadline_at=at,
    )


def report(command: Command, **more: Any) -> ReportAssembly:
    usual = {
        "charge_point": command.charge_point,
        "command": command,
        "action": "NotifyReport",
        "request_id": 8,
        "state": "collecting",
        "started_at": command.created_at,
        "last_at": datetime.now(UTC),
    }
    return ReportAssembly.objects.create(**usual | more)


# -- the report that is being sent ---------------------------------------------------------------------------


def test_the_newest_report_that_a_station_is_sending_is_found_by_its_command(garage: ChargePoint) -> None:
    older, newer = asked(garage, ago=2 * SECOND), asked(garage, number=9)
    report(newer, request_id=9)
    report(older)

    assert inventory.running(garage.pk) == newer
    assert inventory.running(garage.pk + 1) is None


@pytest.mark.parametrize(
    "more",
    [
        {"action": "NotifyMonitoringReport"},
        {"state": "complete"},
        {"state": "incomplete"},
        {"last_at": datetime.now(UTC) - timedelta(minutes=10)},
    ],
    ids=["action", "complete", "incomplete", "over"],
)
def test_another_report_is_none_of_all_variables(garage: ChargePoint, more: dict[str, Any]) -> None:
    report(asked(garage), **more)

    assert inventory.running(garage.pk) is None


def test_a_report_of_a_part_of_the_variables_is_none_of_all(garage: ChargePoint) -> None:
    report(asked(garage, base="ConfigurationInventory"))

    assert inventory.running(garage.pk) is None


# -- waiting -------------------------------------------------------------------------------------------------


class Clock:
    """Seconds of the process. Every pause passes at once, after which `then` is called."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []
        self.then: Callable[[], Any] = lambda: None

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.then()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    async def run(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    made = Clock()
    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(inventory, "time", made)
    monkeypatch.setattr(inventory, "asyncio", SimpleNamespace(sleep=made.sleep))
    return made


def awaited(command: Command, *, until: float) -> inventory.Keys | None:
    """`inventory.awaited` without an event loop, which would have a database connection of its own."""
    waiting = inventory.awaited(command, until=until)
    with pytest.raises(StopIteration) as ended:
        waiting.send(None)
    found: inventory.Keys | None = ended.value.value
    return found


def part(command: Command, *data: tuple[str, str], **more: Any) -> FollowUp:
    """A part with these names and values; the value of a variable is read-only if it begins with R."""
    described = [
        {
            "component": {"name": "C"},
            "variable": {"name": name},
            "variableAttribute": [
                {"value": value, "mutability": "ReadOnly" if value.startswith("R") else "ReadWrite"}
            ],
        }
        for name, value in data
    ]
    usual = {
        "charge_point": command.charge_point,
        "action": "NotifyReport",
        "request_id": 8,
        "payload": orjson.dumps({"reportData": described} if data else {}).decode(),
        "fingerprint": str(FollowUp.objects.count()),
        "received_at": command.created_at,
    }
    return FollowUp.objects.create(**usual | more)


def test_a_complete_report_is_read_at_once(garage: ChargePoint, clock: Clock) -> None:
    command = asked(garage)
    report(command, state="complete")
    part(command, ("A", "1"), ("B", "R2"))

    assert awaited(command, until=0) == {
        "C.A": {"value": "1", "readonly": False},
        "C.B": {"value": "R2", "readonly": True},
    }
    assert clock.pauses == []


def test_a_report_is_awaited_until_its_last_part_has_come(garage: ChargePoint, clock: Clock) -> None:
    command = asked(garage)
    row = report(command)
    part(command, ("A", "1"))

    def complete() -> None:
        if len(clock.pauses) == 2:
            ReportAssembly.objects.filter(pk=row.pk).update(state="complete")

    clock.then = complete
    found = awaited(command, until=110)

    assert found == {"C.A": {"value": "1", "readonly": False}}
    assert clock.pauses == [0.25, 0.25]


def test_a_report_that_is_not_complete_in_time_is_none(garage: ChargePoint, clock: Clock) -> None:
    command = asked(garage)
    report(command)
    report(asked(garage, number=9), request_id=9, state="complete")
    report(command, action="NotifyMonitoringReport", state="complete")

    assert awaited(command, until=100.375) is None
    assert clock.pauses == [0.25, 0.125]


def test_a_report_in_many_parts_is_read_in_steps_and_its_last_value_counts(
    garage: ChargePoint, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_PARTS_AT_ONCE", 2)
    command = asked(garage)
    report(command, state="complete")
    part(command, ("A", "1"))
    part(command)
    part(command, ("B", "2"))
    part(command, ("A", "3"), ("C", "4"))
    part(command, ("D", "5"))

    found = awaited(command, until=0)

    assert found is not None
    assert {name: entry["value"] for name, entry in found.items()} == {
        "C.A": "3",
        "C.B": "2",
        "C.C": "4",
        "C.D": "5",
    }


def test_only_the_parts_of_the_report_itself_are_read(garage: ChargePoint, clock: Clock) -> None:
    command = asked(garage)
    other = ChargePoint.objects.create(identity="CP-2")
    report(command, state="complete")
    part(command, ("A", "1"))
    part(command, ("B", "1"), charge_point=other)
    part(command, ("C", "1"), action="NotifyMonitoringReport")
    part(command, ("D", "1"), request_id=9)
    part(command, ("E", "1"), received_at=command.created_at - SECOND)

    found = awaited(command, until=0)

    assert found is not None
    assert list(found) == ["C.A"]


# -- the end of a report -------------------------------------------------------------------------------------


def settled(command: Command) -> bool:
    """`inventory.settled` without an event loop."""
    with pytest.raises(StopIteration) as ended:
        inventory.settled(command).send(None)
    found: bool = ended.value.value
    return found


@pytest.mark.parametrize(("state", "is_complete"), [("complete", True), ("incomplete", False)])
def test_a_report_that_has_ended_is_settled_at_once(
    garage: ChargePoint, clock: Clock, state: str, is_complete: bool
) -> None:
    command = asked(garage)
    report(command, state=state)
    report(command, action="NotifyMonitoringReport")
    report(asked(garage, number=9), request_id=9)

    assert settled(command) is is_complete
    assert clock.pauses == []


def test_the_newest_report_of_the_command_is_the_one_that_settles(garage: ChargePoint, clock: Clock) -> None:
    command = asked(garage)
    report(command, state="complete", started_at=command.created_at + SECOND)
    report(command, state="incomplete")

    assert settled(command)


def test_a_report_settles_when_its_last_part_comes(garage: ChargePoint, clock: Clock) -> None:
    command = asked(garage)
    row = report(command)
    clock.then = lambda: ReportAssembly.objects.filter(pk=row.pk).update(state="complete")

    assert settled(command)
    assert clock.pauses == [inventory._UNHURRIED_S]


def test_a_report_that_never_begins_is_not_settled(garage: ChargePoint, clock: Clock) -> None:
    assert not settled(asked(garage))
    assert sum(clock.pauses) >= 3 * inventory.DEADLINE.total_seconds()
