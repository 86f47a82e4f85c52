"""A station limits the number of keys in a request; reading its configuration respects it (TC_B_08)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, station

LIMIT_201 = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
LIMIT_INSTANCE_ASIDE = "DeviceDataCtrlr[GetVariables].ItemsPerMessage"

Answer = Callable[[list[str]], Any]


class Scripted:
    """A station with answers from the test; `questions` are the names in each CALL."""

    def __init__(self, peer: Peer, operator: Operator) -> None:
        self.peer, self.operator = peer, operator
        self.questions: list[list[str]] = []

    async def read(self, keys: list[str], answer: Answer, timeout: int = 60) -> tuple[int, Any]:
        """The status and data for the operator. The station sends `answer` (None: nothing, str: an error)."""
        path = f"/api/v1/chargepoints/{self.peer.identity}/configuration/live"
        asked = f"{path}?timeout={timeout}" + (f"&keys={','.join(keys)}" if keys else "")
        waiting = asyncio.create_task(self.operator.request("GET", asked))
        answering = asyncio.create_task(self._answer(answer))
        status, body = await waiting
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        return status, body["data"]

    async def _answer(self, answer: Answer) -> None:
        while True:
            call = await self.peer.next_call(timeout=60)
            names = _names(call)
            self.questions.append(names)
            values = answer(names)
            if isinstance(values, str):
                await self.peer.send([4, call[1], values, "", {}])
            elif values is not None:
                await self.peer.answer(call, _payload(self.peer.version, values))


def _names(call: list[Any]) -> list[str]:
    if call[2] == "GetConfiguration":
        return list(call[3].get("key", ()))
    return [_name(item) for item in call[3]["getVariableData"]]


def _name(item: dict[str, Any]) -> str:
    parts = (item["component"], item["variable"])
    return ".".join(
        f"{part['name']}[{part['instance']}]" if "instance" in part else part["name"] for part in parts
    )


def _described(name: str) -> dict[str, Any]:
    found = []
    for part in name.split("."):
        plain, _, instance = part.rstrip("]").partition("[")
        found.append({"name": plain} | ({"instance": instance} if instance else {}))
    return {"component": found[0], "variable": found[1]}


def _payload(version: str, values: dict[str, str]) -> dict[str, Any]:
    if version == V16:
        keys = [{"key": key, "value": value, "readonly": False} for key, value in values.items()]
        return {"configurationKey": keys} if keys else {}
    return {
        "getVariableResult": [
            {**_described(name), "attributeStatus": "Accepted", "attributeValue": value}
            for name, value in values.items()
        ]
    }


def everything(names: list[str]) -> dict[str, str]:
    return dict.fromkeys(names, "1")


def five(version: str) -> list[str]:
    return [f"Key{n}" if version == V16 else f"SampledDataCtrlr.Key{n}" for n in range(5)]


@pytest.fixture
async def scripted(server: Any, operator: Operator, version: str) -> Any:
    async with station(server, version) as peer:
        yield Scripted(peer, operator)


@pytest.mark.parametrize("limit_name", [LIMIT_201, LIMIT_INSTANCE_ASIDE])
async def test_TC_B_08_five_keys_are_requested_as_four_and_one(
    scripted: Scripted, version: str, limit_name: str, records: Records
) -> None:
    limit = "GetConfigurationMaxKeys" if version == V16 else limit_name
    await scripted.read([limit], lambda names: {limit: "4"})
    scripted.questions.clear()

    status, data = await scripted.read(five(version), everything)

    assert scripted.questions == [five(version)[:4], five(version)[4:]]
    assert status == 200
    assert sorted(data["configuration"]) == five(version)
    assert "unknownKeys" not in data
    rows = records.commands(scripted.peer.identity)
    assert [row["state"] for row in rows] == ["accepted"] * 3
    assert data["requestId"] == rows[1]["id"]


async def test_without_a_known_limit_twenty_variables_or_a_hundred_keys_go_at_once(
    scripted: Scripted, version: str
) -> None:
    keys = [f"K{n}" if version == V16 else f"C.V{n}" for n in range(25)]

    _, data = await scripted.read(keys, everything)

    assert [len(names) for names in scripted.questions] == ([25] if version == V16 else [20, 5])
    assert len(data["configuration"]) == 25


async def test_a_limit_that_is_no_number_is_ignored(scripted: Scripted, version: str) -> None:
    limit = "GetConfigurationMaxKeys" if version == V16 else LIMIT_201
    await scripted.read([limit], lambda names: {limit: "many"})
    scripted.questions.clear()

    await scripted.read(five(version), everything)

    assert scripted.questions == [five(version)]


async def test_a_missing_key_is_requested_once_more_and_then_counts_as_unknown(
    scripted: Scripted, version: str
) -> None:
    keys = five(version)

    # The station answers only requests of one key, and has all keys but the last.
    status, data = await scripted.read(keys, lambda names: everything([n for n in names[:1] if n != keys[4]]))

    assert scripted.questions == [keys, *([key] for key in keys[1:])]
    assert status == 200
    assert sorted(data["configuration"]) == keys[:4]
    assert data["unknownKeys"] == [keys[4]]


async def test_a_request_that_is_answered_with_an_error_is_repeated_key_by_key(
    scripted: Scripted, version: str
) -> None:
    keys = five(version)

    status, data = await scripted.read(
        keys,
        lambda names: "InternalError" if len(names) > 1 or names == [keys[2]] else everything(names),
    )

    assert status == 200
    assert len(scripted.questions) == 6
    assert data["unknownKeys"] == [keys[2]]


async def test_a_station_that_does_not_support_the_action_gets_one_request(
    scripted: Scripted, version: str
) -> None:
    status, data = await scripted.read(five(version), lambda names: "NotImplemented")

    assert scripted.questions == [five(version)]
    assert (status, data["code"]) == (502, "NotImplemented")


async def test_a_request_without_an_answer_ends_the_reading_and_earlier_answers_are_shown(
    scripted: Scripted, version: str
) -> None:
    limit = "GetConfigurationMaxKeys" if version == V16 else LIMIT_201
    keys = five(version)
    await scripted.read([limit], lambda names: {limit: "2"})
    scripted.questions.clear()

    status, data = await scripted.read(
        keys, lambda names: everything(names) if names == keys[:2] else None, timeout=3
    )

    assert scripted.questions == [keys[:2], keys[2:4]]
    assert status == 408
    assert sorted(data["configuration"]) == keys[:2]


async def test_16_a_station_that_returns_no_keys_for_an_empty_request_is_asked_by_name(
    server: Any, operator: Operator
) -> None:
    async with station(server, V16) as peer:
        scripted = Scripted(peer, operator)

        status, data = await scripted.read([], lambda names: everything(names) if names else {})

    assert scripted.questions[0] == []
    assert len(scripted.questions) == 2
    assert status == 200
    assert "HeartbeatInterval" in data["configuration"]
    assert "unknownKeys" not in data


@pytest.mark.parametrize("version", [V201, V21])
async def test_a_malformed_name_is_refused_before_anything_is_sent(scripted: Scripted) -> None:
    status, data = await scripted.read(["A.B", "C.D", "nonsense"], everything)

    assert (status, data["errors"][0]["field"]) == (400, "keys")
    assert scripted.questions == []
