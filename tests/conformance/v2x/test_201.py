"""OCPP 2.0.1 cases, which 2.1 shares; numbered as the certification's test cases."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import V21, V201, Refused, at, boot_payload, fresh, reasons, station


@pytest.fixture(params=[V201, V21])
def version(request):
    return request.param


async def test_TC_B_01_cold_boot_and_the_state_of_every_connector(server, records, version):
    async with station(server, version) as peer:
        for evse in (1, 2):
            status = {"timestamp": at(), "connectorStatus": "Available", "evseId": evse, "connectorId": 1}
            assert await peer.call("StatusNotification", status) == {}
        await peer.heartbeat()

    rows = records.of("chargepoints_connector", peer.identity)
    assert [row["status"] for row in rows] == ["Available", "Available"]
    assert records.charge_point(peer.identity)["boot_reason"] == "PowerUp"


async def test_TC_B_02_TC_B_30_TC_B_31_pending_then_accepted(server, operator, version):
    identity = fresh()
    await operator.provision(identity, registrationStatus="Pending")
    async with station(server, version, identity, boot=False) as peer:
        assert (await peer.boot())["status"] == "Pending"
        blocked = {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        for action, payload in (("StatusNotification", blocked), ("NotifyEvent", {}), ("Heartbeat", {})):
            with pytest.raises(Refused) as refused:
                await peer.call(action, payload)
            assert refused.value.code == "SecurityError"
        asked = {"getVariableData": [{"component": {"name": "C"}, "variable": {"name": "V"}}]}
        sent = asyncio.create_task(operator.command(identity, "GetVariables", asked))
        result = asked["getVariableData"][0] | {"attributeStatus": "UnknownComponent"}
        await peer.answer(await peer.next_call(), {"getVariableResult": [result]})
        assert (await sent)[0] == 200
        assert (await operator.command(identity, "ClearCache"))[0] == 409

        await operator.change(identity, registrationStatus="Accepted")
        trigger = await peer.next_call()
        assert trigger[3] == {"requestedMessage": "BootNotification"}
        await peer.answer(trigger, {"status": "Accepted"})
        answer = await peer.call("BootNotification", boot_payload(version) | {"reason": "Triggered"})
        assert answer["status"] == "Accepted"
        await peer.heartbeat()


async def test_TC_B_06_TC_B_09_get_and_set_variables(server, operator, version):
    async with station(server, version) as peer:
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        for word in ("Accepted", "Rejected", "UnknownVariable", "RebootRequired"):
            sent = asyncio.create_task(
                operator.command(
                    peer.identity, "SetVariables", {"setVariableData": [variable | {"attributeValue": "60"}]}
                )
            )
            call = await peer.next_call()
            await peer.answer(call, {"setVariableResult": [variable | {"attributeStatus": word}]})
            code, data = await sent
            assert code == 200
            assert data["response"]["setVariableResult"][0]["attributeStatus"] == word


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        (ALICE, "Accepted"),
        (ALICE.lower(), "Accepted"),
        ("NOBODY99", "Unknown"),
        ("INVALID1", "Invalid"),
        ("BLOCKED1", "Blocked"),
        ("EXPIRED1", "Expired"),
    ],
)
async def test_TC_C_02_TC_C_06_TC_C_07_authorization_is_exact(server, version, uid, expected):
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", {"idToken": token(uid)})

    assert answer["idTokenInfo"]["status"] == expected


@pytest.mark.parametrize(
    "kind", ["Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization"]
)
async def test_C_every_kind_of_token_is_answered(server, version, kind):
    async with station(server, version) as peer:
        answer = await peer.call("Authorize", {"idToken": token("", kind)})

    assert answer["idTokenInfo"]["status"] in ("Unknown", "Invalid", "Accepted")


async def test_TC_C_08_TC_C_20_a_cached_token_is_checked_again_with_the_event(server, version):
    async with station(server, version) as peer:
        good = await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token()))
        bad = await peer.call(
            "TransactionEvent", event("Started", new_transaction(), 0, evse=2, idToken=token("NOBODY99"))
        )

    assert good["idTokenInfo"]["status"] == "Accepted"
    assert bad["idTokenInfo"]["status"] == "Unknown"


async def test_TC_C_39_the_group_is_in_every_answer(server, version):
    async with station(server, version) as peer:
        authorized = await peer.call("Authorize", {"idToken": token("BOB00002")})
        started = await peer.call(
            "TransactionEvent", event("Started", new_transaction(), 0, idToken=token("BOB00002"))
        )

    for answer in (authorized, started):
        assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == "FAMILY"


@pytest.mark.parametrize(
    ("trigger", "with_token", "with_evse"),
    [
        ("CablePluggedIn", False, True),
        ("Authorized", True, True),
        ("Authorized", True, False),
        ("EVDetected", False, True),
        ("ChargingStateChanged", True, True),
        ("SignedDataReceived", True, True),
        ("RemoteStart", True, True),
    ],
    ids=["TC_E_03/09", "TC_E_04", "TC_E_10", "TC_E_12", "TC_E_02", "TC_E_11", "TC_F_01"],
)
async def test_E_a_transaction_may_start_in_every_way(  # noqa: PLR0917
    server, records, version, trigger, with_token, with_evse
):
    more = {"idToken": token()} if with_token else {}
    transaction = new_transaction()
    async with station(server, version) as peer:
        started = event("Started", transaction, 0, trigger=trigger, evse=1 if with_evse else None, **more)
        answer = await peer.call("TransactionEvent", started)
        assert ("idTokenInfo" in answer) is with_token
        await peer.call("TransactionEvent", event("Updated", transaction, 1, idToken=token()))
        await peer.call("TransactionEvent", event("Ended", transaction, 2))

    row = records.transaction(peer.identity)
    assert (row["ocpp_id"], row["status"], row["id_token"]) == (transaction, "ended", ALICE)
    assert (row["evse_number"], row["connector_number"]) == (1, 1)
    assert json.loads(row["missing_seq_nos"]) == []


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        ("StopAuthorized", "Local"),
        ("EVCommunicationLost", "EVDisconnected"),
        ("Deauthorized", "DeAuthorized"),
        ("RemoteStop", "Remote"),
        ("EVConnectTimeout", "Timeout"),
        ("ResetCommand", "ImmediateReset"),
        ("AbnormalCondition", "PowerLoss"),
    ],
)
async def test_E_a_transaction_may_end_in_every_way(server, records, version, trigger, reason):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call(
            "TransactionEvent", event("Started", transaction, 0, idToken=token(), meterValue=energy(100, -2))
        )
        await peer.call("TransactionEvent", event("Updated", transaction, 1, meterValue=energy(400, -1)))
        ended = event(
            "Ended", transaction, 2, trigger=trigger, info={"stoppedReason": reason}, meterValue=energy(700)
        )
        assert await peer.call("TransactionEvent", ended) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["stop_reason"], row["energy_wh"]) == ("ended", reason, 600)
    assert (
        len(records.rows("SELECT id FROM transactions_transactionevent WHERE transaction_id = ?", row["id"]))
        == 3
    )


async def test_E_parallel_transactions_on_two_evses(server, records, version):
    one, two = new_transaction(), new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", one, 0, evse=1, idToken=token()))
        await peer.call("TransactionEvent", event("Started", two, 0, evse=2, idToken=token("BOB00002")))

    assert [(r["ocpp_id"], r["status"]) for r in records.transactions(peer.identity)] == [
        (one, "active"),
        (two, "active"),
    ]


async def test_TC_E_53_numbers_may_start_at_0_or_go_on_over_transactions(server, records, version):
    one, two = new_transaction(), new_transaction()
    async with station(server, version) as peer:
        for transaction, first in ((one, 0), (two, 700)):
            await peer.call("TransactionEvent", event("Started", transaction, first, idToken=token()))
            await peer.call("TransactionEvent", event("Updated", transaction, first + 1))
            await peer.call("TransactionEvent", event("Ended", transaction, first + 2))

    for row in records.transactions(peer.identity):
        assert (row["status"], json.loads(row["missing_seq_nos"])) == ("ended", [])
        assert "events-missing" not in reasons(row)


async def test_TC_F_01_a_remote_start_knows_its_transaction_by_the_id_we_gave(
    server, operator, records, version
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        sent = asyncio.create_task(
            operator.request(
                "POST",
                "/api/v1/transactions/remote-start",
                {"clientId": peer.identity, "connectorId": 1, "idTag": ALICE},
            )
        )
        call = await peer.next_call()
        assert call[2] == "RequestStartTransaction"
        remote_id = call[3]["remoteStartId"]
        # It asks for authorization before it answers (field notes 10.2).
        assert (await peer.call("Authorize", {"idToken": token()}))["idTokenInfo"]["status"] == "Accepted"
        await peer.answer(call, {"status": "Accepted"})
        assert (await sent)[0] == 200
        await peer.call(
            "TransactionEvent",
            event(
                "Started",
                transaction,
                0,
                trigger="RemoteStart",
                info={"remoteStartId": remote_id},
                idToken=token(),
            ),
        )

    (waited,) = records.of("transactions_remotestart", peer.identity)
    row = records.transaction(peer.identity)
    assert (waited["outcome"], waited["transaction_id"]) == ("started", row["id"])


async def test_TC_E_21_a_remote_stop_names_the_stations_own_id(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(peer.identity)["id"]
        sent = asyncio.create_task(
            operator.request("POST", "/api/v1/transactions/remote-stop", {"transactionId": number})
        )
        call = await peer.next_call()
        await peer.answer(call, {"status": "Accepted"})

        assert (await sent)[0] == 200
        assert call[2:] == ["RequestStopTransaction", {"transactionId": transaction}]


@pytest.mark.parametrize("name", ["Heartbeat", "StatusNotification"])
async def test_TC_F_20_TC_F_27_trigger(server, operator, version, name):
    async with station(server, version) as peer:
        body = {"requestedMessage": name} | ({"connectorId": 1} if name == "StatusNotification" else {})
        for word in ("Accepted", "NotImplemented"):
            sent = asyncio.create_task(
                operator.request("POST", f"/api/v1/chargepoints/{peer.identity}/trigger", body)
            )
            call = await peer.next_call()
            await peer.answer(call, {"status": word})
            code, answer = await sent
            assert (code, answer["data"]["status"]) == (200, word)
            if name == "StatusNotification":
                assert call[3]["evse"]["id"] == 1  # F06.FR.13


@pytest.mark.parametrize("by_event", [True, False])
async def test_TC_G_01_status_and_availability_events_move_the_same_state(server, records, version, by_event):
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


@pytest.mark.parametrize("evse", [0, 1])
async def test_TC_J_01_meter_values_outside_a_transaction(server, records, version, evse):
    async with station(server, version) as peer:
        values = {"evseId": evse, "meterValue": energy(42.5, context="Sample.Clock")}
        assert await peer.call("MeterValues", values) == {}

    (row,) = records.meter_values(peer.identity)
    assert (row["value"], row["unit"], row["evse_number"], row["transaction_id"]) == (42.5, "Wh", evse, None)


async def test_TC_J_04_TC_J_11_signed_values_are_kept_byte_for_byte(server, records, version):
    signed = {
        "signedMeterData": "OCMF|" + "ä+/=" * 1000,
        "encodingMethod": "OCMF",
        "signingMethod": "",
        "publicKey": "",
    }
    if version == V21:
        signed = {"signedMeterData": signed["signedMeterData"], "encodingMethod": "OCMF"}
    sample = {"value": 1000.0, "signedMeterValue": signed, "context": "Transaction.Begin"}
    transaction = new_transaction()
    async with station(server, version) as peer:
        values = [{"timestamp": at(), "sampledValue": [sample]}]
        await peer.call("TransactionEvent", event("Started", transaction, 0, meterValue=values))

    (row,) = records.meter_values(peer.identity)
    assert json.loads(row["signed_data"]) == signed
    assert row["transaction_id"] == records.transaction(peer.identity)["id"]


async def test_J_the_multiplier_and_the_unit_are_applied(server, records, version):
    sample = {"value": 12.5, "unitOfMeasure": {"unit": "kWh", "multiplier": -1}}
    async with station(server, version) as peer:
        values = {"evseId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [sample]}]}
        await peer.call("MeterValues", values)

    (row,) = records.meter_values(peer.identity)
    assert (row["value"], row["unit"], row["raw"]) == (1250, "Wh", "12.5")


async def test_TC_P_02_data_transfer_of_an_unknown_vendor(server, version):
    async with station(server, version) as peer:
        answer = await peer.call("DataTransfer", {"vendorId": "nobody", "data": {"any": ["thing"]}})

    assert answer["status"] == "UnknownVendorId"


async def test_TC_P_03_custom_data_in_a_transaction_event_is_kept(server, records, version):
    custom = {"vendorId": "V", "more": {"a": [1]}}
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, customData=custom))

    row = records.transaction(peer.identity)
    (stored,) = records.rows(
        "SELECT payload FROM transactions_transactionevent WHERE transaction_id = ?", row["id"]
    )
    assert json.loads(stored["payload"])["customData"] == custom


async def test_A04_security_events_of_any_kind(server, records, version):
    async with station(server, version) as peer:
        for kind in ("FirmwareUpdated", "Anything"):
            assert await peer.call("SecurityEventNotification", {"type": kind, "timestamp": at(-600)}) == {}

    assert [row["type"] for row in records.security_events(peer.identity)] == ["FirmwareUpdated", "Anything"]
