"""One client of the stream: what it missed, new events, filters, heartbeats, and the reasons of its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError

from events.models import Event
from events.services import reading, subscribing
from events.services import tail as tailing
from events.services.places import Places
from events.services.selecting import Selection
from events.services.subscribing import Subscriber
from events.services.tail import Tail
from ocpp_server.domain import QueueFull
from ocpp_server.transport import shutdown


class Stored:
    """The stored events of a test: `first` is the oldest that is kept."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.first = 1
        self.fault: Exception | None = None

    @property
    def last(self) -> int:
        return self.first - 1 + len(self.events)

    def add(self, type: str = "station.online", station: str = "A", site: int | None = None) -> None:
        position = self.last + 1
        at = datetime(2026, 11, 30, 12, tzinfo=UTC)
        data = "{}" if len(type) < 100 else type
        self.events.append(
            Event(uid=f"e{position}", type=type[:30], station=station, site_id=site, position=position)
        )
        self.events[-1].data, self.events[-1].at = data, at

    def read(self, after: int | None, *, limit: int, conditions: Any) -> reading.Page:
        if self.fault is not None:
            raise self.fault
        assert after is not None
        gap = not self.first - 1 <= after <= self.last
        start = min(max(after, self.first - 1), self.last)
        wanted = conditions.get("type__in")
        later = [one for one in self.events if (one.position or 0) > start]
        found = [one for one in later if wanted is None or one.type in wanted][:limit]
        end = (found[-1].position or 0) if len(found) == limit else self.last
        return reading.Page(found, end, gap, end < self.last, start)

    def after(self, position: int, with_tokens: bool) -> list[tailing.Passed]:
        later = [one for one in self.events if (one.position or 0) > position]
        return tailing.recorded(later, with_tokens=with_tokens)


class Direct:
    """Runs functions of the threads at once."""

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(0)
        return function(*args)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Stored:
    stored = Stored()
    monkeypatch.setattr(tailing, "threads", Direct())
    monkeypatch.setattr(subscribing, "threads", Direct())
    monkeypatch.setattr(subscribing, "tail", Tail())
    monkeypatch.setattr(tailing, "read_after", stored.after)
    monkeypatch.setattr(subscribing.reading, "read", stored.read)
    return stored


class Client:
    """The connection of one client. `is_open` lets it read what the server sends."""

    def __init__(self, position: int, selection: Selection | None = None, **more: Any) -> None:
        self.sent: list[bytes] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.gone = asyncio.Event()
        self.aborted = False
        self.subscriber = Subscriber(
            selection or Selection(), position, "caller", more.get("allowed", lambda: True)
        )
        scope = {"extensions": {"ocpp.connection": self}}
        self.task = asyncio.ensure_future(self.subscriber.run(scope, self.receive, self.send))

    @property
    def transport(self) -> Client:
        return self

    def abort(self) -> None:
        self.aborted = True

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.is_open.wait()
        assert message["more_body"]
        self.sent.append(message["body"])

    @property
    def ids(self) -> list[int]:
        return [int(id) for id in re.findall(rb"^id: (\d+)$", b"".join(self.sent), re.MULTILINE)]

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_true():
                await asyncio.sleep(0.005)  # poll: the task of the stream makes it true

    async def leave(self) -> None:
        self.gone.set()
        await asyncio.wait_for(self.task, 10)


async def test_a_client_gets_what_it_missed_and_then_new_events_once(stored: Stored) -> None:
    for _ in range(450):
        stored.add()
    client = Client(7)
    await client.until(lambda: client.ids[-1:] == [450])

    stored.add()
    subscribing.tail.wake()
    await client.until(lambda: client.ids[-1:] == [451])
    await client.leave()

    assert client.ids == list(range(8, 452))
    assert client.subscriber.reason == ""


async def test_a_second_client_far_behind_gets_no_event_twice(stored: Stored) -> None:
    for _ in range(300):
        stored.add()
    first, second = Client(300), Client(0)
    for _ in range(5):
        stored.add()
        subscribing.tail.wake()
        await asyncio.sleep(0.01)

    await second.until(lambda: second.ids[-1:] == [305])
    await first.until(lambda: first.ids[-1:] == [305])
    await first.leave()
    await second.leave()

    assert first.ids == list(range(301, 306))
    assert second.ids == list(range(1, 306))


async def test_filters_hold_for_missed_and_for_new_events(stored: Stored) -> None:
    for kind in ("station.online", "transaction.started", "station.online"):
        stored.add(kind)
    client = Client(0, Selection(types=frozenset({"transaction.started"})))
    await client.until(lambda: client.ids == [2])
    for kind in ("station.online", "transaction.started"):
        stored.add(kind)
    subscribing.tail.wake()
    await client.until(lambda: client.ids == [2, 5])
    await client.leave()


@pytest.mark.parametrize(
    ("selection", "matches"),
    [
        (Selection(), True),
        (Selection(types=frozenset({"station.online"}), station="A", site=3), True),
        (Selection(types=frozenset({"station.offline"})), False),
        (Selection(station="a"), True),
        (Selection(station="B"), False),
        (Selection(site=4), False),
        (Selection(types=frozenset()), False),
    ],
)
def test_a_selection_in_memory(selection: Selection, matches: bool) -> None:
    assert selection.matches(Event(type="station.online", station="A", site_id=3)) is matches


@pytest.mark.parametrize(
    ("position", "reason", "start", "ids"),
    [(2, "expired", 4, [4, 5, 6]), (900, "unknown", 6, [6])],
)
async def test_a_gap_begins_with_a_reset(
    stored: Stored, position: int, reason: str, start: int, ids: list[int]
) -> None:
    stored.first = 5
    stored.add()
    stored.add()

    client = Client(position)
    await client.until(lambda: client.ids[-1:] == [6])
    await client.leave()

    record = f'id: {start}\nevent: stream.reset\ndata: {{"reason":"{reason}","position":{start}}}\n\n'
    assert client.sent[0].decode() == record
    assert client.ids == ids


async def test_a_quiet_stream_sends_comments_and_after_a_while_its_position(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(subscribing, "QUIET_S", 0.1)
    client = Client(0, Selection(types=frozenset({"transaction.started"})))
    await client.until(lambda: len(client.sent) > 1)
    assert re.fullmatch(rb"(: \d\d:\d\d:\d\dZ\n\n)+", b"".join(client.sent))

    stored.add()
    subscribing.tail.wake()
    await client.until(lambda: client.ids == [1])
    shown = len(client.sent)
    await client.until(lambda: len(client.sent) > shown + 8)
    await client.leave()

    assert client.ids == [1]
    assert client.sent[shown - 1].endswith(b"Z\n\nid: 1\n\n")


async def test_a_client_that_does_not_read_is_cut(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "MAX_WAITING", 3)
    client = Client(0)
    await asyncio.sleep(0.05)
    client.is_open.clear()
    for _ in range(2):
        stored.add()
        stored.add()
        stored.add()
        subscribing.tail.wake()
        await asyncio.sleep(0.05)
    stored.add()
    subscribing.tail.wake()
    await asyncio.wait_for(client.task, 10)

    assert (client.subscriber.reason, client.aborted) == ("slow", True)


async def test_large_events_have_a_bound_of_their_own(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "MAX_WAITING_BYTES", 100)
    client = Client(0)
    await asyncio.sleep(0.05)
    client.is_open.clear()
    stored.add()
    subscribing.tail.wake()
    await asyncio.wait_for(client.task, 10)

    assert client.subscriber.reason == "slow"


async def test_a_caller_that_loses_access_loses_its_stream(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribing, "CHECK_S", 0.02)
    allowed = [True, True]
    client = Client(0, allowed=lambda: bool(allowed) and allowed.pop())
    await asyncio.wait_for(client.task, 10)

    assert (client.subscriber.reason, client.aborted) == ("revoked", False)


async def test_a_stream_ends_after_its_lifetime(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "LIFETIME_S", 0.05)
    client = Client(0)
    await asyncio.wait_for(client.task, 10)

    assert client.subscriber.reason == "lifetime"


async def test_all_streams_end_at_a_shutdown(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(0)
    await client.until(lambda: bool(subscribing.tail._followers))
    subscribing.tail.end_all("shutdown")
    await asyncio.wait_for(client.task, 10)
    assert client.subscriber.reason == "shutdown"

    monkeypatch.setattr(shutdown, "is_under_way", lambda: True)
    late = Client(0)
    await asyncio.wait_for(late.task, 10)
    assert (late.subscriber.reason, late.sent) == ("shutdown", [])


async def test_a_stream_that_cannot_read_what_it_missed_ends(stored: Stored) -> None:
    stored.fault = OperationalError("away")
    client = Client(0)
    await asyncio.wait_for(client.task, 10)

    assert client.subscriber.reason == "database-away"


async def test_the_tail_goes_on_after_an_outage(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "POLL_S", 0.01)
    faults = [OperationalError("away"), OperationalError("away")]

    def read(position: int, with_tokens: bool) -> list[tailing.Passed]:
        if faults:
            raise faults.pop()
        return stored.after(position, with_tokens)

    monkeypatch.setattr(tailing, "read_after", read)
    client = Client(0)
    stored.add()
    await client.until(lambda: client.ids == [1])
    await client.leave()


async def test_events_after_a_gap_are_not_sent(stored: Stored) -> None:
    client = Client(0)
    await client.until(lambda: bool(subscribing.tail._followers))
    stored.first = 5
    stored.add()
    subscribing.tail.wake()
    await asyncio.wait_for(client.task, 10)

    assert (client.subscriber.reason, client.ids) == ("gap", [])


async def test_the_last_client_ends_the_reading(stored: Stored) -> None:
    first, second = Client(0), Client(0)
    await first.until(lambda: len(subscribing.tail._followers) == 2)
    await first.leave()
    task = subscribing.tail._task
    assert task is not None and not task.done()
    await second.leave()
    await asyncio.sleep(0)

    assert subscribing.tail._task is None and task.cancelled()


def test_places_are_limited_for_each_caller_and_for_all() -> None:
    places = Places(all_callers=3, each=2)
    places.take("a")
    places.take("a")
    with pytest.raises(QueueFull, match="At most 2"):
        places.take("a")
    places.take("b")
    with pytest.raises(QueueFull, match="has 3"):
        places.take("c")
    places.leave("a")
    places.take("c")

    assert len(places) == 3
    for caller in ("a", "b", "c"):
        places.leave(caller)
    assert (len(places), dict(places._taken)) == (0, {})
