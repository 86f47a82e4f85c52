"""Statuses of connectors of OCPP 2.x; the cases have the numbers of the certification."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.messages import energy, event, moment, new_transaction, start, status, token
from tests.conformance.peer import V16, V21, V201, at, fresh, station


@pytest.mark.parametrize("is_event", [True, False])
async def test_status_and_availability_events_change_the_same_state(server, records, version, is_event):
    async with station(server, version) as peer:
        for number, word in enumerate(("Available", "Occupied")):
            if is_event:
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


def by_status(status, minutes=0.0, evse=1, connector=1):
    place = {"evseId": evse, "connectorId": connector}
    return ("StatusNotification", {"timestamp": at(minutes), "connectorStatus": status, **place})


def by_event(status, minutes=0.0, evse=1, connector=1):
    data = {
        "eventId": 1,
        "timestamp": at(minutes),
        "trigger": "Delta",
        "actualValue": status,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": evse, "connectorId": connector}},
        "variable": {"name": "AvailabilityState"},
    }
    return ("NotifyEvent", {"generatedAt": at(minutes), "seqNo": 0, "eventData": [data]})


@pytest.mark.parametrize("is_event_late", [True, False])
async def test_G_of_two_reports_the_later_one_by_the_stations_time_counts(
    server, records, version, is_event_late
):
    late, now = (by_event, by_status) if is_event_late else (by_status, by_event)
    async with station(server, version) as peer:
        assert await peer.call(*now("Occupied", -1)) == {}
        assert await peer.call(*late("Available", -5)) == {}
        (first,) = records.of("chargepoints_connector", peer.identity)
        assert await peer.call(*late("Faulted", 0)) == {}
        (last,) = records.of("chargepoints_connector", peer.identity)

    assert (first["status"], last["status"]) == ("Occupied", "Faulted")
    assert moment(first["status_at"]) < moment(last["status_at"])


async def test_G_a_clock_that_was_ahead_holds_nothing_back(server, records, version):
    async with station(server, version) as peer:
        assert await peer.call(*by_status("Occupied", 60)) == {}
        assert await peer.call(*by_status("Available", 1)) == {}
        (row,) = records.of("chargepoints_connector", peer.identity)

    assert row["status"] == "Available"


WHOLE, EVSE, CONNECTOR = {}, {"connectorId": 1}, {"connectorId": 1, "evseConnectorId": 2}


@pytest.mark.parametrize(
    ("body", "place", "word", "state"),
    [
        pytest.param(EVSE, {"evse": {"id": 1}}, "Inoperative", "Unavailable", id="TC_G_03"),
        pytest.param(EVSE, {"evse": {"id": 1}}, "Operative", "Available", id="TC_G_04"),
        pytest.param(WHOLE, {}, "Inoperative", "Unavailable", id="TC_G_05"),
        pytest.param(WHOLE, {}, "Operative", "Available", id="TC_G_06"),
        pytest.param(
            CONNECTOR, {"evse": {"id": 1, "connectorId": 2}}, "Inoperative", "Unavailable", id="TC_G_07"
        ),
        pytest.param(
            CONNECTOR, {"evse": {"id": 1, "connectorId": 2}}, "Operative", "Available", id="TC_G_08"
        ),
    ],
)
async def test_TC_G_03_TC_G_04_TC_G_05_TC_G_06_TC_G_07_TC_G_08_availability_of_every_place(
    server, operator, records, version, *, body, place, word, state
):
    connectors = [2] if body is CONNECTOR else [1, 2]
    async with station(server, version) as peer:
        before = "Available" if word == "Inoperative" else "Unavailable"
        for number in (1, 2):
            await peer.call(*by_status(before, connector=number))
        code, _, call = await changed(operator, peer, "Accepted", type=word, **body)
        for number in connectors:
            report = by_event if version == V21 else by_status
            assert await peer.call(*report(state, connector=number)) == {}

    assert (code, call[2:]) == (200, ["ChangeAvailability", {"operationalStatus": word, **place}])
    rows = records.of("chargepoints_connector", peer.identity)
    assert [row["status"] for row in rows] == [state if n in connectors else before for n in (1, 2)]
    assert records.command(call[1])["state"] == "accepted"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        pytest.param(EVSE, {"evse": {"id": 1}}, id="TC_G_11"),
        pytest.param(WHOLE, {}, id="TC_G_14"),
        pytest.param(CONNECTOR | {"evseConnectorId": 1}, {"evse": {"id": 1, "connectorId": 1}}, id="TC_G_17"),
    ],
)
async def test_TC_G_11_TC_G_14_TC_G_17_a_place_with_a_session_follows_when_it_has_ended(
    server, operator, records, version, *, body, place
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call(*by_status("Occupied"))
        await peer.call(*by_status("Available", evse=2))
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        code, answer, call = await changed(operator, peer, "Scheduled", type="Inoperative", **body)
        if body is WHOLE:
            assert await peer.call(*by_status("Unavailable", evse=2)) == {}
        running = records.transaction(peer.identity)
        stop = event("Updated", transaction, 1, trigger="StopAuthorized", idToken=token())
        assert (await peer.call("TransactionEvent", stop))["idTokenInfo"]["status"] == "Accepted"
        ended = event("Ended", transaction, 2, trigger="EVCommunicationLost", state="Idle")
        assert await peer.call("TransactionEvent", ended) == {}
        assert await peer.call(*by_event("Unavailable")) == {}

    assert (code, answer["data"]["status"]) == (200, "Scheduled")
    assert call[3] == {"operationalStatus": "Inoperative", **place}
    assert running["status"] == "active"
    assert records.transaction(peer.identity)["status"] == "ended"
    first, second = records.of("chargepoints_connector", peer.identity)
    assert (first["status"], second["status"]) == (
        "Unavailable",
        "Unavailable" if body is WHOLE else "Available",
    )


async def changed(operator, peer, word, **body):
    """Change the availability; the HTTP status, the answer, and the CALL that the station has got."""
    path = f"/api/v1/chargepoints/{peer.identity}/availability"
    sent = asyncio.create_task(operator.request("POST", path, body))
    call = await peer.next_call()
    await peer.answer(call, {"status": word})
    return (*await sent, call)


async def test_a_station_that_changes_its_version_keeps_identity_sessions_and_settings(
    server, operator, records
):
    identity = fresh()
    await operator.provision(identity, name="At the gate")
    async with station(server, V16, identity) as peer:
        await peer.call("StatusNotification", status(1, "Charging"))
        old = await peer.call("StartTransaction", start(minutes=-20, meter=1000))
    first = records.charge_point(identity)
    async with station(server, V201, identity) as peer:
        await peer.call(*by_status("Occupied"))
        two = event("Started", "T2", 0, minutes=-9, evse=2, idToken=token(), meterValue=energy(0, -9))
        await peer.call("TransactionEvent", two)
    second = records.charge_point(identity)
    async with station(server, V21, identity) as peer:
        await peer.call(*by_event("Available"))
        ended = event("Ended", "T2", 1, minutes=-1, evse=2, meterValue=energy(700, -1), state="Idle")
        assert await peer.call("TransactionEvent", ended) == {}
        code, shown = await operator.request("GET", f"/api/v1/chargepoints/{identity}")
    last = records.charge_point(identity)

    assert {row["id"] for row in (first, second, last)} == {first["id"]}
    assert [row["ocpp_version"] for row in (first, second, last)] == [V16, V201, V21]
    assert (code, shown["data"]["name"]) == (200, "At the gate")
    one, two = records.transactions(identity)
    assert (one["id"], one["ocpp_id"], one["status"]) == (
        old["transactionId"],
        str(old["transactionId"]),
        "active",
    )
    assert (two["ocpp_id"], two["status"], two["energy_wh"]) == ("T2", "ended", 700)
    connectors = records.of("chargepoints_connector", identity)
    assert [(row["number"], row["status"]) for row in connectors][0] == (1, "Available")
