"""Network profiles of OCPP 2.1: identity, password, and the variables of NetworkConfiguration."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.device_models import asked
from tests.conformance.peer import V21, V201, fresh, station

PASSWORD = "correct-horse-battery"  # noqa: S105 - of a station of the test
BODY = {"slot": 1, "csmsUrl": "wss://csms.example.com/ocpp", "securityProfile": 2, "interface": "Any"}


async def test_TC_B_100_identity_and_password_are_sent_and_both_passwords_are_valid(
    server, operator, records
):
    identity, present = fresh(), "the-present-password"
    await operator.provision(identity, password=present)
    async with station(server, V21, identity, password=present) as peer:
        body = BODY | {"identity": identity, "basicAuthPassword": PASSWORD}
        code, answer, call = await asked(operator, peer, "set-network-profile", body, {"status": "Accepted"})
        await peer.heartbeat()

    data = call[3]["connectionData"]
    assert (code, data["identity"], data["basicAuthPassword"]) == (200, identity, PASSWORD)
    (row,) = records.of("configuration_networkprofile", identity)
    assert (row["state"], row["identity"], row["sets_password"]) == ("confirmed", identity, 1)
    assert PASSWORD not in str([answer, row, records.commands(identity)])
    # Until the station uses the profile it logs on as before, and then as the profile says.
    for password in (present, PASSWORD):
        async with station(server, V21, identity, password=password) as peer:
            await peer.heartbeat()
    assert records.charge_point(identity)["next_password_hash"] == ""


async def test_TC_B_44_the_password_of_a_failed_profile_is_not_accepted(server, operator, records):
    async with station(server, V21) as peer:
        body = BODY | {"basicAuthPassword": PASSWORD}
        code, answer, call = await asked(operator, peer, "set-network-profile", body, {"status": "Failed"})
        await peer.heartbeat()

    assert call[3]["connectionData"]["basicAuthPassword"] == PASSWORD
    assert (code, answer["data"]["status"]) == (200, "Failed")
    assert records.charge_point(peer.identity)["next_password_hash"] == ""
    assert [row["state"] for row in records.of("configuration_networkprofile", peer.identity)] == ["refused"]


@pytest.mark.parametrize("version", [V201, V21])
async def test_TC_B_100_the_limits_of_identity_and_password(server, operator, records, version):
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/set-network-profile"
        short, told = await operator.request("POST", path, BODY | {"basicAuthPassword": "short"})
        older = BODY | {"interface": "Wired0", "identity": "CP-9"}
        code, _ = await operator.request("POST", f"{path}?wait=false", older)

    assert (short, told["data"]["errors"][0]["field"]) == (400, "basicAuthPassword")
    assert code == (400 if version == V201 else 202)
    assert len(records.of("configuration_networkprofile", peer.identity)) == (version == V21)


async def test_TC_B_105_a_network_configuration_is_set_by_variables(server, operator, records):
    async with station(server, V21) as peer:
        body = {
            "slot": 2,
            "csmsUrl": "wss://csms.example.com/ocpp",
            "securityProfile": 2,
            "interface": "Any",
            "ocppVersion": "OCPP21",
            "messageTimeout": 30,
            "identity": peer.identity,
            "basicAuthPassword": PASSWORD,
            "apn": "internet.example",
            "apnUserName": "user",
            "apnPassword": "apn-hunter2",
            "apnAuthentication": "CHAP",
        }
        path = f"/api/v1/chargepoints/{peer.identity}/set-network-configuration"
        sending = asyncio.create_task(operator.request("POST", path, body))
        sent = []
        for _ in range(2):
            call = await peer.next_call()
            data = call[3]["setVariableData"]
            sent += data
            results = [
                {"attributeStatus": "Accepted", "component": one["component"], "variable": one["variable"]}
                for one in data
            ]
            await peer.answer(call, {"setVariableResult": results})
        code, answer = await sending
        await peer.heartbeat()

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert {str(one["component"]) for one in sent} == {str({"name": "NetworkConfiguration", "instance": "2"})}
    assert {one["variable"]["name"]: one["attributeValue"] for one in sent} == {
        "OcppCsmsUrl": "wss://csms.example.com/ocpp",
        "OcppInterface": "Any",
        "OcppTransport": "JSON",
        "OcppVersion": "OCPP21",
        "MessageTimeout": "30",
        "SecurityProfile": "2",
        "Identity": peer.identity,
        "BasicAuthPassword": PASSWORD,
        "VpnEnabled": "false",
        "ApnEnabled": "true",
        "Apn": "internet.example",
        "ApnUserName": "user",
        "ApnPassword": "apn-hunter2",
        "ApnAuthentication": "CHAP",
    }
    keys = {row["key"]: row["value"] for row in records.of("configuration_reportedkey", peer.identity)}
    assert keys["NetworkConfiguration[2].OcppCsmsUrl"] == "wss://csms.example.com/ocpp"
    kept = [answer, keys, records.commands(peer.identity), records.of("chargepoints_message", peer.identity)]
    assert "hunter2" not in str(kept)
    assert PASSWORD not in str(kept)
    row = records.charge_point(peer.identity)
    assert (row["password_hash"], row["next_password_hash"] != "") == ("", True)
