"""What a message changed is stored whole or taken back whole: each handler fails at each of its lines.

A trace function raises at the n-th line that runs in the project's own handlers and services, for n = 1, 2,
... until the message gets through. After every failure the station's live state and the index of
running transactions have to be what they were before, and what the database holds.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import orjson
import pytest

from accounts.models import Token
from chargepoints.connection import StationConnection
from chargepoints.models import ChargePoint
from ocpp_server import engine, live
from ocpp_server.journal import JournalUnavailable, journal
from ocpp_server.live.loading import load_station
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import LOADED, Station
from ocpp_server.protocol.dispatch import CommitRefused
from ocpp_server.protocol.registry import registry
from ocpp_server.protocol.versions import V16, V21, V201
from transactions.models import QuarantinedMessage, Transaction
from transactions.tables import TRANSACTIONS

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent
# Where a message is handled; the commit, the roll-back and the code of other threads are not made to fail.
TRACED = tuple(
    str(ROOT / folder)
    for folder in (
        "chargepoints/handlers",
        "chargepoints/services",
        "transactions/handlers",
        "transactions/services",
        "configuration/handlers",
        "configuration/services",
    )
)
NOT_TRACED = (str(ROOT / "transactions/services/quarantine.py"),)
# An exception that a trace function raises on the last line of a `with` leaves its lock taken.
HOLDS_A_LOCK = ("count",)
# What a live transaction knows and the database does not: it is measured again, or asked again.
ONLY_LIVE = frozenset({"questions", "asked_at", "last_message_at", "registers"})


class StepFailed(Exception):
    """Raised by the trace function."""


@contextmanager
def failing_at(step: int) -> Iterator[list[str]]:
    """Raise at this line of a handler; where it was raised, or nothing when there are fewer lines."""
    seen: set[tuple[str, int]] = set()
    places: list[str] = []

    def trace(frame: FrameType, kind: str, argument: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(TRACED) or name in NOT_TRACED or frame.f_code.co_name in HOLDS_A_LOCK:
            return None
        if kind == "line" and not places and (name, frame.f_lineno) not in seen:
            seen.add((name, frame.f_lineno))
            if len(seen) == step:
                places.append(f"{Path(name).relative_to(ROOT)}:{frame.f_lineno}")
                raise StepFailed(places[0])
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield places
    finally:
        sys.settrace(before)


class Wire:
    """A station's connection without a socket: frames go in, answers come out."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.sent: list[list[Any]] = []
        self.closed: list[int] = []
        self.connection = StationConnection(
            station, send=self._send, close=self._close, finished=self._finished
        )
        self._number = 0

    async def _send(self, text: str) -> None:
        self.sent.append(orjson.loads(text))

    async def _close(self, code: int, reason: str) -> None:
        self.closed.append(code)

    async def _finished(self, command_id: str, reply_to: str) -> None: ...

    async def call(self, action: str, payload: dict[str, Any]) -> list[Any]:
        self._number += 1
        frame = [2, f"m{self._number}", action, payload]
        await self.connection.received(orjson.dumps(frame).decode())
        return self.sent[-1] if self.sent else []


@pytest.fixture
async def make_wire() -> AsyncIterator[Callable[..., Awaitable[Wire]]]:
    await engine.start()
    made: list[Wire] = []

    async def make(version: str, identity: str = "CP-1") -> Wire:
        def create() -> int:
            charge_point, _ = ChargePoint.objects.get_or_create(
                identity=identity, defaults={"registration_status": "Accepted", "ocpp_version": version}
            )
            return charge_point.pk

        station = await journal.run(load_station, await journal.run(create), version)
        wire = Wire(station)
        made.append(wire)
        return wire

    yield make
    for wire in made:
        await wire.connection.closed()
    await engine.stop()


@pytest.fixture
async def tokens(make_wire: Callable[..., Awaitable[Wire]]) -> None:
    def create() -> None:
        for uid in ("ALICE", "BOB"):
            Token.objects.create(uid=uid, type=Token.Type.RFID)

    await journal.run(create)


def shown(value: Any) -> Any:
    """A comparable form of a part of the live state."""
    if isinstance(value, TransactionState):
        # When exactly the station restarted is not stored, that it did is.
        fields = msgspec.structs.asdict(value)
        fields["interrupted_at"] = fields["interrupted_at"] is not None
        return {name: shown(fields[name]) for name in fields.keys() - ONLY_LIVE}
    if isinstance(value, msgspec.Struct):
        return {name: shown(part) for name, part in msgspec.structs.asdict(value).items()}
    if isinstance(value, dict):
        return {key: shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [shown(part) for part in value]
    return value


def live_state(station: Station) -> dict[str, Any]:
    """All that a message may have changed: the station, and what other stations see of it."""
    state: Any = live.state()
    index = {key: sorted(found) for key, found in state._running.items()}
    groups = {key: sorted(found) for key, found in state._groups.items()}
    mine = {name: shown(getattr(station, name)) for name in LOADED if name != "unknown_numbers"}
    for connector in mine["connectors"].values():
        # A connector is made on first sight, in a transaction of its own: it is there whatever follows.
        del connector["pk"]
    return {"station": mine, "running": index, "groups": groups}


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two comparable forms differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = []
        for key in {*one, *other}:
            found += differences(one.get(key), other.get(key), f"{path}.{key}")
        return found
    return [] if one == other else [f"{path}: {one!r} is not {other!r}"]


def at(minutes: float = 0) -> str:
    return (
        (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")
    )


def register(wh: float, minutes: float = 0) -> dict[str, Any]:
    return {"timestamp": at(minutes), "sampledValue": [{"value": str(wh)}]}


def register_2x(wh: float, minutes: float = 0) -> dict[str, Any]:
    return {"timestamp": at(minutes), "sampledValue": [{"value": wh}]}


def event(kind: str, seq: int, **more: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "timestamp": at(),
        "triggerReason": "Authorized",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "T1", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [register_2x(1000 + seq)],
        **more,
    }


START = {"connectorId": 1, "idTag": "ALICE", "meterStart": 1000, "timestamp": at(-30)}
TOKEN = {"idToken": {"idToken": "ALICE", "type": "ISO14443"}}
ORPHAN = {
    "transactionId": 0,
    "meterStop": 1500,
    "timestamp": at(),
    "idTag": "ALICE",
    "transactionData": [{"timestamp": at(), "sampledValue": [{"value": 1500}]}],
}
# Version, what was said before, and the message whose handling fails. Every action whose handler changes
# anything is here; a test below says when one is missing.
MESSAGES: dict[str, tuple[str, list[tuple[str, dict[str, Any]]], tuple[str, dict[str, Any]]]] = {
    "16-Boot": (
        V16,
        [("StartTransaction", START)],
        ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
    ),
    "16-Heartbeat": (V16, [], ("Heartbeat", {})),
    "16-Authorize": (V16, [], ("Authorize", {"idTag": "ALICE"})),
    "16-Authorize-unknown": (V16, [], ("Authorize", {"idTag": "STRANGER"})),
    "16-Status": (
        V16,
        [],
        ("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}),
    ),
    "16-Status-free": (
        V16,
        [("StartTransaction", START | {"idTag": "STRANGER"})],
        ("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"}),
    ),
    "16-Start": (V16, [], ("StartTransaction", START)),
    "16-Start-supersedes": (
        V16,
        [("StartTransaction", START)],
        ("StartTransaction", START | {"idTag": "BOB", "timestamp": at(-1), "meterStart": 1200}),
    ),
    "16-Meter": (
        V16,
        [("StartTransaction", START)],
        ("MeterValues", {"connectorId": 1, "meterValue": [register(1100)]}),
    ),
    "16-Stop": (
        V16,
        [("StartTransaction", START)],
        (
            "StopTransaction",
            {
                "transactionId": -1,
                "idTag": "ALICE",
                "meterStop": 2000,
                "timestamp": at(),
                "transactionData": [register(1900, -1)],
            },
        ),
    ),
    "16-Stop-orphan": (V16, [], ("StopTransaction", ORPHAN)),
    "16-Stop-builds": (
        V16,
        [],
        ("StopTransaction", ORPHAN | {"transactionData": [register(1000, -20), register(1500, -1)]}),
    ),
    "16-Data": (V16, [], ("DataTransfer", {"vendorId": "V"})),
    "16-Firmware": (V16, [], ("FirmwareStatusNotification", {"status": "Idle"})),
    "16-Diagnostics": (V16, [], ("DiagnosticsStatusNotification", {"status": "Idle"})),
    "16-Security": (V16, [], ("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": at()})),
    "16-GetConfiguration": (V16, [], ("GetConfiguration", {})),
    "16-ChangeConfiguration": (V16, [], ("ChangeConfiguration", {"key": "BlinkRepeat", "value": "5"})),
    "2x-Boot": (
        V201,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}),
    ),
    "2x-Heartbeat": (V201, [], ("Heartbeat", {})),
    "2x-Authorize": (V201, [], ("Authorize", TOKEN)),
    "2x-Status": (
        V201,
        [],
        (
            "StatusNotification",
            {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1},
        ),
    ),
    "2x-NotifyEvent": (
        V21,
        [
            (
                "TransactionEvent",
                event(
                    "Started",
                    0,
                    idToken={"idToken": "STRANGER", "type": "ISO14443"},
                    meterValue=[register_2x(1)],
                ),
            )
        ],
        (
            "NotifyEvent",
            {
                "generatedAt": at(),
                "seqNo": 0,
                "eventData": [
                    {
                        "eventId": 1,
                        "timestamp": at(),
                        "trigger": "Delta",
                        "actualValue": "Available",
                        "eventNotificationType": "HardWiredNotification",
                        "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                        "variable": {"name": "AvailabilityState"},
                    }
                ],
            },
        ),
    ),
    "2x-Started": (V201, [], ("TransactionEvent", event("Started", 0, **TOKEN))),
    "2x-Started-supersedes": (
        V201,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("TransactionEvent", event("Started", 0, transactionInfo={"transactionId": "T2"})),
    ),
    "2x-Updated-owner": (
        V201,
        [("TransactionEvent", event("Started", 0))],
        ("TransactionEvent", event("Updated", 1, **TOKEN)),
    ),
    "2x-Updated-gap": (
        V21,
        [("TransactionEvent", event("Started", 0))],
        ("TransactionEvent", event("Updated", 4)),
    ),
    "2x-Conflict": (
        V201,
        [("TransactionEvent", event("Started", 0)), ("TransactionEvent", event("Updated", 1))],
        ("TransactionEvent", event("Updated", 1, meterValue=[register_2x(1234)])),
    ),
    "2x-Ended": (
        V201,
        [("TransactionEvent", event("Started", 0, **TOKEN))],
        ("TransactionEvent", event("Ended", 1, **TOKEN)),
    ),
    "2x-Meter": (
        V201,
        [("TransactionEvent", event("Started", 0))],
        ("MeterValues", {"evseId": 1, "meterValue": [register_2x(1100)]}),
    ),
    "2x-Data": (V201, [], ("DataTransfer", {"vendorId": "V"})),
    "2x-Security": (V201, [], ("SecurityEventNotification", {"type": "X", "timestamp": at()})),
}


def test_every_action_that_is_served_has_a_message_here() -> None:
    said = {(version in (V201, V21), message[0]) for version, _, message in MESSAGES.values()}

    served = {(version != V16, action) for version, action in registry.registered("on")}

    assert served <= said


@pytest.mark.parametrize("name", MESSAGES)
async def test_whatever_step_fails_the_live_state_is_what_it_was(
    make_wire: Any, tokens: None, name: str
) -> None:
    """Every fifth line; which ones differs from message to message."""
    await fail_at_each(make_wire, name, range(1 + len(name) % 5, 2_000, 5))


@pytest.mark.soak
@pytest.mark.parametrize("name", MESSAGES)
async def test_every_single_step_that_fails_leaves_the_live_state_as_it_was(
    make_wire: Any, tokens: None, name: str
) -> None:
    await fail_at_each(make_wire, name, range(1, 2_000))


async def fail_at_each(make_wire: Any, name: str, steps: range) -> None:
    """Send a message again and again, each time failing at another line, until none is left to fail."""
    version, before, (action, payload) = MESSAGES[name]
    wire = await make_wire(version)
    for said in before:
        assert (await wire.call(*said))[0] == 3
    was = live_state(wire.station)

    for step in steps:
        with failing_at(step) as places:
            answer = await wire.call(action, payload)
        if not places:
            assert answer[0] == 3, answer
            break
        assert (answer[0], answer[2]) == (4, "InternalError"), places
        now = live_state(wire.station)
        # Connectors are stored by themselves, before the message that named them first.
        now["station"]["connectors"] = {
            place: connector
            for place, connector in now["station"]["connectors"].items()
            if place in was["station"]["connectors"]
        }
        assert differences(now, was) == [], places
        assert not wire.station.unit
        assert not (wire.station.opened or wire.station.claimed or wire.station.changed)
    else:
        pytest.fail("the message never got through")
    fresh = await journal.run(load_station, wire.station.pk, version)
    assert differences(shown(wire.station.transactions), shown(fresh.transactions)) == []


async def test_a_stop_that_cannot_be_joined_never_fails_the_start(make_wire: Any, tokens: None) -> None:
    """Every line of the join fails in turn: the start is answered and stored, and the stop waits on."""
    joined = 0
    for step in range(1, 2_000, 2):
        wire = await make_wire(V16, f"CP-{step}")
        assert (await wire.call("StopTransaction", ORPHAN))[0] == 3
        with failing_at(step) as places:
            answer = await wire.call("StartTransaction", START)
        if not places:
            break
        if answer[0] == 4:
            continue  # before the join, or in what starts the next round of it
        joined += 1
        (transaction,) = wire.station.transactions.values()
        assert (transaction.is_active, transaction.energy_wh) == (True, 0), places
        assert transaction.suspect_reasons == ["connector-unknown: 1"], places
        assert wire.station.orphans == 1, places
        fresh = await journal.run(load_station, wire.station.pk, V16)
        assert differences(shown(wire.station.transactions), shown(fresh.transactions)) == [], places
        await wire.call(
            "StopTransaction", {"transactionId": transaction.id, "meterStop": 1000, "timestamp": at()}
        )
    (transaction,) = wire.station.transactions.values()

    assert joined > 10
    assert (transaction.is_active, transaction.energy_wh, wire.station.orphans) == (False, 500, 0)


async def test_a_start_that_fails_leaves_no_ghost_that_keeps_its_card_out_elsewhere(
    make_wire: Any, tokens: None
) -> None:
    """The fault as it was seen: InternalError after `open_new`, and the card was refused until a restart."""
    one, other = await make_wire(V16, "CP-1"), await make_wire(V16, "CP-2")
    place = "transactions/services/sessions.py"
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


async def test_an_error_of_ocpp_in_the_middle_of_a_handler_is_taken_back_as_well(
    make_wire: Any, tokens: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every failure is an InternalError: an answer may break its schema, a rule raise an OcppError."""
    wire = await make_wire(V16)
    was = live_state(wire.station)
    handler = registry.handler(V16, "StartTransaction")
    assert handler is not None

    async def answers_nonsense(station: Station, request: dict[str, Any]) -> dict[str, Any]:
        await handler(station, request)
        return {"transactionId": "one", "idTagInfo": {"status": "Accepted"}}

    monkeypatch.setitem(registry._tables["on"], (V16, "StartTransaction"), answers_nonsense)
    answer = await wire.call("StartTransaction", START)
    now = live_state(wire.station)
    now["station"]["connectors"].clear()

    assert answer[0] == 4
    assert differences(now, was) == []


async def test_a_refused_commit_is_taken_back_and_the_message_is_handled_on_what_is_stored(
    make_wire: Any, tokens: None
) -> None:
    """Another process has stored the same start: the unique constraint refuses ours; it is recognised."""
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
        # Below 1000: the database's own rule.
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

    registry._reactions[V16, "StartTransaction"] = (reaction,)
    try:
        answer = await wire.call("StartTransaction", START)
    finally:
        del registry._reactions[V16, "StartTransaction"]
    now = live_state(wire.station)
    now["station"]["connectors"].clear()

    assert (answer[0], answer[2]) == (4, "InternalError")
    assert differences(now, was) == []
    assert await live.state().running("alice") == []
    kept = await journal.run(lambda: list(QuarantinedMessage.objects.values_list("action", "reason")))
    assert kept == [("StartTransaction", "bad-message")]


async def test_while_the_database_is_away_nothing_is_answered_and_no_ghost_remains(
    make_wire: Any, tokens: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, other = await make_wire(V16, "CP-1"), await make_wire(V16, "CP-2")
    running = (await other.call("StartTransaction", START | {"idTag": "BOB"}))[2]["transactionId"]
    sent = len(wire.sent)
    await wire.call("Authorize", {"idTag": "ALICE"})  # the token is warm
    await wire.call("StatusNotification", {"connectorId": 1, "status": "Preparing", "errorCode": "NoError"})

    def away(unit: Any) -> Any:
        raise JournalUnavailable("The database can't be written.")

    with monkeypatch.context() as patched:
        patched.setattr(journal, "commit", away)
        await wire.call("StartTransaction", START)

    assert (len(wire.sent), wire.closed) == (sent + 2, [1013])
    assert await live.state().running("alice") == []
    assert wire.station.transactions == {}
    # Sessions that are stored still count, also of the station whose message was not.
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


async def test_what_a_reply_handler_changed_before_it_failed_is_taken_back(
    make_wire: Any, tokens: None
) -> None:
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
        # The remote start itself is stored by itself: what is live is what is stored.
        fresh = await journal.run(load_station, wire.station.pk, V201)
        assert shown(wire.station.remote_starts) == shown(fresh.remote_starts), places
        now["station"]["remote_starts"] = []
        assert differences(now, was) == [], places
    assert step > 3
    assert wire.closed == []


async def _ask(wire: Wire, command_id: str, action: str, payload: dict[str, Any]) -> None:
    from chargepoints.models import Command

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
    await wire.connection.call(command_id=command_id, action=action, payload=payload, timeout=30, reply_to="")


def test_everything_that_is_loaded_is_taken_over() -> None:
    """A new attribute of the live station is the database's, the connection's or the message's: say which."""
    not_loaded = {
        "pk", "identity", "version", "connection_id", "memory", "unit", "received_at", "last_seen_at",
        "mirrored_at", "clock_skew_s", "clock_best_s", "clock_measured_until", "_last_time", "deviations",
        "frame", "payload", "request", "_unknown_in", "action", "in_doubt", "opened", "claimed", "changed",
        "used_tokens", "__weakref__",
    }  # fmt: skip

    assert set(Station.__slots__) == not_loaded | set(LOADED)


def test_a_refused_commit_is_told_apart() -> None:
    assert not issubclass(CommitRefused, JournalUnavailable)
