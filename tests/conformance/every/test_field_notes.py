"""Behaviour of chargers in the field (sections 1, 2, 4 to 8 and 10), and the reaction of this server."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import (
    connector_row,
    deviations,
    event,
    new_transaction,
    start,
    status,
    stop,
    token,
)
from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V201,
    Records,
    at,
    eventually,
    fresh,
    provision,
    reasons,
    station,
)

# -- 1 connecting --------------------------------------------------------------------------------------------


async def test_1_a_station_without_a_subprotocol_is_served_in_the_version_of_the_setting(make_server):
    server = make_server(OCPP_ASSUME_SUBPROTOCOL="ocpp1.6")
    async with station(server, V16, offers=[]) as peer:
        assert peer.socket.subprotocol is None
        await peer.heartbeat()


async def test_1_the_case_of_an_identity_makes_no_difference(server, records):
    identity = fresh("Mixed")
    async with station(server, V16, identity) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
    async with station(server, V16, identity.upper(), boot=False) as peer:
        await peer.call("StopTransaction", stop(number))

    assert records.transaction(identity)["status"] == "ended"
    assert records.charge_point(identity)["identity"] == identity


async def test_1_any_prefix_of_the_path_is_accepted(server, records):
    identity = fresh()
    async with station(server, V16, path=f"/steve/websocket/CentralSystemService/{identity}") as peer:
        await peer.heartbeat()

    assert records.charge_point(identity)["is_online"] in (0, 1)


async def test_1_a_station_that_never_answers_pings_but_sends_frames_is_not_closed(make_server):
    server = make_server(OCPP_PING_INTERVAL="500ms")
    await provision(server, "DEAF")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        # A raw socket answers no pings. The test sends an empty text every 300 ms instead.
        writer.write(
            b"GET /ocpp/DEAF HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
        )
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT_S)
        assert b" 101 " in answer
        frame = b'[2,"x","Heartbeat",{}]'
        for _ in range(8):
            writer.write(bytes([0x81, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
            await asyncio.sleep(0.3)  # in total longer than a ping and its timeout
        assert not reader.at_eof()
        assert Records(server.database).charge_point("DEAF")["is_online"] == 1
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


# -- 2 boot --------------------------------------------------------------------------------------------------


async def test_2_nothing_is_sent_before_the_first_message_of_the_station(server, operator):
    identity = fresh()
    await operator.provision(identity)
    async with station(server, V16, identity, boot=False) as peer:
        await operator.submit(identity, "ClearCache", timeout=30)
        with pytest.raises(TimeoutError):
            await peer.next_call(0.5)
        await peer.boot()
        await peer.answer(await peer.next_call(), {"status": "Accepted"})


async def test_2_over_long_unknown_and_null_fields_are_accepted_and_counted(server, records):
    async with station(server, boot=False) as peer:
        boot = {
            "chargePointVendor": "V" * 60,
            "chargePointModel": "M" * 300,
            "chargePointSerialNumber": "S" * 30,
            "firmwareVersion": None,
            "somethingNew": True,
        }
        assert (await peer.call("BootNotification", boot))["status"] == "Accepted"
        odd = status(1, "Charging", info="i" * 400, vendorErrorCode="e" * 80) | {"errorCode": "Error"}
        assert await peer.call("StatusNotification", odd) == {}
        assert await peer.call("StatusNotification", status(2, "Humming")) == {}
        row = records.charge_point(peer.identity)
        identity = peer.identity

    assert (row["vendor"], row["model"]) == ("V" * 60, "M" * 255)
    assert connector_row(records, identity)["error_code"] == "Error"
    assert connector_row(records, identity, 2)["status"] == "Other:Humming"
    assert {"too-long", "null-property", "extra-property", "unknown-value"} <= set(
        await deviations(records, identity)
    )


async def test_2_a_null_payload_is_an_empty_one(server):
    async with station(server) as peer:
        assert "currentTime" in (await peer.exchange("Heartbeat", None))[2]


# -- 4 transactions ------------------------------------------------------------------------------------------


async def test_4_a_stop_alone_is_enough_to_build_a_session_and_its_repetition_builds_none(server, records):
    data = [
        {"timestamp": at(minutes), "sampledValue": [{"value": value}]}
        for minutes, value in ((-60, "0"), (-5, "900"))
    ]
    async with station(server) as peer:
        payload = stop(-1, meter=900, minutes=-5, idTag=ALICE, transactionData=data)
        for _ in range(3):
            answer = await peer.call("StopTransaction", payload)
            assert answer["idTagInfo"]["status"] == "Accepted"

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"]) == ("ended", 900)


async def test_4_a_repeated_stop_without_a_number_matches_its_own_session_again(server, records):
    async with station(server) as peer:
        await peer.call("StartTransaction", start(minutes=-30))
        payload = stop(-1, idTag=ALICE)
        first = await peer.call("StopTransaction", payload)
        assert await peer.call("StopTransaction", payload) == first

    assert records.transaction(peer.identity)["energy_wh"] == 4000
    assert records.quarantined(peer.identity) == []


async def test_4_a_status_never_closes_a_session(server, records):
    async with station(server) as peer:
        await peer.call("StartTransaction", start())
        for word in ("Faulted", "Available"):
            await peer.call("StatusNotification", status(1, word))

    assert records.transaction(peer.identity)["status"] == "active"


async def test_4_a_missing_connector_id_in_the_evse_of_an_event(server, records):
    async with station(server, V201) as peer:
        payload = event("Started", new_transaction(), 0, idToken=token()) | {"evse": {"id": 1}}
        await peer.call("TransactionEvent", payload)

    assert records.transaction(peer.identity)["evse_number"] == 1


# -- 5 time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["2026-03-01T10:00:00+02", "2026-03-01T10:00:00.1234567+02:00", "2026-03-01 08:00:00Z"]
)
async def test_5_times_are_read_leniently(server, records, text):
    async with station(server) as peer:
        await peer.call("StartTransaction", start() | {"timestamp": text})

    assert records.transaction(peer.identity)["started_at"].startswith("2026-03-01 08:00:00")


# -- 6 meter values ------------------------------------------------------------------------------------------


async def test_6_a_start_reading_of_zero_is_replaced_by_the_first_plausible_one(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=0, minutes=-30)))["transactionId"]
        for minutes, value in ((-29, "8000000"), (-10, "8001500")):
            values = [{"timestamp": at(minutes), "sampledValue": [{"value": value}]}]
            await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
        await peer.call("StopTransaction", stop(number, meter=8002000))

    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["meter_start_wh"]) == (2000, 8000000)
    assert "meter-start-implausible" in reasons(row)


async def test_6_numbers_for_text_units_in_any_case_and_phases_without_a_total(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=0, minutes=-30)))["transactionId"]
        samples = [
            {"value": 100, "unit": "wh"},
            {"value": "1", "unit": "KW", "measurand": "Power.Active.Import", "phase": "L1"},
            {"value": "2", "unit": "kW", "measurand": "Power.Active.Import", "phase": "L2"},
            {"value": "3", "unit": "kW", "measurand": "Power.Active.Import", "phase": "L3"},
            {"value": "50", "unit": "Hertz", "measurand": "Frequency"},
            {"value": "5", "unit": "Furlong", "measurand": "Distance"},
            {"value": "400", "unit": "V", "measurand": "Voltage", "phase": "L1-L2"},
        ]
        values = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": at(), "sampledValue": samples}],
        }
        assert await peer.call("MeterValues", values) == {}

    rows = records.meter_values(peer.identity)
    assert [row["unit"] for row in rows] == ["Wh", "W", "W", "W", "Hz", "Furlong", "V"]
    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["power_w"]) == (100, 6000)


async def test_6_two_phases_are_no_total(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        samples = [
            {"value": "1", "measurand": "Power.Active.Import", "phase": phase} for phase in ("L1", "L2")
        ]
        values = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": at(), "sampledValue": samples}],
        }
        await peer.call("MeterValues", values)

    assert records.transaction(peer.identity)["power_w"] is None


# -- 7 status ------------------------------------------------------------------------------------------------


async def test_7_connector_0_is_the_station_and_overwrites_no_connector(server, records):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Charging"))
        await peer.call("StatusNotification", status(0, "Unavailable"))

    assert records.charge_point(peer.identity)["status"] == "Unavailable"
    assert connector_row(records, peer.identity)["status"] == "Charging"
    assert connector_row(records, peer.identity, 0) is None


async def test_7_two_first_reports_at_once(server, records):
    async with station(server) as peer:
        for number in (1, 2, 1, 2):
            await peer.send(
                [2, f"s{number}-{id(object())}", "StatusNotification", status(number, "Available")]
            )
        await peer.call("Heartbeat")

    assert len(records.of("chargepoints_connector", peer.identity)) == 2


async def test_7_an_offline_station_is_not_shown_as_available(server, operator, records):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(0, "Available"))
    await eventually(lambda: not records.charge_point(peer.identity)["is_online"])
    _, answer = await operator.request("GET", f"/api/v1/chargepoints/{peer.identity}/status")

    assert answer["data"]["status"] == "Offline"


async def test_7_10_evse_0_and_connector_0_of_2_x(server, records):
    async with station(server, V201) as peer:
        for evse, connector in ((0, 0), (1, 0)):
            state = {
                "timestamp": at(),
                "connectorStatus": "Unavailable",
                "evseId": evse,
                "connectorId": connector,
            }
            assert await peer.call("StatusNotification", state) == {}

    assert records.charge_point(peer.identity)["status"] == "Unavailable"
    assert connector_row(records, peer.identity)["status"] == "Unavailable"


# -- 8 tags --------------------------------------------------------------------------------------------------


async def test_8_autocharge_tags_and_separators_are_tokens_like_any_other(server, operator):
    uid = "VID:" + fresh("")[1:13].upper()
    await operator.add_token(uid)
    async with station(server) as peer:
        answer = await peer.call("Authorize", {"idTag": uid.lower()})

    assert answer["idTagInfo"]["status"] == "Accepted"


async def test_8_blocked_is_blocked_for_a_2_x_station_too_with_any_token_type(server):
    async with station(server, V201) as peer:
        for kind in ("ISO14443", "Central", "KeyCode"):
            answer = await peer.call("Authorize", {"idToken": token("BLOCKED1", kind)})
            assert answer["idTokenInfo"]["status"] == "Blocked"


async def test_8_free_vending_of_one_station(server, operator):
    identity = fresh()
    await operator.provision(identity, unknownTokens="accept")
    async with station(server, V16, identity) as peer:
        assert (await peer.call("Authorize", {"idTag": "ANYBODY"}))["idTagInfo"]["status"] == "Accepted"
        assert (await peer.call("Authorize", {"idTag": "BLOCKED1"}))["idTagInfo"]["status"] == "Blocked"


# -- 10 message ids and answers ------------------------------------------------------------------------------


async def test_10_message_ids_may_repeat_after_each_start_and_between_stations(server, records):
    identity, numbers = fresh(), []
    for minutes in (-60, -30):
        async with (
            station(server, V16, identity, boot=False) as peer,
            station(server, V16, boot=False) as other,
        ):
            for one in (peer, other):
                await one.call(
                    "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, message_id="1"
                )
            begun = await peer.call("StartTransaction", start(minutes=minutes), message_id="2")
            await other.call("StartTransaction", start(minutes=minutes), message_id="2")
            await peer.call(
                "StopTransaction", stop(begun["transactionId"], minutes=minutes + 10), message_id="3"
            )
            numbers.append(begun["transactionId"])

    assert [row["id"] for row in records.transactions(identity)] == numbers
    assert len(set(numbers)) == 2


async def test_10_answers_are_compact_and_have_only_fields_of_the_schema(server):
    async with station(server) as peer:
        await peer.send_raw('[2,"x","Authorize",{"idTag":"ALICE0001"}]')

        assert await peer.socket.recv() == '[3,"x",{"idTagInfo":{"status":"Accepted"}}]'
