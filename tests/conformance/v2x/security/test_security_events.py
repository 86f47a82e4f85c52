"""Security events of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

from tests.conformance.peer import at, station


async def test_A04_security_events_of_any_kind(server, records, version):
    async with station(server, version) as peer:
        for kind in ("FirmwareUpdated", "Anything"):
            assert await peer.call("SecurityEventNotification", {"type": kind, "timestamp": at(-600)}) == {}

    rows = records.security_events(peer.identity)
    assert [(row["type"], row["is_critical"]) for row in rows] == [("FirmwareUpdated", 1), ("Anything", 0)]
