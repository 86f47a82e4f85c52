"""Reading the variables of a 2.x station: those that are named, or a report of all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from chargepoints.models import ChargePoint, Command
from configuration.commands import variables as commands
from configuration.commands.variables import GET_CONFIGURATION, Reported, read
from configuration.services.variables import inventory
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import V16, V21, V201
from tests.unit.configuration.commands.conftest import Connect
from tests.unit.configuration.commands.scripted import variables

LIMIT = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
NO_REPORT = {"status": "NotSupported"}
REPORTED = {"C.A": {"value": "1", "readonly": True}}


def value(name: str, status: str = "Accepted") -> dict[str, Any]:
    return {"value": name, "readonly": None, "status": status}


async def test_20_variables_are_asked_for_at_once_where_no_limit_is_known(online: Connect) -> None:
    names = [f"V{number}" for number in range(21)]
    one = await online(V201, variables(*names[:20]), variables(names[20]))
    asked = [f"C.{name}" for name in names]

    found = await read(one.row, asked, actor="ann")

    assert one.asked == [asked[:20], asked[20:]]
    assert found.data == {"configuration": {f"C.{name}": value(name) for name in names}}


async def test_variables_are_asked_for_in_parts_of_the_reported_limit(online: Connect) -> None:
    one = await online(V21, variables("A", "B"), variables("C", "D"), **{LIMIT: "2"})

    await read(one.row, ["C.A", "C.B", "C.C", "C.D"], actor="ann")

    assert one.asked == [["C.A", "C.B"], ["C.C", "C.D"]]


@pytest.mark.parametrize("status", ["UnknownComponent", "UnknownVariable"])
async def test_an_unknown_variable_is_listed_as_unknown_and_not_asked_for_again(
    online: Connect, status: str
) -> None:
    one = await online(V201, variables("A", "B", attributeStatus=status))

    found = await read(one.row, ["C.A", "C.B"], actor="ann")

    assert one.asked == [["C.A", "C.B"]]
    assert found.data == {"configuration": {}, "unknownKeys": ["C.A", "C.B"]}


async def test_a_refused_variable_is_part_of_the_answer_with_its_status(online: Connect) -> None:
    one = await online(V201, variables("A", attributeStatus="Rejected"))

    found = await read(one.row, ["C.A"], actor="ann")

    assert (found.is_answered, found.is_refused) == (True, False)
    assert found.data == {"configuration": {"C.A": value("A", "Rejected")}}


async def test_the_version_of_the_connection_counts_and_not_that_of_the_row(online: Connect) -> None:
    one = await online(V201, variables("A"))
    one.row.ocpp_version = V16

    await read(one.row, ["C.A"], actor="ann")

    assert one.asked == [["C.A"]]
    assert one.row.ocpp_version == V201


@pytest.mark.parametrize("is_connected", [True, False])
async def test_a_key_that_names_no_variable_is_refused_before_anything_is_sent(
    online: Connect, is_connected: bool
) -> None:
    row = (await online(V201)).row if is_connected else ChargePoint(identity="CP-2", ocpp_version=V201)

    with pytest.raises(Invalid) as refused:
        await read(row, ["C.A", "HeartbeatInterval"], actor="ann")

    assert refused.value.errors == [{"field": "keys", "reason": refused.value.sentence}]


async def test_a_key_is_refused_by_the_version_of_the_connection_too(online: Connect) -> None:
    one = await online(V201)
    one.row.ocpp_version = ""

    with pytest.raises(Invalid):
        await read(one.row, ["HeartbeatInterval", "Model"], actor="ann")

    assert one.commands == []


# -- a report of all variables -------------------------------------------------------------------------------


class Inventory:
    """The reports of a station; `waits` are the awaited commands, each with the end of the wait."""

    def __init__(self) -> None:
        self.running: Command | None = None
        self.keys: dict[str, Any] | None = REPORTED
        self.waits: list[tuple[Command, float]] = []

    async def awaited(self, command: Command, *, until: float) -> dict[str, Any] | None:
        self.waits.append((command, until))
        return self.keys


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """The reports, at 100 seconds of the clock."""
    made = Inventory()
    monkeypatch.setattr(inventory, "running", lambda pk: made.running if pk == 1 else None)
    monkeypatch.setattr(inventory, "awaited", made.awaited)
    monkeypatch.setattr(commands, "time", SimpleNamespace(monotonic=lambda: 100.0))
    return made


def bases(commands: list[tuple[str, dict[str, Any]]]) -> list[str]:
    assert {action for action, _ in commands} <= {"GetBaseReport"}
    return [payload["reportBase"] for _, payload in commands]


async def test_without_names_a_report_of_all_variables_is_requested_and_awaited(
    online: Connect, reports: Inventory
) -> None:
    one = await online(V201, {"status": "Accepted"})

    found = await read(one.row, actor="ann")

    assert bases(one.commands) == ["FullInventory"]
    assert (found.data, found.pending) == ({"configuration": REPORTED}, "")
    assert reports.waits == [(found.command, 100.0 + settings.OCPP_CALL_TIMEOUT)]
    assert (found.command.actor, one.timeouts) == ("ann", [None])


async def test_a_report_is_awaited_for_the_time_of_the_caller(online: Connect, reports: Inventory) -> None:
    one = await online(V201, {"status": "Accepted"})

    await read(one.row, actor="ann", timeout=3)

    assert [until for _, until in reports.waits] == [103.0]
    assert one.timeouts == [3]


@pytest.mark.parametrize(
    ("answers", "asked", "data"),
    [
        ([NO_REPORT, {"status": "Accepted"}], ["FullInventory", "ConfigurationInventory"], REPORTED),
        ([NO_REPORT, NO_REPORT], ["FullInventory", "ConfigurationInventory"], None),
        ([{"status": "Rejected"}], ["FullInventory"], None),
        (["NotSupported"], ["FullInventory"], None),
    ],
)
async def test_a_station_without_full_reports_is_asked_for_its_configuration(
    online: Connect, reports: Inventory, answers: list[Any], asked: list[str], data: Any
) -> None:
    one = await online(V201, *answers)

    found = await read(one.row, actor="ann")

    assert bases(one.commands) == asked
    assert found.command.id == str(len(asked))
    assert found.keys == (data or {})
    assert len(reports.waits) == (data is not None)


async def test_a_refused_report_is_a_refusal(online: Connect, reports: Inventory) -> None:
    one = await online(V201, {"status": "Rejected"})

    found = await read(one.row, actor="ann")

    assert (found.is_answered, found.is_refused) == (True, True)


async def test_a_report_that_the_station_is_sending_is_awaited_instead(
    online: Connect, reports: Inventory
) -> None:
    one = await online(V201)
    reports.running = Command(id="earlier", action="GetBaseReport", state=Command.State.ACCEPTED)

    found = await read(one.row, actor="ann", timeout=3)

    assert one.commands == []
    assert reports.waits == [(reports.running, 103.0)]
    assert (found.command, found.keys) == (reports.running, REPORTED)


async def test_without_waiting_a_report_is_requested_each_time(online: Connect, reports: Inventory) -> None:
    one = await online(V201)
    reports.running = Command(id="earlier", action="GetBaseReport", state=Command.State.ACCEPTED)

    found = await read(one.row, actor="ann", wait=False)

    assert bases(one.commands) == ["FullInventory"]
    assert (found.command.state, found.keys, found.pending) == ("queued", {}, "")
    assert reports.waits == []


async def test_a_report_that_is_not_complete_in_time_is_pending(online: Connect, reports: Inventory) -> None:
    one = await online(V201, {"status": "Accepted"})
    reports.keys = None

    result = await GET_CONFIGURATION.perform(one.row, actor="ann")

    assert "CP-1 is sending a report of its variables." in result.pending
    assert "/api/v1/chargepoints/CP-1/reports" in result.pending
    assert (result.data, result.command.state) == ({}, "accepted")


async def test_an_empty_report_is_complete(online: Connect, reports: Inventory) -> None:
    one = await online(V201, {"status": "Accepted"})
    reports.keys = {}

    found: Reported = await read(one.row, actor="ann")

    assert (found.data, found.pending) == ({"configuration": {}}, "")


@pytest.mark.parametrize(
    ("key", "component", "variable"),
    [
        ("C.V", {"name": "C"}, {"name": "V"}),
        ("C[x].V[y]", {"name": "C", "instance": "x"}, {"name": "V", "instance": "y"}),
        ("C(1).V", {"name": "C", "evse": {"id": 1}}, {"name": "V"}),
        ("C(1.2).V", {"name": "C", "evse": {"id": 1, "connectorId": 2}}, {"name": "V"}),
    ],
)
def test_a_key_names_a_component_and_a_variable(
    key: str, component: dict[str, Any], variable: dict[str, Any]
) -> None:
    assert commands.variable(key, "keys") == {"component": component, "variable": variable}
