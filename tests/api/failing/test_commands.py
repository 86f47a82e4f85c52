"""A step of a command over REST fails: one Idempotency-Key reaches the station at most once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from accounts.models import IdempotentRequest, User
from accounts.services import api_keys
from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.live.records import Connection
from ocpp_server.process import engine
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.presence import load_connected
from ocpp_server.transport.switchboard import switchboard
from tests.unit.live.unit_of_work.injecting import Database, Failure

pytestmark = pytest.mark.django_db(transaction=True)
VERSION = "ocpp1.6"


class OnlineStation:
    """A connected station without a socket. It accepts every command, unless it `hangs_up` instead."""

    def __init__(self) -> None:
        self.commands: list[list[Any]] = []
        self.hangs_up = False
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, pk: int) -> None:
        await live.state().connect(
            Connection(
                id="c",
                identity="CP-1",
                version=VERSION,
                channel=switchboard.channel,
                remote_address="192.0.2.7",
                connected_at=datetime.now(UTC),
            )
        )
        station = await load_connected(pk, version=VERSION, connection_id="c")
        self.connection = StationConnection(
            station, send=self._send, close=self._close, finished=switchboard.finished
        )
        switchboard.connections["c"] = self.connection
        await self.connection.received('[2,"m1","Heartbeat",{}]')

    async def leave(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        switchboard.connections.pop("c", None)
        await self.connection.closed()

    async def _send(self, text: str) -> None:
        frame = orjson.loads(text)
        if frame[0] == 2:
            self.commands.append(frame)
            answer = orjson.dumps([3, frame[1], {"status": "Accepted"}]).decode()
            reaction = self.connection.closed() if self.hangs_up else self.connection.received(answer)
            self._tasks.append(asyncio.create_task(reaction))

    async def _close(self, code: int, reason: str) -> None: ...


@pytest.fixture
async def database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    made = Database(thread="")
    made.install(monkeypatch)
    monkeypatch.setattr("ocpp_server.storage.journal.RETRY_S", (0.0,))
    # The pause that leaves a station time after its first message.
    monkeypatch.setattr("ocpp_server.transport.command_queue.SETTLE_S", 0.0)
    # A command whose answer the database does not take is waited for until its timeout.
    settings.OCPP_CALL_TIMEOUT = 1.0
    monkeypatch.setattr("ocpp_server.transport.calls._GRACE_S", 0.1)
    await engine.start(serves=False)
    yield made
    settings.OCPP_JOURNAL_BUDGET = 5.0
    await engine.stop()


@pytest.fixture
async def pk(database: Database) -> int:
    station = await ChargePoint.objects.acreate(
        identity="CP-1",
        registration_status="Accepted",
        ocpp_version=VERSION,
        last_boot_at=datetime.now(UTC),
    )
    return station.pk


@pytest.fixture
async def station(pk: int) -> AsyncIterator[OnlineStation]:
    made = OnlineStation()
    await made.connect(pk)
    yield made
    await made.leave()


@pytest.fixture
async def post(pk: int) -> Any:
    _, key = await sync_to_async(api_keys.create)(name="operator", role=User.Role.OPERATOR)
    client = AsyncClient()

    async def send(path: str, body: Any, idempotency_key: str) -> Any:
        return await client.post(
            f"/api/v1/chargepoints/CP-1/{path}",
            data=orjson.dumps(body).decode(),
            content_type="application/json",
            headers={"Authorization": f"Api-Key {key}", "Idempotency-Key": idempotency_key},
        )

    return send


async def test_a_503_after_the_command_was_sent_keeps_the_key_and_the_retry_sends_nothing(
    station: OnlineStation, post: Any
) -> None:
    station.hangs_up = True
    first = await post("unlock", {"connectorId": 1}, "k1")

    again = await post("unlock", {"connectorId": 1}, "k1")

    assert first.status_code == again.status_code == 503
    assert again.json() == first.json()
    assert [frame[1] for frame in station.commands] == [first.json()["data"]["requestId"]]


@pytest.mark.parametrize(
    ("thread", "failure", "of_a_sent_command"),
    [
        # The database takes nothing more: the first answer cannot be stored either, unless only the entry of
        # the audit log is left.
        ("", Failure.AWAY, {(200, 1, 200), (200, 1, 409), (503, 1, 409)}),
        # The journal tries again by itself; the request does not.
        ("", Failure.ONCE, {(200, 1, 200), (200, 1, 409)}),
        # Only the journal's connection is lost: the key is kept with the answer.
        ("journal", Failure.AWAY, {(503, 1, 503)}),
    ],
)
async def test_each_step_that_fails_sends_the_command_at_most_once_for_one_key(  # noqa: PLR0917 - fixtures
    pk: int,
    post: Any,
    database: Database,
    settings: Any,
    thread: str,
    failure: Failure,
    of_a_sent_command: set[tuple[int, int, int]],
) -> None:
    """A request that failed before the command was sent may be repeated; one that failed later says so."""
    outcomes = set()
    database.thread = thread
    for number in range(1, 200):
        station = OnlineStation()
        await station.connect(pk)
        settings.OCPP_JOURNAL_BUDGET = 0.0 if failure is Failure.AWAY else 5.0
        with database.failing(number, failure):
            first = await post("unlock", {"connectorId": 1}, f"k{number}")
        settings.OCPP_JOURNAL_BUDGET = 5.0
        place = f"call {number}: {database.place}"
        sent_before = len(station.commands)
        again = await post("unlock", {"connectorId": 1}, f"k{number}")
        await station.leave()
        if not database.place:
            break

        outcomes.add((first.status_code, sent_before, again.status_code))
        # 409: the database took neither the answer nor the end of the first request.
        assert len(station.commands) == 1 or again.status_code == 409, place
        if first.status_code != 200:
            assert (first.status_code, first.json()["data"]["code"]) == (503, "database-away"), place
            assert ("requestId" in first.json()["data"]) == bool(sent_before), place
        await IdempotentRequest.objects.all().adelete()
    else:
        pytest.fail("the command never got through")
    of_this_run = {outcome for outcome in outcomes if outcome[1]}
    assert of_this_run and of_this_run <= of_a_sent_command
    assert (503, 0, 200) in outcomes or failure is Failure.ONCE
