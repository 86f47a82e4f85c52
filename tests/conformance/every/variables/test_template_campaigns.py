"""Campaigns that give stations the values of a template: ChangeConfiguration in 1.6, SetVariables in 2.x."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import campaigning
from tests.conformance.campaigning import CAMPAIGNS, created
from tests.conformance.every.variables.test_desired_values import EVERYTHING, answer_changes, keys, names
from tests.conformance.peer import V16, VERSIONS, Operator, Peer, Records, eventually, fresh, station
from tests.servers import LiveServer

STATES = "configuration_configurationstate"
DETAILS = "SELECT detail FROM chargepoints_campaignstation WHERE detail <> ''"
TEMPLATES = "/api/v1/configuration/templates"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A server that reads configurations by itself."""
    folder = tmp_path_factory.mktemp("campaigns")
    live = LiveServer(folder, template=migrated_database, OCPP_CONFIGURATION_READS="10").start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


async def template(operator: Operator, version: str, *keys: str) -> int:
    """A template with the value 60 for each key; its number."""
    dialect = "1.6" if version == V16 else "2.x"
    body = {"name": fresh("T"), "dialect": dialect, "values": dict.fromkeys(keys, "60")}
    status, answer = await operator.request("POST", TEMPLATES, body)
    assert status == 201, answer
    return int(answer["data"]["id"])


async def start(operator: Operator, number: int, *identities: str, **arguments: Any) -> str:
    return await created(operator, "configuration", {"templateId": number, **arguments}, identities)


async def results(operator: Operator, one: str) -> dict[str, tuple[str, str, str]]:
    found = await campaigning.rows(operator, one)
    return {name: (row["state"], row["reason"], row["detail"]) for name, row in found.items()}


async def ended(operator: Operator, one: str, records: Records) -> dict[str, tuple[str, str, str]]:
    """The results when all stations have one."""
    await campaigning.ended(operator, one, records)
    return await results(operator, one)


@pytest.mark.parametrize("version", VERSIONS)
async def test_each_station_has_its_own_result_and_one_with_the_values_is_skipped(
    server: LiveServer, operator: Operator, records: Records, stack: AsyncExitStack, version: str
) -> None:
    first, second, _ = names(version)
    number = await template(operator, version, first, second)
    takes, refuses = [await stack.enter_async_context(station(server, version)) for _ in range(2)]
    one = await start(operator, number, takes.identity, refuses.identity)

    async def answer(peer: Peer, **words: str) -> None:
        given: dict[str, str] = {}
        while len(given) < len(words):
            given |= await answer_changes(peer, **words)
        assert given == dict.fromkeys((first, second), "60")

    await answer(takes, **{first: "Accepted", second: "Accepted"})
    await answer(refuses, **{first: "Rejected", second: "Accepted"})
    reason = "Refused by the station" if version == V16 else "OutOfRange"
    assert await ended(operator, one, records) == {
        takes.identity: ("done", "", ""),
        refuses.identity: ("failed", "rejected", f"{first}: {reason}."),
    }

    again = await start(operator, number, takes.identity)
    assert await ended(operator, again, records) == {
        takes.identity: ("skipped", "", "The station has the values already.")
    }
    await takes.heartbeat()
    assert not takes.calls


@pytest.mark.nightly
async def test_a_station_that_needs_a_reboot_has_its_result_after_the_boot(
    reader: LiveServer, stack: AsyncExitStack
) -> None:
    operator, records, identities = Operator(reader), Records(reader.database), [fresh(), fresh()]
    number = await template(operator, V16, "HeartbeatInterval")
    for identity in identities:
        peer = await stack.enter_async_context(station(reader, V16, identity))
        await peer.answer(await peer.next_call(), keys(**EVERYTHING | {"HeartbeatInterval": "900"}))
        await eventually(lambda name=identity: records.of(STATES, name, "1")[0]["read_at"])
        awaits = identity == identities[0]
        one = await start(operator, number, identity, awaitReboot=awaits)
        await answer_changes(peer, HeartbeatInterval="RebootRequired")
        words = "Waits for a reboot: HeartbeatInterval."
        if not awaits:
            assert await ended(operator, one, records) == {identity: ("done", "", words)}
            continue
        await eventually(lambda: records.rows(DETAILS))
        assert await results(operator, one) == {identity: ("sent", "", words)}
        awaited = one

    peer = await stack.enter_async_context(station(reader, V16, identities[0]))
    await peer.answer(await peer.next_call(), keys(HeartbeatInterval="60"))
    assert await ended(operator, awaited, records) == {identities[0]: ("done", "", "")}


async def test_a_template_that_does_not_exist_is_refused(operator: Operator) -> None:
    body = {
        "name": "c",
        "kind": "configuration",
        "arguments": {"templateId": 99999},
        "stations": {"all": True},
    }

    status, answer = await operator.request("POST", CAMPAIGNS, body)

    assert status == 400
    assert answer["data"]["errors"][0]["field"] == "arguments.templateId"
