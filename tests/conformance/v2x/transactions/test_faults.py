"""F58-F67: gaps, disorder and repetitions of 2.x events are stored, flagged and answered, never refused."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import energy, event, moment, new_transaction, token
from tests.conformance.peer import V21, V201, Records, reasons, station
from tests.servers import LiveServer


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
    assert moment(row["started_at"]) == datetime.fromisoformat(started["timestamp"])


async def test_F60_the_same_number_with_other_content_is_quarantined(server, records, version):
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


async def test_F62_offline_events_are_history_and_do_not_end_the_current_transaction(
    server, records, version
):
    now, then = new_transaction(), new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", now, 0, idToken=token()))
        old = event("Started", then, 0, minutes=-600, offline=True, idToken=token("BOB00002"))
        await peer.call("TransactionEvent", old)
        await peer.call("TransactionEvent", event("Ended", then, 1, minutes=-500, offline=True))

    rows = {row["ocpp_id"]: row for row in records.transactions(peer.identity)}
    assert (rows[now]["status"], rows[then]["status"]) == ("active", "ended")
    assert rows[then]["was_offline"] == 1
    assert moment(rows[then]["started_at"]) == datetime.fromisoformat(old["timestamp"])


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


async def test_F67_unknown_ids_of_reservations_and_remote_starts_are_stored(server, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call(
            "TransactionEvent",
            event("Started", transaction, 0, reservationId=77, info={"remoteStartId": 88}, idToken=token()),
        )

    row = records.transaction(peer.identity)
    assert (row["reservation_id"], row["remote_start_id"], row["status"]) == (77, 88, "active")


@pytest.fixture(scope="module")
def short_grace(tmp_path_factory, migrated_database):
    """A server that requests missing events after half a second."""
    folder = tmp_path_factory.mktemp("short_grace")
    live = LiveServer(folder, template=migrated_database, OCPP_MISSING_EVENTS_GRACE="500ms").start()
    yield live
    assert live.stop() == 0


async def test_F58_missing_events_are_requested_after_a_grace_period(short_grace, version):
    # Both run at once: the server checks only every few seconds.
    async with asyncio.TaskGroup() as group:
        for has_more in (True, False):
            group.create_task(_missing_events_are_requested(short_grace, version, has_more))


async def _missing_events_are_requested(short_grace, version, has_more):
    records, transaction = Records(short_grace.database), new_transaction()
    async with station(short_grace, version) as peer:
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
