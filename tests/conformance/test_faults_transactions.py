"""F43-F67: wrong clocks, retries, orphans, foreign ids, gaps: stored, flagged and answered, never refused."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint
from tests.conformance.conftest import ALICE
from tests.conformance.messages import start, status, stop
from tests.conformance.peer import V16, V21, V201, Records, at, eventually, fresh, reasons, station
from tests.conformance.test_201 import energy, event, new_transaction, token
from tests.live import LiveServer
from transactions.models import Transaction
from transactions.services import ending

_PAGES = [
    "/api/v1/transactions",
    "/api/v1/transactions?limit=200&ordering=startTime",
    "/api/v1/chargepoints?limit=200",
    "/api/v1/transactions/export?format=csv",
    "/api/v1/transactions/export?format=json",
]


def _moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _is_now(text):
    return abs(datetime.now(UTC) - _moment(text)) < timedelta(minutes=1)


async def pages_render(server, identity):
    for path in [*_PAGES, f"/api/v1/chargepoints/{identity}", f"/api/v1/chargepoints/{identity}/messages"]:
        code, _ = await asyncio.to_thread(server.request, "GET", path)
        assert code == 200, path


# -- time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_F43_a_clock_that_was_never_set_is_replaced_by_ours_and_flagged(server, records, time):
    async with station(server) as peer:
        answer = await peer.call("StartTransaction", start() | {"timestamp": time})

    row = records.transaction(peer.identity)
    assert row["id"] == answer["transactionId"]
    assert _is_now(row["started_at"])
    assert _is_now(row["start_received_at"])
    assert "clock-implausible" in reasons(row)
    (message,) = [
        m for m in records.of("chargepoints_message", peer.identity) if m["action"] == "StartTransaction"
    ]
    assert time in message["request"]


async def test_F43_local_time_without_a_zone_is_read_in_the_stations_zone(server, operator, records):
    identity = fresh()
    await operator.provision(identity, assumedTimezone="Asia/Tokyo")
    local = datetime.now(UTC) + timedelta(hours=9)
    async with station(server, V16, identity) as peer:
        await peer.call("StartTransaction", start() | {"timestamp": local.strftime("%Y-%m-%dT%H:%M:%S")})

    row = records.transaction(identity)
    assert _is_now(row["started_at"])
    assert "clock-implausible" not in reasons(row)


async def test_F43_a_skewed_clock_is_measured(server, records):
    async with station(server) as peer:
        skewed = {"timestamp": at(2)}
        await peer.call("StartTransaction", start() | skewed)
        await peer.call("StatusNotification", status(1, "Charging", **skewed))
        identity = peer.identity

        row = await eventually(lambda: _skewed(records, identity))
    assert 100 < row["clock_skew_s"] < 125


def _skewed(records, identity):
    row = records.charge_point(identity)
    return row if row["clock_skew_s"] is not None else None


NONSENSE = [
    "1000000",
    "222222017-10-27T19:10:11Z",
    "2026-00-10T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2026-06-30T23:59:60Z",
    "2026-06-30T12:00:00+14:00",
    "2026-06-30T12:00:00.123456789Z",
    "2026-06-30T12:00:00+25:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "",
    "now",
    "2026-06-30",
    "2026-06-30T12:00",
    "20260630T120000Z",
    "2026-W27-2",
]


@pytest.mark.parametrize("time", NONSENSE)
async def test_F44_nonsense_for_a_time_is_stored_or_flagged_and_every_page_still_renders(
    server, records, time
):
    async with station(server) as peer:
        started = await peer.call("StartTransaction", start() | {"timestamp": time})
        await peer.call("StatusNotification", status(1, "Charging", timestamp=time))
        values = [{"timestamp": time, "sampledValue": [{"value": "1100"}]}]
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": values})
        stopped = stop(started["transactionId"]) | {"timestamp": time, "transactionData": values}
        assert await peer.call("StopTransaction", stopped) == {}
        await pages_render(server, peer.identity)
        code, _ = await asyncio.to_thread(
            server.request, "GET", f"/api/v1/transactions/{started['transactionId']}"
        )

    assert code == 200
    assert records.transaction(peer.identity)["status"] == "ended"


@pytest.mark.parametrize("time", NONSENSE)
@pytest.mark.parametrize("version", [V201, V21])
async def test_F44_nonsense_for_a_time_of_an_event(server, records, version, time):
    async with station(server, version) as peer:
        payload = event("Started", new_transaction(), 0) | {"timestamp": time}
        assert await peer.call("TransactionEvent", payload) == {}
        await pages_render(server, peer.identity)

    assert records.transaction(peer.identity)["status"] == "active"


@pytest.mark.parametrize(
    ("meter_start", "meter_stop", "start_at", "stop_at", "energy_wh", "code"),
    [
        (5000, 1000, -10, 0, 0, "meter-regression"),
        (5000, 5000, -10, 0, 0, None),
        (1000, 2_001_001_000, -10, 0, 2_001_000_000, "meter-jump"),
        (1000, 5000, -10, -20, 4000, "stop-before-start"),
        (-1, 5000, -10, 0, 0, "meter-start-implausible"),
        (1000, -5, -10, 0, 0, None),
    ],
)
async def test_F45_impossible_readings_are_answered_stored_and_flagged(  # noqa: PLR0917
    server, records, meter_start, meter_stop, start_at, stop_at, energy_wh, code
):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Preparing"))
        number = (await peer.call("StartTransaction", start(meter=meter_start, minutes=start_at)))[
            "transactionId"
        ]
        assert await peer.call("StopTransaction", stop(number, meter=meter_stop, minutes=stop_at)) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"]) == ("ended", energy_wh)
    assert code is None or code in reasons(row)
    assert bool(row["suspect"]) == bool(reasons(row))


async def test_F45_a_register_that_resets_in_the_middle_keeps_the_energy(server, records):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start(meter=9000, minutes=-40)))["transactionId"]
        for minutes, reading in ((-30, 9500), (-20, 0), (-10, 300)):
            values = [{"timestamp": at(minutes), "sampledValue": [{"value": str(reading)}]}]
            await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
        await peer.call("StopTransaction", stop(number, meter=400))

    row = records.transaction(peer.identity)
    assert row["energy_wh"] == 900
    assert "meter-reset" in reasons(row)


# -- 1.6 -----------------------------------------------------------------------------------------------------


async def test_F46_an_offline_session_replayed_hours_later_keeps_its_times_and_leaves_the_present_alone(
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
    assert _moment(row["started_at"]) == datetime.fromisoformat(begun["timestamp"])
    assert _moment(row["stopped_at"]) == datetime.fromisoformat(ended["timestamp"])
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


async def test_F47_a_retry_is_recognised_before_the_token_is_judged_again(server, operator, records):
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
async def test_F52_without_a_transaction_to_match_it_waits_for_the_operator(server, records, number):
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


async def test_F55_a_boot_closes_nothing_and_marks_what_runs(server, records):
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

    ending.close_abandoned(datetime.now(UTC) - timedelta(days=3))

    row = Transaction.objects.get()
    assert (row.status, row.ended_by, row.meter_stop_wh, row.energy_wh) == ("ended", "abandoned", 400, 300)
    assert row.stopped_at == long_ago
    assert row.suspect
    assert "abandoned" in row.suspect_reasons


async def test_F56_a_connector_nobody_announced_is_made_and_flagged(server, records):
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


# -- 2.x -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[V201, V21])
def version(request):
    return request.param


async def test_F58_gaps_repetitions_and_disorder_are_answered_and_the_state_follows_the_numbers(
    server, records, version
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        zero = event("Started", transaction, 0, idToken=token(), minutes=-30, meterValue=energy(100, -30))
        one = event("Updated", transaction, 1, minutes=-20, meterValue=energy(300, -20), state="SuspendedEV")
        two = event("Updated", transaction, 2, minutes=-10, meterValue=energy(500, -10), state="Charging")
        await peer.call("TransactionEvent", zero)
        await peer.call("TransactionEvent", two)
        row = records.transaction(peer.identity)
        assert json.loads(row["missing_seq_nos"]) == [1]
        assert "events-missing" in reasons(row)
        await peer.call("TransactionEvent", one)
        for again in (zero, one, two):
            await peer.call("TransactionEvent", again)

    row = records.transaction(peer.identity)
    assert json.loads(row["missing_seq_nos"]) == []
    assert not row["suspect"]
    assert (row["charging_state"], row["energy_wh"], row["last_seq_no"]) == ("Charging", 400, 2)
    assert (
        len(records.rows("SELECT id FROM transactions_transactionevent WHERE transaction_id=?", row["id"]))
        == 3
    )


@pytest.mark.parametrize("first", ["Updated", "Ended"])
async def test_F59_an_event_without_its_start_opens_the_transaction_and_the_start_completes_it(
    server, records, version, first
):
    transaction = new_transaction()
    async with station(server, version) as peer:
        late = event(first, transaction, 1, minutes=-5, meterValue=energy(700, -5))
        assert await peer.call("TransactionEvent", late) == {}
        row = records.transaction(peer.identity)
        assert "start-missing" in reasons(row)
        started = event(
            "Started", transaction, 0, minutes=-30, offline=True, idToken=token(), meterValue=energy(200, -30)
        )
        answer = await peer.call("TransactionEvent", started)

    row = records.transaction(peer.identity)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert (row["id_token"], row["status"]) == (ALICE, "active" if first == "Updated" else "ended")
    assert row["energy_wh"] == 500
    assert "start-missing" not in reasons(row)
    assert _moment(row["started_at"]) == datetime.fromisoformat(started["timestamp"])


async def test_F60_the_same_number_with_other_content_is_kept_aside(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        await peer.call("TransactionEvent", event("Updated", transaction, 1, meterValue=energy(100)))
        await peer.call("TransactionEvent", event("Updated", transaction, 1, meterValue=energy(900)))

    row = records.transaction(peer.identity)
    assert "conflicting-event" in reasons(row)
    assert row["energy_wh"] == 0
    (kept,) = records.quarantined(peer.identity)
    assert (kept["reason"], kept["transaction_id"]) == ("conflicting-event", row["id"])


async def test_F61_ended_twice_and_updated_after_ended_do_not_reopen(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call(
            "TransactionEvent", event("Started", transaction, 0, minutes=-30, meterValue=energy(0, -30))
        )
        await peer.call(
            "TransactionEvent", event("Ended", transaction, 2, minutes=-5, meterValue=energy(500, -5))
        )
        await peer.call(
            "TransactionEvent", event("Updated", transaction, 1, minutes=-10, meterValue=energy(300, -10))
        )
        await peer.call(
            "TransactionEvent", event("Ended", transaction, 3, minutes=-4, meterValue=energy(800, -4))
        )

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"]) == ("ended", 500)
    assert len(records.meter_values(peer.identity)) == 4
    assert {r["transaction_id"] for r in records.meter_values(peer.identity)} == {row["id"]}


async def test_F62_offline_events_are_history_and_do_not_end_what_runs_now(server, records, version):
    now, then = new_transaction(), new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", now, 0, idToken=token()))
        old = event("Started", then, 0, minutes=-600, offline=True, idToken=token("BOB00002"))
        await peer.call("TransactionEvent", old)
        await peer.call("TransactionEvent", event("Ended", then, 1, minutes=-500, offline=True))

    rows = {row["ocpp_id"]: row for row in records.transactions(peer.identity)}
    assert (rows[now]["status"], rows[then]["status"]) == ("active", "ended")
    assert rows[then]["was_offline"] == 1
    assert _moment(rows[then]["started_at"]) == datetime.fromisoformat(old["timestamp"])


async def test_F63_numbers_that_start_again_inside_one_transaction_are_tolerated(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        for kind, wh, minutes in (
            ("Started", 0, -40),
            ("Updated", 100, -30),
            ("Updated", 200, -20),
            ("Ended", 300, -1),
        ):
            payload = event(kind, transaction, 0, minutes=minutes, meterValue=energy(wh, minutes))
            assert await peer.call("TransactionEvent", payload) == {}

    row = records.transaction(peer.identity)
    assert (row["status"], row["energy_wh"]) == ("ended", 300)
    assert records.quarantined(peer.identity) == []


async def test_F64_an_id_used_again_after_a_factory_reset_is_a_new_transaction(server, records, version):
    async with station(server, version) as peer:
        for first in (-60, -20):
            await peer.call("TransactionEvent", event("Started", "1", 0, minutes=first, idToken=token()))
            await peer.call("TransactionEvent", event("Ended", "1", 1, minutes=first + 10))

    rows = records.transactions(peer.identity)
    assert [(row["ocpp_id"], row["generation"], row["status"]) for row in rows] == [
        ("1", 0, "ended"),
        ("1", 1, "ended"),
    ]


async def test_F65_the_owner_comes_with_the_first_token_and_another_one_only_stops(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, trigger="CablePluggedIn"))
        owner = await peer.call(
            "TransactionEvent", event("Updated", transaction, 1, idToken=token("BOB00002"))
        )
        stopper = await peer.call(
            "TransactionEvent",
            event("Ended", transaction, 2, trigger="StopAuthorized", idToken=token("CAROL003")),
        )

    row = records.transaction(peer.identity)
    assert owner["idTokenInfo"]["status"] == stopper["idTokenInfo"]["status"] == "Accepted"
    assert (row["id_token"], row["stop_id_token"], row["group_id"]) == ("BOB00002", "CAROL003", "FAMILY")


async def test_F66_the_evse_may_become_known_later(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, evse=None, idToken=token()))
        assert records.transaction(peer.identity)["evse_number"] is None
        await peer.call("TransactionEvent", event("Updated", transaction, 1, evse=2))

    assert records.transaction(peer.identity)["evse_number"] == 2


async def test_F67_ids_of_reservations_and_remote_starts_nobody_knows_are_stored(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call(
            "TransactionEvent",
            event("Started", transaction, 0, reservationId=77, info={"remoteStartId": 88}, idToken=token()),
        )

    row = records.transaction(peer.identity)
    assert (row["reservation_id"], row["remote_start_id"], row["status"]) == (77, 88, "active")


async def test_F67_1_6_reservation_id_of_nothing_known(server, records):
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


@pytest.fixture(scope="module")
def inquisitive(tmp_path_factory, migrated_database):
    """A server that asks for missing events at once."""
    folder = tmp_path_factory.mktemp("inquisitive")
    live = LiveServer(folder, template=migrated_database, OCPP_MISSING_EVENTS_GRACE="500ms").start()
    yield live
    assert live.stop() == 0


async def test_F58_a_station_is_asked_for_what_is_missing_after_a_grace(inquisitive, version):
    # Both at once: the server looks every few seconds.
    async with asyncio.TaskGroup() as group:
        for has_more in (True, False):
            group.create_task(_asked_for_what_is_missing(inquisitive, version, has_more))


async def _asked_for_what_is_missing(inquisitive, version, has_more):
    records, transaction = Records(inquisitive.database), new_transaction()
    async with station(inquisitive, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0))
        await peer.call("TransactionEvent", event("Updated", transaction, 3))
        call = await peer.next_call()
        assert call[2:] == ["GetTransactionStatus", {"transactionId": transaction}]
        await peer.answer(call, {"ongoingIndicator": True, "messagesInQueue": has_more})
        await peer.heartbeat()

    command = records.command(call[1])
    assert (command["state"], command["actor"]) == ("accepted", "server")
    assert json.loads(command["response"])["messagesInQueue"] is has_more
    assert ("events-lost" in reasons(records.transaction(peer.identity))) is not has_more
