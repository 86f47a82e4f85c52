"""F46-F57, F77: retries, orphans and foreign ids of 1.6 are stored, flagged and answered, never refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint
from tests.conformance.conftest import ALICE
from tests.conformance.messages import moment, start, status, stop
from tests.conformance.peer import V16, at, fresh, reasons, station
from transactions.models import Transaction
from transactions.services.transactions import closing


async def test_F46_an_offline_session_replayed_hours_later_keeps_its_times_and_the_current_state(
    server, records
):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Available"))
        live = records.of("chargepoints_connector", peer.identity)[0]["status"]
        begun, ended = start(minutes=-300), stop(0, minutes=-200)
        number = (await peer.call("StartTransaction", begun))["transactionId"]
        for minutes in (-280, -260):
            values = [{"timestamp": at(minutes), "sampledValue": [{"value": str(3000 + minutes)}]}]
            await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
            await peer.heartbeat()
        await peer.call("StopTransaction", ended | {"transactionId": number})

    row = records.transaction(peer.identity)
    assert moment(row["started_at"]) == datetime.fromisoformat(begun["timestamp"])
    assert moment(row["stopped_at"]) == datetime.fromisoformat(ended["timestamp"])
    assert (row["energy_wh"], row["was_offline"], row["suspect"]) == (4000, 1, 0)
    assert len(records.meter_values(peer.identity)) == 2
    assert records.of("chargepoints_connector", peer.identity)[0]["status"] == live == "Available"


async def test_F47_start_retried_with_a_new_message_id_gets_the_first_number(server, records):
    async with station(server) as peer:
        payload = start(tag="BOB00002")
        first = await peer.call("StartTransaction", payload)
        assert await peer.call("StartTransaction", payload) == first
        identity = peer.identity

    async with station(server, V16, identity) as peer:
        assert await peer.call("StartTransaction", payload) == first
        await peer.call("StopTransaction", stop(first["transactionId"]))
        assert await peer.call("StartTransaction", payload) == first

    row = records.transaction(identity)
    assert (row["status"], row["id"]) == ("ended", first["transactionId"])


async def test_F47_a_retry_is_recognised_before_the_token_is_checked_again(server, operator, records):
    uid = fresh("T")[:20]
    pk = await operator.add_token(uid)
    async with station(server) as peer:
        payload = start(tag=uid)
        first = await peer.call("StartTransaction", payload)
        await operator.request("PATCH", f"/api/v1/tokens/{pk}", {"status": "blocked"})

        assert await peer.call("StartTransaction", payload) == first
        assert (await peer.call("Authorize", {"idTag": uid}))["idTagInfo"]["status"] == "Blocked"


async def test_F48_a_second_start_on_a_busy_connector_supersedes_the_first_at_its_last_reading(
    server, records
):
    async with station(server) as peer:
        first = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        values = [{"timestamp": at(-20), "sampledValue": [{"value": "1600"}]}]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": first, "meterValue": values})
        second = await peer.call("StartTransaction", start(tag="BOB00002", meter=1700, minutes=-10))

    old, new = records.transactions(peer.identity)
    assert second["idTagInfo"]["status"] == "Accepted"
    assert (old["ended_by"], old["energy_wh"], new["status"]) == ("superseded", 600, "active")
    assert "superseded" in reasons(old)


async def test_F48_the_stations_own_stop_replaces_the_assumed_end(server, records):
    async with station(server) as peer:
        first = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        await peer.call("StartTransaction", start(tag="BOB00002", meter=1700, minutes=-10))
        await peer.call("StopTransaction", stop(first, meter=1650, minutes=-11))

    old = records.transactions(peer.identity)[0]
    assert (old["ended_by"], old["energy_wh"], old["meter_stop_wh"]) == ("station", 650, 1650)


@pytest.mark.parametrize("number", [1, 999, 987654321, 2**31, -7])
async def test_F49_a_stop_of_an_unknown_transaction_is_answered_and_kept(server, records, number):
    async with station(server) as peer:
        answer = await peer.call("StopTransaction", stop(number, idTag=ALICE))
        again = await peer.call("StopTransaction", stop(number, idTag=ALICE))

    assert answer["idTagInfo"]["status"] == again["idTagInfo"]["status"] == "Accepted"
    kept = records.quarantined(peer.identity)
    assert {row["reason"] for row in kept} == {"unknown-transaction"}
    assert json.loads(kept[0]["payload"])["transactionId"] == number
    assert records.transactions(peer.identity) == []


async def test_F49_a_repeated_orphan_stop_is_kept_once(server, records):
    async with station(server) as peer:
        payload = stop(4711)
        for _ in range(3):
            assert await peer.call("StopTransaction", payload) == {}

    assert len(records.quarantined(peer.identity)) == 1


async def test_F49_a_stop_with_its_own_readings_is_enough_to_build_a_session(server, records):
    data = [
        {"timestamp": at(-30), "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}]},
        {"timestamp": at(-1), "sampledValue": [{"value": "3000", "context": "Transaction.End"}]},
    ]
    async with station(server) as peer:
        await peer.call("StopTransaction", stop(4711, meter=3000, idTag=ALICE, transactionData=data))

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"], row["id_token"]) == ("ended", 2000, ALICE)
    assert "start-missing" in reasons(row)


async def test_F50_S10_a_stop_of_another_stations_transaction_touches_nothing_and_is_a_security_event(
    server, records
):
    async with station(server) as owner, station(server) as thief:
        number = (await owner.call("StartTransaction", start()))["transactionId"]
        before = records.transaction(owner.identity)
        assert await thief.call("StopTransaction", stop(number)) == {}
        values = [{"timestamp": at(), "sampledValue": [{"value": "999999"}]}]
        await thief.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})

    assert records.transaction(owner.identity) == before
    assert records.transactions(thief.identity) == []
    assert [row["reason"] for row in records.quarantined(thief.identity)] == ["foreign-transaction"]
    assert [row["type"] for row in records.security_events(thief.identity)] == ["ForeignTransaction"]
    assert records.meter_values(owner.identity) == []


async def test_F51_a_repeated_stop_counts_once_and_a_different_one_is_kept_as_evidence(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        payload = stop(number, idTag=ALICE)
        first = await peer.call("StopTransaction", payload)
        assert await peer.call("StopTransaction", payload) == first
        assert records.quarantined(peer.identity) == []
        row = records.transaction(peer.identity)

        assert await peer.call("StopTransaction", payload | {"meterStop": 9000}) == first

    after = records.transaction(peer.identity)
    assert (
        (after["meter_stop_wh"], after["energy_wh"])
        == (row["meter_stop_wh"], row["energy_wh"])
        == (5000, 4000)
    )
    assert "conflicting-stop" in reasons(after)
    (kept,) = records.quarantined(peer.identity)
    assert (kept["reason"], kept["transaction_id"]) == ("conflicting-stop", number)


@pytest.mark.parametrize("number", [-1, 0])
async def test_F52_a_stop_without_a_number_finds_the_open_transaction_of_its_token(server, records, number):
    async with station(server) as peer, station(server) as other:
        mine = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        await other.call("StartTransaction", start(minutes=-30))
        assert (await peer.call("StopTransaction", stop(number, idTag=ALICE)))["idTagInfo"][
            "status"
        ] == "Accepted"

    row = records.transaction(peer.identity)
    assert (row["id"], row["status"], row["energy_wh"]) == (mine, "ended", 4000)
    assert "matched-without-number" in reasons(row)
    assert records.transaction(other.identity)["status"] == "active"


@pytest.mark.parametrize("number", [-1, 0])
async def test_F52_a_stop_without_a_matching_transaction_waits_for_the_operator(server, records, number):
    async with station(server) as peer:
        assert await peer.call("StopTransaction", stop(number)) == {}

    assert [row["reason"] for row in records.quarantined(peer.identity)] == ["unknown-transaction"]


async def test_F53_meter_values_without_unknown_and_ended_transaction(server, records):
    def values(minutes, **more):
        sampled = [{"timestamp": at(minutes), "sampledValue": [{"value": str(2000 + minutes)}]}]
        return {"connectorId": 1, "meterValue": sampled, **more}

    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-60)))["transactionId"]
        for payload in (values(-50), values(-49, transactionId=-1), values(-48, transactionId=987654)):
            assert await peer.call("MeterValues", payload) == {}
        await peer.call("StopTransaction", stop(number, meter=2500, minutes=-30))
        for payload in (values(-40, transactionId=number), values(-10, transactionId=number), values(-5)):
            assert await peer.call("MeterValues", payload) == {}

    linked = [row["transaction_id"] for row in records.meter_values(peer.identity)]
    assert linked == [number, number, number, number, number, None]
    assert records.transaction(peer.identity)["energy_wh"] == 1500


async def test_F54_a_stop_before_its_start_is_joined(server, records):
    async with station(server) as peer:
        await peer.call("StopTransaction", stop(-1, minutes=-30, idTag=ALICE))
        answer = await peer.call("StartTransaction", start(minutes=-60))

    row = records.transaction(peer.identity)
    assert (row["id"], row["status"], row["energy_wh"]) == (answer["transactionId"], "ended", 4000)
    assert "stop-came-first" in reasons(row)
    assert records.quarantined(peer.identity)[0]["resolved_at"]


async def test_F55_a_boot_closes_nothing_and_marks_running_transactions(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(minutes=-30)))["transactionId"]
        await peer.boot()
        row = records.transaction(peer.identity)
        assert (row["status"], row["is_interrupted"]) == ("active", 1)
        values = [{"timestamp": at(-1), "sampledValue": [{"value": "1500"}]}]
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
        await peer.call("StopTransaction", stop(number))

    assert records.transaction(peer.identity)["energy_wh"] == 4000


@pytest.mark.django_db
def test_F55_a_transaction_without_a_sign_of_life_is_abandoned_at_its_last_reading():
    long_ago = datetime.now(UTC) - timedelta(days=4)
    charge_point = ChargePoint.objects.create(identity="GHOST")
    Transaction.objects.create(
        id=1000,
        ocpp_id="1000",
        charge_point=charge_point,
        meter_start_wh=100,
        meter_last_wh=400,
        energy_wh=300,
        started_at=long_ago,
        start_received_at=long_ago,
        last_message_at=long_ago,
    )

    closing.close_abandoned(datetime.now(UTC) - timedelta(days=3))

    row = Transaction.objects.get()
    assert (row.status, row.ended_by, row.meter_stop_wh, row.energy_wh) == ("ended", "abandoned", 400, 300)
    assert row.stopped_at == long_ago
    assert row.suspect
    assert "abandoned" in row.suspect_reasons


async def test_F56_an_unannounced_connector_is_created_and_flagged(server, records):
    async with station(server) as peer:
        await peer.call("StartTransaction", start(connector=42))
        (row,) = records.of("chargepoints_connector", peer.identity)
        assert (row["number"], row["is_provisional"]) == (42, 1)
        await peer.call("StatusNotification", status(42, "Charging"))

    assert records.of("chargepoints_connector", peer.identity)[0]["is_provisional"] == 0
    assert "connector-unknown" in reasons(records.transaction(peer.identity))


@pytest.mark.parametrize("tag", [ALICE.lower(), f" {ALICE} ", ALICE.title()])
async def test_F57_tags_are_compared_without_case_and_blanks(server, tag):
    async with station(server) as peer:
        assert (await peer.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(
    "tag", ["Ä" * 20, "x" * 21, "x" * 255, "日本", "' OR 1=1 --", "%", "*", "\\", "$ne", ""]
)
async def test_F57_S18_any_text_is_just_an_unknown_tag(server, tag):
    async with station(server) as peer:
        assert (await peer.call("Authorize", {"idTag": tag}))["idTagInfo"]["status"] == "Invalid"
        started = await peer.call("StartTransaction", start(tag=tag))
        assert started["transactionId"] >= 1000
        assert started["idTagInfo"]["status"] == "Invalid"


async def test_F67_1_6_unknown_reservation_id(server, records):
    async with station(server) as peer:
        await peer.call("StartTransaction", start(reservationId=77))

    assert records.transaction(peer.identity)["reservation_id"] == 77


async def test_F77_a_whole_session_replayed_changes_no_total(server, records):
    async with station(server) as peer:
        begin = start(minutes=-30)
        number = (await peer.call("StartTransaction", begin))["transactionId"]
        values = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": at(-10), "sampledValue": [{"value": "2000"}]}],
        }
        end = stop(number)
        await peer.call("MeterValues", values)
        await peer.call("StopTransaction", end)
        before = records.transaction(peer.identity)
        for action, payload in (
            ("StartTransaction", begin),
            ("MeterValues", values),
            ("StopTransaction", end),
        ):
            await peer.call(action, payload)

    after = records.transaction(peer.identity)
    assert (after["energy_wh"], after["suspect"], after["status"]) == (
        before["energy_wh"],
        before["suspect"],
        "ended",
    )
    assert len(records.meter_values(peer.identity)) == 1
