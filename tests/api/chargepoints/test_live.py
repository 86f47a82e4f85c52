"""Commands over REST to a running server, with a simulated station of each version that answers."""

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


class StationApi:
    """The REST API of one simulated station, as an operator uses it."""

    def __init__(self, server: LiveServer, station: Station) -> None:
        self.server, self.station = server, station
        self.base = f"/api/v1/chargepoints/{station.identity}"
        self.card = f"CARD{station.identity}"

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Send a request; return the status, `data` and the whole answer."""
        status, answer = await asyncio.to_thread(self.server.request, method, path, body, **headers)
        return status, answer["data"], answer

    async def command(self, name: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        return await self.request("POST", f"{self.base}/{name}", {} if body is None else body, **headers)

    async def until(self, path: str, ready: Any) -> Any:
        """Repeat a GET until its data is ready: later effects of a station are visible only in the server."""
        deadline = time.monotonic() + 60
        while True:
            _, data, _ = await self.request("GET", path)
            if ready(data):
                return data
            assert time.monotonic() < deadline, data
            await asyncio.sleep(0.05)


@pytest.fixture(params=VERSIONS)
async def api(request: pytest.FixtureRequest, server: LiveServer) -> AsyncIterator[StationApi]:
    """A separate station for every test, and a token that may charge."""
    name = f"CP-{uuid.uuid4().hex[:12]}"
    station = Station(name, request.param, server.ocpp, speed=60)
    await station.start()
    api = StationApi(server, station)
    status, _, answer = await api.request("POST", "/api/v1/tokens", {"uid": api.card})
    yield api
    await station.stop()
    assert status == 201, answer


async def test_a_connected_station_is_online_everywhere(api: StationApi) -> None:
    status, clients, _ = await api.request("GET", "/clients")
    _, shown, _ = await api.request("GET", f"{api.base}/status")
    _, detail, _ = await api.request("GET", api.base)

    assert status == 200
    assert api.station.identity in clients["clients"]
    assert shown["online"] is shown["isOnline"] is True
    assert detail["ocppVersion"] == api.station.version.removeprefix("ocpp")


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
async def test_a_command_reaches_a_station_in_the_dialect_of_its_version(
    api: StationApi, name: str, body: dict[str, Any]
) -> None:
    status, data, answer = await api.command(name, body)

    assert status == 200, answer
    assert answer["success"] is True
    assert data["status"] in ("Accepted", "Unlocked", "Scheduled")
    assert data["clientId"] == api.station.identity
    assert len(data["requestId"]) == 36


async def test_a_rejected_command_is_200_without_success(api: StationApi) -> None:
    status, data, answer = await api.command("data-transfer", {"vendorId": "com.example", "data": {"any": 1}})

    assert status == 200
    assert answer["success"] is False
    assert data["status"] == "UnknownVendorId"


async def test_a_station_that_answers_with_an_error_is_502_with_code_and_description(api: StationApi) -> None:
    def refuse(payload: Any) -> Any:
        raise CallFailed("Reset", "InternalError", "The relay is stuck.")

    api.station.on_call("Reset", refuse)

    status, data, answer = await api.command("reset")

    assert status == 502, answer
    assert (data["code"], data["description"]) == ("InternalError", "The relay is stuck.")
    assert data["details"] == {}


async def test_an_invalid_answer_is_502(api: StationApi) -> None:
    api.station.on_call("ClearCache", lambda payload: {"status": 42})

    status, data, _ = await api.command("clear-cache")

    assert status == 502
    assert "42" in data["response"]["raw"]


async def test_a_silent_station_is_408_after_the_requested_timeout(api: StationApi) -> None:
    api.station.on_call("ClearCache", lambda payload: None)

    started = time.monotonic()
    status, data, _ = await api.command("clear-cache", {"timeout": 1})

    assert status == 408
    assert 0.9 < time.monotonic() - started < 8  # the default timeout is ten
    _, command, _ = await api.request("GET", f"{api.base}/commands/{data['requestId']}")
    assert command["state"] == "timeout"


async def test_a_connection_lost_in_the_middle_is_503_at_once(api: StationApi) -> None:
    lost = asyncio.Event()

    def drop(payload: Any) -> None:
        lost.set()

    api.station.on_call("ClearCache", drop)
    waiting = asyncio.create_task(api.command("clear-cache", {"timeout": 120}))
    await lost.wait()
    started = time.monotonic()
    await api.station.go_offline()

    status, data, _ = await waiting

    assert status == 503
    assert time.monotonic() - started < 40
    _, command, _ = await api.request("GET", f"{api.base}/commands/{data['requestId']}")
    assert command["state"] == "disconnected"


async def test_a_command_without_waiting_is_202_and_its_id_returns_the_result(api: StationApi) -> None:
    status, data, _ = await api.command("commands?wait=false", {"action": "ClearCache"})

    assert status == 202
    command = await api.until(
        f"{api.base}/commands/{data['requestId']}", lambda shown: shown["state"] not in ("queued", "sent")
    )
    assert command["state"] == "accepted"
    assert command["response"] == {"status": "Accepted"}
    assert command["actor"].startswith("key ")


async def test_the_generic_command_accepts_the_actions_and_schemas_of_the_version(api: StationApi) -> None:
    unknown, data, answer = await api.command("commands", {"action": "Explode"})
    wrong, faults, _ = await api.command("commands", {"action": "Reset", "payload": {"type": "Gently"}})
    missing, _, _ = await api.command("commands", {"command": "Reset"})

    assert (unknown, wrong, missing) == (400, 400, 400)
    assert "Reset" in answer["message"]
    assert data["errors"][0]["field"] == "action"
    assert faults["errors"][0]["field"] == "type"


async def test_the_same_idempotency_key_sends_one_command(api: StationApi) -> None:
    seen: list[Any] = []

    def count(payload: Any) -> Any:
        seen.append(payload)
        return {"status": "Accepted"}

    api.station.on_call("ClearCache", count)
    key = {"Idempotency-Key": f"once-{api.station.identity}"}

    first = await api.command("clear-cache", **key)
    again = await api.command("clear-cache", **key)
    other = await api.command("clear-cache", {"timeout": 5}, **key)

    assert first == again
    assert other[0] == 409
    assert len(seen) == 1


async def test_more_commands_than_the_queue_holds_are_429(api: StationApi) -> None:
    # given a station that does not answer, one sent command, and as many queued commands as allowed
    api.station.on_call("ClearCache", lambda payload: None)
    command = {"action": "ClearCache", "timeout": 120}
    for _ in range(65):
        status, _, _ = await api.command("commands?wait=false", command)
        assert status == 202

    # when one more command is sent
    started = time.monotonic()
    status, _, answer = await api.command("commands", command)

    # then the server refuses it at once
    assert status == 429, answer
    assert time.monotonic() - started < 40


async def test_a_remote_start_returns_its_transaction_and_a_remote_stop_ends_it(
    api: StationApi,
) -> None:
    asked = {"clientId": api.station.identity, "idTag": api.card, "connectorId": 1}
    status, data, answer = await api.request("POST", "/api/v1/transactions/remote-start", asked)
    assert status == 200, answer
    assert (data["status"], data["connectorId"], data["message"]) == ("Accepted", 1, answer["message"])

    command = await api.until(
        f"{api.base}/commands/{data['requestId']}",
        lambda shown: shown["remoteStart"] and shown["remoteStart"]["outcome"] == "started",
    )
    number = command["remoteStart"]["transactionId"]
    status, stopped, answer = await api.request(
        "POST", "/api/v1/transactions/remote-stop", {"transactionId": number}
    )
    assert status == 200, answer
    assert stopped["clientId"] == api.station.identity

    ended = await api.until(f"/api/v1/transactions/{number}", lambda shown: shown["status"] == "ended")
    assert ended["stopReason"] == "Remote"
    again, _, _ = await api.request("POST", "/api/v1/transactions/remote-stop", {"transactionId": number})
    assert again == 409


async def test_live_configuration_is_read_and_changed(api: StationApi) -> None:
    is_16 = api.station.version.endswith("1.6")
    key = "HeartbeatInterval" if is_16 else "OCPPCommCtrlr.HeartbeatInterval"
    live = f"{api.base}/configuration/live"

    status, changed, answer = await api.request("PUT", live, {"key": key, "value": "77"})
    assert status == 200, answer
    assert (changed["status"], changed["key"]) == ("Accepted", key)

    status, found, _ = await api.request("GET", f"{live}?keys={key},No.Such")
    assert status == 200
    assert found["configuration"][key]["value"] == "77"
    assert found["unknownKeys"] == ["No.Such"]

    status, refused, answer = await api.request("PUT", live, {"key": "No.Such", "value": "1"})
    assert (status, answer["success"]) == (200, False)
    assert refused["status"] in ("NotSupported", "UnknownComponent")


async def test_every_command_has_an_address_below_its_station(api: StationApi) -> None:
    is_16 = api.station.version.endswith("1.6")
    key = "HeartbeatInterval" if is_16 else "OCPPCommCtrlr.HeartbeatInterval"

    _, changed, _ = await api.command("change-configuration", {"key": key, "value": "78"})
    _, found, _ = await api.command("get-configuration", {"keys": [key, "No.Such"]})
    _, started, _ = await api.command("remote-start", {"idTag": api.card, "connectorId": 1})
    command = await api.until(
        f"{api.base}/commands/{started['requestId']}",
        lambda shown: shown["remoteStart"] and shown["remoteStart"]["outcome"] == "started",
    )
    number = command["remoteStart"]["transactionId"]
    missing, _, _ = await api.command("remote-stop", {"transactionId": "no-such"})
    status, stopped, answer = await api.command("remote-stop", {"transactionId": number})

    assert (changed["key"], changed["status"]) == (key, "Accepted")
    assert found["configuration"][key]["value"] == "78"
    assert found["unknownKeys"] == ["No.Such"]
    assert (started["connectorId"], started["status"]) == (1, "Accepted")
    assert missing == 404
    assert (status, stopped["transactionId"]) == (200, number)
    assert "message" not in stopped
    assert answer["message"] == f"{api.station.identity} answered the remote stop: Accepted."


async def test_a_command_that_the_station_has_reported_to_lack_is_409_with_the_reason(
    api: StationApi,
) -> None:
    # given a station that reports its abilities when it is asked for them
    is_16 = api.station.version.endswith("1.6")
    key, value = ("SupportedFeatureProfiles", "Core") if is_16 else ("AuthCacheCtrlr.Available", "false")
    name, body = ("trigger", {"requestedMessage": "Heartbeat"}) if is_16 else ("clear-cache", {})
    component, _, variable = key.partition(".")
    reported = {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value}
    api.station.on_call(
        "GetConfiguration", lambda _: {"configurationKey": [{"key": key, "readonly": True, "value": value}]}
    )
    api.station.on_call(
        "GetVariables", lambda _: {"getVariableResult": [{**reported, "attributeStatus": "Accepted"}]}
    )
    before, _, _ = await api.command(name, body)
    await api.command("get-configuration", {"keys": [key]})

    # when a command is sent that needs the ability
    after, _, answer = await api.command(name, body)

    # then it is refused because of the report, and was not before
    assert (before, after) == (200, 409)
    assert key in answer["message"]
    assert "does not support" in answer["message"]


async def test_a_password_in_a_command_is_not_shown_in_any_log(api: StationApi) -> None:
    is_16 = api.station.version.endswith("1.6")
    key = "WifiPSK" if is_16 else "WifiCtrlr.Passphrase"
    secret = "00112233445566778899aabbccddeeff"

    await api.request("PUT", f"{api.base}/configuration/live", {"key": key, "value": secret})

    for log in ("commands", "messages"):
        _, _, answer = await api.request("GET", f"{api.base}/{log}")
        assert secret not in str(answer)
        assert answer["data"]["total"] > 0
    assert secret not in api.server.log.read_text("utf-8", "replace")


async def test_changed_settings_of_a_connected_station_apply_at_once(api: StationApi) -> None:
    status, _, _ = await api.request("PATCH", api.base, {"registrationStatus": "Rejected"})
    refused, _, answer = await api.command("reset")
    await api.request("PATCH", api.base, {"registrationStatus": "Accepted"})
    accepted, _, _ = await api.command("clear-cache")

    assert status == 200
    assert refused == 409, answer
    assert accepted == 200


async def test_a_removed_station_loses_its_socket(api: StationApi) -> None:
    status, _, answer = await api.request("DELETE", api.base)

    assert status == 200, answer
    gone = await asyncio.to_thread(api.server.request, "GET", f"{api.base}/status")
    # This server accepts unknown stations: the station may have reconnected already, as a new one.
    assert gone[0] in (404, 200)
