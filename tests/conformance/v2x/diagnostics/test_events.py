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


def event(number, **more):
    return {
        "eventId": number,
        "timestamp": at(),
        "trigger": "Delta",
        "actualValue": "21",
        "eventNotificationType": "CustomMonitor",
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Temperature"},
        **more,
    }


async def notify(peer, *events, seq_no=0, more=False):
    """Send a NotifyEvent; its answer has no content."""
    request = {"generatedAt": at(), "seqNo": seq_no, "tbc": more, "eventData": list(events)}
    assert await peer.call("NotifyEvent", request) == {}


def stored(records, peer):
    return records.of("chargepoints_deviceevent", peer.identity)


async def test_TC_N_24_TC_N_50_periodic_events_are_stored_each(server, records, version):
    async with station(server, version) as peer:
        for number in range(3):
            await notify(peer, event(number, trigger="Periodic", actualValue=str(number)))

    assert [(row["trigger"], row["actual_value"]) for row in stored(records, peer)] == [
        ("Periodic", "0"),
        ("Periodic", "1"),
        ("Periodic", "2"),
    ]


async def test_TC_N_48_TC_N_49_an_empty_value_and_a_cleared_event_are_stored(server, records, version):
    async with station(server, version) as peer:
        await notify(peer, event(1, actualValue=""), event(2, trigger="Alerting", cleared=True, cause=1))

    empty, cleared = stored(records, peer)
    assert (empty["actual_value"], empty["is_cleared"], empty["cause"]) == ("", 0, None)
    assert (cleared["is_cleared"], cleared["cause"]) == (1, 1)


async def test_N07_an_event_names_its_monitor_and_session(server, records, version):
    more = {"severity": 3} if version == "ocpp2.1" else {}
    async with station(server, version) as peer:
        await notify(peer, event(1, variableMonitoringId=12, transactionId="TX-9", **more))

    (row,) = stored(records, peer)
    assert (row["kind"], row["monitor_id"], row["ocpp_transaction_id"]) == ("CustomMonitor", 12, "TX-9")
    assert row["severity"] == more.get("severity")


async def test_a_repeated_event_of_a_clock_that_was_never_set_is_stored_once(server, records, version):
    unset = event(1, timestamp="1970-01-01T00:00:07Z")
    async with station(server, version) as peer:
        for seq_no in (0, 1):  # other message ids too: the answer was lost
            await notify(peer, unset, seq_no=seq_no)
        await notify(peer, event(2, timestamp="1970-01-01T00:00:07Z"))

    assert [row["event_id"] for row in stored(records, peer)] == [1, 2]


async def test_N07_an_event_changes_the_reported_variable(server, records, operator, version):
    place = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Temperature"}}
    report = {
        "requestId": 1,
        "generatedAt": at(),
        "seqNo": 0,
        "reportData": [{**place, "variableAttribute": [{"value": "20"}]}],
    }

    def value():
        (row,) = records.of("configuration_reportedkey", peer.identity)
        return row["value"]

    async with station(server, version) as peer:
        await peer.call("NotifyReport", report)
        await notify(peer, event(1, timestamp="2020-01-01T00:00:00Z"))
        await peer.heartbeat()
        assert value() == "20"
        await notify(peer, event(2, timestamp=at(0.5)))
        await peer.heartbeat()

    assert value() == "21"
