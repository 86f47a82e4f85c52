"""Commands about charging profiles over REST, and what is installed afterwards; for both dialects."""

from __future__ import annotations

import asyncio
import json


async def asked(operator, peer, command, body, answer=None):
    """Send a command over REST; the station answers it. The HTTP status, the answer, and the call, which is
    None where the server has refused the command.
    """
    path = f"/api/v1/chargepoints/{peer.identity}/{command}"
    sent = asyncio.create_task(operator.request("POST", path, body))
    waiting = asyncio.create_task(peer.next_call())
    await asyncio.wait({sent, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        await asyncio.wait({waiting})
        return (*await sent, None)
    peer.calls.appendleft(waiting.result())
    call = await peer.next_call()
    await peer.answer(call, answer or {"status": "Accepted"})
    return (*await sent, call)


def profiles(records, identity):
    """(purpose, EVSE, level, state) of every profile of a station, in the order of their installation."""
    rows = records.of("smart_charging_installedprofile", identity, order="t.installed_at")
    return [(row["purpose"], row["evse_number"], row["stack_level"], row["state"]) for row in rows]


async def listed(operator, identity, query="isCurrent=true"):
    """The charging profiles of a station in the API."""
    _, answer = await operator.request("GET", f"/api/v1/chargepoints/{identity}/charging-profiles?{query}")
    return answer["data"]["chargingProfiles"]


def stored_profiles(records, identity):
    """(state, profile as the station got it) of every profile of a station, in the order of their
    installation.
    """
    rows = records.of("smart_charging_installedprofile", identity, order="t.installed_at")
    return [(row["state"], json.loads(row["payload"])) for row in rows]
