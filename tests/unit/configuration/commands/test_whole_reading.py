"""Reading everything that a station has configured: at once, in parts or key by key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Command
from configuration.commands.variables import whole
from configuration.models import ConfigurationState
from configuration.services.variables import catalogue, inventory, reading
from configuration.services.variables.reading import Claimed, Done
from configuration.services.variables.standard import ESSENTIAL_KEYS
from ocpp_server import live
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.transport import calls
from tests.unit.configuration.commands.answering import Answer, AnsweringStation
from tests.unit.configuration.commands.conftest import Connect
from tests.unit.configuration.commands.scripted import keys, variables

NOW = datetime.now(UTC)
LOST, LATE = Command.State.DISCONNECTED, Command.State.TIMEOUT
Online = Callable[..., Awaitable[AnsweringStation]]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the station has reported before."""
    names: list[str] = []
    monkeypatch.setattr(reading, "known_names", lambda pk: names)
    return names


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names that are asked for of every station, and none that it must have."""
    monkeypatch.setattr(catalogue, "names", lambda: ["A", "B"])
    monkeypatch.setattr(whole, "ESSENTIAL_KEYS", ())
    monkeypatch.setattr(whole, "REQUIRED_VARIABLES", ("C.A", "C.B"))


@pytest.fixture
def answering(online: Connect, known: list[str], monkeypatch: pytest.MonkeyPatch) -> Online:
    async def connect(version: str, *answers: Answer, **reported: str) -> AnsweringStation:
        await online(version)
        one = AnsweringStation(version, *answers, **reported)
        await live.state().connect(one.connection)
        monkeypatch.setattr(calls, "call", one.call)
        monkeypatch.setattr("ocpp_server.capabilities.reports.app", one)
        monkeypatch.setattr(inventory, "running", lambda pk: None)
        return one

    return connect


async def read(one: AnsweringStation, *wanted: str, **columns: Any) -> Done:
    state = ConfigurationState(charge_point=one.row, **columns)
    return await whole.read_claimed(Claimed(one.row, state, NOW), wanted)


# -- all keys of 1.6 -----------------------------------------------------------------------------------------


async def test_a_station_that_names_everything_is_asked_once_and_patiently(answering: Online) -> None:
    one = await answering(V16, keys(*ESSENTIAL_KEYS, "wanted"))
    before = datetime.now(UTC)

    done = await read(one, "Wanted")

    assert one.commands == [("GetConfiguration", {})]
    assert one.how == [{"actor": "server", "timeout": 30.0, "wait": True}]
    assert (done.manner, done.problem) == ("whole", "")
    assert done.whole_at is not None
    assert before <= done.whole_at <= datetime.now(UTC)


async def test_important_and_wanted_keys_that_the_answer_lacks_are_asked_for(answering: Online) -> None:
    missing = [*ESSENTIAL_KEYS[1:], "Wanted"]
    one = await answering(V16, keys(ESSENTIAL_KEYS[0]), keys(unknown=tuple(missing)))

    done = await read(one, "Wanted")

    assert one.asked == [[], missing]
    assert one.how[1] == {"actor": "server", "timeout": None, "wait": True}
    assert (done.manner, done.whole_at is None, done.problem) == ("whole", False, "")


async def test_a_station_that_lists_nothing_has_not_named_everything(answering: Online, few: None) -> None:
    one = await answering(V16, {}, keys("A", "B"))

    assert await read(one) == Done("parts")
    assert one.asked == [[], ["A", "B"]]


@pytest.mark.parametrize("answer", ["InternalError", "NotSupported", LATE])
async def test_a_station_that_does_not_list_its_keys_is_asked_for_them(
    answering: Online, known: list[str], answer: Answer
) -> None:
    known += ["heartbeatinterval", "Vendor", "x" * 51]
    names = [*catalogue.names(), "Wanted", "Vendor"]
    one = await answering(V16, answer, keys(*names))

    assert await read(one, "Wanted", "w" * 51) == Done("parts")
    assert one.asked == [[], names]


@pytest.mark.parametrize(("attempts", "manner"), [(0, "whole"), (1, "parts"), (2, "parts")])
async def test_only_the_second_lost_connection_changes_the_manner(
    answering: Online, attempts: int, manner: str
) -> None:
    one = await answering(V16, LOST)

    done = await read(one, attempts=attempts)

    assert done == Done(manner, problem="GetConfiguration: Connection lost.")
    assert len(one.commands) == 1


# -- in parts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([LATE], "GetConfiguration: No answer in time."),
        (["NotSupported"], "GetConfiguration: Answered with an error (NotSupported)."),
        ([keys(unknown=("A", "B"))], "The station reported no values."),
        ([keys(), keys(), keys()], "The station reported no values."),
    ],
)
async def test_parts_without_values_have_a_problem(
    answering: Online, few: None, answers: list[Answer], problem: str
) -> None:
    one = await answering(V16, *answers)

    assert await read(one, manner="parts") == Done("parts", problem=problem)
    assert one.asked[0] == ["A", "B"]
    assert one.answers == []


@pytest.mark.parametrize(
    ("answers", "manner"),
    [
        ([keys("A", "B")], "parts"),
        ([keys("A", unknown=("B",))], "parts"),
        ([keys("A"), keys("B")], "single"),
        ([keys(unknown=("A",)), keys("B")], "single"),
        ([keys(), keys("A"), keys("B")], "single"),
        (["InternalError", keys("A"), keys("B")], "single"),
    ],
)
async def test_a_station_that_answers_one_at_a_time_is_asked_so_from_then_on(
    answering: Online, few: None, answers: list[Answer], manner: str
) -> None:
    one = await answering(V16, *answers)

    assert await read(one, manner="parts") == Done(manner)
    assert one.answers == []


@pytest.mark.parametrize(
    ("limit", "answers"),
    [
        ("1", [keys("A"), keys("B"), keys("C"), keys("D")]),  # never asked for several
        ("2", [keys("A", "B"), keys("C"), keys("D")]),  # answered several once
    ],
)
async def test_one_short_answer_is_no_manner(
    answering: Online, few: None, limit: str, answers: list[Answer]
) -> None:
    one = await answering(V16, *answers, GetConfigurationMaxKeys=limit)

    assert await read(one, "C", "D", manner="parts") == Done("parts")


# -- key by key ----------------------------------------------------------------------------------------------


async def test_key_by_key_each_has_a_message(answering: Online, few: None) -> None:
    one = await answering(V16, keys("A"), keys(unknown=("B",)), keys("C"))

    assert await read(one, "C", manner="single") == Done("single")
    assert one.asked == [["A"], ["B"], ["C"]]
    assert {how["actor"] for how in one.how} == {"server"}


async def test_key_by_key_ends_with_the_first_lost_answer(answering: Online, few: None) -> None:
    one = await answering(V16, keys("A"), LATE)

    done = await read(one, "C", manner="single")

    assert done == Done("single", problem="GetConfiguration: No answer in time.")
    assert one.asked == [["A"], ["B"]]


async def test_key_by_key_without_a_value_has_a_problem(answering: Online, few: None) -> None:
    one = await answering(V16, keys(unknown=("A",)), "InternalError")

    assert await read(one, manner="single") == Done("single", problem="The station reported no values.")


# -- what is tried first -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row_firmware", "attempts", "first"),
    [("2", 0, []), ("2", 1, ["A", "B"]), ("1", 0, ["A", "B"])],
)
async def test_new_firmware_is_asked_for_everything_once(
    answering: Online, few: None, row_firmware: str, attempts: int, first: list[str]
) -> None:
    one = await answering(V16, keys("A", "B"))
    one.row.firmware_version = row_firmware

    done = await read(one, manner="parts", firmware_version="1", attempts=attempts)

    assert one.asked == [first]
    assert done.manner == ("parts" if first else "whole")


def restarted(**columns: Any) -> dict[str, Any]:
    """The state of a station that was read with the firmware that it still has."""
    return {"read_at": NOW - timedelta(days=1), **columns}


@pytest.mark.parametrize("manner", ["whole", "parts"])
async def test_after_a_boot_only_keys_with_desired_values_are_read(answering: Online, manner: str) -> None:
    one = await answering(V16, keys("A", "B"))

    assert await read(one, "A", "x" * 51, "B", **restarted(manner=manner)) == Done(manner)
    assert one.asked == [["A", "B"]]
    assert one.how[0]["actor"] == "server"


@pytest.mark.parametrize("wanted", [(), ("x" * 51,)])
async def test_without_desired_values_nothing_is_read(answering: Online, wanted: tuple[str, ...]) -> None:
    one = await answering(V16)

    assert await read(one, *wanted, **restarted(manner="single")) == Done("single")
    assert one.commands == []


async def test_desired_values_without_an_answer_are_a_problem(answering: Online) -> None:
    one = await answering(V16, LATE, keys("A", "B"))

    problem = "GetConfiguration: No answer in time."
    assert await read(one, "A", "B", **restarted()) == Done("whole", problem=problem)
    assert await read(one, "A", "B", **restarted()) == Done("whole")


async def test_desired_values_are_read_key_by_key_where_that_has_worked(answering: Online) -> None:
    one = await answering(V16, keys("A"), keys("B"), keys(), LATE)

    assert await read(one, "A", "B", **restarted(manner="single")) == Done("single")
    nothing = await read(one, "A", **restarted(manner="single"))
    assert nothing == Done("single", problem="The station reported no values.")
    late = await read(one, "A", **restarted(manner="single"))
    assert late == Done("single", problem="GetConfiguration: No answer in time.")
    assert one.asked == [["A"], ["B"], ["A"], ["A"]]


@pytest.mark.parametrize("columns", [{"manner": "single"}, {"manner": "whole"}, restarted(manner="parts")])
async def test_a_station_that_has_gone_is_a_problem_of_the_reading(
    answering: Online, columns: dict[str, Any]
) -> None:
    one = await answering(V16)
    live.reset()

    done = await read(one, "A", **columns)

    assert done == Done(columns["manner"], problem="CP-1 is known but offline.")


# -- 2.x -----------------------------------------------------------------------------------------------------


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the next reports become complete."""
    ends: list[bool] = []

    async def wait(sent: Command) -> bool:
        assert sent.action == "GetBaseReport"
        return ends.pop(0)

    monkeypatch.setattr(inventory, "settled", wait)
    return ends


async def test_a_full_report_names_everything(answering: Online, settled: list[bool]) -> None:
    one = await answering(V201, {"status": "Accepted"})
    settled.append(True)
    before = datetime.now(UTC)

    done = await read(one)

    (action, payload) = one.commands[0]
    assert (action, payload["reportBase"], len(one.commands)) == ("GetBaseReport", "FullInventory", 1)
    assert 1 <= payload["requestId"] < 2**31
    assert one.how == [{"actor": "server", "timeout": 30.0, "wait": True}]
    assert (done.manner, done.problem) == ("whole", "")
    assert done.whole_at is not None
    assert before <= done.whole_at <= datetime.now(UTC)


async def test_a_report_of_the_configuration_does_not_name_everything(
    answering: Online, settled: list[bool]
) -> None:
    one = await answering(V201, {"status": "NotSupported"}, {"status": "Accepted"})
    settled.append(True)

    assert await read(one) == Done("whole")
    bases = [payload["reportBase"] for _, payload in one.commands]
    assert bases == ["FullInventory", "ConfigurationInventory"]


async def test_the_first_report_that_breaks_off_is_a_problem(answering: Online, settled: list[bool]) -> None:
    one = await answering(V201, {"status": "Accepted"})
    settled.append(False)

    assert await read(one) == Done("whole", problem="The report of the variables was not complete.")
    assert len(one.commands) == 1


async def test_after_a_second_report_that_breaks_off_variables_are_asked_for_by_name(
    answering: Online, settled: list[bool], few: None, known: list[str]
) -> None:
    known += ["c.a", "NoComponent", "C.E"]
    one = await answering(V201, {"status": "Accepted"}, variables("A", "B", "D", "E"))
    settled.append(False)

    assert await read(one, "C.D", attempts=1) == Done("parts")
    (action, payload) = one.commands[1]
    assert action == "GetVariables"
    assert [data["variable"]["name"] for data in payload["getVariableData"]] == ["A", "B", "D", "E"]


async def test_a_refused_report_is_no_problem_where_variables_can_be_asked_for(
    answering: Online, few: None
) -> None:
    one = await answering(V201, {"status": "Rejected"}, variables("A", "B"))

    assert await read(one) == Done("parts")


async def test_a_station_of_variables_may_answer_one_at_a_time_too(answering: Online, few: None) -> None:
    one = await answering(V201, variables("A"), variables("B"))

    assert await read(one, manner="parts") == Done("single")


@pytest.mark.parametrize(("attempts", "manner"), [(0, "whole"), (1, "parts")])
async def test_only_the_second_lost_report_changes_the_manner(
    answering: Online, attempts: int, manner: str
) -> None:
    one = await answering(V201, LOST)

    assert await read(one, attempts=attempts) == Done(manner, problem="GetBaseReport: Connection lost.")
