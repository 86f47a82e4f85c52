"""The live state after any messages, losses and refusals equals the one that is rebuilt from the database."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Token
from ocpp_server.live import extensions
from ocpp_server.live.memory import MemoryState
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.storage.journal import JournalUnavailable, journal
from tests.direct import messages, process
from tests.direct.messages import BEGIN, END, PERIODIC, Message, Reading
from tests.direct.properties import searched, searched_for_long
from tests.direct.station import DirectStation
from tests.unit.live.unit_of_work.failing import differences, live_state
from transactions.live.stations import load_events, transaction_state
from transactions.models import Transaction
from transactions.services.transactions import closing

pytestmark = pytest.mark.django_db(transaction=True)

_numbers = itertools.count(1)


class Step(NamedTuple):
    """A message of the station, or another event: `Kill`, `Reconnect`, `Away`, `Close` or `Repeat`.

    `make` gets the device and the moment of the example's start.
    """

    name: str
    make: Callable[[Device, datetime], Message] | None = None
    number: int = 0


class Device:
    """The station, the numbers it got, and the messages it has sent."""

    def __init__(self, station: DirectStation, cards: list[str]) -> None:
        self.station, self.cards = station, cards
        self.version = station.version
        self.numbers: list[int] = []
        self.sent: list[tuple[Message, str]] = []

    async def send(self, message: Message, message_id: str) -> None:
        self.sent.append((message, message_id))
        answer = await self.station.call(*message, message_id)
        if answer and answer[0] == 3 and "transactionId" in answer[2]:
            self.numbers.append(answer[2]["transactionId"])
        if self.station.wire.closed:
            await self.station.reload()

    def number(self, chosen: int) -> int:
        """The number of one of its sessions; a number it never got; or none at all."""
        return [*self.numbers, -1, 999_999][-1 - chosen % (len(self.numbers) + 2)]


# -- what may happen ---------------------------------------------------------------------------------------

minutes = st.integers(-40, 1)
cards = st.integers(0, 4)
evses = st.integers(1, 2)
places = st.integers(0, 2)
wh = st.one_of(st.integers(1000, 2000), st.sampled_from([0, -1, 1000, 50_000_000]))
contexts = st.sampled_from([PERIODIC, PERIODIC, BEGIN, END])
readings = st.lists(st.tuples(wh, minutes, contexts), max_size=3)
words = st.sampled_from(["Available", "Available", "Faulted", "Unavailable"])
names = st.sampled_from(["T1", "T2", "T3"])
kinds = st.sampled_from(["Started", "Started", "Updated", "Updated", "Ended"])


def at(begun: datetime, minute: int) -> datetime:
    return begun + timedelta(minutes=minute)


def samples(begun: datetime, drawn: list[tuple[int, int, str]]) -> list[Reading]:
    return [Reading(value, at(begun, minute), context) for value, minute, context in drawn]


def sends(name: str, make: Callable[..., Message], *drawn: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    """A step that sends a message made of the device, the moment and what is drawn."""
    return st.tuples(*drawn).map(lambda some: Step(f"{name}{some}", lambda d, begun: make(d, begun, *some)))


events = [st.just(Step(name)) for name in ("Kill", "Reconnect", "Away")] + [
    st.integers(0, 5).map(lambda number: Step("Close", number=number)),
    st.integers(0, 5).map(lambda number: Step("Repeat", number=number)),
    st.integers(0, 5).map(lambda number: Step("RepeatWithAnotherId", number=number)),
]
anywhere = [
    sends("boot", lambda d, _: messages.boot(d.version)),
    sends(
        "status",
        lambda d, begun, word, evse, minute: messages.status(d.version, word, evse, at(begun, minute)),
        words,
        places,
        minutes,
    ),
    sends("authorize", lambda d, _, card: messages.authorize(d.version, d.cards[card]), cards),
    sends("data", lambda d, _: ("DataTransfer", {"vendorId": "V"})),
    sends("invalid", lambda d, _: ("Authorize", {"idTag": {}, "idToken": 7})),
    sends("unknown", lambda d, _: ("NoSuchAction", {})),
]
in_16 = [
    sends(
        "start",
        lambda d, begun, card, evse, meter, minute: messages.start_16(
            d.cards[card], evse, meter, at=at(begun, minute)
        ),
        cards,
        places,
        wh,
        minutes,
    ),
    sends(
        "meter",
        lambda d, begun, chosen, drawn, evse: messages.meter_16(
            d.number(chosen), samples(begun, drawn), evse
        ),
        st.integers(0, 4),
        readings.filter(bool),
        evses,
    ),
    sends(
        "stop",
        lambda d, begun, chosen, card, meter, minute, drawn: messages.stop_16(
            d.number(chosen), d.cards[card], meter, at=at(begun, minute), data=samples(begun, drawn)
        ),
        st.integers(0, 4),
        cards,
        wh,
        minutes,
        readings,
    ),
    sends("broken-stop", lambda d, begun: ("StopTransaction", {"meterStop": "x", "timestamp": 5})),
]
in_2x = [
    sends(
        "event",
        lambda d, begun, kind, name, seq_no, card, evse, drawn, minute, offline: messages.event(
            kind,
            name,
            seq_no,
            version=d.version,
            uid=d.cards[card] if card < len(d.cards) else "",
            evse=evse,
            readings=samples(begun, drawn),
            at=at(begun, minute),
            offline=offline,
            state="Charging",
        ),
        kinds,
        names,
        st.integers(0, 4),
        st.integers(0, 7),
        places,
        readings,
        minutes,
        st.booleans(),
    ),
    sends(
        "meter",
        lambda d, begun, evse, drawn: (
            "MeterValues",
            {"evseId": evse, "meterValue": messages.meter_values(d.version, samples(begun, drawn))},
        ),
        places,
        readings.filter(bool),
    ),
    sends("broken-event", lambda d, begun: ("TransactionEvent", {"eventType": "Ended", "seqNo": "x"})),
]
OF_VERSION = {V16: in_16, V201: in_2x, V21: in_2x}


def steps(version: str) -> st.SearchStrategy[list[Step]]:
    # Half of what happens is about sessions.
    about_sessions = OF_VERSION[version]
    return st.lists(
        st.one_of(st.one_of(*anywhere, *events), st.one_of(*about_sessions)), min_size=1, max_size=14
    )


# -- the property ------------------------------------------------------------------------------------------


async def a_device(version: str) -> Device:
    """A station and cards that no other example has: two of a group, a blocked one, an unknown one, a master
    pass.
    """
    number = next(_numbers)
    cards = [f"{name}{number}" for name in ("ALICE", "BOB", "EVE", "STRANGER", "MASTER")]
    columns: list[dict[str, Any]] = [
        {"group_id": f"G{number}"},
        {"group_id": f"G{number}", "energy_wh_per_day": 500},
        {"status": "blocked"},
        {"group_id": f"M{number}", "is_master": True},
    ]
    for uid, more in zip([*cards[:3], cards[4]], columns, strict=True):
        await journal.run(Token.objects.create, uid=uid, type=Token.Type.RFID, **more)
    return Device(await DirectStation.create(version, f"CP-{number}"), cards)


async def happen(device: Device, step: Step, begun: datetime, patch: pytest.MonkeyPatch) -> None:
    message_id = f"s{next(_numbers)}"
    if step.make is not None:
        await device.send(step.make(device, begun), message_id)
    elif step.name == "Kill":
        await process.restart()
        await device.station.reload()
    elif step.name == "Reconnect":
        await device.station.reload()
    elif step.name == "Close":
        await end_as_operator(device, step.number)
    elif step.name == "Away":
        await lose_database(device, message_id, patch)
    elif device.sent:
        message, known_id = device.sent[-1 - step.number % len(device.sent)]
        await device.send(message, known_id if step.name == "Repeat" else message_id)


async def end_as_operator(device: Device, chosen: int) -> None:
    """An operator ends a running session; the process that serves the station loads it again."""
    running = [row.id for row in await device.station.sessions() if row.status == "active"]
    if running:
        number = running[chosen % len(running)]
        await journal.run(closing.close, number, by=Transaction.EndedBy.OPERATOR)
        await device.station.wire.connection.changed()


async def lose_database(device: Device, message_id: str, patch: pytest.MonkeyPatch) -> None:
    """The latest message of the station comes again while the database is away; the station reconnects."""
    message = device.sent[-1][0] if device.sent else messages.boot(device.version)

    def away(unit: Any) -> Awaitable[None]:
        raise JournalUnavailable("The database can't be written.")

    with patch.context() as patched:
        patched.setattr(journal, "commit", away)
        await device.station.call(*message, message_id)
    assert device.station.wire.closed == [1013]
    await device.station.reload()


async def rebuilt(device: Device) -> tuple[dict[str, Any], dict[str, Any]]:
    """The live state of this process, and that of a process that has just started."""
    station = device.station.station
    now = live_state(station)
    state = MemoryState()
    last_number, active = await journal.run(extensions.transactions.app.load_running)
    state.rebuild(last_number=last_number, active=active)
    fresh = await journal.run(extensions.load_station, station.pk, station.version)
    state.station_loaded(fresh.transactions.values())
    # A process keeps more ended transactions than it loads.
    older = {
        number for number, one in station.transactions.items() if not one.is_active
    } - fresh.transactions.keys()
    for number in older:
        row = await journal.run(Transaction.objects.get, pk=number)
        fresh.transactions[number] = transaction_state(row, station.identity)
        await journal.run(load_events, {number: fresh.transactions[number]})
    then = live_state(fresh)
    then["running"] = {key: sorted(found) for key, found in state._running.items()}
    then["groups"] = {key: sorted(found) for key, found in state._groups.items()}
    return now, then


async def happen_all(version: str, happening: list[Step], patch: pytest.MonkeyPatch) -> None:
    device = await a_device(version)
    begun = datetime.now(UTC)
    for step in happening:
        await happen(device, step, begun, patch)

        now, then = await rebuilt(device)
        assert differences(now, then) == [], step.name
    await device.station.close()


@pytest.mark.parametrize("version", [V16, V201])
@searched(25)
@given(st.data())
async def test_the_live_state_is_the_one_in_the_database(
    engine: None, monkeypatch: pytest.MonkeyPatch, version: str, data: st.DataObject
) -> None:
    await happen_all(version, data.draw(steps(version)), monkeypatch)


@pytest.mark.parametrize("version", [V16, V201, V21])
@searched_for_long(300)
@given(st.data())
async def test_the_live_state_is_the_one_in_the_database_for_long(
    engine: None, monkeypatch: pytest.MonkeyPatch, version: str, data: st.DataObject
) -> None:
    await happen_all(version, data.draw(steps(version)), monkeypatch)
