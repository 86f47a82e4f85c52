"""Statuses of connectors of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import pytest

from tests.conformance.peer import at, station


@pytest.mark.parametrize("by_event", [True, False])
async def test_status_and_availability_events_change_the_same_state(server, records, version, by_event):
    async with station(server, version) as peer:
        for number, word in enumerate(("Available", "Occupied")):
            if by_event:
                data = {
                    "eventId": number,
                    "timestamp": at(),
                    "trigger": "Delta",
                    "actualValue": word,
                    "eventNotificationType": "HardWiredNotification",
                    "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                    "variable": {"name": "AvailabilityState"},
                }
                report = {"generatedAt": at(), "seqNo": 0, "eventData": [data]}
                assert await peer.call("NotifyEvent", report) == {}
            else:
                await peer.call(
                    "StatusNotification",
                    {"timestamp": at(), "connectorStatus": word, "evseId": 1, "connectorId": 1},
                )
            (row,) = records.of("chargepoints_connector", peer.identity)
            assert row["status"] == word
