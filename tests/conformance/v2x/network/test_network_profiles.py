"""Network profiles of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.device_models import asked, report, variable
from tests.conformance.messages import commanded
from tests.conformance.peer import station

BODY = {
    "slot": 2,
    "csmsUrl": "wss://csms.example.com/ocpp",
    "securityProfile": 2,
    "interface": "Wireless0",
    "messageTimeout": 45,
}
DATA = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://csms.example.com/ocpp",
    "messageTimeout": 45,
    "securityProfile": 2,
    "ocppInterface": "Wireless0",
}
SECRETS = {
    "apn": "internet.example",
    "apnUserName": "user",
    "apnPassword": "apn-hunter2",
    "simPin": "87654321",
    "apnAuthentication": "CHAP",
    "vpnServer": "vpn.example.com",
    "vpnUser": "vpn-user",
    "vpnPassword": "vpn-hunter2",
    "vpnKey": "vpn-key-hunter2",
    "vpnType": "IKEv2",
}


async def profiles(operator, peer):
    status, answer = await operator.request("GET", f"/api/v1/network-profiles?clientId={peer.identity}")
    assert status == 200
    return answer["data"]["networkProfiles"]


async def test_TC_B_42_a_network_profile_is_sent_and_confirmed(server, operator, records, version):
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "set-network-profile", BODY, {"status": "Accepted"})
        await peer.heartbeat()

    assert call[2:] == ["SetNetworkProfile", {"configurationSlot": 2, "connectionData": DATA}]
    assert (code, answer["data"]["status"]) == (200, "Accepted")
    (row,) = records.of("configuration_networkprofile", peer.identity)
    assert (row["slot"], row["state"], row["csms_url"]) == (2, "confirmed", DATA["ocppCsmsUrl"])
    assert (row["command_id"], row["answered_at"] is not None) == (call[1], True)


@pytest.mark.parametrize("status", ["Failed", "Rejected"])
async def test_TC_B_44_a_refused_profile_leaves_the_confirmed_one(server, operator, records, version, status):
    reason = {"reasonCode": "InvalidNetworkConf", "additionalInfo": "no such wire"}
    async with station(server, version) as peer:
        await asked(operator, peer, "set-network-profile", BODY, {"status": "Accepted"})
        other = BODY | {"interface": "Wired3"}
        code, answer, call = await asked(
            operator, peer, "set-network-profile", other, {"status": status, "statusInfo": reason}
        )
        await peer.heartbeat()
        shown = await profiles(operator, peer)

    assert (code, call[3]["connectionData"]["ocppInterface"]) == (200, "Wired3")
    assert (answer["success"], answer["data"]["status"]) == (False, status)
    assert records.command(call[1])["state"] == "rejected"
    assert [(row["state"], row["interface"], row["reason"]) for row in shown] == [
        ("refused", "Wired3", "InvalidNetworkConf: no such wire"),
        ("confirmed", "Wireless0", ""),
    ]


async def test_TC_B_42_secrets_reach_the_station_and_nothing_else(server, operator, records, version):
    async with station(server, version) as peer:
        body = BODY | SECRETS | {"csmsUrl": "wss://ann:url-hunter2@csms.example.com/"}
        _, answer, call = await asked(operator, peer, "set-network-profile", body, {"status": "Accepted"})
        await peer.heartbeat()
        (shown,) = await profiles(operator, peer)

    assert call[3]["connectionData"]["apn"] == {
        "apn": "internet.example",
        "apnUserName": "user",
        "apnPassword": "apn-hunter2",
        "simPin": 87654321,
        "apnAuthentication": "CHAP",
    }
    assert call[3]["connectionData"]["vpn"] == {
        "server": "vpn.example.com",
        "user": "vpn-user",
        "password": "vpn-hunter2",
        "key": "vpn-key-hunter2",
        "type": "IKEv2",
    }
    assert (shown["hasApn"], shown["vpnType"], shown["vpnServer"]) == (True, "IKEv2", "vpn.example.com")
    kept = [
        answer,
        shown,
        records.of("configuration_networkprofile", peer.identity),
        records.commands(peer.identity),
        records.of("chargepoints_message", peer.identity),
    ]
    assert "hunter2" not in str(kept)
    assert "87654321" not in str(kept)


async def test_TC_B_42_the_slot_in_use_is_not_edited(server, operator, records, version):
    async with station(server, version) as peer:
        priority = variable("OCPPCommCtrlr", "NetworkConfigurationPriority", "2,1", dataType="SequenceList")
        await report(peer, 5, priority)
        path = f"/api/v1/chargepoints/{peer.identity}/set-network-profile"
        by_priority, answer = await operator.request("POST", path, BODY)
        await report(peer, 6, variable("OCPPCommCtrlr", "ActiveNetworkProfile", "1"))
        active, _ = await operator.request("POST", path, BODY | {"slot": 1})
        free, _, _ = await asked(operator, peer, "set-network-profile", BODY, {"status": "Accepted"})

    assert (by_priority, active, free) == (409, 409, 200)
    assert "is connected by slot 2" in answer["message"]
    assert len(records.commands(peer.identity)) == 1


async def test_TC_B_44_bad_fields_are_named_and_nothing_is_stored(server, operator, records, version):
    wrong = [
        ({"csmsUrl": "https://csms.example.com"}, "csmsUrl"),
        ({"csmsUrl": "ws://csms.example.com"}, "csmsUrl"),
        ({"apn": "internet"}, "apnAuthentication"),
        ({"vpnServer": "vpn.example.com"}, "vpnUser"),
        ({"apn": "i", "apnAuthentication": "PAP", "simPin": "0042"}, "simPin"),
    ]
    async with station(server, version) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/set-network-profile"
        for more, field in wrong:
            code, answer = await operator.request("POST", path, BODY | more)
            assert (code, answer["data"]["errors"][0]["field"]) == (400, field)

    assert records.of("configuration_networkprofile", peer.identity) == []
    assert records.commands(peer.identity) == []


async def test_TC_B_42_a_profile_of_the_generic_command_has_its_row_too(server, operator, records, version):
    async with station(server, version) as peer:
        payload = {"configurationSlot": 1, "connectionData": DATA}
        code, _, call = await commanded(operator, peer, "SetNetworkProfile", payload, {"status": "Accepted"})
        await peer.heartbeat()

    (row,) = records.of("configuration_networkprofile", peer.identity)
    assert (code, row["slot"], row["state"], row["command_id"]) == (200, 1, "confirmed", call[1])
