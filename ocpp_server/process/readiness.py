"""The readiness checks of a process: the database, the journal, the disk, Redis and the queue.

A check takes TIMEOUT_S at most, and while one hangs it is not started a second time.
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
# SQLite needs space for its write-ahead log; without it no message can be stored.
MIN_FREE_BYTES: Final = 100 * 1024**2
# The stations of a processor that died return to the queue after ten seconds. When a message waits this long,
# no processor reads the queue.
UNREAD_S: Final = 60.0


async def _within(future: Future[T]) -> T:
    """The result of a check. Raises TimeoutError, without cancelling the check."""
    result = asyncio.wrap_future(future)
    # Retrieve the exception of a check that fails after the timeout, or asyncio would log it.
    result.add_done_callback(lambda done: done.cancelled() or done.exception())
    async with asyncio.timeout(TIMEOUT_S):
        return await asyncio.shield(result)


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
    """Whether all migrations were applied, kept for the life of the process: its code does not change."""

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
    """The job with which the journal is checked: while it is pending, no second one is submitted."""

    job: asyncio.Future[None] | None = None


def _no_op() -> None:
    """The function of the journal check: when it was run, the writer thread works."""


async def _journal() -> Part:
    figures = {"depth": journal.depth, "batches": journal.batches, "committed": journal.committed}
    job = _Probe.job
    try:
        if job is None or job.done() or job.get_loop() is not asyncio.get_running_loop():
            job = _Probe.job = journal.run(_no_op)
            job.add_done_callback(lambda done: done.cancelled() or done.exception())
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.shield(job)
    except TimeoutError:
        down = journal.down_since
        since = f" for {time.monotonic() - down:.0f} s" if down is not None else ""
        return part(False, f"The journal waits for the database{since}.", **figures)
    except (StorageUnavailable, DatabaseError) as error:
        return part(False, f"The journal can't write ({_first_line(error)}).", **figures)
    if (down := journal.down_since) is not None:
        # The writer thread works, but messages of stations failed shortly before: a full disk, a locked
        # table.
        silent_s = time.monotonic() - down
        return part(False, f"The journal has written nothing for {silent_s:.0f} s.", **figures)
    return part(True, "Everything is written.", **figures)


# -- the disk ---------------------------------------------------------------------------------------


def disk_space(free_bytes: int) -> Part:
    """The part for the disk: whether the free space is enough for the SQLite file to grow."""
    return part(
        free_bytes >= MIN_FREE_BYTES,
        f"{free_bytes // 1024**2} MiB are free in DATA_DIR, {MIN_FREE_BYTES // 1024**2} MiB are needed.",
        freeBytes=free_bytes,
    )


_DISK = SingleFlight(lambda: shutil.disk_usage(settings.DATA_DIR).free, name="readiness-disk")


async def _disk() -> Part:
    try:
        return disk_space(await _within(_DISK.begin()))
    except (OSError, TimeoutError) as error:
        return part(False, f"DATA_DIR can't be read ({_first_line(error)}).")


# -- shared services --------------------------------------------------------------------------------


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
    """Register the checks; called by the engine's `AppConfig.ready`."""
    readiness.register("database", _database)
    readiness.register("journal", _journal)
    readiness.register("channelLayer", _channel_layer)
    readiness.register("disk", _disk, when=lambda: connection.vendor == "sqlite")
    readiness.register("queue", _queue, when=lambda: settings.REDIS_DISTRIBUTED_STATE)
    readiness.register("redis", _redis, when=lambda: live.state().is_shared)
