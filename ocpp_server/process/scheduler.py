"""Jobs: what happens without a message, such as deadlines, expiries and retention.

This module only repeats them. The apps and the rooms of the engine register what a job does, in their
`jobs.py`: a job has one name, by which metrics and logs know it, and one or more steps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog
from django.conf import settings

from ocpp_server import live
from ocpp_server.environment import roles
from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import JournalUnavailable, journal

log = structlog.get_logger(__name__)

Step = Callable[[], Awaitable[None]]


class Job:
    """Steps that are repeated under one name, every so many seconds.

    `everywhere`: every process does it for the stations it holds; without it only the elected housekeeper
    does. `at_end`: it is done once more when the process stops. `when`: whether there is anything to do with
    these settings.
    """

    def __init__(
        self,
        name: str,
        *,
        every: float | Callable[[], float],
        everywhere: bool = False,
        at_end: bool = False,
        when: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.every = every
        self.everywhere = everywhere
        self.at_end = at_end
        self.when = when
        self.steps: list[Step] = []

    @property
    def seconds(self) -> float:
        return self.every() if callable(self.every) else self.every

    async def run(self) -> None:
        """Run every step: one that fails does not keep the others from running.

        Raises StorageUnavailable at once, because the other steps would wait for the same database; any other
        failure after the last step.
        """
        failures: list[Exception] = []
        for step in self.steps:
            try:
                await step()
            except StorageUnavailable:
                raise
            except Exception as error:
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise ExceptionGroup(f"{len(failures)} steps of {self.name} failed.", failures)


def _grace_quarter() -> float:
    return min(60.0, max(1.0, float(settings.OCPP_INTERRUPTED_GRACE) / 4))


def _is_shared() -> bool:
    return live.state().is_shared


# Write what is kept in memory to the database, so that people see it.
MIRROR: Final = Job("mirror", every=2.0, everywhere=True, at_end=True)
# End what has passed its deadline.
EXPIRE: Final = Job("expire", every=5.0)
ASK_FOR_MISSING_EVENTS: Final = Job("ask_for_missing_events", every=5.0, everywhere=True)
# Mark transactions that contradict what their connector reports.
DOUBT: Final = Job("doubt", every=60.0, everywhere=True)
# Close abandoned transactions; delete what is older than its retention.
SWEEP: Final = Job("sweep", every=60.0)
# End transactions that a restart or a refusal left open.
END_FORSAKEN: Final = Job("end_forsaken", every=_grace_quarter)
# Keep the newest rows of what a station can write without end (S11).
TRIM: Final = Job("trim", every=3600.0)
# Show stations whose process has died as offline. Only where several processes share the live state.
END_DEAD_CONNECTIONS: Final = Job("bury", every=lambda: settings.REDIS_STATE_TTL / 3, when=_is_shared)
# Compare the shared live state with the database.
RECONCILE: Final = Job("reconcile", every=60.0, when=_is_shared)

_JOBS: Final = (
    MIRROR,
    EXPIRE,
    ASK_FOR_MISSING_EVENTS,
    DOUBT,
    SWEEP,
    END_FORSAKEN,
    TRIM,
    END_DEAD_CONNECTIONS,
    RECONCILE,
)
_recoveries: list[Callable[[], None]] = []
_tasks: list[asyncio.Task[None]] = []


def register(steps: Iterable[tuple[Job, Step]]) -> None:
    """Add steps to jobs; from `AppConfig.ready`."""
    for job, step in steps:
        job.steps.append(step)


def register_recovery(function: Callable[[], None]) -> None:
    """Add a function that an embedded server runs in the database before it serves; from `AppConfig.ready`.

    It cleans up after a process that was killed. Where processes share the live state, the job `bury` does.
    """
    _recoveries.append(function)


def recover() -> None:
    """Run the recoveries; in the journal."""
    for function in _recoveries:
        function()


def in_journal(function: Callable[[], None]) -> Step:
    """A step that runs a function in the journal's thread and transaction."""

    async def step() -> None:
        await journal.run(function)

    return step


def start() -> None:
    """Repeat all jobs in this event loop, and stand for election as housekeeper."""
    live.state().stand_for_election(is_first=roles.current() is roles.Role.HOUSEKEEPING)
    loop = asyncio.get_running_loop()
    _tasks.extend(loop.create_task(_repeat(job)) for job in _JOBS if job.when())


async def stop() -> None:
    """End the repetitions, and do once more what is done at the end."""
    for task in _tasks:
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)
    _tasks.clear()
    for job in _JOBS:
        if job.at_end:
            try:
                await job.run()
            except JournalUnavailable:
                log.warning("housekeeping.database_away", job=job.name)


async def _repeat(job: Job) -> None:
    every = job.seconds
    while True:
        await asyncio.sleep(every)
        if not job.everywhere and not live.state().is_housekeeper:
            continue
        result, started = "failed", time.perf_counter()
        try:
            await job.run()
            result = "done"
        except live.LiveStateUnavailable as error:
            log.warning("housekeeping.redis_away", job=job.name, error=str(error))
        except JournalUnavailable:
            log.warning("housekeeping.database_away", job=job.name)
        except Exception:
            log.exception("housekeeping.failed", job=job.name)
        measures.housekeeping(job.name, result, started)
