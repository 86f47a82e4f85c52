"""The meaning of answers for an operator: refused with a reason, some items accepted, no such thing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.console import Console
from tests.conformance.peer import V16, V21, V201, Operator, Peer, Records, station
from tests.servers import LiveServer

INFO = {"reasonCode": "FwUpdateInProgress", "additionalInfo": "Try again at noon."}
NAMES = (
    {"component": {"name": "C"}, "variable": {"name": "A"}},
    {"component": {"name": "C"}, "variable": {"name": "B"}},
)


@pytest.fixture
async def peer(server: LiveServer, version: str) -> AsyncIterator[Peer]:
    async with station(server, version) as connected:
        yield connected


class Asking:
    """An operator whose commands the test answers."""

    def __init__(self, operator: Operator, peer: Peer) -> None:
        self.operator, self.peer = operator, peer

    async def command(
        self, action: str, payload: dict[str, Any], answer: Any
    ) -> tuple[int, dict[str, Any], dict[str, Any]]:
        """HTTP status, body, and the command in the history. A list is a CALLERROR."""
        path = f"/api/v1/chargepoints/{self.peer.identity}/commands"
        body = {"action": action, "payload": payload}
        asking = asyncio.create_task(self.operator.request("POST", path, body))
        call = await self.peer.next_call()
        if isinstance(answer, list):
            await self.peer.send([4, call[1], *answer])
        else:
            await self.peer.answer(call, answer)
        status, shown = await asking
        _, command = await self.operator.request("GET", f"{path}/{call[1]}")
        return status, shown, command["data"]


@pytest.fixture
def asking(operator: Operator, peer: Peer) -> Asking:
    return Asking(operator, peer)


@pytest.mark.parametrize("version", [V201, V21])
async def test_a_refusal_shows_the_stations_reason_in_answer_history_and_admin(
    asking: Asking, peer: Peer, server: LiveServer
) -> None:
    refused = {"status": "Rejected", "statusInfo": INFO}

    status, shown, command = await asking.command("ClearCache", {}, refused)
    page = json.loads(await asyncio.to_thread(_snapshot, server, peer))

    assert (status, shown["success"], shown["data"]["code"]) == (200, False, "rejected")
    assert "FwUpdateInProgress: Try again at noon" in shown["message"]
    assert INFO.items() <= shown["data"].items()
    assert INFO.items() <= command.items()
    (line,) = page["states"].values()
    assert line["text"] == "ClearCache: Rejected (FwUpdateInProgress: Try again at noon.)"


def _snapshot(server: LiveServer, peer: Peer) -> str:
    key = Records(server.database).charge_point(peer.identity)["id"]
    return Console(server).get(f"/admin/chargepoints/chargepoint/{key}/station/live/")


async def test_a_callerror_shows_description_and_details(asking: Asking) -> None:
    status, shown, command = await asking.command("ClearCache", {}, ["InternalError", "Stuck.", {"relay": 2}])

    assert (status, shown["data"]["description"], shown["data"]["details"]) == (502, "Stuck.", {"relay": 2})
    assert (command["errorDescription"], command["errorDetails"]) == ("Stuck.", {"relay": 2})


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize(
    ("word", "is_success", "code"), [("Rejected", False, "partial"), ("UnknownVariable", True, None)]
)
async def test_one_of_two_items(asking: Asking, word: str, is_success: bool, code: str | None) -> None:
    got = [
        {**NAMES[0], "attributeStatus": "Accepted", "attributeValue": "1"},
        {**NAMES[1], "attributeStatus": word, "attributeStatusInfo": INFO},
    ]

    status, shown, command = await asking.command(
        "GetVariables", {"getVariableData": list(NAMES)}, {"getVariableResult": got}
    )

    assert (status, shown["success"], shown["data"].get("code")) == (200, is_success, code)
    assert "accepted 1 of 2 items" in shown["message"]
    assert (shown["data"]["accepted"], shown["data"]["items"]) == (1, 2)
    assert (command["state"], command["status"], command["accepted"]) == ("partial", word, 1)


async def test_no_such_thing_is_an_answer(asking: Asking, version: str) -> None:
    payload = {"id": 5} if version == V16 else {"chargingProfileId": 5}

    status, shown, command = await asking.command("ClearChargingProfile", payload, {"status": "Unknown"})

    assert (status, shown["success"], shown["data"]["status"]) == (200, True, "Unknown")
    assert (command["state"], command["status"]) == ("empty", "Unknown")


@pytest.mark.parametrize("version", [V16])
async def test_16_diagnostics_without_a_file_name_are_nothing_to_send(asking: Asking) -> None:
    status, shown, command = await asking.command("GetDiagnostics", {"location": "ftp://example.com/"}, {})

    assert (status, shown["success"], command["state"]) == (200, True, "empty")
    assert shown["message"].endswith("it has nothing to send.")


async def remote_start(operator: Operator, peer: Peer, **body: Any) -> dict[str, Any]:
    path = f"/api/v1/chargepoints/{peer.identity}/remote-start"
    asking = asyncio.create_task(operator.request("POST", path, body))
    await peer.answer(await peer.next_call(), {"status": "Accepted"})
    status, answer = await asking
    assert status == 200
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_remote_start_with_an_unknown_token_is_sent_with_a_warning(
    operator: Operator, peer: Peer
) -> None:
    unknown = await remote_start(operator, peer, idTag="NOBODY")
    known = await remote_start(operator, peer, idTag=ALICE)
    forced = await remote_start(operator, peer, idTag="NOBODY", force=True)
    await operator.change(peer.identity, unknownTokens="accept")
    free = await remote_start(operator, peer, idTag="NOBODY")

    assert "This token is unknown" in unknown["warning"]
    assert ["warning" in data for data in (known, forced, free)] == [False, False, False]


@pytest.mark.parametrize("version", [V201])
async def test_the_page_asks_before_it_sends_an_unknown_token(server: LiveServer, peer: Peer) -> None:
    key = Records(server.database).charge_point(peer.identity)["id"]
    path = f"/admin/chargepoints/chargepoint/{key}/station/send/remote-start/"
    fields = {"id_token": "NOBODY", "id_token_type": "Central"}

    console = await asyncio.to_thread(Console, server)
    _, first = await asyncio.to_thread(lambda: console.post(path, **fields))
    confirm = json.loads(first)["confirm"]
    status, second = await asyncio.to_thread(lambda: console.post(path, **fields, confirmed=confirm))
    call = await peer.next_call()

    assert "This token is unknown" in confirm
    assert (status, json.loads(second)["sent"]) == (200, True)
    assert call[3]["idToken"]["idToken"] == "NOBODY"
