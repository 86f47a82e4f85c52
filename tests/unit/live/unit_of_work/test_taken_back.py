"""Failures of the commit, of replies and of the database: changes that were not stored are rolled back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chargepoints.models import Command
from ocpp_server import live
from ocpp_server.live.extensions import load_station
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import registry
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import JournalUnavailable, journal
from ocpp_server.transport.messages import StationCall
from tests.direct.wire import Wire
from tests.unit.live.unit_of_work.failing import comparable, differences, failing_at, live_state
from tests.unit.live.unit_of_work.messages import ORPHAN, START, at
from transactions.live.expected_starts import EXPECTED_STARTS, ExpectedStart
from transactions.live.unmatched import ORPHANS, UNKNOWN_NUMBERS
from transactions.models import QuarantinedMessage, Transaction
from transactions.tables import TRANSACTIONS

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_failed_start_leaves_no_live_session_that_blocks_its_token_elsewhere(
    make_wire: Any, tokens: None
) -> None:
    """The fault in the field: InternalError after `open_new`, and the token was refused until a restart."""
    one, other = await make_wire(V16, "CP-1"), await make_wire(V16, "CP-2")
    place = "transactions/services/transactions/sessions.py"
    for step in range(1, 2_000):
        with failing_at(step) as places:
            answer = await one.call("StartTransaction", START)
        if places and places[0].startswith(place) and answer[0] == 4:
            break
    failed = await live.state().running("alice")

    answer = await other.call("StartTransaction", START)

    assert failed == []
    assert answer[2]["idTagInfo"]["status"] == "Accepted"
    assert [t.station for t in await live.state().running("alice")] == ["CP-2"]


async def test_an_ocpp_error_in_the_middle_of_a_handler_is_rolled_back_as_well(
    make_wire: Any, tokens: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every failure is an InternalError: an answer may break its schema, a rule raise an OcppError."""
    wire = await make_wire(V16)
    was = live_state(wire.station)
    handler = registry.handler(V16, "StartTransaction")
    assert handler is not None

    async def invalid_answer(station: Station, request: dict[str, Any]) -> dict[str, Any]:
        await handler(station, request)
        return {"transactionId": "one", "idTagInfo": {"status": "Accepted"}}

    monkeypatch.setitem(registry._on, (V16, "StartTransaction"), invalid_answer)
    answer = await wire.call("StartTransaction", START)
    now = live_state(wire.station)
    now["station"]["connectors"].clear()

    assert answer[0] == 4
    assert differences(now, was) == []


async def test_a_refused_commit_is_rolled_back_and_the_message_is_handled_on_the_stored_state(
    make_wire: Any, tokens: None
) -> None:
    """Another process has stored the same start: the unique constraint refuses this one as a repetition."""
    wire, twin = await make_wire(V16), await make_wire(V16)
    first = await wire.call("StartTransaction", START)

    again = await twin.call("StartTransaction", START)

    assert again[2] == first[2]
    assert [t.id for t in await live.state().running("alice")] == [first[2]["transactionId"]]
    assert await journal.run(Transaction.objects.count) == 1


async def test_a_refused_commit_of_both_attempts_leaves_nothing_but_a_quarantined_message(
    make_wire: Any, tokens: None
) -> None:
    wire = await make_wire(V16)
    was = live_state(wire.station)

    def refuse(station: Station, request: dict[str, Any]) -> Any:
        # A constraint of the database refuses numbers below 1000.
        station.unit.insert(
            TRANSACTIONS,
            id=1,
            ocpp_id="1",
            charge_point_id=station.pk,
            started_at=station.received_at,
            start_received_at=station.received_at,
            last_message_at=station.received_at,
        )

    async def reaction(station: Station, request: dict[str, Any]) -> None:
        refuse(station, request)

    registry._also[V16, "StartTransaction"] = (reaction,)
    try:
        answer = await wire.call("StartTransaction", START)
    finally:
        del registry._also[V16, "StartTransaction"]
    now = live_state(wire.station)
    now["station"]["connectors"].clear()

    assert (answer[0], answer[2]) == (4, "InternalError")
    assert differences(now, was) == []
    assert await live.state().running("alice") == []
    kept = await journal.run(lambda: list(QuarantinedMessage.objects.values_list("action", "reason")))
    assert kept == [("StartTransaction", "bad-message")]


async def test_a_failed_message_loses_its_changes_in_the_slots(make_wire: Any, tokens: None) -> None:
    wire, other = await make_wire(V16), await make_wire(V16, "CP-2")
    assert (await wire.call("StopTransaction", ORPHAN))[0] == 3
    was, slots = live_state(wire.station), wire.station.slots

    async def reaction(station: Station, request: dict[str, Any]) -> None:
        ORPHANS.of(station).count += 1
        UNKNOWN_NUMBERS.of(station).add(7)
        EXPECTED_STARTS.of(station).append(
            ExpectedStart(1, None, "alice", None, expires_at=station.received_at)
        )
        raise ValueError("after all changes")

    others = registry._also[V16, "Heartbeat"]
    registry._also[V16, "Heartbeat"] = (*others, reaction)
    try:
        answer = await wire.call("Heartbeat", {})
    finally:
        registry._also[V16, "Heartbeat"] = others

    assert (answer[0], answer[2]) == (4, "InternalError")
    assert differences(live_state(wire.station), was) == []
    assert UNKNOWN_NUMBERS.of(wire.station) == set()
    # The states are new objects, and those of another station were not touched.
    assert all(now is not before for now, before in zip(wire.station.slots, slots, strict=True))
    assert (ORPHANS.of(wire.station).count, ORPHANS.of(other.station).count) == (1, 0)


async def test_while_the_database_is_away_nothing_is_answered_and_no_session_remains(
    make_wire: Any, tokens: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, other = await make_wire(V16, "CP-1"), await make_wire(V16, "CP-2")
    running = (await other.call("StartTransaction", START | {"idTag": "BOB"}))[2]["transactionId"]
    sent = len(wire.sent)
    await wire.call("Authorize", {"idTag": "ALICE"})  # now the token is cached
    await wire.call("StatusNotification", {"connectorId": 1, "status": "Preparing", "errorCode": "NoError"})

    def away(unit: Any) -> Any:
        raise JournalUnavailable("The database can't be written.")

    with monkeypatch.context() as patched:
        patched.setattr(journal, "commit", away)
        await wire.call("StartTransaction", START)

    assert (len(wire.sent), wire.closed) == (sent + 2, [1013])
    assert await live.state().running("alice") == []
    assert wire.station.transactions == {}
    # Stored sessions still count, also sessions of the station whose message was not stored.
    assert [t.id for t in await live.state().running("bob")] == [running]


async def test_a_stored_session_still_counts_when_a_later_message_cannot_be_stored(
    make_wire: Any, tokens: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = await make_wire(V16)
    number = (await wire.call("StartTransaction", START))[2]["transactionId"]

    def away(unit: Any) -> Any:
        raise JournalUnavailable("The database can't be written.")

    with monkeypatch.context() as patched:
        patched.setattr(journal, "commit", away)
        await wire.call("StopTransaction", {"transactionId": number, "meterStop": 2000, "timestamp": at()})

    assert wire.closed == [1013]
    assert [t.id for t in await live.state().running("alice")] == [number]


async def test_changes_of_a_reply_handler_that_fails_are_rolled_back(make_wire: Any, tokens: None) -> None:
    wire = await make_wire(V201)
    was = live_state(wire.station)
    request = {"idToken": {"idToken": "ALICE", "type": "Central"}, "remoteStartId": 7}
    for step in range(1, 200):
        command_id = f"00000000-0000-0000-0000-{step:012d}"
        await _ask(wire, command_id, "RequestStartTransaction", request)
        with failing_at(step) as places:
            await wire.connection.received(orjson.dumps([3, command_id, {"status": "Accepted"}]).decode())
        if not places:
            break
        now = live_state(wire.station)
        # The remote start is stored in a transaction of its own: the live state equals the stored state.
        fresh = await journal.run(load_station, wire.station.pk, V201)
        waiting, stored = (comparable(EXPECTED_STARTS.of(one)) for one in (wire.station, fresh))
        assert waiting == stored, places
        now["slots"]["expected_starts"] = []
        assert differences(now, was) == [], places
    assert step > 3
    assert wire.closed == []


async def _ask(wire: Wire, command_id: str, action: str, payload: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    await journal.run(
        Command.objects.create,
        id=command_id,
        charge_point_id=wire.station.pk,
        action=action,
        payload=payload,
        actor="test",
        created_at=now,
        deadline_at=now + timedelta(seconds=30),
    )
    wire.connection._outgoing.settled()
    await wire.connection.call(
        StationCall(
            identity=wire.station.identity,
            id=command_id,
            action=action,
            payload=payload,
            timeout=30,
            reply_to="",
        )
    )
