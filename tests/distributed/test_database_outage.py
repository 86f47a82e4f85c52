"""PostgreSQL is stopped, restarted, suspended or locked, or refuses statements (F27-F32).

An outage shorter than the journal's budget only delays answers; a longer one closes the sockets. No answered
message is lost, and no station gets an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conformance.peer import Operator, eventually, station
from tests.direct.samples import ordinary
from tests.distributed.charging import Charger, charging, more_answers
from tests.distributed.engines import MIGRATED, Postgres
from tests.servers import LiveServer

pytestmark = pytest.mark.slow
SHORT_S = 2.0  # an outage within the budget
BUDGET_S = 2
POOL = 4


@pytest.fixture(scope="module")
def engine(migrated_postgres: Path) -> Iterator[Postgres]:
    """PostgreSQL for these tests alone, which stop and break it. It has a migrated database to copy."""
    engine = Postgres(copy_of=migrated_postgres, settings={"max_connections": 40})
    try:
        yield engine
    finally:
        engine.close()


class Served(LiveServer):
    """A server whose database is in the engine."""

    def __init__(self, folder: Path, engine: Postgres, name: str, **environment: Any) -> None:
        self.database_url = engine.create(name, MIGRATED)
        super().__init__(
            folder,
            DATABASE_URL=self.database_url,
            OCPP_UNKNOWN_TOKENS="accept",
            LOG_LEVEL="WARNING",
            **environment,
        )

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(sql, values).fetchall()


@pytest.fixture(scope="module")
def default_budget(engine: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the default journal budget, which is far longer than the outages."""
    server = Served(tmp_path_factory.mktemp("default_budget"), engine, "default_budget")
    server.start()
    yield server
    server.stop()
    assert "Traceback" not in server.log.read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def short_budget(engine: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with a short journal budget, a small connection pool and short database timeouts."""
    server = Served(
        tmp_path_factory.mktemp("short_budget"),
        engine,
        "short_budget",
        OCPP_JOURNAL_BUDGET=f"{BUDGET_S}s",
        DATABASE_POOL_SIZE=str(POOL),
        DATABASE_POOL_TIMEOUT="1s",
        DATABASE_STATEMENT_TIMEOUT="4s",
    )
    server.start()
    yield server
    server.stop()
    assert "Traceback" not in server.log.read_text("utf-8", "replace")


# -- outages ------------------------------------------------------------------------------------------------

CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
Outage = Callable[[Postgres, Served], AbstractContextManager[None]]


@contextmanager
def stopped(engine: Postgres, server: Served) -> Iterator[None]:
    engine.stop()
    try:
        yield
    finally:
        engine.start()


@contextmanager
def paused(engine: Postgres, server: Served) -> Iterator[None]:
    engine.pause()
    try:
        yield
    finally:
        engine.resume()


@contextmanager
def cut_off(engine: Postgres, server: Served) -> Iterator[None]:
    """A fail-over: every connection is cut, and new ones are accepted."""
    engine.run(CUT_OFF.format(server.database_url.rpartition("/")[2]))
    yield


@contextmanager
def locked(engine: Postgres, server: Served) -> Iterator[None]:
    with psycopg.connect(server.database_url) as other:
        other.execute("LOCK TABLE transactions_transaction, chargepoints_message")
        yield


@contextmanager
def read_only(engine: Postgres, server: Served) -> Iterator[None]:
    engine.run("ALTER SYSTEM SET default_transaction_read_only = on")
    engine.run("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        with psycopg.connect(f"{engine.url}/postgres", autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def crowded_out(engine: Postgres, server: Served) -> Iterator[None]:
    """Other clients take every connection, and the connections of the server are cut."""
    with ExitStack() as taken:

        def take_all() -> None:
            while True:
                try:
                    taken.enter_context(psycopg.connect(f"{engine.url}/postgres"))
                except psycopg.OperationalError:
                    return

        with psycopg.connect(f"{engine.url}/postgres", autocommit=True) as own:
            take_all()
            own.execute(CUT_OFF.format(server.database_url.rpartition("/")[2]))
            take_all()
        take_all()
        yield


def failing(errcode: str) -> Outage:
    """An outage in which the database refuses every message of a station with this SQLSTATE."""

    @contextmanager
    def fails(engine: Postgres, server: Served) -> Iterator[None]:
        with psycopg.connect(server.database_url, autocommit=True) as connection:

            def run(sql: str) -> None:
                connection.execute(sql)

            run(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '{errcode}'; END $$"
            )
            for table in ("transactions_transaction", "chargepoints_message", "chargepoints_chargepoint"):
                run(f"CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION fail()")
            try:
                yield
            finally:
                run("DROP FUNCTION fail CASCADE")

    return fails


OUTAGES = {
    "F27 stopped": stopped,
    "F27 hanging": paused,
    "F29 failed over": cut_off,
    "F30 locked": locked,
    "F30 serialization failures": failing("40001"),
    "F30 deadlocks": failing("40P01"),
    "F31 read-only": read_only,
    "F31 disk full": failing("53100"),
    "F32 no connection left": crowded_out,
}


# -- the tests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
async def test_within_the_budget_no_station_notices(
    engine: Postgres, default_budget: Served, outage: Outage
) -> None:
    async with charging(default_budget) as chargers:
        with outage(engine, default_budget):
            await asyncio.sleep(SHORT_S)  # the test is about this delay

    assert [code for charger in chargers for code in charger.closes] == []
    assert [frame for charger in chargers for frame in charger.errors] == []
    assert_stored(default_budget, chargers)
    await eventually(lambda: ready(default_budget) == (200, []))


LONG = [
    pytest.param(stopped, {"database", "journal"}, id="stopped"),
    pytest.param(paused, {"database", "journal"}, id="hanging"),
    pytest.param(locked, {"journal"}, id="locked", marks=pytest.mark.nightly),
    pytest.param(read_only, {"database", "journal"}, id="read-only", marks=pytest.mark.nightly),
    pytest.param(failing("53100"), {"journal"}, id="disk full", marks=pytest.mark.nightly),
]


@pytest.mark.parametrize(("outage", "down"), LONG)
async def test_F28_beyond_the_budget_sockets_close_and_every_message_is_repeated(
    engine: Postgres, short_budget: Served, outage: Outage, down: set[str]
) -> None:
    async with charging(short_budget) as chargers:
        with outage(engine, short_budget):
            await eventually(lambda: all(charger.closes for charger in chargers), 20)
            status, parts = await asyncio.to_thread(ready, short_budget)
            assert status == 503
            assert set(parts) & down
            if "database" in down:
                # The stations reconnect at once, and the handshake is refused with 503.
                await eventually(lambda: any(charger.refusals for charger in chargers), 20)
        await eventually(lambda: ready(short_budget) == (200, []), 20)

    assert {code for charger in chargers for code in charger.closes} == {1013}
    assert {status for charger in chargers for status in charger.refusals} <= {503}
    assert [frame for charger in chargers for frame in charger.errors] == []
    assert_stored(short_budget, chargers)


async def test_F28_an_api_request_is_answered_with_503(engine: Postgres, short_budget: Served) -> None:
    with stopped(engine, short_budget):
        status, answer = await Operator(short_budget).request("GET", "/api/v1/transactions")
        assert (status, answer["success"]) == (503, False)
        assert "database" in answer["message"]
        assert (await Operator(short_budget).request("GET", "/health"))[0] == 200


async def test_F29_the_first_request_after_a_restart_is_answered(
    engine: Postgres, default_budget: Served
) -> None:
    with ThreadPoolExecutor(POOL) as pool:  # so that the pool has several connections that go stale
        list(pool.map(lambda _: default_budget.request("GET", "/api/v1/chargepoints"), range(4 * POOL)))

    engine.stop()
    engine.start()

    with ThreadPoolExecutor(POOL) as pool:
        answers = pool.map(
            lambda _: default_budget.request("GET", "/api/v1/chargepoints")[0], range(4 * POOL)
        )
        assert set(answers) == {200}


async def test_F32_stations_charge_while_slow_reports_use_all_database_connections(
    engine: Postgres, short_budget: Served
) -> None:
    async with charging(short_budget) as chargers:
        with psycopg.connect(short_budget.database_url) as other, ThreadPoolExecutor(3 * POOL) as pool:
            other.execute("LOCK TABLE configuration_storedkey")  # only the list of stations reads it
            slow = [pool.submit(short_budget.request, "GET", "/api/v1/chargepoints") for _ in range(3 * POOL)]
            await more_answers(chargers, 10)
            # Each request gets a timeout, for a connection of the pool or for the answer of the database.
            assert {(await asyncio.wrap_future(request))[0] for request in slow} == {503}
        status, _ = await Operator(short_budget).request("GET", "/api/v1/chargepoints")

    assert status == 200
    assert [code for charger in chargers for code in charger.closes] == []


@pytest.mark.nightly
async def test_a_hundred_waiting_calls_share_a_pool_of_four(engine: Postgres, short_budget: Served) -> None:
    count = 100
    async with asyncio.TaskGroup() as tasks, ConnectedStations(short_budget, count) as peers:
        with ThreadPoolExecutor(count + 1) as pool:
            loop = asyncio.get_running_loop()
            body = {"action": "ClearCache", "payload": {}, "timeout": 60}
            asked = [
                loop.run_in_executor(
                    pool, short_budget.request, "POST", f"/api/v1/chargepoints/{peer.identity}/commands", body
                )
                for peer in peers
            ]
            calls = await asyncio.gather(*(peer.next_call(40) for peer in peers))
            # All these calls wait now, and the server still serves other requests.
            status, _ = await loop.run_in_executor(pool, short_budget.request, "GET", "/api/v1/transactions")
            for peer, call in zip(peers, calls, strict=True):
                tasks.create_task(peer.answer(call, {"status": "Accepted"}))
            answers = await asyncio.gather(*asked)

    assert status == 200
    assert [answer[0] for answer in answers] == [200] * count
    assert {answer[1]["data"]["clientId"] for answer in answers} == {peer.identity for peer in peers}


class ConnectedStations:
    """A context with this many connected stations."""

    def __init__(self, server: LiveServer, count: int) -> None:
        self._opened = [station(server) for _ in range(count)]

    async def __aenter__(self) -> list[Any]:
        return [await opened.__aenter__() for opened in self._opened]

    async def __aexit__(self, *error: Any) -> None:
        for opened in self._opened:
            await opened.__aexit__(None, None, None)


# -- checks -------------------------------------------------------------------------------------------------


def ready(server: LiveServer) -> tuple[int, list[str]]:
    """The status of the readiness probe and the parts that are down.

    The server looks up the API key first, so without a database the answer has no parts.
    """
    status, answer = server.request("GET", "/health/ready")
    if "parts" not in answer["data"]:
        assert "database" in answer["message"]
        return status, ["database"]
    return status, [name for name, part in answer["data"]["parts"].items() if not part["ok"]]


def assert_stored(server: Served, chargers: list[Charger]) -> None:
    """Check that every session is stored once with its meters and its one reading, despite repetitions."""
    for charger in chargers:
        stored = server.rows(
            "SELECT t.id, t.meter_start_wh::int, t.meter_stop_wh::int, t.status,"
            " ARRAY(SELECT m.samples FROM transactions_reading m WHERE m.transaction_id = t.id)"
            " FROM transactions_transaction t"
            " JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id WHERE c.identity = %s"
            " ORDER BY t.id",
            charger.identity,
        )
        counted = [(*row, len(ordinary({"samples": one} for one in texts))) for *row, texts in stored]
        assert counted == [(*session, "ended", 1) for session in charger.sessions], charger.identity
