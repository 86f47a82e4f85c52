"""The events of a session: exactly these types, numbered without gaps, with data that fits the catalogue."""

from __future__ import annotations

import asyncio
import time

from ocpp_server.events import catalogue
from tests.conformance.messages import energy, event, new_transaction, start, status, stop, token
from tests.conformance.peer import V16, V201, at, eventually, fresh, station

PATH = "/api/v1/events"
LAST = "SELECT MAX(sequence) AS last FROM api_events WHERE station = ?"


async def stream(operator, identity, last):
    """The events of a station, read in pages until one of the type `last`."""
    found, after, deadline = [], "0", time.monotonic() + 30
    while time.monotonic() < deadline:
        _, answer = await operator.request("GET", f"{PATH}?station={identity}&after={after}&limit=3")
        found += answer["data"]["events"]
        after = answer["data"]["next"]
        if found and found[-1]["type"] == last:
            return found
        if not answer["data"]["more"]:
            await asyncio.sleep(0.02)
    raise AssertionError([each["type"] for each in found])


def check(events):
    """Every event fits its type, and sequences and positions rise as they must."""
    for each in events:
        kind = catalogue.EVENTS[each["type"]]
        assert kind.faults(each["data"]) == []
        assert (each["version"], each["id"][:4], len(each["id"])) == (kind.version, "evt_", 36)
    assert [each["sequence"] for each in events] == list(range(1, len(events) + 1))
    positions = [each["position"] for each in events]
    assert positions == sorted(set(positions))


async def test_the_events_of_a_session_in_16(server, operator):
    async with station(server, V16) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        await peer.call("StatusNotification", status(1, "Preparing"))
        number = (await peer.call("StartTransaction", start(minutes=-2)))["transactionId"]
        await peer.call("StatusNotification", status(1, "Charging"))
        for minutes in (-1.5, -1):
            sample = {"timestamp": at(minutes), "sampledValue": [{"value": str(3000 + 100 * minutes)}]}
            reading = {"connectorId": 1, "transactionId": number, "meterValue": [sample]}
            await peer.call("MeterValues", reading)
        await peer.call("StopTransaction", stop(number))

    events = await stream(operator, peer.identity, "transaction.ended")

    assert [each["type"] for each in events] == [
        "station.registered",
        "station.booted",
        "connector.status_changed",
        "transaction.started",
        "connector.status_changed",
        "transaction.ended",
    ]
    check(events)
    began, ended = events[3]["data"], events[5]["data"]
    assert (began["transactionId"], began["idTag"], began["meterStart"]) == (number, "ALIC••••", 1000)
    assert (ended["energyWh"], ended["endedBy"], ended["suspect"]) == (4000, "station", False)
    assert ended["tokenId"] == began["tokenId"]


async def test_the_events_of_a_session_in_201(server, operator):
    number = new_transaction()
    async with station(server, V201) as peer:
        at_place = {"evseId": 1, "connectorId": 1, "timestamp": at()}
        await peer.call("StatusNotification", {**at_place, "connectorStatus": "Occupied"})
        begin = event("Started", number, 0, minutes=-2, idToken=token(), meterValue=energy(1000, -2))
        await peer.call("TransactionEvent", begin)
        idle = event(
            "Updated",
            number,
            1,
            trigger="ChargingStateChanged",
            state="SuspendedEV",
            minutes=-1,
            meterValue=energy(4000, -1),
        )
        await peer.call("TransactionEvent", idle)
        end = event("Ended", number, 2, trigger="StopAuthorized", state="Idle", meterValue=energy(5000))
        await peer.call("TransactionEvent", end)
        await peer.call("TransactionEvent", end)

    events = await stream(operator, peer.identity, "transaction.ended")

    assert [each["type"] for each in events] == [
        "station.registered",
        "station.booted",
        "connector.status_changed",
        "transaction.started",
        "transaction.updated",
        "transaction.ended",
    ]
    check(events)
    assert events[3]["data"]["ocppTransactionId"] == number
    assert events[4]["data"]["chargingState"] == "SuspendedEV"
    assert events[5]["data"]["energyWh"] == 4000


async def test_a_message_that_is_refused_after_its_changes_makes_no_event(server, operator):
    """The unknown tag makes one event; the message that the schema refuses makes none."""
    async with station(server, V16, fresh()) as peer:
        await peer.call("StatusNotification", status(1, "Available"))
        await peer.exchange("StatusNotification", {"connectorId": 1, "errorCode": "OtherError"})
        await peer.call("Authorize", {"idTag": "NOBODY7"})

    events = await stream(operator, peer.identity, "token.unknown")

    assert [each["type"] for each in events[2:]] == ["connector.status_changed", "token.unknown"]
    check(events)
    assert events[-1]["data"]["idTag"] == "NO••••"


async def test_the_end_of_a_command_names_who_sent_it(server, operator, records):
    """An answer, a timeout, and a lost connection after which another command was still queued."""
    async with station(server, V16) as peer:
        change = {"connectorId": 1, "type": "Inoperative"}
        ids = [await operator.submit(peer.identity, "ChangeAvailability", change)]
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        ids += [await operator.submit(peer.identity, "ClearCache", timeout=wait) for wait in (1, 30, 30)]
        await eventually(lambda: records.command(ids[1])["state"] == "timeout")

    await eventually(lambda: records.command(ids[3])["state"] == "disconnected")
    await eventually(lambda: records.rows(LAST, peer.identity) == [{"last": 7}])
    _, answer = await operator.request("GET", f"{PATH}?station={peer.identity}")
    events = answer["data"]["events"]

    check(events)
    (changed,) = [each["data"] for each in events if each["type"] == "connector.availability_changed"]
    ends = {each["data"]["requestId"]: each["data"] for each in events if each["type"] == "command.finished"}
    actor = records.command(ids[0])["actor"]
    assert actor.startswith("key ")
    assert changed["actor"] == actor
    assert [(ends[id]["state"], ends[id]["actor"]) for id in ids] == [
        ("accepted", actor),
        ("timeout", actor),
        ("disconnected", actor),
        ("disconnected", actor),
    ]
