"""Sessions that no stop ends: refused starts, power cuts, orphans. They keep no card out for good."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest

from tests.conformance.messages import deviations, energy, event, new_transaction, start, status, stop, token
from tests.conformance.peer import (
    V16,
    V21,
    V201,
    Operator,
    Records,
    at,
    boot_payload,
    eventually,
    fresh,
    reasons,
    station,
)


@pytest.fixture
def grace() -> str:
    """How long an interrupted session waits for its stop; the job looks each second."""
    return "1s"


@pytest.fixture
def concurrent(make_server, grace):
    """A server where one token charges at one place at a time; what it stored, and its operator."""
    server = make_server(OCPP_CONCURRENT_TX="refuse", OCPP_INTERRUPTED_GRACE=grace)
    return server, Records(server.database), Operator(server)


async def card(operator, **fields):
    uid = fresh("T")[:20]
    await operator.add_token(uid, **fields)
    return uid


async def verdict(peer, uid, **more):
    answer = await peer.call("StartTransaction", start(tag=uid, **more))
    return answer["idTagInfo"]["status"], answer["transactionId"]


def values(number, wh, minutes=0.0):
    sample = {"timestamp": at(minutes), "sampledValue": [{"value": str(wh)}]}
    return {"connectorId": 1, "transactionId": number, "meterValue": [sample]}


async def test_a_refused_start_at_one_station_locks_no_card_out_at_a_third(concurrent):
    server, records, operator = concurrent
    uid = await card(operator)
    async with station(server) as a, station(server) as b, station(server) as c:
        assert (await verdict(a, uid))[0] == "Accepted"
        running = records.transaction(a.identity)["id"]
        refused = await verdict(b, uid)
        assert refused[0] == "ConcurrentTx"
        asked = {"id_tag": uid, "charge_point_id": c.identity}
        _, start_asked = await operator.request("POST", "/api/v1/authorize", asked)
        _, identified = await operator.request("POST", "/api/v1/authorize", asked | {"purpose": "identify"})
        await a.call("StopTransaction", stop(running, minutes=1))

        assert (await c.call("Authorize", {"idTag": uid}))["idTagInfo"]["status"] == "Accepted"
        assert (await verdict(c, uid))[0] == "Accepted"

    assert start_asked["data"]["status"] == "ConcurrentTx"
    assert identified["data"]["status"] == "Accepted"


async def test_a_refused_session_that_draws_energy_counts_again(concurrent):
    server, _, operator = concurrent
    uid = await card(operator)
    async with station(server) as a, station(server) as b, station(server) as c:
        _, running = await verdict(a, uid, minutes=-20)
        _, refused = await verdict(b, uid, minutes=-10)
        await b.call("MeterValues", values(refused, 1600, -5))
        await a.call("StopTransaction", stop(running))

        assert (await verdict(c, uid))[0] == "ConcurrentTx"


async def test_a_running_car_with_another_suspicion_still_counts(concurrent):
    server, records, operator = concurrent
    uid = await card(operator)
    async with station(server) as a, station(server) as b:
        _, running = await verdict(a, uid, minutes=-20)
        await a.call("MeterValues", values(running, 500, -5))
        assert "meter-reset" in reasons(records.transaction(a.identity))

        assert (await verdict(b, uid))[0] == "ConcurrentTx"


async def test_a_refused_start_ends_when_its_connector_is_free_again(concurrent):
    server, records, operator = concurrent
    uid = await card(operator)
    async with station(server) as a, station(server) as b:
        await verdict(a, uid)
        await b.call("StatusNotification", status(1, "Preparing"))
        _, refused = await verdict(b, uid, minutes=-1)
        row = records.transaction(b.identity)
        assert (row["status"], row["authorization_status"]) == ("active", "ConcurrentTx")
        await b.call("StatusNotification", status(1, "Available"))

        ended = records.transaction(b.identity)
        assert (ended["status"], ended["ended_by"], ended["suspect"]) == ("ended", "refused", 0)
        assert (ended["energy_wh"], ended["suspect_reasons"]) == (0, "[]")

        # The stop comes after the status: it amends, and is neither orphan nor conflict.
        await b.call("StopTransaction", stop(refused, meter=1000, reason="DeAuthorized"))

    amended = records.transaction(b.identity)
    assert (amended["ended_by"], amended["stop_reason"], amended["suspect"]) == ("station", "DeAuthorized", 0)
    assert records.quarantined(b.identity) == []


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("said_by", ["StatusNotification", "NotifyEvent"])
async def test_2x_a_refused_start_ends_when_its_connector_is_free_again(server, records, version, said_by):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token("STRANGER1")))
        if said_by == "StatusNotification":
            free = {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
        else:
            data = {
                "eventId": 1,
                "timestamp": at(),
                "trigger": "Delta",
                "actualValue": "Available",
                "eventNotificationType": "HardWiredNotification",
                "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                "variable": {"name": "AvailabilityState"},
            }
            free = {"generatedAt": at(), "seqNo": 0, "eventData": [data]}
        await peer.call(said_by, free)
        row = records.transaction(peer.identity)
        assert (row["ended_by"], row["suspect"], row["charging_state"]) == ("refused", 0, "")

        ended = event("Ended", transaction, 1, state="Idle", trigger="Deauthorized")
        await peer.call("TransactionEvent", ended)

    row = records.transaction(peer.identity)
    assert (row["ended_by"], row["charging_state"], row["suspect"]) == ("station", "Idle", 0)


async def test_a_refused_session_whose_connector_was_free_all_the_time_ends_after_the_grace(concurrent):
    server, records, _ = concurrent
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Available"))
        assert (await verdict(peer, "STRANGER1"))[0] == "Invalid"

        row = await eventually(lambda: _ended(records, peer.identity))

    assert (row["ended_by"], row["suspect"]) == ("refused", 0)


def _ended(records, identity):
    row = records.transaction(identity)
    return row if row["status"] == "ended" else None


async def test_a_power_cut_without_a_stop_frees_the_card_and_a_late_stop_amends(concurrent):
    server, records, operator = concurrent
    uid = await card(operator)
    identity = fresh()
    async with station(server, V16, identity) as peer:
        await peer.call("StatusNotification", status(1, "Charging"))
        _, number = await verdict(peer, uid, minutes=-30)
        await peer.call("MeterValues", values(number, 1700, -10))
        peer.abort()

    async with station(server, V16, identity) as peer, station(server) as other:
        assert records.transaction(identity)["is_interrupted"] == 1
        assert (await verdict(other, uid))[0] == "ConcurrentTx"
        await peer.call("StatusNotification", status(1, "Available"))
        row = await eventually(lambda: _ended(records, identity))
        assert (row["ended_by"], row["energy_wh"], row["meter_stop_wh"]) == ("interrupted", 700, 1700)
        assert "stop-missing" in reasons(row)
        await other.call("StopTransaction", stop(records.transaction(other.identity)["id"]))

        assert (await verdict(other, uid, minutes=1))[0] == "Accepted"
        # What the live state of the serving process knows is what is stored: no reading reopens it.
        await peer.call("MeterValues", values(number, 1750, -9))
        assert records.transaction(identity)["status"] == "ended"
        await peer.call("StopTransaction", stop(number, meter=1800, minutes=-8, reason="PowerLoss"))

    row = records.transaction(identity)
    assert (row["ended_by"], row["energy_wh"], row["stop_reason"]) == ("station", 800, "PowerLoss")
    assert "stop-missing" not in reasons(row)
    assert records.quarantined(identity) == []


async def test_an_interrupted_session_whose_connector_is_busy_is_not_closed(concurrent):
    server, records, operator = concurrent
    uid = await card(operator)
    async with station(server) as peer, station(server) as ended:
        for each, word in ((peer, "Charging"), (ended, "Available")):
            _, number = await verdict(each, uid if each is peer else "STRANGER1", minutes=-30)
            await each.call("MeterValues", values(number, 1700, -10))
            await each.call("BootNotification", boot_payload(V16))
            await each.call("StatusNotification", status(1, word))
        await eventually(lambda: _ended(records, ended.identity))

    assert records.transaction(peer.identity)["status"] == "active"


async def test_a_boot_we_triggered_interrupts_nothing_for_good(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        await peer.call("BootNotification", boot_payload(V16))
        assert records.transaction(peer.identity)["is_interrupted"] == 1
        # Queued before the boot: proves nothing.
        await peer.call("MeterValues", values(number, 1500, -20))
        assert records.transaction(peer.identity)["is_interrupted"] == 1
        await peer.call("MeterValues", values(number, 1600, 1))

        assert records.transaction(peer.identity)["is_interrupted"] == 0


@pytest.mark.parametrize("version", [V201, V21])
async def test_2x_a_boot_on_every_reconnect_interrupts_nothing_for_good(server, records, version):
    transaction, identity = new_transaction(), fresh()
    async with station(server, version, identity) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
    async with station(server, version, identity) as peer:
        assert records.transaction(identity)["is_interrupted"] == 1
        offline = event("Updated", transaction, 1, minutes=-5, offline=True)
        await peer.call("TransactionEvent", offline)
        assert records.transaction(identity)["is_interrupted"] == 1
        await peer.call("TransactionEvent", event("Updated", transaction, 2, minutes=0.1))

        assert records.transaction(identity)["is_interrupted"] == 0


async def test_an_odd_orphan_stop_fails_no_later_start(server, records):
    """A number where 1.6 wants text is repaired on the live path; so it is when the stop is read again."""
    data = [{"timestamp": at(), "sampledValue": [{"value": 12}]}]
    async with station(server) as peer:
        orphan = {"transactionId": 0, "meterStop": 99, "timestamp": at(), "transactionData": data}
        assert await peer.call("StopTransaction", orphan) == {}
        (kept,) = records.quarantined(peer.identity)
        assert json.loads(kept["payload"])["transactionData"][0]["sampledValue"] == [{"value": "12"}]

        answer = await peer.call("StartTransaction", start(minutes=-1, meter=10))

        assert answer["idTagInfo"]["status"] == "Accepted"
        row = records.transaction(peer.identity)
        assert (row["ended_by"], row["energy_wh"]) == ("station", 89)
    assert "number-for-text" in await deviations(records, peer.identity)


@pytest.mark.parametrize(
    "kept",
    [
        '{"transactionId":0,"meterStop":99,"timestamp":"T","transactionData":[{"timestamp":"T","sampledValue":[{"value":12}]}]}',
        '{"transactionId":0,"meterStop":null,"timestamp":"T"}',
        '{"transactionId":0,"meterStop":99}',
        '["nonsense"]',
        "not json",
        '{"transactionId":0,"meterStop":99,"timestamp":"T","transactionData":[{"sampledValue":7}]}',
    ],
)
async def test_what_an_earlier_version_kept_as_it_came_fails_no_start_either(make_server, kept):

    server = make_server()
    records = Records(server.database)
    async with station(server) as peer:
        await peer.call("StopTransaction", stop(0, meter=99))
        with sqlite3.connect(server.database, timeout=30) as database:
            database.execute(
                "UPDATE transactions_quarantinedmessage SET payload = ?", [kept.replace('"T"', f'"{at()}"')]
            )
        database.close()

        answer = await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=-1, meter=10))
        again = await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=0.5, meter=200))

    assert answer["transactionId"] < again["transactionId"]
    assert len(records.transactions(peer.identity)) == 2


@pytest.mark.parametrize("version", [V201, V21])
async def test_2x_a_session_without_a_token_belongs_to_its_remote_start(server, records, operator, version):
    uid = await card(operator)
    async with station(server, version) as peer:
        call, command = await remote_start(peer, operator, uid)
        started = event(
            "Started", "T1", 0, trigger="RemoteStart", info={"remoteStartId": call[3]["remoteStartId"]}
        )
        answer = await peer.call("TransactionEvent", started)

    row = records.transaction(peer.identity)
    assert answer == {}
    assert (row["id_token"], row["id_token_type"], row["authorization_status"]) == (
        uid,
        "Central",
        "Accepted",
    )
    (intent,) = records.of("transactions_remotestart", peer.identity)
    assert (intent["outcome"], intent["transaction_id"], command) == ("started", row["id"], "Accepted")


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("late", ["answer", "number"])
async def test_2x_the_remote_start_may_be_recognised_later(server, records, operator, version, late):
    """The Started event comes before the station's answer, or the number comes with a later event."""

    uid = await card(operator)
    async with station(server, version) as peer:
        body = {"clientId": peer.identity, "idTag": uid}
        asking = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-start", body))
        call = await peer.next_call()
        info = {"remoteStartId": call[3]["remoteStartId"]}
        first = event("Started", "T1", 0, trigger="RemoteStart", info=info if late == "answer" else {})
        if late == "answer":
            await peer.call("TransactionEvent", first)
            await peer.answer(call, {"status": "Accepted"})
            await asking
        else:
            await peer.answer(call, {"status": "Accepted"})
            await asking
            await peer.call("TransactionEvent", first)
            await peer.call("TransactionEvent", event("Updated", "T1", 1, info=info))

        assert records.transaction(peer.identity)["id_token"] == uid


async def remote_start(peer, operator, uid):

    body = {"clientId": peer.identity, "idTag": uid}
    asking = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-start", body))
    call = await peer.next_call()
    await peer.answer(call, {"status": "Accepted"})
    code, answer = await asking
    assert code == 200, answer
    return call, answer["data"]["status"]


@pytest.mark.parametrize("version", [V201, V21])
async def test_C02_FR_02_no_authorization_is_accepted_and_owns_nothing(server, records, operator, version):
    nobody = token("", "NoAuthorization")
    async with station(server, version) as peer:
        answer = await peer.call("TransactionEvent", event("Started", "T1", 0, idToken=nobody))
        row = records.transaction(peer.identity)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        assert (row["id_token"], row["token_id"], row["authorization_status"]) == ("", None, "Accepted")
        assert (await peer.call("Authorize", {"idToken": nobody}))["idTokenInfo"]["status"] == "Accepted"

        await operator.change(peer.identity, unknownTokens="refuse")
        answer = await peer.call("TransactionEvent", event("Started", "T2", 0, evse=2, idToken=nobody))

    assert answer["idTokenInfo"]["status"] == "Invalid"


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("kind", ["Ended", "Updated"])
async def test_C16_a_master_pass_ends_a_session_that_had_no_token(server, records, operator, version, kind):
    master = await card(operator, is_master=True, group_id=fresh("M")[:20])
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", "T1", 0, meterValue=energy(1000, -5)))
        told = event(kind, "T1", 1, trigger="StopAuthorized", idToken=token(master), meterValue=energy(1500))
        answer = await peer.call("TransactionEvent", told)
        if kind == "Updated":
            await peer.call("TransactionEvent", event("Ended", "T1", 2, trigger="StopAuthorized"))

    row = records.transaction(peer.identity)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert (row["status"], row["id_token"], row["energy_wh"]) == ("ended", "", 500)
    assert "charged-unauthorized" not in reasons(row)
    if kind == "Ended":
        assert (row["stop_id_token"], row["stop_authorization_reason"]) == (
            master,
            "Ended with a master pass.",
        )


async def test_a_session_that_was_moved_here_with_its_number_is_finished_here(make_server):
    """The numbers of another system, not only ours from 1000."""

    server = make_server()
    records, operator = Records(server.database), Operator(server)
    async with station(server) as peer:
        for number, ocpp_id, evse in ((1001, "57", 1), (1002, "4711", 2)):
            _import(server, records, peer.identity, number, ocpp_id, evse=evse)
        assert await peer.call("MeterValues", values(57, 1500, -5)) == {}
        body = {"clientId": peer.identity, "transactionId": 1001}
        asking = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-stop", body))
        call = await peer.next_call()
        assert call[2:] == ["RemoteStopTransaction", {"transactionId": 57}]
        await peer.answer(call, {"status": "Accepted"})
        assert (await asking)[0] == 200
        await peer.call("StopTransaction", stop(57, meter=2000))
        await peer.call("StopTransaction", stop(4711, meter=1800))

    first, second = records.transactions(peer.identity)
    assert (first["ended_by"], first["energy_wh"]) == ("station", 1000)
    assert (second["ended_by"], second["energy_wh"]) == ("station", 800)
    assert records.quarantined(peer.identity) == []


async def test_our_next_number_may_be_one_that_was_moved_here(make_server):
    server = make_server()
    records = Records(server.database)
    async with station(server) as peer:
        first = (await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=-9)))["transactionId"]
        await peer.call("StopTransaction", stop(first, minutes=-8))
        taken = first + 1
        _import(server, records, peer.identity, first + 500, str(taken), state="ended")

        answer = await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=-7, meter=7000))
        number = answer["transactionId"]
        await peer.call("StopTransaction", stop(number, meter=7100))

    rows = {row["id"]: row for row in records.transactions(peer.identity)}
    assert rows[number]["energy_wh"] == 100
    assert rows[first + 500]["energy_wh"] == 0


def _import(server, records, identity, number, ocpp_id, *, evse=1, state="active"):

    pk = records.charge_point(identity)["id"]
    with sqlite3.connect(server.database, timeout=30) as database:
        database.execute(
            """INSERT INTO transactions_transaction (id, ocpp_id, generation, charge_point_id, evse_number,
            connector_number, id_token, id_token_type, group_id, authorization_status, authorization_reason,
            stop_fingerprint, status, ended_by, charging_state, stop_reason, stop_id_token,
            stop_authorization_status, stop_authorization_reason, meter_start_wh, meter_last_wh, energy_wh,
            missing_seq_nos, was_offline, is_interrupted, suspect, suspect_reasons, started_at,
            start_received_at, last_message_at)
            VALUES (?, ?, 0, ?, ?, ?, 'OLD', '', '', 'Accepted', '', '', ?, '', '', '', '', '', '',
            1000, 1000, 0, '[]', 0, 0, 0, '[]', ?, ?, ?)""",
            [number, ocpp_id, pk, evse, evse, state, *[at(-60).replace("T", " ").rstrip("Z")] * 3],
        )
    database.close()
