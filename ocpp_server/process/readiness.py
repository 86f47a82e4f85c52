"""The parts that a process needs to serve stations, and whether each works.

A probe takes TIMEOUT_S at most, and one that hangs is not started a second time.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from concurrent.futures import Future
from typing import Final, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from ocpp_server import live
from ocpp_server.observability import readiness
from ocpp_server.observability.readiness import Part, part
from ocpp_server.observability.single_flight import SingleFlight
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage import database
from ocpp_server.storage.journal import journal
from ocpp_server.transport.queue.depth import Depth, read_depth
from ocpp_server.transport.switchboard import switchboard

T = TypeVar("T")

TIMEOUT_S: Final = 2.0
# SQLite needs room for its write-ahead log, or every message is refused.
MIN_FREE_BYTES: Final = 100 * 1024**2
# The stations of a processor that died return to the queue after ten seconds. When a message waits this long,
# no processor reads.
UNREAD_S: Final = 60.0


async def _within(future: Future[T]) -> T:
    """The result. Raises TimeoutError, and leaves a probe that hangs to itself."""
    result = asyncio.wrap_future(future)
    # The caller may have left when it fails: its exception counts as retrieved.
    result.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.wait_for(asyncio.shield(result), TIMEOUT_S)


# -- the database -----------------------------------------------------------------------------------


async def _database() -> Part:
    try:
        missing = await _within(_DATABASE.begin())
    except TimeoutError:
        return part(False, f"The database does not answer within {TIMEOUT_S:g} s.")
    except DatabaseError as error:
        return part(False, f"The database can't be used ({_first_line(error)}).")
    if missing:
        return part(
            False, f"The database lacks {len(missing)} migrations of this version.", migrations=missing[:20]
        )
    return part(True, "The database answers.")


class _Migrated:
    """Once all migrations were applied they stay so: a process does not change its code."""

    is_complete = False


def _missing_migrations() -> list[str]:
    """The migrations of this version that the database lacks. Raises DatabaseError."""
    try:
        database.check_writable()
        if _Migrated.is_complete:
            return []
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        _Migrated.is_complete = not plan
        return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    finally:
        connection.close()


_DATABASE = SingleFlight(_missing_migrations, name="readiness-database")


# -- the journal ------------------------------------------------------------------------------------


class _Probe:
    """The job that the journal has not done yet: while the journal is stuck, it gets no second one."""

    job: asyncio.Future[None] | None = None


def _nothing() -> None:
    """A job of the journal: when it is done, the writer works."""


async def _journal() -> Part:
    figures = {"depth": journal.depth, "batches": journal.batches, "committed": journal.committed}
    waits = _Probe.job
    try:
        if waits is None or waits.done() or waits.get_loop() is not asyncio.get_running_loop():
            waits = _Probe.job = journal.run(_nothing)
            waits.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait_for(asyncio.shield(waits), TIMEOUT_S)
    except TimeoutError:
        down = journal.down_since
        since = f" for {time.monotonic() - down:.0f} s" if down is not None else ""
        return part(False, f"The journal waits for the database{since}.", **figures)
    except (StorageUnavailable, DatabaseError) as error:
        return part(False, f"The journal can't write ({_first_line(error)}).", **figures)
    if (down := journal.down_since) is not None:
        # The writer works, and messages of stations failed a moment ago: a full disk, a locked table.
        silent_s = time.monotonic() - down
        return part(False, f"The journal has written nothing for {silent_s:.0f} s.", **figures)
    return part(True, "Everything is written.", **figures)


# -- the disk ---------------------------------------------------------------------------------------


def room(free_bytes: int) -> Part:
    """Whether this is enough for the SQLite file to grow."""
    return part(
        free_bytes >= MIN_FREE_BYTES,
        f"{free_bytes // 1024**2} MiB are free in DATA_DIR, {MIN_FREE_BYTES // 1024**2} MiB are needed.",
        freeBytes=free_bytes,
    )


_DISK = SingleFlight(lambda: shutil.disk_usage(settings.DATA_DIR).free, name="readiness-disk")


async def _disk() -> Part:
    try:
        return room(await _within(_DISK.begin()))
    except (OSError, TimeoutError) as error:
        return part(False, f"DATA_DIR can't be read ({_first_line(error)}).")


# -- shared by the processes -----------------------------------------------------------------------


async def _channel_layer() -> Part:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await switchboard.echo()
    except (live.LiveStateUnavailable, TimeoutError) as error:
        return part(False, f"Messages between the processes do not arrive ({_first_line(error)}).")
    return part(True, "Messages between the processes arrive.")


async def _queue() -> Part:
    try:
        depth = await _within(_QUEUE.begin())
    except TimeoutError:
        return part(False, f"The queue does not answer within {TIMEOUT_S:g} s.")
    except (RedisError, OSError) as error:
        return part(False, f"The queue can't be read ({_first_line(error)}).")
    figures = {
        "messages": depth.messages,
        "oldestSeconds": round(depth.oldest_s, 1),
        "gateways": depth.gateways,
        "processors": depth.processors,
        "deadLetters": depth.dead,
    }
    if depth.oldest_s > UNREAD_S:
        return part(False, f"No processor reads: a message has waited for {depth.oldest_s:.0f} s.", **figures)
    return part(True, f"{depth.messages} messages are unread.", **figures)


def _depth() -> Depth:
    return read_depth(within=TIMEOUT_S / 2)


_QUEUE = SingleFlight(_depth, name="readiness-queue")


async def _redis() -> Part:
    return (await live.state().status())["redis"]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def register() -> None:
    """Register the parts; from the engine's `AppConfig.ready`."""
    readiness.register("database", _database)
    readiness.register("journal", _journal)
    readiness.register("channelLayer", _channel_layer)
    readiness.register("disk", _disk, when=lambda: connection.vendor == "sqlite")
    readiness.register("queue", _queue, when=lambda: settings.REDIS_DISTRIBUTED_STATE)
    readiness.register("redis", _redis, when=lambda: live.state().is_shared)
