"""Whatever two stations do with two cards: once their sessions have ended, both cards may charge at both."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import journal
from tests.direct import process
from tests.direct.accounts import a_token
from tests.direct.messages import Reading
from tests.direct.properties import searched, searched_for_long
from tests.direct.station import DirectStation, Started
from transactions.models import Transaction
from transactions.services.authorization.decision import decide_now
from transactions.services.transactions import free_connectors

pytestmark = pytest.mark.django_db(transaction=True)

_numbers = itertools.count(1)
EVSES = (1, 2)


class Step(NamedTuple):
    """An action of a station, with a card, at one of its EVSEs; the card `other` may end it."""

    action: str
    station: int
    evse: int
    card: int
    other: int

    def __repr__(self) -> str:
        return f"{self.action}(station {self.station}, evse {self.evse}, card {self.card}, {self.other})"


ACTIONS = (
    "start",
    "start",
    "start twice",
    "start offline",
    "meter",
    "stop",
    "stop",
    "stop twice",
    "stop with another card",
    "lose the stop",
    "lose power",
    "reconnect",
    "kill the process",
)
steps = st.builds(
    Step,
    st.sampled_from(ACTIONS),
    st.integers(0, 1),
    st.sampled_from(EVSES),
    st.integers(0, 1),
    st.integers(0, 1),
)


class Charger:
    """A station, and the sessions it knows of: by EVSE, with their cards."""

    def __init__(self, station: DirectStation) -> None:
        self.station = station
        self.charging: dict[int, tuple[Started, str]] = {}

    async def start(self, evse: int, card: str, **more: Any) -> None:
        """A start on an occupied EVSE supersedes: the station has forgotten its session."""
        self.charging[evse] = await self.station.start(card, evse, **more), card

    async def stop(self, evse: int, other: str = "", *, times: int = 1) -> None:
        if evse not in self.charging:
            return
        started, card = self.charging.pop(evse)
        at = datetime.now(UTC)
        await self.station.stop(started, other or card, 10, at=at)
        for _ in range(1, times):
            seq_no = self.station.last_seq_no(started)
            await self.station.stop(started, other or card, 10, at=at, seq_no=seq_no)

    async def free(self) -> None:
        """Report all EVSEs as free, and wait until what they still show as active is doubtful."""
        for evse in EVSES:
            await self.station.status("Available", evse)
        waited = free_connectors.GRACE + timedelta(minutes=1)
        for connector in self.station.station.connectors.values():
            assert connector.reported_at is not None
            connector.reported_at -= waited
        for session in self.station.station.transactions.values():
            session.started_at -= 2 * waited
            session.last_message_at -= waited
        await self.station.wire.connection.between_messages(free_connectors.mark_suspect)


class Place:
    """Two stations and two cards, which no other example has."""

    def __init__(self, chargers: list[Charger], cards: list[str]) -> None:
        self.chargers, self.cards = chargers, cards

    @classmethod
    async def create(cls, versions: list[str], *, is_group: bool) -> Place:
        number = next(_numbers)
        chargers = [
            Charger(await DirectStation.create(version, f"CP-{number}-{place}"))
            for place, version in enumerate(versions)
        ]
        cards = [f"CARD-{number}-{place}" for place in range(2)]
        for card in cards:
            await journal.run(a_token, card, group_id=f"G{number}" if is_group else "")
        return cls(chargers, cards)

    async def happen(self, step: Step) -> None:
        charger = self.chargers[step.station]
        card, evse = self.cards[step.card], step.evse
        match step.action:
            case "start":
                await charger.start(evse, card)
            case "start twice":
                await self.start_twice(charger, evse, card)
            case "start offline":
                await charger.start(evse, card, at=datetime.now(UTC) - timedelta(minutes=20), offline=True)
            case "meter":
                if evse in charger.charging:
                    started, _ = charger.charging[evse]
                    await charger.station.meter(started, Reading(10), evse=evse)
            case "stop" | "stop twice" | "stop with another card":
                other = self.cards[step.other] if step.action == "stop with another card" else ""
                await charger.stop(evse, other, times=2 if step.action == "stop twice" else 1)
            case "lose the stop":
                charger.charging.pop(evse, None)
            case "lose power":
                charger.charging.clear()
                await charger.station.reload()
                await charger.station.boot()
            case "reconnect":
                await charger.station.reload()
            case "kill the process":
                await process.restart()
                for one in self.chargers:
                    await one.station.reload()

    async def start_twice(self, charger: Charger, evse: int, card: str) -> None:
        """The answer to the start was lost: the station connects again and repeats it."""
        at = datetime.now(UTC)
        await charger.start(evse, card, at=at)
        await charger.station.reload()
        first, _ = charger.charging[evse]
        again = await charger.station.start(card, evse, at=at, again=first)
        assert (again["status"], again["transaction"]) == (first["status"], first["transaction"])

    async def end_all(self) -> None:
        for charger in self.chargers:
            for evse in EVSES:
                await charger.stop(evse)
            await charger.free()

    async def close(self) -> None:
        for charger in self.chargers:
            await charger.station.close()


async def locks_no_card(versions: list[str], happening: list[Step], *, is_group: bool) -> None:
    place = await Place.create(versions, is_group=is_group)
    for step in happening:
        await place.happen(step)

    await place.end_all()

    for card, charger in itertools.product(place.cards, place.chargers):
        row = await journal.run(ChargePoint.objects.get, pk=charger.station.pk)
        by_database = await journal.run(decide_now, uid=card, charge_point=row, evse_number=1)
        asked = await charger.station.authorize(card)
        started = await charger.station.start(card)
        await charger.station.stop(started, card)
        assert (asked["status"], started["status"], by_database.reason) == ("Accepted", "Accepted", "")
        # What still counts for the card in memory is what the database shows as active.
        counting = {session.id for session in await live.state().running(card.casefold())}
        active = Transaction.objects.active().filter(id_token=card).values_list("id", flat=True)
        assert counting == set(await journal.run(list, active))
    await place.close()


@pytest.fixture
def limits(settings: Any) -> None:
    settings.OCPP_CONCURRENT_TX = "refuse"
    settings.OCPP_GROUP_CONCURRENT_TX = 1


versions = st.lists(st.sampled_from([V16, V201]), min_size=2, max_size=2)


@searched(30)
@given(versions, st.lists(steps, max_size=12), st.booleans())
async def test_no_card_stays_locked(
    engine: None, limits: None, versions: list[str], happening: list[Step], is_group: bool
) -> None:
    await locks_no_card(versions, happening, is_group=is_group)


@searched_for_long(500)
@given(versions, st.lists(steps, max_size=25), st.booleans())
async def test_no_card_stays_locked_for_long(
    engine: None, limits: None, versions: list[str], happening: list[Step], is_group: bool
) -> None:
    await locks_no_card(versions, happening, is_group=is_group)
