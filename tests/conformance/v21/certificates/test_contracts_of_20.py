"""Several contract certificates for a vehicle of ISO 15118-20 (2.1 M01.FR.04 to 07)."""

from __future__ import annotations

from tests.conformance.peer import station
from tests.conformance.v2x.certificates.test_contract_certificates import pooled, pools

__all__ = ["pools"]

ASKED = {
    "iso15118SchemaVersion": "urn:iso:std:iso:15118:-20:CommonMessages",
    "action": "Install",
    "exiRequest": "AQIDBA==",
    "maximumContractCertificateChains": 10,
    "prioritizedEMAIDs": ["DE8AA0012345670"],
}


async def test_TC_M_100_three_contracts_are_given_one_by_one(server, records, web, pools, version):
    pools["first"] = pooled("QUFB", "QkJC", "Q0ND")
    async with station(server, version) as peer, station(server, version) as other:
        answers = [await peer.call("Get15118EVCertificate", ASKED) for _ in range(3)]
        asked_once = len(web.requests)
        again = await peer.call("Get15118EVCertificate", ASKED)
        elsewhere = await other.call("Get15118EVCertificate", ASKED)

    assert [(one["status"], one["exiResponse"], one["remainingContracts"]) for one in answers] == [
        ("Accepted", "QUFB", 2),
        ("Accepted", "QkJC", 1),
        ("Accepted", "Q0ND", 0),
    ]
    assert asked_once == 1
    messages = records.of("chargepoints_message", peer.identity)
    logged = [row["response"] for row in messages if row["action"] == "Get15118EVCertificate"]
    assert [f'"remainingContracts":{count}' in logged[2 - count] for count in (2, 1, 0)] == [True] * 3
    assert (again["exiResponse"], again["remainingContracts"]) == ("QUFB", 2)
    assert (elsewhere["exiResponse"], elsewhere["remainingContracts"]) == ("QUFB", 2)


async def test_M01_a_vehicle_gets_no_more_contracts_than_it_can_take(server, pools, version):
    pools["first"] = pooled("QUFB", "QkJC", "Q0ND")
    async with station(server, version) as peer:
        two = await peer.call("Get15118EVCertificate", ASKED | {"maximumContractCertificateChains": 2})
        none = await peer.call(
            "Get15118EVCertificate", ASKED | {"maximumContractCertificateChains": 0, "exiRequest": "AAAA"}
        )

    assert two["remainingContracts"] == 1
    assert none["remainingContracts"] == 0
