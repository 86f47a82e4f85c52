"""What a process needs to serve stations, each part with whether it works. No question is waited for longer
than PATIENCE_S, and one that hangs is not asked a second time.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from redis.exceptions import RedisError

from ocpp_server import live
from ocpp_server.observability.single_flight import Patient
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage import database
from ocpp_server.storage.journal import journal

T = TypeVar("T")
Part = dict[str, Any]  # {"ok", "detail", ...}: what the REST API shows

PATIENCE_S: Final = 2.0
# SQLite needs room for its write-ahead log, or every message is refused.
MIN_FREE_BYTES: Final = 100 * 1024**2
# A processor that died gives a station back after ten seconds; what waits this long, nobody reads.
UNREAD_S: Final = 60.0


async def parts() -> dict[str, Part]:
    """Every part of this process by name. Takes PATIENCE_S at most."""
    from ocpp_server.transport.switchboard import switchboard

    asked: dict[str, Awaitable[Part]] = {
        "database": _database(),
        "journal": _journal(),
        "channelLayer": _channel_layer(switchboard.echo),
    }
    if connection.vendor == "sqlite":
        asked["disk"] = _disk()
    if settings.REDIS_DISTRIBUTED_STATE:
        asked["queue"] = _queue()
    shared, *answers = await asyncio.gather(live.state().status(), *asked.values())
    found = dict(zip(asked, answers, strict=True))
    return found | {name: dict(part) for name, part in shared.items()}


def _part(is_ok: bool, detail: str, **more: Any) -> Part:
    return {"ok": is_ok, "detail": detail, **more}


async def _within(future: Future[T]) -> T:
    """The answer, or TimeoutError; a question that hangs goes on alone."""
    asked = asyncio.wrap_future(future)
    # Nobody may be there any more when it fails.
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.wait_for(asyncio.shield(asked), PATIENCE_S)


# -- the database -----------------------------------------------------------------------------------


async def _database() -> Part:
    try:
        missing = await _within(_DATABASE.begin())
    except TimeoutError:
        return _part(False, f"The database does not answer within {PATIENCE_S:g} s.")
    except DatabaseError as error:
        return _part(False, f"The database can't be used ({_first_line(error)}).")
    if missing:
        return _part(
            False, f"The database lacks {len(missing)} migrations of this version.", migrations=missing[:20]
        )
    return _part(True, "The database answers.")


class _Migrated:
    """A process does not change its code: what was complete once stays so."""

    is_complete = False


def _ask_database() -> list[str]:
    """The migrations that are missing. Raises DatabaseError."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        database.ask()
        if _Migrated.is_complete:
            return []
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        _Migrated.is_complete = not plan
        return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
    finally:
        connection.close()


_DATABASE = Patient(_ask_database, name="readiness-database")


# -- the journal ------------------------------------------------------------------------------------


class _Asked:
    """The question the journal has not answered yet: while it is stuck, it gets no second one."""

    journal: asyncio.Future[None] | None = None


def _nothing() -> None:
    """A job of the journal that only shows that the writer works."""


async def _journal() -> Part:
    figures = {"depth": journal.depth, "batches": journal.batches, "committed": journal.committed}
    waits = _Asked.journal
    try:
        if waits is None or waits.done() or waits.get_loop() is not asyncio.get_running_loop():
            waits = _Asked.journal = journal.run(_nothing)
            waits.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait_for(asyncio.shield(waits), PATIENCE_S)
    except TimeoutError:
        down = journal.down_since
        since = f" for {time.monotonic() - down:.0f} s" if down is not None else ""
        return _part(False, f"The journal waits for the database{since}.", **figures)
    except (StorageUnavailable, DatabaseError) as error:
        return _part(False, f"The journal can't write ({_first_line(error)}).", **figures)
    if (down := journal.down_since) is not None:
        # It answers, and messages of stations failed a moment ago: a full disk, a table that is locked.
        silent_s = time.monotonic() - down
        return _part(False, f"The journal has written nothing for {silent_s:.0f} s.", **figures)
    return _part(True, "Everything is written.", **figures)


# -- the disk ---------------------------------------------------------------------------------------


def room(free_bytes: int) -> Part:
    """Whether so much is enough for the SQLite file to grow."""
    return _part(
        free_bytes >= MIN_FREE_BYTES,
        f"{free_bytes // 1024**2} MiB are free in DATA_DIR, {MIN_FREE_BYTES // 1024**2} MiB are needed.",
        freeBytes=free_bytes,
    )


_DISK = Patient(lambda: shutil.disk_usage(settings.DATA_DIR).free, name="readiness-disk")


async def _disk() -> Part:
    try:
        return room(await _within(_DISK.begin()))
    except (OSError, TimeoutError) as error:
        return _part(False, f"DATA_DIR can't be read ({_first_line(error)}).")


# -- what the processes share -----------------------------------------------------------------------


async def _channel_layer(echo: Callable[[], Awaitable[None]]) -> Part:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await echo()
    except (live.LiveStateUnavailable, TimeoutError) as error:
        return _part(False, f"Messages between the processes do not arrive ({_first_line(error)}).")
    return _part(True, "Messages between the processes arrive.")


async def _queue() -> Part:
    try:
        depth = await _within(_QUEUE.begin())
    except TimeoutError:
        return _part(False, f"The queue does not answer within {PATIENCE_S:g} s.")
    except (RedisError, OSError) as error:
        return _part(False, f"The queue can't be read ({_first_line(error)}).")
    figures = {
        "messages": depth.messages,
        "oldestSeconds": round(depth.oldest_s, 1),
        "gateways": depth.gateways,
        "processors": depth.processors,
        "deadLetters": depth.dead,
    }
    if depth.oldest_s > UNREAD_S:
        return _part(False, f"Nobody reads: a message waits since {depth.oldest_s:.0f} s.", **figures)
    return _part(True, f"{depth.messages} messages are unread.", **figures)


def _look() -> Any:
    from ocpp_server.transport.queue.depth import look

    return look(within=PATIENCE_S / 2)


_QUEUE = Patient(_look, name="readiness-queue")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
