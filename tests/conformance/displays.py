"""The operator's side of display messages, and the answers of the station."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.peer import Operator, Peer, Records

ACCEPTED = {"status": "Accepted"}
TEXT = "Closed from 18:00."


def path(peer: Peer, name: str) -> str:
    return f"/api/v1/chargepoints/{peer.identity}/{name}"


async def ask(
    operator: Operator, peer: Peer, name: str, body: dict[str, Any], answer: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """Send a command that the station answers; the answer of the API, and the CALL."""
    sent = asyncio.create_task(operator.request("POST", path(peer, name), body))
    call = await peer.next_call()
    await peer.answer(call, answer)
    code, shown = await sent
    assert code == 200, shown
    return shown, call


async def show(
    operator: Operator, peer: Peer, answer: dict[str, Any] | None = None, **body: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set a message; the data of the answer, and the message that the station got."""
    body = {"content": TEXT} | body
    shown, call = await ask(operator, peer, "set-display-message", body, answer or ACCEPTED)
    assert call[2] == "SetDisplayMessage"
    return shown["data"], call[3]["message"]


async def get(
    operator: Operator, peer: Peer, status: str = "Accepted", **body: Any
) -> tuple[int, dict[str, Any]]:
    """Ask for the messages; the requestId of the report, and the criteria that the station got."""
    shown, call = await ask(operator, peer, "get-display-messages", body, {"status": status})
    criteria = dict(call[3])
    number = criteria.pop("requestId")
    assert (call[2], shown["data"]["reportRequestId"]) == ("GetDisplayMessages", number)
    return number, criteria


async def report(peer: Peer, number: int, *messages: dict[str, Any], more: bool | None = None) -> None:
    """A part of the report; it must be answered `{}`."""
    payload: dict[str, Any] = {"requestId": number, "messageInfo": list(messages)}
    if more is not None:
        payload["tbc"] = more
    assert await peer.call("NotifyDisplayMessages", payload) == {}


async def messages(operator: Operator, peer: Peer, query: str = "") -> list[dict[str, Any]]:
    """The messages of the station as the API shows them, the oldest first."""
    code, shown = await operator.request("GET", path(peer, f"display-messages{query}"))
    assert code == 200, shown
    found: list[dict[str, Any]] = shown["data"]["displayMessages"]
    return found[::-1]


def stored(records: Records, peer: Peer) -> list[dict[str, Any]]:
    """The rows of the station's messages, the oldest first."""
    return records.of("chargepoints_displaymessage", peer.identity, order="t.created_at")


def stored_states(records: Records, peer: Peer) -> dict[int, str]:
    """The state of each row by the ID of its message; of several with one ID the newest."""
    return {row["number"]: row["state"] for row in stored(records, peer)}


async def states(operator: Operator, peer: Peer) -> dict[int, str]:
    """The state of each message by its ID; of several with one ID the newest."""
    return {row["messageId"]: row["state"] for row in await messages(operator, peer)}
