"""Security events of 1.6 about certificates."""

from __future__ import annotations

from tests.conformance.peer import V16, at, station


async def test_16_078_the_station_refuses_the_certificate_of_the_server(server, records):
    event = {"type": "InvalidCentralSystemCertificate", "timestamp": at(), "techInfo": "unknown CA"}
    async with station(server, V16) as peer:
        assert await peer.call("SecurityEventNotification", event) == {}

    (row,) = records.security_events(peer.identity)
    assert (row["type"], row["tech_info"]) == ("InvalidCentralSystemCertificate", "unknown CA")
