"""NotifyEvent of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

from tests.conformance.peer import at, station


async def test_TC_G_20_TC_N_21_events_are_stored_once(server, records, version):
    data = {
        "eventId": 7,
        "timestamp": at(),
        "trigger": "Alerting",
        "actualValue": "true",
        "eventNotificationType": "HardWiredMonitor",
        "component": {"name": "ConnectorPlugRetentionLock", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "Problem"},
    }
    async with station(server, version) as peer:
        for _ in range(2):
            assert (
                await peer.call("NotifyEvent", {"generatedAt": at(), "seqNo": 0, "eventData": [data]}) == {}
            )

    (row,) = records.of("chargepoints_deviceevent", peer.identity)
    assert (row["component"], row["variable"], row["actual_value"]) == (
        "ConnectorPlugRetentionLock",
        "Problem",
        "true",
    )
