"""The job that keeps the hours: in the background, beside the journal, in short steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

import structlog
from django.db import Error

from aggregates.models import Outage
from aggregates.services import counting, following, outages
from ocpp_server.process.scheduler import TRIM, Job, Step
from ocpp_server.storage import background, database, retention

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

COUNT_HOURS: Final = Job("count_hours", every=15.0)
# A run counts for this long; the next run continues.
LONGEST_RUN_S: Final = 10.0
# Stations in one step of the comparison.
COMPARED_AT_ONCE: Final = 200
MARKED_AT_ONCE: Final = 500
# Other programs use the processor and the database too.
PAUSE_S: Final = 0.01


class Waits(Exception):
    """The database is away, or a table is locked: the next run tries again."""


async def count_hours() -> None:
    """Follow events and sessions, and count the hours of the stations that they concern."""
    try:
        while await _run(outages.follow, _now()):
            await asyncio.sleep(PAUSE_S)
        await _compare()
        await _run(following.mark_changed, _now())
        await _run(following.mark_running, _now())
        await _count()
    except Waits as reason:
        log.info("aggregates.waits", reason=str(reason))
    finally:
        await background.release()


async def _compare() -> None:
    now = _now()
    stations = await _run(outages.due, now)
    if not stations:
        return
    for start in range(0, len(stations), COMPARED_AT_ONCE):
        await _run(outages.compare, stations[start : start + COMPARED_AT_ONCE], now)
        await asyncio.sleep(PAUSE_S)
    await _run(outages.compared, now)


async def _count() -> None:
    until = time.monotonic() + LONGEST_RUN_S
    for station in await _run(counting.marked, MARKED_AT_ONCE):
        try:
            while await _run(counting.count, station, _now()):
                await asyncio.sleep(PAUSE_S)
        except Waits as reason:
            # It may be this station alone that takes too long.
            await _run(counting.postpone, station, _now())
            raise Waits(f"Station {station}: {reason}") from reason
        except Exception:
            # The other stations must not wait for this one.
            log.exception("aggregates.not_counted", station=station)
            await _run(counting.postpone, station, _now())
        if time.monotonic() > until:
            return
        await asyncio.sleep(PAUSE_S)


async def _run(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await background.run(function, *args, **kwargs)
    except Error as error:
        if database.is_away(error):
            raise Waits(str(error).strip()) from error
        raise


def _now() -> datetime:
    return datetime.now(UTC)


async def trim_outages() -> None:
    """Keep the newest outages of each station: one that flaps could fill the table."""
    try:
        await _run(retention.keep_newest, Outage)
    except Waits as reason:
        log.info("aggregates.waits", reason=str(reason))
    finally:
        await background.release()


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (COUNT_HOURS, count_hours),
    (TRIM, trim_outages),
)
