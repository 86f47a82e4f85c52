"""Commands on the wire: REST to a running server, and a simulated station of each version that answers."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulator.station import Station
from simulator.wire import CallFailed
from tests.servers import LiveServer

VERSIONS = ["1.6", "2.0.1", "2.1"]


class Desk:
    """The operator's side of one station."""

    def __init__(self, server: LiveServer, station: Station) -> None:
        self.server, self.station = server, station
        self.base = f"/api/v1/chargepoints/{station.identity}"
        self.card = f"CARD{station.identity}"

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, `data` and the whole answer."""
        status, answer = await asyncio.to_thread(self.server.request, method, path, body, **headers)
        return status, answer["data"], answer

    async def tell(self, name: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        return await self.ask("POST", f"{self.base}/{name}", {} if body is None else body, **headers)

    async def until(self, path: str, ready: Any) -> Any:
        """Ask until the data is as wanted: what a station does later is known through the server only."""
        deadline = time.monotonic() + 60
        while True:
            _, data, _ = await self.ask("GET", path)
            if ready(data):
                return data
            assert time.monotonic() < deadline, data
            await asyncio.sleep(0.05)


@pytest.fixture(params=VERSIONS)
async def desk(request: pytest.FixtureRequest, server: LiveServer) -> AsyncIterator[Desk]:
    """A station of its own for every test, and a card that may charge."""
    name = f"CP-{uuid.uuid4().hex[:12]}"
    station = Station(name, request.param, server.ocpp, speed=60)
    await station.start()
    desk = Desk(server, station)
    status, _, answer = await desk.ask("POST", "/api/v1/tokens", {"uid": desk.card})
    yield desk
    await station.stop()
    assert status == 201, answer


async def test_a_connected_station_is_online_everywhere(desk: Desk) -> None:
    status, clients, _ = await desk.ask("GET", "/clients")
    _, shown, _ = await desk.ask("GET", f"{desk.base}/status")
    _, detail, _ = await desk.ask("GET", desk.base)

    assert status == 200
    assert desk.station.identity in clients["clients"]
    assert shown["online"] is shown["isOnline"] is True
    assert detail["ocppVersion"] == desk.station.version.removeprefix("ocpp")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("reset", {"type": "Soft"}),
        ("unlock", {"connectorId": 1}),
        ("availability", {"type": "Inoperative", "connectorId": 2}),
        ("availability", {"type": "Operative"}),
        ("trigger", {"requestedMessage": "StatusNotification", "connectorId": 1}),
        ("trigger", {"requestedMessage": "Heartbeat"}),
        ("clear-cache", {}),
    ],
)
async def test_an_intent_reaches_every_version_in_its_own_words(
    desk: Desk, name: str, body: dict[str, Any]
) -> None:
    status, data, answer = await desk.tell(name, body)

    assert status == 200, answer
    assert answer["success"] is True
    assert data["status"] in ("Accepted", "Unlocked", "Scheduled")
    assert data["clientId"] == desk.station.identity
    assert len(data["requestId"]) == 36


async def test_a_station_that_says_no_is_200_without_success(desk: Desk) -> None:
    status, data, answer = await desk.tell("data-transfer", {"vendorId": "com.example", "data": {"any": 1}})

    assert status == 200
    assert answer["success"] is False
    assert data["status"] == "UnknownVendorId"


async def test_a_station_that_answers_with_an_error_is_502_with_code_and_description(desk: Desk) -> None:
    def refuse(payload: Any) -> Any:
        raise CallFailed("Reset", "InternalError", "The relay is stuck.")

    desk.station.on_call("Reset", refuse)

    status, data, answer = await desk.tell("reset")

    assert status == 502, answer
    assert (data["code"], data["description"]) == ("InternalError", "The relay is stuck.")
    assert data["details"] == {}


async def test_an_answer_that_is_none_is_502(desk: Desk) -> None:
    desk.station.on_call("ClearCache", lambda payload: {"status": 42})

    status, data, _ = await desk.tell("clear-cache")

    assert status == 502
    assert "42" in data["response"]["raw"]


async def test_a_silent_station_is_408_after_the_time_asked_for(desk: Desk) -> None:
    desk.station.on_call("ClearCache", lambda payload: None)

    started = time.monotonic()
    status, data, _ = await desk.tell("clear-cache", {"timeout": 1})

    assert status == 408
    assert 0.9 < time.monotonic() - started < 8  # ten where no time is asked for
    _, command, _ = await desk.ask("GET", f"{desk.base}/commands/{data['requestId']}")
    assert command["state"] == "timeout"


async def test_a_connection_lost_in_the_middle_is_503_at_once(desk: Desk) -> None:
    lost = asyncio.Event()

    def drop(payload: Any) -> None:
        lost.set()

    desk.station.on_call("ClearCache", drop)
    waiting = asyncio.create_task(desk.tell("clear-cache", {"timeout": 120}))
    await lost.wait()
    started = time.monotonic()
    await desk.station.go_offline()

    status, data, _ = await waiting

    assert status == 503
    assert time.monotonic() - started < 40
    _, command, _ = await desk.ask("GET", f"{desk.base}/commands/{data['requestId']}")
    assert command["state"] == "disconnected"


async def test_without_waiting_it_is_202_and_the_id_tells_the_end(desk: Desk) -> None:
    status, data, _ = await desk.tell("commands?wait=false", {"action": "ClearCache"})

    assert status == 202
    command = await desk.until(
        f"{desk.base}/commands/{data['requestId']}", lambda shown: shown["state"] not in ("queued", "sent")
    )
    assert command["state"] == "accepted"
    assert command["response"] == {"status": "Accepted"}
    assert command["actor"].startswith("key ")


async def test_the_generic_door_knows_the_actions_of_the_version_and_its_schema(desk: Desk) -> None:
    unknown, data, answer = await desk.tell("commands", {"action": "Explode"})
    wrong, faults, _ = await desk.tell("commands", {"action": "Reset", "payload": {"type": "Gently"}})
    missing, _, _ = await desk.tell("commands", {"command": "Reset"})

    assert (unknown, wrong, missing) == (400, 400, 400)
    assert "Reset" in answer["message"]
    assert data["errors"][0]["field"] == "action"
    assert faults["errors"][0]["field"] == "type"


async def test_the_same_idempotency_key_sends_one_command(desk: Desk) -> None:
    seen: list[Any] = []

    def count(payload: Any) -> Any:
        seen.append(payload)
        return {"status": "Accepted"}

    desk.station.on_call("ClearCache", count)
    key = {"Idempotency-Key": f"once-{desk.station.identity}"}

    first = await desk.tell("clear-cache", **key)
    again = await desk.tell("clear-cache", **key)
    other = await desk.tell("clear-cache", {"timeout": 5}, **key)

    assert first == again
    assert other[0] == 409
    assert len(seen) == 1


async def test_more_commands_than_the_queue_holds_are_429(desk: Desk) -> None:
    # given a station that answers nothing, and as many commands as may wait for it, and the one that is out
    desk.station.on_call("ClearCache", lambda payload: None)
    command = {"action": "ClearCache", "timeout": 120}
    for _ in range(65):
        status, _, _ = await desk.tell("commands?wait=false", command)
        assert status == 202

    # when there comes one more
    started = time.monotonic()
    status, _, answer = await desk.tell("commands", command)

    # then it is refused at once
    assert status == 429, answer
    assert time.monotonic() - started < 40


async def test_a_remote_start_tells_the_transaction_that_came_of_it_and_a_remote_stop_ends_it(
    desk: Desk,
) -> None:
    asked = {"clientId": desk.station.identity, "idTag": desk.card, "connectorId": 1}
    status, data, answer = await desk.ask("POST", "/api/v1/transactions/remote-start", asked)
    assert status == 200, answer
    assert (data["status"], data["connectorId"], data["message"]) == ("Accepted", 1, answer["message"])

    command = await desk.until(
        f"{desk.base}/commands/{data['requestId']}",
        lambda shown: shown["remoteStart"] and shown["remoteStart"]["outcome"] == "started",
    )
    number = command["remoteStart"]["transactionId"]
    status, stopped, answer = await desk.ask(
        "POST", "/api/v1/transactions/remote-stop", {"transactionId": number}
    )
    assert status == 200, answer
    assert stopped["clientId"] == desk.station.identity

    ended = await desk.until(f"/api/v1/transactions/{number}", lambda shown: shown["status"] == "ended")
    assert ended["stopReason"] == "Remote"
    again, _, _ = await desk.ask("POST", "/api/v1/transactions/remote-stop", {"transactionId": number})
    assert again == 409


async def test_live_configuration_is_read_and_changed(desk: Desk) -> None:
    is_16 = desk.station.version.endswith("1.6")
    key = "HeartbeatInterval" if is_16 else "OCPPCommCtrlr.HeartbeatInterval"
    live = f"{desk.base}/configuration/live"

    status, changed, answer = await desk.ask("PUT", live, {"key": key, "value": "77"})
    assert status == 200, answer
    assert (changed["status"], changed["key"]) == ("Accepted", key)

    status, found, _ = await desk.ask("GET", f"{live}?keys={key},No.Such")
    assert status == 200
    assert found["configuration"][key]["value"] == "77"
    assert found["unknownKeys"] == ["No.Such"]

    status, refused, answer = await desk.ask("PUT", live, {"key": "No.Such", "value": "1"})
    assert (status, answer["success"]) == (200, False)
    assert refused["status"] in ("NotSupported", "UnknownComponent")


async def test_a_password_that_passes_through_is_not_shown_in_any_log(desk: Desk) -> None:
    is_16 = desk.station.version.endswith("1.6")
    key = "WifiPSK" if is_16 else "WifiCtrlr.Passphrase"
    secret = "00112233445566778899aabbccddeeff"

    await desk.ask("PUT", f"{desk.base}/configuration/live", {"key": key, "value": secret})

    for log in ("commands", "messages"):
        _, _, answer = await desk.ask("GET", f"{desk.base}/{log}")
        assert secret not in str(answer)
        assert answer["data"]["total"] > 0
    assert secret not in desk.server.log.read_text("utf-8", "replace")


async def test_settings_of_a_connected_station_are_felt_at_once(desk: Desk) -> None:
    status, _, _ = await desk.ask("PATCH", desk.base, {"registrationStatus": "Rejected"})
    refused, _, answer = await desk.tell("reset")
    await desk.ask("PATCH", desk.base, {"registrationStatus": "Accepted"})
    accepted, _, _ = await desk.tell("clear-cache")

    assert status == 200
    assert refused == 409, answer
    assert accepted == 200


async def test_a_removed_station_loses_its_socket(desk: Desk) -> None:
    status, _, answer = await desk.ask("DELETE", desk.base)

    assert status == 200, answer
    gone = await asyncio.to_thread(desk.server.request, "GET", f"{desk.base}/status")
    # Where unknown stations are accepted it may be back already, as a new one.
    assert gone[0] in (404, 200)
