"""Requests for reservations, and their rows."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.conftest import ALICE
from tests.conformance.peer import Operator, Peer, Records


def _path(peer: Peer, name: str) -> str:
    return f"/api/v1/chargepoints/{peer.identity}/{name}"


async def reserve(
    operator: Operator, peer: Peer, word: str = "Accepted", **body: Any
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Reserve for Alice; the HTTP status, the answer's data, and the payload that the station got."""
    return await sent(operator, peer, "reserve", {"status": word}, {"idTag": ALICE, **body})


async def cancel(
    operator: Operator, peer: Peer, number: int, word: str = "Accepted"
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    return await sent(operator, peer, "cancel-reservation", {"status": word}, {"reservationId": number})


async def sent(
    operator: Operator, peer: Peer, name: str, answer: dict[str, Any], body: dict[str, Any]
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Send a command that the station answers."""
    asked = asyncio.create_task(operator.request("POST", _path(peer, name), body))
    call = await peer.next_call()
    await peer.answer(call, answer)
    code, found = await asked
    return code, found["data"], call[3]


async def refused(operator: Operator, peer: Peer, **body: Any) -> tuple[int, dict[str, Any]]:
    """Ask for a reservation that the server does not send."""
    code, found = await operator.request("POST", _path(peer, "reserve"), {"idTag": ALICE, **body})
    return code, found["data"]


def states(records: Records, peer: Peer) -> list[tuple[str, str]]:
    """The state and the reason of each reservation, oldest first."""
    rows = records.of("transactions_reservation", peer.identity)
    return [(row["state"], row["reason"]) for row in rows]


def events(records: Records, peer: Peer) -> list[str]:
    """The types of the events about reservations, in order."""
    rows = records.rows(
        "SELECT type FROM api_events WHERE station = ? AND type LIKE 'reservation.%' ORDER BY id",
        peer.identity,
    )
    return [row["type"] for row in rows]
