"""Changes of the security profile of a station: by the API, at the station, and as they are stored."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any, Final

from websockets.exceptions import InvalidStatus

from tests.conformance.device_models import report, variable
from tests.conformance.peer import V16, Operator, Peer, Records, eventually, station
from tests.servers import LiveServer

PASSWORD: Final = "correct horse battery"
BY_TLS: Final = {"X-Forwarded-Proto": "https"}  # a proxy has terminated TLS
NAME: Final = "upgrade-security-profile"
TABLE: Final = "chargepoints_securityprofilechange"
URL: Final = "wss://csms.example.com/ocpp"
ACCEPTED: Final = {"status": "Accepted"}
PRIORITY: Final = {
    "component": {"name": "OCPPCommCtrlr"},
    "variable": {"name": "NetworkConfigurationPriority"},
}
# The settings of the shared server show neither TLS nor an address.
FORCED: Final = {"force": True, "reason": "The proxy is known to work."}


def body(peer: Peer, target: int = 2, **more: Any) -> dict[str, Any]:
    address = {} if peer.version == V16 else {"csmsUrl": URL}
    return {"targetProfile": target, **address, **FORCED, **more}


def path(peer: Peer) -> str:
    return f"/api/v1/chargepoints/{peer.identity}/{NAME}"


def asking(operator: Operator, peer: Peer, target: int = 2, **more: Any) -> asyncio.Task[tuple[int, Any]]:
    """The request of an operator that waits for the station."""
    return asyncio.create_task(operator.request("POST", path(peer), body(peer, target, **more)))


async def report_slots(peer: Peer, value: str = "1", values: str = "1,2,3") -> None:
    """The station reports the slots that it has, and those that it uses."""
    one = variable(
        "OCPPCommCtrlr", "NetworkConfigurationPriority", value, dataType="SequenceList", valuesList=values
    )
    await report(peer, 7, one)


async def take_steps(peer: Peer) -> list[list[Any]]:
    """The station takes all that it gets: one key in 1.6; a profile, its priority and the reset in 2.x."""
    calls = [await peer.next_call()]
    await peer.answer(calls[0], ACCEPTED)
    if peer.version != V16:
        calls.append(await peer.next_call())
        await peer.answer(calls[1], {"setVariableResult": [{**PRIORITY, "attributeStatus": "Accepted"}]})
        calls.append(await peer.next_call())
        await peer.answer(calls[2], ACCEPTED)
    return calls


async def connects(server: LiveServer, peer: Peer, **how: Any) -> bool:
    """Whether the station can connect and boot."""
    try:
        async with station(server, peer.version, peer.identity, password=PASSWORD, **how):
            return True
    except InvalidStatus as refused:
        assert refused.response.status_code == 401
        return False


def profiles_of(records: Records, peer: Peer) -> tuple[int, int | None]:
    """The profile of the station, and the one that is admitted beside it."""
    row = records.charge_point(peer.identity)
    assert (row["next_security_profile"] is None) == (row["next_security_profile_until"] is None)
    return row["security_profile"], row["next_security_profile"]


def states(records: Records, peer: Peer) -> list[str]:
    return [row["state"] for row in records.of(TABLE, peer.identity)]


def answers(records: Records, peer: Peer) -> list[tuple[str, str]]:
    """The steps of the last change, each with the answer of the station."""
    *_, row = records.of(TABLE, peer.identity)
    return [(one["state"], one["answer"]) for one in json.loads(row["steps"])]


async def change_is(records: Records, peer: Peer, state: str) -> None:
    await eventually(lambda: states(records, peer)[-1:] == [state])


def let_time_pass(server: LiveServer, peer: Peer) -> None:
    """The time in which the station may return is over."""
    with sqlite3.connect(server.database, timeout=10) as connection:
        connection.execute(
            "UPDATE chargepoints_chargepoint SET next_security_profile_until = '2026-01-01 00:00:00' "
            "WHERE identity = ?",
            (peer.identity,),
        )
