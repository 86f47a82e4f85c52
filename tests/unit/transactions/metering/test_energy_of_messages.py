"""The messages of a session in any order, through frames, journal and database, give the same energy and the
same suspicions, also when some come twice or never, and when the live state is lost between them.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_server.protocol.translate.energy import mwh_of
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.storage.journal import journal
from tests.direct import messages, process
from tests.direct.accounts import a_token
from tests.direct.messages import BEGIN, END, PERIODIC, Message, Reading
from tests.direct.properties import searched, searched_for_long
from tests.direct.station import DirectStation, Started
from transactions.models import Transaction
from transactions.services.metering import hours

pytestmark = pytest.mark.django_db(transaction=True)

_numbers = itertools.count(1)


async def a_station(version: str) -> DirectStation:
    return await DirectStation.create(version, f"CP-{next(_numbers)}")


# -- readings as bad meters send them: split into messages in any way --------------------------------------

NOW = datetime.now(UTC).replace(microsecond=0)
Sample = tuple[int, str, int]  # minutes before the stop, context, Wh

samples = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 30), st.just(PERIODIC), st.integers(990, 1500)),
        st.tuples(st.just(0), st.sampled_from([PERIODIC, "Sample.Clock", "Trigger", END]), st.just(1500)),
        st.tuples(st.just(30), st.just(BEGIN), st.sampled_from([1000, 1000, 1010])),
        st.tuples(st.integers(-3, -1), st.just(PERIODIC), st.integers(1500, 1600)),
    ),
    max_size=7,
)


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


async def charged(
    version: str, reports: list[list[Sample]], stop_at: int, losses: list[bool]
) -> tuple[Any, ...]:
    """The bill of a session: the start, the reports, and the stop after `stop_at` of them; the rest is late.

    Before a report with a loss, the station is loaded again.
    """
    station = await a_station(version)
    begun = await _begin(station)
    for number, (report, is_lost) in enumerate(zip(reports, losses, strict=True)):
        if number == stop_at:
            await _end(station, begun)
        if is_lost:
            await station.reload()
        await station.meter(begun, *(Reading(wh, ago(minutes), context) for minutes, context, wh in report))
    if stop_at >= len(reports):
        await _end(station, begun)
    await station.close()
    return bill(await station.session(begun))


async def _begin(station: DirectStation) -> Started:
    if station.is_16:
        return await station.start("A", meter_wh=1000, at=ago(30))
    await station.event("Started", "T", at=ago(30), evse=1)
    return {"transaction": "T"}


async def _end(station: DirectStation, begun: Started) -> None:
    if station.is_16:
        await station.stop(begun, meter_wh=1500, at=ago(0))
    else:
        await station.event("Ended", "T", at=ago(0))


def bill(row: Transaction) -> tuple[Any, ...]:
    return (
        row.energy_wh,
        row.meter_start_wh,
        row.meter_stop_wh,
        row.energy_by_hour,
        sorted(row.suspect_reasons),
        row.status,
    )


@pytest.mark.parametrize("version", [V16, V201])
@searched(25)
@given(samples, st.data())
async def test_any_split_into_messages_gives_the_same_bill(
    engine: None, version: str, samples: list[Sample], data: st.DataObject
) -> None:
    ordered, reports = data.draw(st.permutations(samples)), []
    while ordered:
        size = data.draw(st.integers(1, len(ordered)))
        reports.append(ordered[:size])
        ordered = ordered[size:]
    losses = data.draw(st.lists(st.booleans(), min_size=len(reports), max_size=len(reports)))
    stop_at = data.draw(st.integers(0, len(reports)))
    # A reading later than the stop may be sent before it, but then in a message of its own.
    expected = [
        some for some in ([s for s in samples if s[0] >= 0], [s for s in samples if s[0] < 0]) if some
    ]
    is_late = any(sample[0] < 0 for sample in samples)

    at_once = await charged(version, expected, len(expected) - is_late, [False] * len(expected))
    in_pieces = await charged(version, reports, stop_at, losses)

    assert in_pieces == at_once


# -- one session of an honest meter: its messages in any order, twice, or never ----------------------------


class Session(NamedTuple):
    """A session as the meter saw it: it ended `ended` minutes before `now`, and rose in each of its minutes.

    `rises_mwh` are thousandths of a Wh; the last one ends at a whole Wh, because a meterStop is whole.
    `split`: the message of each minute's reading; `in_kwh`: whether it is written so; `data`: the minutes
    whose readings are in the stop as well.
    """

    ended: int
    rises_mwh: list[int]
    split: list[int]
    in_kwh: list[bool]
    data: set[int]
    now: datetime

    @property
    def drawn_wh(self) -> int:
        return sum(self.rises_mwh) // 1000

    def at(self, minute: int) -> datetime:
        return self.now - timedelta(minutes=self.ended + len(self.rises_mwh) - minute)

    def reading(self, minute: int, context: str = PERIODIC) -> Reading:
        """The register after that minute."""
        mwh = 1000 * METER_START + sum(self.rises_mwh[:minute])
        if minute and self.in_kwh[minute - 1]:
            return Reading(mwh / 1e6, self.at(minute), context, unit="kWh")
        return Reading(mwh / 1000 if mwh % 1000 else mwh // 1000, self.at(minute), context)

    def reports(self) -> list[list[Reading]]:
        by_message: dict[int, list[Reading]] = {}
        for minute, message in enumerate(self.split, 1):
            by_message.setdefault(message, []).append(self.reading(minute))
        return [by_message[message] for message in sorted(by_message)]


METER_START = 12_000


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    rises = draw(st.lists(st.integers(0, 900_000), min_size=1, max_size=6))
    rises[-1] += -sum(rises) % 1000
    each = {"min_size": len(rises), "max_size": len(rises)}
    return Session(
        draw(st.sampled_from([0, 1, 90])),
        rises,
        draw(st.lists(st.integers(0, 3), **each)),
        draw(st.lists(st.booleans(), **each)),
        draw(st.sets(st.integers(1, len(rises)))),
        datetime.now(UTC).replace(microsecond=0),
    )


class Delivery(NamedTuple):
    """One message on its way: its number within the session, whether it comes twice, and what is lost before
    it: "" for nothing, "connection" or "process".
    """

    message: int
    is_repeated: bool
    lost: str


@st.composite
def deliveries(draw: st.DrawFn, count: int, *, is_complete: bool, is_ordered: bool = False) -> list[Delivery]:
    numbers = list(range(count))
    if not is_complete:
        numbers = draw(st.lists(st.sampled_from(numbers), unique=True))
    elif not is_ordered:
        numbers = draw(st.permutations(numbers))
    losses = st.sampled_from(["", "", "connection", "process"])
    return [Delivery(number, draw(st.booleans()), draw(losses)) for number in numbers]


class Sender:
    """The station's queue of messages of one session: a start, reports, and a stop."""

    def __init__(self, station: DirectStation, session: Session) -> None:
        self.station, self.session = station, session
        self.card = f"CARD-{station.pk}"
        self.number = -1  # of 1.6, until the start was answered
        self.reports = session.reports()
        self.count = len(self.reports) + 2

    def message(self, number: int) -> Message:
        session, version = self.session, self.station.version
        end = len(session.rises_mwh)
        data = [session.reading(minute) for minute in sorted(session.data)]
        is_start, is_stop = number == 0, number == self.count - 1
        if version == V16:
            if is_start:
                return messages.start_16(self.card, 1, METER_START, at=session.at(0))
            if is_stop:
                wh = METER_START + session.drawn_wh
                return messages.stop_16(self.number, self.card, wh, at=session.at(end), data=data)
            return messages.meter_16(self.number, self.reports[number - 1])
        if is_start:
            readings, at, kind = [session.reading(0, BEGIN)], session.at(0), "Started"
        elif is_stop:
            readings, at, kind = [*data, session.reading(end, END)], session.at(end), "Ended"
        else:
            readings, kind = self.reports[number - 1], "Updated"
            at = max(reading.at or session.now for reading in readings)
        token = self.card if is_start or is_stop else ""
        place = 1 if is_start else None
        return messages.event(
            kind, "T", number, version=version, at=at, uid=token, evse=place, readings=readings
        )

    async def deliver(self, sent: list[Delivery]) -> None:
        """Send the messages. A repetition changes nothing, and the live state is the stored one."""
        for one in sent:
            if one.lost == "process":
                await process.restart()
            if one.lost:
                await self.station.reload()
            message = self.message(one.message)
            answer = await self.station.ask(message)
            self.number = answer.get("transactionId", self.number)
            once = await self.rows()
            if one.is_repeated:
                await self.station.ask(message)
                assert await self.rows() == once, one
            self.check_live(once)

    async def rows(self) -> dict[int, tuple[Any, ...]]:
        return {row.id: bill(row) for row in await self.station.sessions()}

    def check_live(self, rows: dict[int, tuple[Any, ...]]) -> None:
        for number, live in self.station.station.transactions.items():
            energy_wh, start, _, by_hour, reasons, status = rows[number]
            assert (live.energy_mwh, live.meter_start_mwh) == (mwh_of(energy_wh), mwh_of(start))
            assert hours.column(live.mwh_by_hour) == by_hour
            assert (sorted(live.suspect_reasons), live.is_active) == (reasons, status == "active")


Bills = list[tuple[Any, ...]]


async def delivered(version: str, session: Session, data: st.DataObject, **how: bool) -> Bills:
    station = await a_station(version)
    sender = Sender(station, session)
    await journal.run(a_token, sender.card)
    await station.status("Preparing" if version == V16 else "Occupied")
    await sender.deliver(data.draw(deliveries(sender.count, **how)))
    await station.close()
    return list((await sender.rows()).values())


async def loses_some(version: str, session: Session, data: st.DataObject) -> None:
    rows = await delivered(version, session, data, is_complete=False)

    assert 0 <= sum(energy_wh for energy_wh, *_ in rows) <= session.drawn_wh
    for energy_wh, _, _, by_hour, *_ in rows:
        assert sum((hours.loaded(by_hour) or {}).values()) == mwh_of(energy_wh)


async def loses_none(version: str, session: Session, data: st.DataObject) -> None:
    rows = await delivered(version, session, data, is_complete=True)
    in_order = await delivered(version, session, data, is_complete=True, is_ordered=True)

    assert in_order[0][:1] + in_order[0][-2:] == (session.drawn_wh, [], "ended")
    if version == V16:
        # Readings that came before their start are not the session's: the hours are spread over fewer.
        assert [(*row[:3], row[-1]) for row in rows] == [(*row[:3], row[-1]) for row in in_order]
    else:
        assert rows == in_order


@pytest.mark.parametrize("version", [V16, V201])
@searched(20)
@given(sessions(), st.data())
async def test_lost_messages_never_bill_more_than_the_meter_rose(
    engine: None, version: str, session: Session, data: st.DataObject
) -> None:
    await loses_some(version, session, data)


@pytest.mark.parametrize("version", [V16, V201])
@searched(20)
@given(sessions(), st.data())
async def test_complete_messages_bill_the_same_in_any_order(
    engine: None, version: str, session: Session, data: st.DataObject
) -> None:
    await loses_none(version, session, data)


@pytest.mark.parametrize("version", [V16, V201, V21])
@pytest.mark.parametrize("holds", [loses_some, loses_none])
@searched_for_long(300)
@given(sessions(), st.data())
async def test_the_bill_of_an_honest_meter_for_long(
    engine: None, version: str, holds: Any, session: Session, data: st.DataObject
) -> None:
    await holds(version, session, data)
