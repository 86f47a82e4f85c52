"""Setting desired values: what is sent, what ends the sequence, and what is said about each value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import Command
from configuration.commands.variables import applying
from configuration.models import ConfigurationTemplate, DesiredValue, ReportedKey, TemplateAssignment
from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.protocol.versions import V16, V201
from tests.unit.configuration.commands.answering import Answer, AnsweringStation

pytestmark = pytest.mark.django_db(transaction=True)

State = DesiredValue.State
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LOST, LATE = Command.State.DISCONNECTED, Command.State.TIMEOUT
Online = Callable[..., Awaitable[AnsweringStation]]
Run = Callable[..., Awaitable[Any]]
ACCEPTED: dict[str, Any] = {"status": "Accepted"}


@pytest.fixture
def want(run_orm: Run) -> Run:
    """Store desired values by key, all of them the same."""

    async def make(one: AnsweringStation, *names: str, **columns: Any) -> list[DesiredValue]:
        usual = {"value": "60", "charge_point": one.row} | columns
        return [await run_orm(DesiredValue.objects.create, key=key, **usual) for key in names]

    return make


def changes(one: AnsweringStation) -> list[tuple[str, str]]:
    assert {action for action, _ in one.commands} <= {"ChangeConfiguration"}
    return [(payload["key"], payload["value"]) for _, payload in one.commands]


def results(*words: str) -> dict[str, Any]:
    named = {"component": {"name": "C"}, "variable": {"name": "V"}}
    return {"setVariableResult": [{**named, "attributeStatus": word} for word in words]}


# -- the sequence --------------------------------------------------------------------------------------------


async def test_keys_are_changed_one_after_the_other(answering: Online, want: Run) -> None:
    one = await answering(V16, ACCEPTED, "InternalError", {"status": "Rejected"})
    rows = await want(one, "A", "B", "C")

    sent = await applying.apply(one.row, rows, actor="ann", timeout=5.0, wait=True)

    assert changes(one) == [("A", "60"), ("B", "60"), ("C", "60")]
    assert one.how == [{"actor": "ann", "timeout": 5.0, "wait": True}] * 3
    assert [command.state for command in sent] == ["accepted", "error", "rejected"]


@pytest.mark.parametrize("end", [LOST, LATE])
async def test_a_change_without_an_answer_ends_the_sequence(
    answering: Online, want: Run, end: Command.State
) -> None:
    one = await answering(V16, ACCEPTED, end)

    sent = await applying.apply(one.row, await want(one, "A", "B", "C"), actor="ann")

    assert [command.state for command in sent] == ["accepted", end]


async def test_a_value_that_the_dialect_cannot_express_counts_as_refused(
    answering: Online, want: Run, run_orm: Run
) -> None:
    one = await answering(V16, Invalid("Too long."), ACCEPTED)

    sent = await applying.apply(one.row, await want(one, "A", "B"), actor="ann")

    rows = await run_orm(lambda: list(DesiredValue.objects.order_by("key")))
    assert [(row.state, row.reason) for row in rows] == [("refused", "Too long."), ("not-reported", "")]
    assert rows[0].answered_at is not None
    assert len(sent) == 1


async def test_variables_are_set_20_at_a_time(answering: Online, want: Run) -> None:
    one = await answering(V201, results(*["Accepted"] * 20), results("Accepted"))
    rows = await want(one, *(f"C.V{number:02}" for number in range(21)))

    sent = await applying.apply(one.row, rows, actor="ann", wait=True)

    assert [action for action, _ in one.commands] == ["SetVariables"] * 2
    data = [payload["setVariableData"] for _, payload in one.commands]
    assert [len(part) for part in data] == [20, 1]
    named = {"component": {"name": "C"}, "variable": {"name": "V20"}}
    assert data[1] == [{**named, "attributeValue": "60"}]
    assert data[0][19]["variable"]["name"] == "V19"
    assert one.how == [{"actor": "ann", "wait": True}] * 2
    assert len(sent) == 2


async def test_variables_are_set_in_parts_of_the_reported_limit(answering: Online, want: Run) -> None:
    limit = {"DeviceDataCtrlr.ItemsPerMessage[SetVariables]": "2"}
    one = await answering(V201, results("Accepted", "Accepted"), results("Accepted"), **limit)

    await applying.apply(one.row, await want(one, "C.A", "C.B", "C.D"), actor="ann")

    assert [len(payload["setVariableData"]) for _, payload in one.commands] == [2, 1]


async def test_a_name_that_is_no_variable_counts_as_refused(
    answering: Online, want: Run, run_orm: Run
) -> None:
    one = await answering(V201, results("Accepted"))

    sent = await applying.apply(one.row, await want(one, "Alone", "C.A"), actor="ann")

    assert len(sent) == 1
    assert [data["variable"]["name"] for data in one.commands[0][1]["setVariableData"]] == ["A"]
    row = await run_orm(DesiredValue.objects.get, key="Alone")
    sentence = "'Alone' must be Component.Variable or Component[instance].Variable."
    assert (row.state, row.reason) == ("refused", sentence)


# -- after a boot --------------------------------------------------------------------------------------------


async def test_after_a_boot_only_open_values_that_reapply_are_set(answering: Online, want: Run) -> None:
    one = await answering(V16, ACCEPTED, ACCEPTED)
    for state in State:
        await want(one, f"{state}-again", state=state, reapplies=True)
        await want(one, f"{state}-once", state=state)

    sent = await applying.reapply(one.row, actor="server")

    assert changes(one) == [("differs-again", "60"), ("not-reported-again", "60")]
    assert one.how == [{"actor": "server"}] * 2
    assert len(sent) == 2


async def test_after_a_boot_without_such_values_nothing_is_sent(answering: Online, want: Run) -> None:
    one = await answering(V16)
    await want(one, "A")

    assert await applying.reapply(one.row, actor="server") == []


# -- the command ---------------------------------------------------------------------------------------------


async def applied(one: AnsweringStation, *keys: str, timeout: float | None = None) -> Any:
    run = applying.APPLY_CONFIGURATION.run
    assert run is not None
    return await run(one.row, keys=keys, actor="ann", timeout=timeout, wait=True)


async def test_an_operator_applies_also_what_was_refused_or_unknown(
    answering: Online, want: Run, run_orm: Run
) -> None:
    one = await answering(V16, *[ACCEPTED] * 4)
    for state in State:
        await want(one, f"{state}", state=state, answered_at=NOON)
    for key, value, readonly in (("differs", "5", False), ("refused", "5", False), ("read-only", "5", True)):
        row = {"key": key, "value": value, "readonly": readonly, "reported_at": NOON}
        await run_orm(ReportedKey.objects.create, charge_point=one.row, **row)
    same = {"key": "same", "value": "60", "readonly": False, "reported_at": NOON}
    await run_orm(ReportedKey.objects.create, charge_point=one.row, **same)

    result = await applied(one, timeout=7.0)

    names = ["differs", "not-reported", "refused", "unknown-key"]
    assert changes(one) == [(name, "60") for name in names]
    assert [(row["key"], row["state"]) for row in result.data["desired"]] == [(name, name) for name in names]
    assert one.how == [{"actor": "ann", "timeout": 7.0, "wait": True}] * 4
    assert result.data["requestIds"] == ["1", "2", "3", "4"]


async def test_named_keys_alone_are_applied_in_any_case(answering: Online, want: Run) -> None:
    one = await answering(V16, {"status": "Rejected"})
    await want(one, "Alpha", "Beta")

    result = await applied(one, "ALPHA")

    assert changes(one) == [("Alpha", "60")]
    assert result.data == {
        "desired": [{"key": "Alpha", "state": "not-reported", "reason": ""}],
        "requestIds": ["1"],
    }
    assert result.command.state == Command.State.REJECTED


async def test_the_values_of_a_new_template_are_applied(answering: Online, run_orm: Run) -> None:
    one = await answering(V16, ACCEPTED)
    made = await run_orm(ConfigurationTemplate.objects.create, name="T", dialect="1.6", values={"Alpha": "7"})
    await run_orm(TemplateAssignment.objects.create, template=made, charge_point=one.row)

    await applied(one)

    assert changes(one) == [("Alpha", "7")]


async def test_the_version_of_the_connection_decides_about_the_dialect(answering: Online, want: Run) -> None:
    one = await answering(V201, results("Accepted"))
    one.row.ocpp_version = V16
    await want(one, "C.A")

    await applied(one)

    assert [action for action, _ in one.commands] == ["SetVariables"]


async def test_the_reason_of_a_refusal_is_shown(answering: Online, want: Run) -> None:
    one = await answering(V16, Invalid("Too long."), ACCEPTED)
    await want(one, "A", "B")

    result = await applied(one)

    assert result.data["desired"][0] == {"key": "A", "state": "refused", "reason": "Too long."}


@pytest.mark.parametrize("names", [(), ("B",)])
async def test_nothing_to_set_is_a_conflict(answering: Online, want: Run, names: tuple[str, ...]) -> None:
    one = await answering(V16)
    if names:
        await want(one, "A")

    with pytest.raises(Conflict, match=r"CP-1 has no desired value that could be set now\."):
        await applied(one, *names)


async def test_nothing_is_applied_to_a_station_that_is_away(answering: Online, want: Run) -> None:
    one = await answering(V16)
    await want(one, "A")
    live.reset()

    with pytest.raises(StationOffline, match=r"CP-1 is known but offline\."):
        await applied(one)


@pytest.mark.parametrize(
    ("answers", "telling"),
    [
        ([ACCEPTED, ACCEPTED, ACCEPTED], 0),
        ([ACCEPTED, {"status": "Rejected"}, "InternalError"], 1),
        (["InternalError", ACCEPTED, ACCEPTED], 0),
        ([{"status": "Rejected"}, ACCEPTED, LATE], 2),
        ([{"status": "Rejected"}, ACCEPTED, LOST], 2),
    ],
)
async def test_the_answer_is_that_of_the_end_or_of_the_first_that_was_not_accepted(
    answering: Online, want: Run, answers: list[Answer], telling: int
) -> None:
    one = await answering(V16, *answers)
    await want(one, "A", "B", "C")

    result = await applied(one)

    assert result.command.id == str(telling + 1)
