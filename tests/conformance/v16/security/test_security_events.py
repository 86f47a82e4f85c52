"""Security events of OCPP 1.6, by the security whitepaper."""

from __future__ import annotations

from tests.conformance.peer import V16, Operator, Records, at, station
from tests.servers import LiveServer


async def test_16_SEC_every_type_is_answered_and_stored_with_its_criticality(
    server: LiveServer, operator: Operator, records: Records
) -> None:
    types = {
        "TamperDetectionActivated": True,
        "tamperdetectionactivated": True,
        "Startup of the device": True,
        "InvalidCentralSystemCertificate": False,  # critical in 2.x alone
        "InvalidChargePointCertificate": False,
        "FailedToAuthenticateAtCentralSystem": False,
        "acme: door 7 opened": False,
    }
    async with station(server, V16) as peer:
        for kind in types:
            # Delivered late, after a reconnection.
            event = {"type": kind, "timestamp": at(-600), "techInfo": "door"}
            assert await peer.call("SecurityEventNotification", event) == {}
        path = f"/api/v1/security-events?clientId={peer.identity.lower()}"
        _, critical = await operator.request("GET", f"{path}&critical=true")
        _, of_type = await operator.request("GET", f"{path}&type=TAMPERDetectionActivated&fromStation=true")

    rows = records.security_events(peer.identity)
    assert {row["type"]: bool(row["is_critical"]) for row in rows} == types
    assert all(row["at"] < row["received_at"] for row in rows)
    assert [row["type"] for row in reversed(critical["data"]["securityEvents"])] == list(types)[:3]
    assert of_type["data"]["total"] == 2
