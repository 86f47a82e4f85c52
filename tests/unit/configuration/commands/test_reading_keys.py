"""Reading the keys of a 1.6 station: how they are asked for, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.commands.variables import GET_CONFIGURATION, read
from configuration.services.variables import catalogue
from ocpp_server.domain import StationOffline
from ocpp_server.protocol.versions import V16
from tests.unit.configuration.commands.conftest import Connect
from tests.unit.configuration.commands.scripted import keys

VALUE = {"value": "A", "readonly": False}


async def test_without_names_the_station_is_asked_once_for_all_its_keys(online: Connect) -> None:
    one = await online(V16, keys("A"))

    found = await read(one.row, actor="ann")

    assert one.commands == [("GetConfiguration", {})]
    assert found.data == {"configuration": {"A": VALUE}}
    assert [command.actor for command in found.commands] == ["ann"]


async def test_a_station_that_lists_nothing_is_asked_for_every_key_of_the_table(online: Connect) -> None:
    one = await online(V16, {}, keys("HeartbeatInterval", unknown=("Model",)))

    found = await read(one.row, actor="ann")

    assert one.asked == [[], catalogue.names()]
    assert list(found.keys) == ["HeartbeatInterval"]
    assert found.unknown == []


async def test_the_keys_of_the_table_are_asked_for_in_parts_of_the_reported_limit(online: Connect) -> None:
    names = catalogue.names()
    half = len(names) // 2 + 1
    one = await online(V16, {}, keys("A"), keys("B"), GetConfigurationMaxKeys=str(half))

    found = await read(one.row, actor="ann")

    assert one.asked == [[], names[:half], names[half:]]
    assert list(found.keys) == ["A", "B"]


@pytest.mark.parametrize(
    ("answer", "wait"), [("InternalError", True), ("NotSupported", True), ({}, False), (keys("A"), True)]
)
async def test_the_table_is_not_asked_for_after_an_error_or_without_waiting(
    online: Connect, answer: Any, wait: bool
) -> None:
    one = await online(V16, answer)

    await read(one.row, actor="ann", wait=wait)

    assert one.asked == [[]]


async def test_100_keys_are_asked_for_at_once_where_no_limit_is_known(online: Connect) -> None:
    names = [f"K{number}" for number in range(101)]
    one = await online(V16, keys(*names[:100]), keys(names[100]))

    found = await read(one.row, names, actor="ann")

    assert one.asked == [names[:100], names[100:]]
    assert list(found.keys) == names
    assert found.command == found.commands[0]


async def test_keys_are_asked_for_in_parts_of_the_reported_limit(online: Connect) -> None:
    one = await online(V16, keys("A", "B"), keys("C", "D"), keys("E"), GetConfigurationMaxKeys="2")

    found = await read(one.row, list("ABCDE"), actor="ann")

    assert one.asked == [["A", "B"], ["C", "D"], ["E"]]
    assert list(found.keys) == list("ABCDE")


async def test_a_key_that_an_answer_lacks_is_asked_for_alone(online: Connect) -> None:
    one = await online(V16, keys("a", unknown=("D",)), keys("B"), keys())

    found = await read(one.row, list("ABCD"), actor="ann")

    assert one.asked == [["A", "B", "C", "D"], ["B"], ["C"]]
    assert list(found.keys) == ["a", "B"]
    assert found.data["unknownKeys"] == ["D", "C"]


async def test_a_key_that_was_asked_for_alone_is_not_asked_for_again(online: Connect) -> None:
    one = await online(V16, keys("A", "B"), keys(), GetConfigurationMaxKeys="2")

    found = await read(one.row, list("ABC"), actor="ann")

    assert one.asked == [["A", "B"], ["C"]]
    assert found.unknown == ["C"]


async def test_a_single_key_is_asked_for_once_without_a_query_for_limits(online: Connect) -> None:
    one = await online(V16, keys())

    found = await read(one.row, ["A"], actor="ann")

    assert one.asked == [["A"]]
    assert (found.keys, found.unknown) == ({}, ["A"])
    assert one.lookups == []


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
async def test_a_station_without_the_action_is_not_asked_further(online: Connect, code: str) -> None:
    one = await online(V16, keys("A"), code, GetConfigurationMaxKeys="1")

    found = await read(one.row, list("ABC"), actor="ann")

    assert one.asked == [["A"], ["B"]]
    assert found.command.error_code == code
    assert found.unknown == []
    assert found.data == {"configuration": {"A": VALUE}}


async def test_after_another_error_the_keys_are_asked_for_alone(online: Connect) -> None:
    one = await online(V16, "InternalError", keys("A"), "InternalError")

    found = await read(one.row, list("AB"), actor="ann")

    assert one.asked == [["A", "B"], ["A"], ["B"]]
    assert list(found.keys) == ["A"]
    assert found.unknown == ["B"]


async def test_a_request_without_an_answer_ends_the_sequence(online: Connect) -> None:
    one = await online(V16, None, GetConfigurationMaxKeys="1")

    found = await read(one.row, list("AB"), actor="ann", timeout=7)

    assert one.asked == [["A"]]
    assert (found.command.state, found.data, one.timeouts) == ("timeout", {}, [7])


async def test_without_waiting_every_part_is_queued_and_none_is_asked_for_again(online: Connect) -> None:
    one = await online(V16, keys(), keys(), GetConfigurationMaxKeys="1")

    found = await read(one.row, list("AB"), actor="ann", wait=False)

    assert [command.state for command in found.commands] == ["queued", "queued"]
    assert (found.command, found.unknown, found.data) == (found.commands[0], [], {})
    assert one.asked == [["A"], ["B"]]


@pytest.mark.parametrize(
    ("version", "sentence"),
    [("", "CP-1 has never connected."), (V16, "CP-1 is known but offline.")],
)
async def test_a_station_that_is_not_connected_is_refused(
    online: Connect, version: str, sentence: str
) -> None:
    row = ChargePoint(identity="CP-1", ocpp_version=version)

    with pytest.raises(StationOffline) as refused:
        await read(row, ["Any key"] if not version else [], actor="ann")

    assert refused.value.sentence == sentence


async def test_a_key_that_is_named_twice_is_asked_for_once(online: Connect) -> None:
    one = await online(V16, keys("B", "A"))

    result = await GET_CONFIGURATION.perform(one.row, actor="ann", keys=["B", "A", "B"])

    assert one.asked == [["B", "A"]]
    assert list(result.data["configuration"]) == ["B", "A"]
    assert (result.command.action, result.pending) == ("GetConfiguration", "")


async def test_without_names_the_command_asks_for_all_keys(online: Connect) -> None:
    one = await online(V16, keys("A"))

    result = await GET_CONFIGURATION.perform(one.row, actor="ann")

    assert one.asked == [[]]
    assert result.data == {"configuration": {"A": VALUE}}
