"""Two devices with one identity: who may enter, what a probe says, and what is stored of a storm."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chargepoints.models import ChargePoint, SecurityEvent
from chargepoints.services import connections
from ocpp_server import live
from ocpp_server.live import recent
from ocpp_server.live.probes import MemoryProbes
from ocpp_server.live.recent import MemoryRecent
from ocpp_server.live.records import Connection
from ocpp_server.transport.handshake import duplicates
from ocpp_server.transport.probing import Prober

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Socket:
    """A socket whose station answers pings, or does not."""

    def __init__(self, *, answers: bool | None) -> None:
        self.answers = answers
        self.pings = 0

    def ping(self) -> None:
        self.pings += 1

    def silence_s(self) -> float | None:
        return None if self.answers is None else 0.0 if self.answers else 1000.0


@pytest.fixture
def state() -> Any:
    live.reset()
    yield live.state()
    live.reset()


async def connected(state: Any, identity: str) -> Connection:
    made = Connection(str(uuid.uuid4()), identity, "ocpp1.6", "process", "192.0.2.1", NOON)
    await state.connect(made)
    return made


async def entering(identity: str, *, receive: Any = None) -> tuple[bool, list[Any]]:
    """Whether a further connection may enter, and what was sent to it."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    admitted: Any = SimpleNamespace(charge_point=SimpleNamespace(pk=1, identity=identity))
    handshake: Any = SimpleNamespace(address="192.0.2.2")
    scope = {"extensions": {"websocket.http.response": {}}}
    entered = await duplicates.may_enter(
        admitted, handshake, scope=scope, receive=receive or asyncio.Event().wait, send=send
    )
    return entered, sent


async def test_a_limit_is_counted_in_one_step_and_says_when_one_more_may_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent, "WINDOW_S", 0.2)
    counted = MemoryRecent()

    assert [await counted.take("", "CP", "replaced", 2) for _ in range(2)] == [0.0, 0.0]
    seconds = await counted.take("", "cp", "replaced", 2)
    assert 0 < seconds <= 0.2
    await asyncio.sleep(seconds)
    assert await counted.take("", "CP", "replaced", 2) == 0.0


async def test_a_station_without_an_older_connection_never_waits(state: Any) -> None:
    for _ in range(5):
        assert await entering("CP") == (True, [])


async def test_a_client_that_leaves_while_it_waits_is_forgotten(state: Any) -> None:
    await connected(state, "CP")
    await entering("CP")
    await entering("CP")

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect"}

    assert await entering("CP", receive=receive) == (False, [])
    assert duplicates._waiting == {}


async def test_beyond_the_most_waiting_connections_the_answer_is_503(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "MAX_WAITING", 0)
    await connected(state, "CP")
    await entering("CP")
    await entering("CP")

    entered, sent = await entering("CP")

    assert (entered, sent[0]["status"]) == (False, 503)


@pytest.mark.parametrize(("answers", "is_confirmed"), [(True, True), (False, False), (None, True)])
async def test_a_probe_is_confirmed_when_the_station_answers_the_ping(
    state: Any, answers: bool | None, is_confirmed: bool
) -> None:
    prober, socket = Prober(), Socket(answers=answers)
    await state.probes.request("a")
    await state.probes.request("of another process")

    await prober.answer({"a": socket})
    await prober.answer({"a": socket})

    assert socket.pings
    assert await state.probes.is_confirmed("a") is is_confirmed
    assert not await state.probes.is_confirmed("of another process")


async def test_requests_and_confirmations_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocpp_server.live.probes.VALID_S", 0.0)
    probes = MemoryProbes()
    await probes.request("a")
    await probes.confirm("a")

    assert (await probes.requested(), await probes.is_confirmed("a")) == ([], False)


def test_a_storm_is_one_event_until_it_is_over(db: None) -> None:
    row = ChargePoint.objects.create(identity="CP")
    both = ("192.0.2.1", "192.0.2.2")

    reports = [
        connections.show_duplicate(row.pk, both, NOON + timedelta(seconds=seconds))
        for seconds in (0, 20, 100, 300)
    ]

    assert reports == [True, False, False, True]
    assert SecurityEvent.objects.filter(charge_point=row, type="DuplicateIdentity").count() == 2
    row.refresh_from_db()
    assert row.duplicate_since == NOON + timedelta(seconds=300)


def test_the_warning_goes_away_by_itself(db: None) -> None:
    row = ChargePoint.objects.create(identity="CP")
    now = datetime.now(UTC)
    connections.show_duplicate(row.pk, ("192.0.2.1", "192.0.2.2"), now)
    row.refresh_from_db()

    assert row.duplicate == {"since": now, "addresses": ["192.0.2.1", "192.0.2.2"]}
    row.duplicate_at = now - timedelta(seconds=91)
    assert row.duplicate is None
