"""A call to Redis fails while a message is handled: Redis ends with what the database has.

The n-th call fails, for n = 1, 2, ... until none is left. When Redis is back, its running transactions, lease
and numbers, and the copy of another process, are those of the stored rows; the message sent again has its
effect once.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ocpp_server import live
from ocpp_server.live import extensions
from ocpp_server.live.records import Connection
from ocpp_server.live.redis.publisher import Running
from ocpp_server.live.redis.state import RedisState
from ocpp_server.storage.journal import journal
from tests.direct.wire import Wire
from tests.distributed.engines import Redis
from tests.distributed.redis_calls import Fault, RedisCalls
from tests.unit.live.unit_of_work.cases import Case, Rows, without
from tests.unit.live.unit_of_work.comparing import FIRST_NUMBER
from tests.unit.live.unit_of_work.injecting import Database, Failure
from tests.unit.live.unit_of_work.messages import IN_EVERY_RUN

pytestmark = pytest.mark.django_db(transaction=True)
# Messages that begin and end what other processes know of the station.
PUBLISHED = ("16-Start-supersedes", "16-Stop", "2x-Started")


class SharedCase(Case):
    """The station's process shares its live state with another process."""

    async def begin(self) -> Wire:
        await self.stop()
        self.snapshot.restore()
        live.reset()
        self.settings.REDIS_STATE_PREFIX = f"t{uuid.uuid4().hex[:8]}"
        self.other = RedisState()
        return await self.connect()

    async def connect(self) -> Wire:
        self.state = live.state()
        last_number, active = await journal.run(extensions.transactions.app.load_running)
        for state in (self.state, self.other):
            state.rebuild(last_number=max(last_number, FIRST_NUMBER), active=active)
            await state.start()
            await asyncio.gather(*state._tasks)  # fills the empty Redis
        self.redis = RedisCalls(self.state._link)
        await self.take_lease("c")
        return await super().reconnect()

    async def reconnect(self) -> Wire:
        await self.state.disconnect("CP-1", "c")
        await self.take_lease("d")
        return await super().reconnect()

    async def take_lease(self, connection_id: str) -> None:
        self.held = connection_id
        await self.state.connect(
            Connection(
                id=connection_id,
                identity="CP-1",
                version=self.version,
                channel="process.test",
                remote_address="192.0.2.7",
                connected_at=datetime.now(UTC),
            )
        )

    async def stop(self) -> None:
        for state in (self.state, self.other):
            await state.stop()

    async def rows(self) -> Rows:
        # The number in the database is a copy of the one in Redis, which a job makes.
        return without(await super().rows(), ("Counter",))

    async def assert_redis_has_what_is_stored(self, place: str) -> None:
        """After the next tick: the running transactions, the lease, the numbers, and the other process."""
        await self.state._tick()
        await self.state._publisher.settled()
        _, active = await journal.run(extensions.transactions.app.load_running)
        wanted = {one.id: shown(Running.of(one)) for one in active}
        client, keys = self.state._link.redis, self.state._keys
        texts = await client.hgetall(keys.transactions)
        found = {
            int(number): shown(msgspec.json.decode(text, type=Running)) for number, text in texts.items()
        }
        assert found == wanted, place
        lease = await self.state.connection("CP-1")
        assert lease is not None and lease.id == self.held, place
        last = await client.get(keys.numbers)
        assert last is None or int(last) >= max(wanted, default=0), place
        # Other processes only need to know who is charging.
        with_token = {number for number, running in wanted.items() if running["token_key"]}
        deadline = time.monotonic() + 5
        while (seen := seen_by(self.other)) != with_token and time.monotonic() < deadline:
            await asyncio.sleep(0.005)  # poll: the news are on their way
        assert seen == with_token, place


def shown(running: Running) -> dict[str, Any]:
    """Fields that decide whether a transaction counts for its token. Energy and times are published later."""
    names = ("id", "station", "evse", "connector", "token_key", "group_id", "authorization_status")
    return {name: getattr(running, name) for name in names} | {"suspect": len(running.suspect_reasons)}


def seen_by(state: RedisState) -> set[int]:
    return {number for some in state._running.values() for number in some}


@pytest.fixture
async def case(
    redis: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[SharedCase]:
    monkeypatch.setattr("ocpp_server.live.redis.state.NOTICED_S", 0.0)  # no other process is slow here
    monkeypatch.setattr("ocpp_server.live.redis.numbers.RETRY_S", 0.0)
    monkeypatch.setattr("ocpp_server.storage.journal.RETRY_S", (0.0,))
    settings.REDIS_DISTRIBUTED_STATE = True
    redis.use(settings)
    settings.REDIS_STATE_PREFIX = f"t{uuid.uuid4().hex[:8]}"
    database = Database()
    database.install(monkeypatch)
    journal.start()
    live.reset()
    made = SharedCase(request.param, settings, database)
    made.other = RedisState()
    await made.prepare()
    yield made
    settings.OCPP_JOURNAL_BUDGET = 5.0
    await made.stop()
    await journal.stop()
    live.reset()
    made.snapshot.close()


async def fail_each_call(case: SharedCase, fault: Fault) -> None:
    for number in range(1, 100):
        wire = await case.begin()
        case.settings.OCPP_JOURNAL_BUDGET = 0.0 if fault in (Fault.AWAY, Fault.LOST) else 5.0
        with case.redis.failing(number, fault):
            await case.send(wire)
            await case.state._publisher.settled()
        case.settings.OCPP_JOURNAL_BUDGET = 5.0
        if not case.redis.place:
            return
        place = f"{fault.value} at call {number}: {case.redis.place}"
        if not wire.closed:
            await case.assert_redis_has_what_is_stored(place)
        await case.check(wire, place)
        await case.assert_redis_has_what_is_stored(place)
    pytest.fail("the message never got through")


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("case", PUBLISHED, indirect=True)
async def test_a_failing_call_of_redis_leaves_there_what_the_database_has(
    case: SharedCase, fault: Fault
) -> None:
    await fail_each_call(case, fault)


@pytest.mark.soak
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("case", [name for name in IN_EVERY_RUN if name not in PUBLISHED], indirect=True)
async def test_a_failing_call_of_redis_in_any_other_message(case: SharedCase, fault: Fault) -> None:
    await fail_each_call(case, fault)


@pytest.mark.parametrize("failure", [Failure.AWAY, Failure.REFUSED])
@pytest.mark.parametrize("case", PUBLISHED, indirect=True)
async def test_what_is_not_committed_is_not_published(case: SharedCase, failure: Failure) -> None:
    """Everything is published again, as after an outage of Redis, while the message is being written."""
    loop = asyncio.get_running_loop()

    async def publish() -> None:
        case.state._publisher.repeat()
        await case.state._publisher.settled()

    case.database.meanwhile = lambda: asyncio.run_coroutine_threadsafe(publish(), loop).result(30)
    for number in range(1, 100):
        wire = await case.begin()
        case.settings.OCPP_JOURNAL_BUDGET = 0.0 if failure is Failure.AWAY else 5.0
        with case.database.failing(number, failure):
            await case.send(wire)
        case.settings.OCPP_JOURNAL_BUDGET = 5.0
        if not case.database.place:
            return
        place = f"{failure.value} at call {number}: {case.database.place}"
        if wire.closed:
            await case.state._publisher.settled()
            _, active = await journal.run(extensions.transactions.app.load_running)
            numbers = await case.state._running_hash.numbers()
            assert numbers == {one.id for one in active}, place
        else:
            await case.assert_redis_has_what_is_stored(place)
    pytest.fail("the message never got through")
