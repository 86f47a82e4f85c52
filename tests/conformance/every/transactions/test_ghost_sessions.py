"""Sessions that no stop ends: refused starts, power cuts, orphans. They never block a token permanently."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.conformance.messages import deviations, event, new_transaction, start, status, stop, token
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
from tests.servers import LiveServer


@pytest.fixture(scope="module")
def concurrent(tmp_path_factory, migrated_database):
    """A server, its stored rows and an operator. One token charges at one place at a time, and an interrupted
    session waits a second for its stop.
    """
    folder = tmp_path_factory.mktemp("concurrent")
    environment = {"OCPP_CONCURRENT_TX": "refuse", "OCPP_INTERRUPTED_GRACE": "1s"}
    live = LiveServer(folder, template=migrated_database, **environment).start()
    yield live, Records(live.database), Operator(live)
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


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


async def test_a_refused_start_at_one_station_blocks_no_token_at_a_third(concurrent):
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

        # The stop arrives after the status: it amends the session, and is neither orphan nor conflict.
        await b.call("StopTransaction", stop(refused, meter=1000, reason="DeAuthorized"))

    amended = records.transaction(b.identity)
    assert (amended["ended_by"], amended["stop_reason"], amended["suspect"]) == ("station", "DeAuthorized", 0)
    assert records.quarantined(b.identity) == []


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("source", ["StatusNotification", "NotifyEvent"])
async def test_2x_a_refused_start_ends_when_its_connector_is_free_again(server, records, version, source):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token("STRANGER1")))
        if source == "StatusNotification":
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
        await peer.call(source, free)
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


async def test_a_power_cut_without_a_stop_releases_the_token_and_a_late_stop_amends_the_session(concurrent):
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
        # The live state of the serving process equals the stored rows: no reading reopens the session.
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


async def test_a_triggered_boot_interrupts_no_session_permanently(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        await peer.call("BootNotification", boot_payload(V16))
        assert records.transaction(peer.identity)["is_interrupted"] == 1
        # The station queued this message before the boot: it does not prove that the session runs.
        await peer.call("MeterValues", values(number, 1500, -20))
        assert records.transaction(peer.identity)["is_interrupted"] == 1
        await peer.call("MeterValues", values(number, 1600, 1))

        assert records.transaction(peer.identity)["is_interrupted"] == 0


@pytest.mark.parametrize("version", [V201, V21])
async def test_2x_a_boot_on_every_reconnect_interrupts_no_session_permanently(server, records, version):
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


async def test_a_repaired_orphan_stop_fails_no_later_start(server, records):
    """A number in place of a 1.6 text is repaired in a live message, and also in a stored stop."""
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
async def test_an_unrepaired_stop_of_an_earlier_release_fails_no_start_either(server, records, kept):

    async with station(server) as peer:
        await peer.call("StopTransaction", stop(0, meter=99))
        with sqlite3.connect(server.database, timeout=30) as database:
            database.execute(
                "UPDATE transactions_quarantinedmessage SET payload = ? WHERE id = ?",
                [kept.replace('"T"', f'"{at()}"'), records.quarantined(peer.identity)[0]["id"]],
            )
        database.close()

        answer = await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=-1, meter=10))
        again = await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=0.5, meter=200))

    assert answer["transactionId"] < again["transactionId"]
    assert len(records.transactions(peer.identity)) == 2
