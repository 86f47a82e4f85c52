"""The password of a station: a command that changes it would lock the station out, so it is refused."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from tests.conformance.console import SECRET, Console, network_profile
from tests.conformance.peer import V16, V21, V201, fresh, station
from tests.servers import LiveServer


@pytest.fixture(scope="module")
def console(server: LiveServer) -> Console:
    return Console(server)


def by_variable(component: str, name: str = "BasicAuthPassword") -> dict[str, Any]:
    password = {"component": {"name": component}, "variable": {"name": name}, "attributeValue": SECRET}
    harmless = {"component": {"name": "A"}, "variable": {"name": "B"}, "attributeValue": "1"}
    return {"setVariableData": [harmless, password]}


def with_password() -> dict[str, Any]:
    profile = network_profile(V21)
    return {**profile, "connectionData": {**profile["connectionData"], "basicAuthPassword": SECRET}}


@pytest.mark.parametrize(
    ("version", "action", "payload", "field"),
    [
        (V16, "ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}, "key"),
        (V16, "ChangeConfiguration", {"key": "authorizationKEY", "value": SECRET}, "key"),
        (V201, "SetVariables", by_variable("SecurityCtrlr"), "setVariableData[1].variable.name"),
        (V21, "SetVariables", by_variable("NetworkConfiguration"), "setVariableData[1].variable.name"),
        (V21, "SetNetworkProfile", with_password(), "connectionData.basicAuthPassword"),
    ],
)
async def test_a_password_changed_by_command_would_lock_the_station_out_and_is_refused(  # noqa: PLR0917 - a table's columns
    server, operator, records, console, version, action, payload, field
):
    async with station(server, version, fresh("PW")) as peer:
        base = f"/api/v1/chargepoints/{peer.identity}"
        answers = [
            await operator.request("POST", f"{base}/commands", {"action": action, "payload": payload}),
            await operator.request("POST", f"{base}/commands", {"command": action, **payload}),
            await operator.request(
                "POST", f"{base}/commands?wait=false", {"action": action, "payload": payload}
            ),
        ]
        row = records.charge_point(peer.identity)
        pressed, page = await asyncio.to_thread(
            console.post,
            f"/admin/chargepoints/chargepoint/{row['id']}/station/send/send/",
            action=action,
            payload=json.dumps(payload),
        )
        await peer.heartbeat()  # the station got no command before this answer

    for status, answer in answers:
        assert status == 400
        assert "lock it out" in answer["message"]
        assert answer["data"]["errors"][0]["field"] == field
        assert SECRET not in json.dumps(answer)
    assert (pressed, "lock it out" in page, SECRET in page) == (400, True, False)
    assert records.commands(peer.identity) == []


@pytest.mark.parametrize(
    ("version", "key"),
    [
        (V16, "AuthorizationKey"),
        (V201, "SecurityCtrlr.BasicAuthPassword"),
        (V21, "NetworkConfiguration[1].BasicAuthPassword"),
    ],
)
async def test_the_live_configuration_does_not_change_the_password_either(  # noqa: PLR0917
    server, operator, records, console, version, key
):
    async with station(server, version, fresh("PW")) as peer:
        live = f"/api/v1/chargepoints/{peer.identity}/configuration/live"
        status, answer = await operator.request("PUT", live, {"key": key, "value": SECRET})
        row = records.charge_point(peer.identity)
        pressed, page = await asyncio.to_thread(
            console.post,
            f"/admin/chargepoints/chargepoint/{row['id']}/station/send/change-configuration/",
            key=key,
            value=SECRET,
            confirmed="A wrong value can take the station offline.",
        )
        await peer.heartbeat()

    assert (status, "lock it out" in answer["message"]) == (400, True)
    assert (pressed, "lock it out" in page) == (400, True)
    assert re.search(rf"PATCH /api/v1/chargepoints/{peer.identity}", answer["message"])
    assert records.commands(peer.identity) == []
