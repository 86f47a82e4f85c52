"""A sample of the matrix of answers at a running server: real sockets, and the REST API over HTTP. The
nightly run has the whole.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed

from ocpp_server.commanding import OperatorCommand
from ocpp_server.protocol.actions import RESTARTS
from tests.conformance.every.answers import asked
from tests.conformance.every.answers.conftest import Measured
from tests.conformance.every.answers.endings import DROPPED, SILENCE, Ending, endings, usual
from tests.conformance.peer import TIMEOUT_S, V16, Operator, Peer, fresh, station
from tests.servers import LiveServer

# Seconds that a silent station has: the fewest that the REST API takes.
_LEAST_S = 1
# The stations that are connected at once.
_AT_ONCE = 12
# These need a row that is not stored here: a session, a desired value, a password, a token, a profile, a
# certificate. `renew-certificate` sends the command `trigger`: see about_signing.py.
_ELSEWHERE = frozenset(
    {
        "apply-configuration",
        "change-transaction-tariff",
        "delete-certificate",
        "notify-allowed-energy-transfer",
        "remote-stop",
        "renew-certificate",
        "request-battery-swap",
        "rotate-password",
        "send-certificate",
        "update-cost",
        "update-dynamic-schedule",
        "upgrade-security-profile",
        "use-priority-charging",
    }
)
# A base report that the station has begun is not asked for again.
_REPORTING = "is sending the report"
# The server updates a local list by itself when its station connects again.
_BUSY = "is being updated already."
# After these answers the server sends a 1.6 station no unsigned firmware: it may take signed firmware only.
_LACKS_UNSIGNED = frozenset((V16, "update-firmware", error) for error in ("NotImplemented", "NotSupported"))
_SAMPLED = frozenset({"clear-cache", "reserve", "set-charging-profile", "reset"})


class Socketed(NamedTuple):
    """A case at a station of its own."""

    command: OperatorCommand
    version: str
    action: str
    ending: Ending


def _cases() -> list[Socketed]:
    """Each ending of the action that the declaration names."""
    return [
        Socketed(command, version, command.action_of(version), ending)
        for command, version in asked.declared()
        if command.name not in _ELSEWHERE
        for ending in endings(version, command.action_of(version))
    ]


def _sampled() -> list[Socketed]:
    """One ending of each sort."""
    sorts = ("status=Accepted", "status=Rejected", "InternalError", SILENCE, DROPPED, "half a frame")
    return [one for one in _cases() if one.command.name in _SAMPLED and one.ending.name in sorts]


async def test_a_sample_of_the_endings_over_sockets(
    server: LiveServer, operator: Operator, measured: Measured
) -> None:
    await _all(server, operator, measured, _sampled(), least=60)


@pytest.mark.nightly
async def test_every_ending_over_sockets(server: LiveServer, operator: Operator, measured: Measured) -> None:
    await _all(server, operator, measured, _cases(), least=1500)


async def _all(
    server: LiveServer, operator: Operator, measured: Measured, cases: list[Socketed], *, least: int
) -> None:
    assert len(cases) > least
    free, wrong = asyncio.Semaphore(_AT_ONCE), []

    async def play(case: Socketed) -> None:
        async with free:
            try:
                await _play(server, operator, case)
            except (AssertionError, TimeoutError) as error:
                name = f"{case.version} {case.command.name} ends with {case.ending.name}"
                wrong.append(f"{name}: {error or 'no message came in time'}")

    await asyncio.gather(*map(play, cases))
    measured("endings over sockets", len(cases))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} cases:", *wrong])


async def _play(server: LiveServer, operator: Operator, case: Socketed) -> None:
    """Send the command, let it end, read it, and send it again."""
    identity = fresh()
    fields = asked.ways(case.command, case.version)[0]
    async with station(server, case.version, identity) as peer:
        status, answer, first = await _sent(operator, peer, case, fields)
    ending = case.ending
    wanted = {SILENCE: 408, DROPPED: 202 if case.action in RESTARTS else 503}.get(ending.name)
    if ending.is_error:
        # 409: the error shows that the station has no such thing as a local list.
        assert status in (502, 409) and ending.name in answer["message"], (status, answer)
    elif wanted is not None:
        assert status == wanted, (status, answer)
    assert answer["message"], answer
    if first:
        code, shown = await operator.request("GET", f"/api/v1/chargepoints/{identity}/commands/{first}")
        assert code == 200, shown
        data = shown["data"]
        states = {
            408: {"timeout"},
            409: {"error", "rejected"},
            502: {"error", "invalid"},
            503: {"disconnected"},
        }
        usual_states = {"accepted", "rejected", "empty", "partial", "sent"}
        assert data["state"] in states.get(status, usual_states), (status, data)
        assert not ending.is_error or data["errorCode"] in answer["message"], (answer, data)
    async with station(server, case.version, identity) as peer:
        again = case._replace(ending=Ending(""))
        number = answer.get("data", {}).get("reservationId")
        if number and answer["data"].get("state") != "accepted":
            fields = fields | {"reservationId": number}
        elif number:
            return  # the EVSE is reserved
        if case.command.name == "trigger":  # also for a message that the station has not implemented
            fields = fields | {"force": True}
        status, answer, _ = await _sent(operator, peer, again, fields)
        if (case.version, case.command.name, ending.name) in _LACKS_UNSIGNED:
            assert (status, answer["data"]["code"]) == (409, "not-supported"), (status, answer)
            assert "does not know UpdateFirmware" in answer["message"], answer
            return
        if _REPORTING in answer["message"]:
            assert (case.command.name, status) == ("get-base-report", 409), (status, answer)
            return
        async with asyncio.timeout(TIMEOUT_S):
            while status == 409 and answer["message"].endswith(_BUSY):
                await asyncio.sleep(0.1)  # no event to await: a job of the server updates the list
                status, answer, _ = await _sent(operator, peer, again, fields)
    assert status == 200 and answer["success"], (status, answer)


async def _sent(
    operator: Operator, peer: Peer, case: Socketed, fields: dict[str, Any]
) -> tuple[int, dict[str, Any], str]:
    """The HTTP status, the body, and the id of the first CALL with the action of the case."""
    body = fields | ({"timeout": _LEAST_S} if case.ending.name == SILENCE else {})
    path = f"/api/v1/chargepoints/{peer.identity}/{case.command.path}"
    answering = asyncio.create_task(_answer(peer, case))
    status, answer = await operator.request("POST", path, body)
    answering.cancel()
    with suppress(asyncio.CancelledError):
        await answering
    ids = [frame[1] for frame in peer.strays if frame[0] == 2 and frame[2] == case.action]
    return status, answer, ids[0] if ids else ""


async def _answer(peer: Peer, case: Socketed) -> None:
    """Answer the calls of the server, and keep them in `strays`; those of the case's action end by it."""
    number = 0
    with suppress(ConnectionClosed):
        while True:
            call = await peer.next_call(timeout=300)
            peer.strays.append(call)
            _, id, action, request = call
            if action != case.action or not case.ending.name:
                answer = usual(case.version, action, request)
                key = "listVersion" if case.version == V16 else "versionNumber"
                if action == "GetLocalListVersion":
                    answer[key] = number
                number = request.get(key, number)
                await peer.answer(call, answer)
            elif case.ending.name == DROPPED:
                peer.abort()
                return
            elif case.ending.name != SILENCE:
                await peer.send_raw(case.ending.text(id, request))
