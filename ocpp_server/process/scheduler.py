"""The scheduler of periodic jobs: deadlines, expiries, retention.

The apps and the engine register jobs and their steps, which are in their modules `jobs`. A job has one or
more steps, and a name for metrics and logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ocpp_server import live
from ocpp_server.environment import roles
from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import JournalUnavailable, journal

log = structlog.get_logger(__name__)

Step = Callable[[], Awaitable[None]]


class Job:
    """Steps that run together every `every` seconds.

    A job runs only in the elected housekeeper, or with `everywhere` in every process, for the stations it
    holds. With `at_end` it runs once more when the process stops. `when` decides at the start whether it is
    scheduled.
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
        # Set by `wake`; made for the event loop in which the schedule runs.
        self.woken: asyncio.Event | None = None

    @property
    def seconds(self) -> float:
        return self.every() if callable(self.every) else self.every

    def wake(self) -> None:
        """Run now and not only when the interval is over. Call it in the event loop."""
        if self.woken is not None:
            self.woken.set()

    async def wait(self) -> None:
        """Wait until the interval is over, or until `wake`."""
        assert self.woken is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                await self.woken.wait()
        self.woken.clear()

    async def run(self) -> None:
        """Run every step, also after a failed one.

        Raises StorageUnavailable at once, because the other steps would wait for the same database, and any
        other exception after the last step.
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


def _is_shared() -> bool:
    return live.state().is_shared


# The jobs to which several apps add steps; a job of one app is in the `jobs.py` of that app.
#
# Write state that is kept in memory to the database, so that users see it.
MIRROR: Final = Job("mirror", every=2.0, everywhere=True, at_end=True)
# Ping the stations of whose connections another process wants to know whether they are alive.
PROBE: Final = Job("probe", every=1.0, everywhere=True)
# End commands and remote starts that have passed their deadline.
EXPIRE: Final = Job("expire", every=5.0)
# Close abandoned transactions; delete rows that are older than their retention.
SWEEP: Final = Job("sweep", every=60.0)
# Delete the oldest rows of tables that a station can fill without bound (S11).
TRIM: Final = Job("trim", every=3600.0)
# Show stations whose process has died as offline. Only where several processes share the live state.
END_DEAD_CONNECTIONS: Final = Job("bury", every=lambda: settings.REDIS_STATE_TTL / 3, when=_is_shared)
# Compare the shared live state with the database.
RECONCILE: Final = Job("reconcile", every=60.0, when=_is_shared)

_jobs: dict[str, Job] = {}
_recoveries: list[Callable[[], None]] = []
_tasks: list[asyncio.Task[None]] = []


def register(steps: Iterable[tuple[Job, Step]]) -> None:
    """Add steps to their jobs, and new jobs to the schedule; for `AppConfig.ready`.

    Raises ImproperlyConfigured for a second job of the same name.
    """
    for job, step in steps:
        if _jobs.setdefault(job.name, job) is not job:
            raise ImproperlyConfigured(f"Two apps register the job {job.name!r}.")
        job.steps.append(step)


def register_recovery(function: Callable[[], None]) -> None:
    """Add a function that the embedded server runs in the journal before it serves; for `AppConfig.ready`.

    It cleans up after a process that was killed. With a shared live state, END_DEAD_CONNECTIONS does that.
    """
    _recoveries.append(function)


def recover() -> None:
    """Run the registered recovery functions; called in the journal."""
    for function in _recoveries:
        function()


def in_journal(function: Callable[[], None]) -> Step:
    """A step that runs a function in the journal's thread and transaction."""

    async def step() -> None:
        await journal.run(function)

    return step


def start() -> None:
    """Schedule all jobs in this event loop, and stand for election as housekeeper."""
    live.state().stand_for_election(is_first=roles.current() is roles.Role.HOUSEKEEPING)
    loop = asyncio.get_running_loop()
    _tasks.extend(loop.create_task(_repeat(job)) for job in _jobs.values() if job.when())


async def stop() -> None:
    """Stop the schedule, and run the jobs with `at_end` once more."""
    for task in _tasks:
        task.cancel()
    await asyncio.gather(*_tasks, return_exceptions=True)
    _tasks.clear()
    for job in _jobs.values():
        if job.at_end:
            try:
                await job.run()
            except JournalUnavailable:
                log.warning("housekeeping.database_away", job=job.name)


async def _repeat(job: Job) -> None:
    # An event belongs to one event loop.
    job.woken = asyncio.Event()
    while True:
        await job.wait()
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
