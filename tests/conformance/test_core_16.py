"""The Core cases of OCPP 1.6 and what else its stations say, numbered as the certification's test cases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.peer import V16, Operator, Records, Refused, at, eventually, fresh, reasons, station


def status(connector, word, **more):
    return {"connectorId": connector, "status": word, "errorCode": "NoError", **more}


def start(connector=1, tag=ALICE, meter=1000, minutes=0.0, **more):
    return {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at(minutes), **more}


def stop(number, meter=5000, minutes=0.0, **more):
    return {"transactionId": number, "meterStop": meter, "timestamp": at(minutes), **more}


def connector_row(records, identity, number=1):
    rows = [row for row in records.of("chargepoints_connector", identity) if row["number"] == number]
    return rows[0] if rows else None


# -- boot ----------------------------------------------------------------------------------------------------


async def test_16_001_cold_boot(server, records):
    async with station(server, boot=False) as peer:
        answer = await peer.boot()
        for number in (0, 1, 2):
            assert await peer.call("StatusNotification", status(number, "Available")) == {}
        beat = await peer.call("Heartbeat")
        row = records.charge_point(peer.identity)

    assert answer["status"] == "Accepted"
    assert answer["interval"] > 0
    for answered in (answer, beat):
        told = datetime.fromisoformat(answered["currentTime"])
        assert abs((datetime.now(UTC) - told).total_seconds()) < 5
    assert (row["vendor"], row["model"], row["is_online"]) == ("Vendor", "Model", 1)


async def test_16_001b_pending_station_may_be_configured_and_nothing_else(server, operator, records):
    identity = fresh()
    await operator.provision(identity, registrationStatus="Pending")
    async with station(server, V16, identity, boot=False) as peer:
        boot = await peer.boot()
        assert (boot["status"], boot["interval"] > 0) == ("Pending", True)
        for action, payload in (
            ("Heartbeat", {}),
            ("Authorize", {"idTag": ALICE}),
            ("StartTransaction", start()),
        ):
            with pytest.raises(Refused) as refused:
                await peer.call(action, payload)
            assert refused.value.code == "SecurityError"
        assert records.transactions(identity) == []

        remote, _ = await operator.command(identity, "RemoteStartTransaction", {"idTag": ALICE})
        assert remote == 409
        change = asyncio.create_task(
            operator.command(identity, "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"})
        )
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        assert (await change)[0] == 200

        await operator.change(identity, registrationStatus="Accepted")
        trigger = await peer.next_call()
        assert (trigger[2], trigger[3]["requestedMessage"]) == ("TriggerMessage", "BootNotification")
        await peer.answer(trigger, {"status": "Accepted"})
        assert (await peer.boot())["status"] == "Accepted"
        await peer.heartbeat()


async def test_16_001c_rejected_station_hears_when_to_ask_again_and_is_sent_nothing(server, operator):
    identity = fresh()
    await operator.provision(identity, registrationStatus="Rejected")
    async with station(server, V16, identity, boot=False) as peer:
        boot = await peer.boot()
        code, _ = await operator.command(identity, "GetConfiguration")
        with pytest.raises(Refused) as refused:
            await peer.call("Heartbeat")

    assert boot["status"] == "Rejected"
    assert boot["interval"] >= 60
    assert code == 409
    assert refused.value.code == "SecurityError"


async def test_16_001d_S13_after_a_restart_of_the_server_a_station_goes_on_without_a_boot(make_server):
    server = make_server()
    identity, operator = fresh(), Operator(server)
    pending = fresh()
    await operator.provision(pending, registrationStatus="Pending")
    async with station(server, V16, identity) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
    server.kill()
    server.start()

    async with station(server, V16, identity, boot=False) as peer:
        await peer.heartbeat()
        assert await peer.call("StopTransaction", stop(number)) == {}
    async with station(server, V16, pending, boot=False) as peer:
        with pytest.raises(Refused) as refused:
            await peer.call("Heartbeat")

    assert refused.value.code == "SecurityError"
    assert Records(server.database).transaction(identity)["energy_wh"] == 4000


# -- sessions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plug_first", [True, False], ids=["16-003", "16-004-1"])
async def test_16_003_16_004_1_a_session_with_plug_or_card_first(server, records, plug_first):
    async with station(server) as peer:
        steps = [("StatusNotification", status(1, "Preparing")), ("Authorize", {"idTag": ALICE})]
        for action, payload in steps if plug_first else steps[::-1]:
            answer = await peer.call(action, payload)
            if action == "Authorize":
                assert answer["idTagInfo"]["status"] == "Accepted"
        started = await peer.call("StartTransaction", start(minutes=-4))
        assert started["transactionId"] >= 1000
        assert started["idTagInfo"]["status"] == "Accepted"
        await peer.call("StatusNotification", status(1, "Charging"))
        assert connector_row(records, peer.identity)["status"] == "Charging"
        assert await peer.call("StopTransaction", stop(started["transactionId"], idTag=ALICE))
        for word in ("Finishing", "Available"):
            await peer.call("StatusNotification", status(1, word))

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"], row["stop_reason"]) == ("ended", 4000, "Local")
    assert not row["suspect"]


async def test_16_004_2_a_connection_timeout_leaves_no_transaction(server, records):
    async with station(server) as peer:
        await peer.call("Authorize", {"idTag": ALICE})
        for word in ("Preparing", "Available"):
            await peer.call("StatusNotification", status(1, word))

    assert records.transactions(peer.identity) == []


async def test_16_005_1_the_vehicle_disconnects(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        await peer.call("StatusNotification", status(1, "SuspendedEV"))
        await peer.call("StopTransaction", stop(number, reason="EVDisconnected"))
        await peer.call("StatusNotification", status(1, "Finishing"))
        await peer.call("StatusNotification", status(1, "Available"))

    assert records.transaction(peer.identity)["stop_reason"] == "EVDisconnected"


async def test_16_007_a_cached_card_starts_without_authorize(server):
    async with station(server) as peer:
        answer = await peer.call("StartTransaction", start())

    assert answer["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
async def test_16_061_clear_cache(server, operator, word):
    async with station(server) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "ClearCache"))
        await peer.answer(await peer.next_call(), {"status": word})
        code, data = await sent

    assert (code, data["status"]) == (200, word)


async def test_16_EV_a_stop_needs_neither_reason_nor_tag(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        assert await peer.call("StopTransaction", stop(number)) == {}

    assert records.transaction(peer.identity)["stop_reason"] == "Local"


@pytest.mark.parametrize(
    ("owner", "stopper", "answered"),
    [
        ("BOB00002", "BOB00002", "Accepted"),
        ("BOB00002", "CAROL003", "Accepted"),
        (ALICE, "NOSUCHTAG", "Invalid"),
    ],
)
async def test_16_EV_a_stop_by_the_owner_the_family_or_a_stranger_is_never_lost(
    server, records, owner, stopper, answered
):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(tag=owner)))["transactionId"]
        answer = await peer.call("StopTransaction", stop(number, idTag=stopper))

    assert answer["idTagInfo"]["status"] == answered
    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_id_token"], row["id_token"]) == ("ended", stopper, owner)


# -- remote --------------------------------------------------------------------------------------------------


async def remote_start(operator, peer, word="Accepted", **payload):
    sent = asyncio.create_task(
        operator.command(peer.identity, "RemoteStartTransaction", {"idTag": ALICE, **payload})
    )
    call = await peer.next_call()
    await peer.answer(call, {"status": word})
    return (*await sent, call)


@pytest.mark.parametrize("place", [{"connectorId": 1}, {}], ids=["with connector", "without"])
async def test_16_010_16_011_1_a_remote_start_knows_the_transaction_that_came_of_it(
    server, operator, records, place
):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        code, data, call = await remote_start(operator, peer, **place)
        assert (code, data["status"], call[3]) == (200, "Accepted", {"idTag": ALICE, **place})
        number = (await peer.call("StartTransaction", start()))["transactionId"]

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("started", number)


async def test_16_011_2_a_remote_start_without_a_vehicle_waits_and_a_foreign_start_is_not_taken_for_it(
    server, operator, records
):
    async with station(server) as peer:
        await remote_start(operator, peer, connectorId=1)
        await peer.call("StartTransaction", start(connector=2))
        await peer.call("StatusNotification", status(1, "Available"))

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("waiting", None)


async def test_16_012_remote_stop(server, operator, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        sent = asyncio.create_task(
            operator.command(peer.identity, "RemoteStopTransaction", {"transactionId": number})
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        await peer.call("StopTransaction", stop(number, reason="Remote"))

    assert call[3] == {"transactionId": number}
    assert records.transaction(peer.identity)["stop_reason"] == "Remote"


async def test_16_026_16_028_a_station_that_says_no_is_quoted(server, operator, records):
    async with station(server) as peer:
        code, data, _ = await remote_start(operator, peer, "Rejected", connectorId=1)
        assert (code, data["status"]) == (200, "Rejected")
        sent = asyncio.create_task(
            operator.command(peer.identity, "RemoteStopTransaction", {"transactionId": 1})
        )
        await peer.answer(await peer.next_call(), {"status": "Rejected"})
        assert (await sent)[1]["status"] == "Rejected"

    (waited,) = records.of("transactions_remotestart", peer.identity)
    assert waited["outcome"] == "refused"


async def test_16_EV_connector_0_of_a_remote_start_is_refused_by_us(server, operator):
    async with station(server) as peer:
        code, answer = await operator.request(
            "POST",
            "/api/v1/transactions/remote-start",
            {"clientId": peer.identity, "connectorId": 0, "idTag": ALICE},
        )

    assert code == 400, answer


@pytest.mark.parametrize("kind", ["Hard", "Soft"])
async def test_16_013_16_014_reset_with_a_running_transaction(server, operator, records, kind):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        sent = asyncio.create_task(operator.command(peer.identity, "Reset", {"type": kind}))
        call = await peer.next_call()
        assert call[3] == {"type": kind}
        # It stops what runs before it answers.
        await peer.call("StopTransaction", stop(number, reason=f"{kind}Reset"))
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        identity = peer.identity

    async with station(server, V16, identity):
        pass
    assert records.transaction(identity)["status"] == "ended"


@pytest.mark.parametrize(
    ("word", "good"), [("Unlocked", True), ("UnlockFailed", False), ("NotSupported", False)]
)
async def test_16_017_16_018_16_030_unlock_connector(server, operator, word, good):
    async with station(server) as peer:
        sent = asyncio.create_task(
            operator.request("POST", f"/api/v1/chargepoints/{peer.identity}/unlock", {"connectorId": 1})
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": word})
        code, answer = await sent

    assert call[2:] == ["UnlockConnector", {"connectorId": 1}]
    assert (code, answer["success"], answer["data"]["status"]) == (200, good, word)


async def test_16_019_16_021_16_040_configuration(server, operator):
    async with station(server) as peer:
        sent = asyncio.create_task(operator.command(peer.identity, "GetConfiguration", {"key": ["A", "B"]}))
        known = [{"key": "A", "readonly": False, "value": "1"}]
        await peer.answer(await peer.next_call(), {"configurationKey": known, "unknownKey": ["B"]})
        code, data = await sent
        assert (code, data["response"]) == (200, {"configurationKey": known, "unknownKey": ["B"]})

        change = {"key": "MeterValueSampleInterval", "value": "60"}
        for word in ("Accepted", "RebootRequired", "NotSupported", "Rejected"):
            sent = asyncio.create_task(operator.command(peer.identity, "ChangeConfiguration", change))
            await peer.answer(await peer.next_call(), {"status": word})
            assert (await sent)[1]["status"] == word


# -- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (ALICE, "Accepted"),
        ("NOBODY99", "Invalid"),
        ("INVALID1", "Invalid"),
        ("EXPIRED1", "Expired"),
        ("BLOCKED1", "Blocked"),
    ],
)
async def test_16_023_authorization_answers_exactly_and_a_refused_start_gets_a_number(server, tag, expected):
    async with station(server) as peer:
        answer = await peer.call("Authorize", {"idTag": tag})
        started = await peer.call("StartTransaction", start(tag=tag))

    assert answer["idTagInfo"]["status"] == expected
    assert started["idTagInfo"]["status"] == expected
    assert started["transactionId"] >= 1000


async def test_16_053_the_parent_id_is_answered_everywhere(server):
    async with station(server) as peer:
        authorized = await peer.call("Authorize", {"idTag": "BOB00002"})
        started = await peer.call("StartTransaction", start(tag="BOB00002"))
        stopped = await peer.call("StopTransaction", stop(started["transactionId"], idTag="CAROL003"))

    for answer in (authorized, started, stopped):
        assert answer["idTagInfo"]["parentIdTag"] == "FAMILY"


async def test_16_CTX_one_token_charges_once_and_the_second_start_still_gets_a_number(make_server):
    server = make_server(OCPP_CONCURRENT_TX="refuse")
    records = Records(server.database)
    await Operator(server).add_token(ALICE)
    async with station(server) as one, station(server) as two:
        first = await one.call("StartTransaction", start())
        authorized = await two.call("Authorize", {"idTag": ALICE})
        second = await two.call("StartTransaction", start())
        # Blocked comes before ConcurrentTx, and a stop frees the token.
        await one.call("StopTransaction", stop(first["transactionId"]))
        third = await one.call("StartTransaction", start(minutes=1))

    assert first["idTagInfo"]["status"] == "Accepted"
    assert authorized["idTagInfo"]["status"] == "Accepted"
    assert second["idTagInfo"]["status"] == "ConcurrentTx"
    assert second["transactionId"] > first["transactionId"]
    assert third["idTagInfo"]["status"] == "ConcurrentTx"  # it charges at the second station all the same
    assert records.transaction(two.identity)["authorization_status"] == "ConcurrentTx"


# -- status, power failure, offline --------------------------------------------------------------------------


async def test_16_024_a_lock_failure_is_stored(server, records):
    async with station(server) as peer:
        await peer.call(
            "StatusNotification",
            {"connectorId": 1, "status": "Faulted", "errorCode": "ConnectorLockFailure", "info": "stuck"},
        )

    row = connector_row(records, peer.identity)
    assert (row["status"], row["error_code"], row["info"]) == ("Faulted", "ConnectorLockFailure", "stuck")


@pytest.mark.parametrize(("word", "good"), [("Accepted", True), ("Scheduled", True), ("Rejected", False)])
async def test_16_CA_change_availability_of_the_station_and_of_a_connector(server, operator, word, good):
    async with station(server) as peer:
        for number in (0, 1):
            sent = asyncio.create_task(
                operator.command(
                    peer.identity, "ChangeAvailability", {"connectorId": number, "type": "Inoperative"}
                )
            )
            await peer.answer(await peer.next_call(), {"status": word})
            code, data = await sent
            assert (code, data["status"]) == (200, word)


async def test_16_032_1_power_loss(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        peer.abort()

    async with station(server, V16, peer.identity) as peer:
        assert records.transaction(peer.identity)["status"] == "active"
        assert records.transaction(peer.identity)["is_interrupted"] == 1
        assert await peer.call("StopTransaction", stop(number, minutes=-20, reason="PowerLoss")) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"], row["energy_wh"]) == ("ended", "PowerLoss", 4000)


async def test_16_037_1_an_offline_start_keeps_the_time_of_the_station(server, records):
    async with station(server) as peer:
        payload = start(minutes=-300)
        answer = await peer.call("StartTransaction", payload)

    row = records.transaction(peer.identity)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert row["started_at"][:19] == payload["timestamp"][:19].replace("T", " ")
    assert row["start_received_at"] > row["started_at"]
    assert row["was_offline"] == 1


async def test_16_037_3_an_offline_start_with_a_refused_tag_is_stored_and_flagged_when_energy_flowed(
    server, records
):
    async with station(server) as peer:
        answer = await peer.call("StartTransaction", start(tag="OFFLINEBAD", minutes=-60))
        await peer.call("StopTransaction", stop(answer["transactionId"], minutes=-30, reason="DeAuthorized"))

    row = records.transaction(peer.identity)
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] >= 1000
    assert (row["status"], row["stop_reason"]) == ("ended", "DeAuthorized")
    assert "charged-unauthorized" in reasons(row)


async def test_16_039_start_and_stop_back_to_back(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-60)))["transactionId"]
        await peer.call("StopTransaction", stop(number, minutes=-30))

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"], row["suspect"]) == ("ended", 4000, 0) or reasons(row) == {
        "connector-unknown"
    }


# -- metering ------------------------------------------------------------------------------------------------

_EVERY_KIND = [
    {"value": "1500"},
    {"value": "1.5", "measurand": "Energy.Active.Import.Register", "unit": "kWh", "context": "Sample.Clock"},
    {"value": "11", "measurand": "Power.Active.Import", "unit": "kW"},
    {"value": "16.1", "measurand": "Current.Import", "unit": "A", "phase": "L1", "location": "Outlet"},
    {"value": "230.5", "measurand": "Voltage", "unit": "V", "phase": "L1-N"},
    {"value": "80", "measurand": "SoC", "unit": "Percent", "location": "EV"},
    {"value": "25", "measurand": "Temperature", "unit": "Celsius", "location": "Body"},
    {"value": "25", "measurand": "Temperature", "unit": "Celcius", "location": "Cable"},
    {"value": "a1b2c3==", "format": "SignedData", "context": "Transaction.Begin"},
]


async def test_16_MV1_every_kind_of_value_is_a_row_with_its_unit_normalised(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-1)))["transactionId"]
        answer = await peer.call(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": number,
                "meterValue": [{"timestamp": at(), "sampledValue": _EVERY_KIND}],
            },
        )
        assert answer == {}

    rows = records.meter_values(peer.identity)
    assert [(row["measurand"], row["value"], row["unit"]) for row in rows[:5]] == [
        ("Energy.Active.Import.Register", 1500, "Wh"),
        ("Energy.Active.Import.Register", 1500, "Wh"),
        ("Power.Active.Import", 11000, "W"),
        ("Current.Import", 16.1, "A"),
        ("Voltage", 230.5, "V"),
    ]
    assert rows[1]["context"] == "Sample.Clock"
    assert (rows[3]["phase"], rows[3]["location"]) == ("L1", "Outlet")
    assert [row["unit"] for row in rows[6:8]] == ["Celsius", "Celsius"]
    assert (rows[8]["signed_data"], rows[8]["value"]) == ("a1b2c3==", None)
    assert {row["transaction_id"] for row in rows} == {number}
    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["power_w"], row["soc_percent"]) == (500, 11000, 80)


async def test_16_MV2_the_main_meter_and_values_without_a_transaction_are_stored(server, records):
    async with station(server) as peer:
        for number in (0, 1):
            values = {
                "connectorId": number,
                "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "7"}]}],
            }
            assert await peer.call("MeterValues", values) == {}

    assert [(r["evse_number"], r["transaction_id"]) for r in records.meter_values(peer.identity)] == [
        (0, None),
        (1, None),
    ]


async def test_16_MV3_transaction_data_of_a_stop(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-2)))["transactionId"]
        data = [
            {"timestamp": at(-2), "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]},
            {"timestamp": at(), "sampledValue": [{"value": "1900", "context": "Transaction.End"}]},
        ]
        await peer.call("StopTransaction", stop(number, meter=1900, transactionData=data))

    assert [row["context"] for row in records.meter_values(peer.identity)] == [
        "Transaction.Begin",
        "Transaction.End",
    ]
    row = records.transaction(peer.identity)
    assert (row["energy_wh"], row["meter_stop_wh"]) == (900, 1900)


async def test_16_MV4_an_unknown_measurand_is_stored_raw_or_refused_by_a_strict_server(
    server, operator, records
):
    values = {
        "connectorId": 1,
        "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "7", "measurand": "Vibes"}]}],
    }
    strict = fresh()
    await operator.provision(strict, validation="strict")
    async with station(server) as peer, station(server, V16, strict) as other:
        assert await peer.call("MeterValues", values) == {}
        with pytest.raises(Refused) as refused:
            await other.call("MeterValues", values)

    assert records.meter_values(peer.identity)[0]["measurand"] == "Vibes"
    assert refused.value.code == "PropertyConstraintViolation"


# -- trigger, data transfer, firmware, security --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
        ("Heartbeat", {}),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "1"}]}]},
        ),
        ("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}),
    ],
)
async def test_16_054_every_triggered_message_is_answered(server, operator, name, payload):
    async with station(server) as peer:
        sent = asyncio.create_task(
            operator.request(
                "POST", f"/api/v1/chargepoints/{peer.identity}/trigger", {"requestedMessage": name}
            )
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        assert call[3]["requestedMessage"] == name
        assert isinstance(await peer.call(name, payload), dict)


@pytest.mark.parametrize("word", ["Rejected", "NotImplemented"])
async def test_16_055_a_refused_trigger(server, operator, word):
    async with station(server) as peer:
        sent = asyncio.create_task(
            operator.command(peer.identity, "TriggerMessage", {"requestedMessage": "Heartbeat"})
        )
        await peer.answer(await peer.next_call(), {"status": word})

        assert (await sent)[1]["status"] == word


async def test_16_064_data_transfer_of_an_unknown_vendor(server):
    async with station(server) as peer:
        for payload in ({"vendorId": "nobody"}, {"vendorId": "x", "messageId": "y", "data": "{}"}):
            assert await peer.call("DataTransfer", payload) == {"status": "UnknownVendorId"}


async def test_16_044_16_045_progress_of_firmware_and_diagnostics_is_answered_and_kept(server, records):
    async with station(server) as peer:
        for word in ("Downloading", "Downloaded", "Installing", "Installed", "DownloadFailed"):
            assert await peer.call("FirmwareStatusNotification", {"status": word}) == {}
        for word in ("Uploading", "Uploaded"):
            assert await peer.call("DiagnosticsStatusNotification", {"status": word}) == {}

    row = records.charge_point(peer.identity)
    assert (row["firmware_status"], row["diagnostics_status"]) == ("DownloadFailed", "Uploaded")


async def test_16_SEC_every_security_event_is_stored_known_or_not_and_late_ones_too(server, records):
    async with station(server) as peer:
        for number, kind in enumerate(("InvalidChargePointCertificate", "SettingSystemTime", "Unheard Of")):
            payload = {"type": kind, "timestamp": at(-60 * number)}
            assert await peer.call("SecurityEventNotification", payload) == {}

    assert [row["type"] for row in records.security_events(peer.identity)] == [
        "InvalidChargePointCertificate",
        "SettingSystemTime",
        "Unheard Of",
    ]


async def test_inbound_get_and_change_configuration_of_one_family_of_stations(server):
    async with station(server) as peer:
        answer = await peer.call("GetConfiguration", {"key": ["HeartbeatInterval", "NoSuchKey"]})
        assert answer["configurationKey"][0]["key"] == "HeartbeatInterval"
        assert answer["unknownKey"] == ["NoSuchKey"]
        expected = {
            ("HeartbeatInterval", "60"): "Accepted",
            ("HeartbeatInterval", "x"): "Rejected",
            ("ConnectionTimeOut", "61"): "RebootRequired",
            ("VendorName", "x"): "Rejected",
            ("NoSuchKey", "x"): "NotSupported",
        }
        for (key, value), word in expected.items():
            assert await peer.call("ChangeConfiguration", {"key": key, "value": value}) == {"status": word}


async def test_unknown_tokens_wait_in_the_operators_inbox(server, records):
    tag = fresh("T")[:20]
    async with station(server) as peer:
        for _ in range(2):
            await peer.call("Authorize", {"idTag": tag})

    (row,) = await eventually(lambda: records.rows("SELECT * FROM accounts_unknowntoken WHERE uid = ?", tag))
    assert (row["count"], row["last_seen_where"]) == (2, peer.identity)
