"""Every message that follows a command is answered and stored, with its command and its report."""

from __future__ import annotations

import json

import pytest

from chargepoints.services.follow_ups.table import FOLLOWS
from ocpp_server.protocol import actions, schemas
from ocpp_server.protocol.versions import V2X
from simulator import Station
from tests.conformance.peer import TIMEOUT_S, V16, V21, V201, eventually, fresh, station
from tests.seeds import chosen_seed
from tests.unit.protocol.samples import example

# The answers that are not empty.
ANSWERS = {
    (V201, "NotifyEVChargingNeeds"): {"status": "Rejected"},
    (V21, "NotifyEVChargingNeeds"): {"status": "NoChargingProfile"},
    (V201, "NotifyEVChargingSchedule"): {"status": "Accepted"},
    (V21, "NotifyEVChargingSchedule"): {"status": "Accepted"},
    (V21, "OpenPeriodicEventStream"): {"status": "Accepted"},
    (V21, "PullDynamicScheduleUpdate"): {  # K28
        "status": "Rejected",
        "statusInfo": {"reasonCode": "InvalidProfile"},
    },
}


def follow_ups(records, identity, action=""):
    rows = records.of("chargepoints_followup", identity)
    return [row for row in rows if action in ("", row["action"])]


def reports(records, identity):
    return records.of("chargepoints_reportassembly", identity)


async def ask(operator, peer, action, payload, *, answer=None, before=()):
    """Send a command; `before` are messages that the station sends before its answer. Returns its id."""
    command_id = await operator.submit(peer.identity, action, payload)
    call = await peer.next_call()
    for name, content in before:
        await peer.call(name, content)
    await peer.answer(call, answer or {"status": "Accepted"})
    return command_id


def part(request_id, number, *, more, value="a"):
    variable = {
        "component": {"name": f"Component{number}", "evse": {"id": 1}},
        "variable": {"name": "Setting"},
        "variableAttribute": [{"value": value, "mutability": "ReadOnly" if number else "ReadWrite"}],
    }
    return {
        "requestId": request_id,
        "generatedAt": f"2026-01-01T12:00:0{number}Z",
        "seqNo": number,
        "tbc": more,
        "reportData": [variable],
    }


async def test_every_follow_up_is_answered_and_stored_once(server, records, version):
    served = [name for name in FOLLOWS if name in actions.from_station(version) - actions.SENDS]
    async with station(server, version) as peer:
        for action in served:
            payload = example(schemas.message_schema(version, action, "request"))
            for _ in range(2):  # the second time with the same message id: the answer was lost
                answer = await peer.call(action, payload, message_id=f"of-{action}")
            assert answer == ANSWERS.get((version, action), {}), action

    stored = follow_ups(records, peer.identity)
    assert [row["action"] for row in stored] == served
    assert all(row["received_at"] and json.loads(row["payload"]) for row in stored)


@pytest.mark.parametrize("version", V2X)
async def test_TC_B_13_a_full_inventory_in_parts_stores_the_variables(server, records, operator, version):
    async with station(server, version) as peer:
        wanted = {"requestId": 7, "reportBase": "FullInventory"}
        first = ("NotifyReport", part(7, 1, more=False, value="b"))
        command_id = await ask(operator, peer, "GetBaseReport", wanted, before=[first])
        for _ in range(2):  # the same part under another message id
            assert await peer.call("NotifyReport", part(7, 0, more=True)) == {}
        await peer.heartbeat()

    (report,) = reports(records, peer.identity)
    assert (report["state"], report["parts"], report["command_id"]) == ("complete", 2, command_id)
    assert [row["command_id"] for row in follow_ups(records, peer.identity)] == [command_id] * 2
    keys = records.of("configuration_reportedkey", peer.identity, order="t.key")
    assert [(row["key"], row["value"], row["readonly"]) for row in keys] == [
        ("Component0(1).Setting", "a", 0),
        ("Component1(1).Setting", "b", 1),
    ]


async def test_TC_B_18_interleaved_and_unknown_requests_are_never_mixed(server, records, operator):
    async with station(server, V201) as peer:
        await ask(operator, peer, "GetBaseReport", {"requestId": 1, "reportBase": "SummaryInventory"})
        await ask(operator, peer, "GetReport", {"requestId": 2})
        for number in (1, 2, 99):
            await peer.call("NotifyReport", part(number, 0, more=True))
        for number in (2, 1):
            await peer.call("NotifyReport", part(number, 1, more=False))
        await peer.heartbeat()

    found = {row["request_id"]: row for row in reports(records, peer.identity)}
    assert {number: row["state"] for number, row in found.items()} == {
        1: "complete",
        2: "complete",
        99: "collecting",
    }
    assert found[99]["command_id"] is None


async def test_an_accepted_command_waits_for_its_report_and_a_refused_one_does_not(server, records, operator):
    async with station(server, V201) as peer:
        await ask(operator, peer, "GetDisplayMessages", {"requestId": 5}, answer={"status": "Unknown"})
        command_id = await ask(operator, peer, "GetDisplayMessages", {"requestId": 6})
        await peer.heartbeat()

    (report,) = reports(records, peer.identity)
    assert (report["command_id"], report["state"], report["parts"]) == (command_id, "collecting", 0)


async def test_a_pending_station_may_send_the_report_that_was_asked_for(server, records, operator):
    async with station(server, V201) as peer:
        await operator.change(peer.identity, registrationStatus="Pending")
        await ask(operator, peer, "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})

        assert await peer.call("NotifyReport", part(1, 0, more=False)) == {}


async def test_TC_N_27_customer_information_is_encrypted_and_in_no_log(server, records, operator):
    secret = "Alice lives at 5 Long Street"
    async with station(server, V201) as peer:
        wanted = {"requestId": 3, "report": True, "clear": False, "customerIdentifier": "alice"}
        await ask(operator, peer, "CustomerInformation", wanted)
        data = {"requestId": 3, "generatedAt": "2026-01-01T12:00:00Z", "seqNo": 0, "data": secret}
        await peer.call("NotifyCustomerInformation", data)
        await peer.heartbeat()

    (row,) = follow_ups(records, peer.identity)
    assert json.loads(row["payload"])["data"] == "***"
    assert row["personal_data"]
    logged = await eventually(lambda: records.of("chargepoints_message", peer.identity))
    assert secret not in json.dumps([row, *logged])


@pytest.mark.parametrize(
    ("version", "command", "message", "column"),
    [
        (V16, "GetLog", "LogStatusNotification", "diagnostics_status"),
        (V16, "SignedUpdateFirmware", "SignedFirmwareStatusNotification", "firmware_status"),
        (V16, "UpdateFirmware", "FirmwareStatusNotification", "firmware_status"),
        (V201, "UpdateFirmware", "FirmwareStatusNotification", "firmware_status"),
        (V21, "GetLog", "LogStatusNotification", "diagnostics_status"),
    ],
)
async def test_TC_N_25_16_080_progress_belongs_to_its_command(  # noqa: PLR0913, PLR0917 - fixtures
    server, records, operator, version, command, message, column
):
    wanted = example(schemas.message_schema(version, command, "request"))
    status = example(schemas.message_schema(version, message, "request"))
    answer = {} if (version, command) == (V16, "UpdateFirmware") else {"status": "Accepted"}
    async with station(server, version) as peer:
        command_id = await operator.submit(peer.identity, command, wanted)
        await peer.answer(await peer.next_call(), answer)
        assert await peer.call(message, status) == {}
        await peer.heartbeat()

    (row,) = follow_ups(records, peer.identity)
    assert (row["command_id"], row["status"]) == (command_id, status["status"])
    assert records.charge_point(peer.identity)[column] == status["status"]


async def test_TC_H_07_the_end_of_a_reservation_belongs_to_its_command(server, records, operator):
    wanted = example(schemas.message_schema(V201, "ReserveNow", "request"))
    async with station(server, V201) as peer:
        command_id = await ask(operator, peer, "ReserveNow", wanted)
        ended = {"reservationId": wanted["id"], "reservationUpdateStatus": "Expired"}
        assert await peer.call("ReservationStatusUpdate", ended) == {}
        await peer.heartbeat()

    (row,) = follow_ups(records, peer.identity)
    assert (row["command_id"], row["status"]) == (command_id, "Expired")


async def test_a_simulated_station_sends_what_it_has_accepted(server, records, operator):
    simulated = Station(fresh("SIM"), "2.0.1", server.ocpp, speed=500, seed=chosen_seed("simulated station"))
    await simulated.start(timeout_s=TIMEOUT_S)
    try:
        for action, payload in (
            ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}),
            ("GetReport", {"requestId": 2}),
            (
                "CustomerInformation",
                {"requestId": 3, "report": True, "clear": False, "customerIdentifier": "a"},
            ),
            (
                "GetLog",
                {"requestId": 4, "logType": "SecurityLog", "log": {"remoteLocation": "ftp://a.example/"}},
            ),
        ):
            status, answer = await operator.command(simulated.identity, action, payload)
            assert (status, answer["status"]) == (200, "Accepted"), action

        await eventually(
            lambda: "Uploaded" in {row["status"] for row in follow_ups(records, simulated.identity)}
        )
        found = await eventually(
            lambda: (
                [row for row in reports(records, simulated.identity) if row["state"] == "complete"][2:]
                and reports(records, simulated.identity)
            )
        )
    finally:
        await simulated.stop(grace_s=1)

    assert {row["request_id"]: row["state"] for row in found} == dict.fromkeys((1, 2, 3), "complete")
    assert found[0]["parts"] > 1
    assert all(row["command_id"] for row in found)
