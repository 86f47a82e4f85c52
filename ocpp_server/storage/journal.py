"""The journal: writes all messages of stations to the database with group commit.

One writer thread has one database connection. While it writes a batch, the messages of all stations gather;
then one database transaction stores them as the next batch, and their stations get their answers. A message
is answered only after `commit` has returned, so nothing is acknowledged that is not stored.

If a batch fails, its jobs are written one by one, so that an invalid row fails only its own message. While
the database is away the journal retries, within OCPP_JOURNAL_BUDGET; then `JournalUnavailable` makes the
caller close the socket: a station keeps a message without an answer and discards one that was answered with
an error (1.6 3.7.1).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec
import structlog
from django.conf import settings
from django.db import connection, transaction

from ocpp_server.observability import measures
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage import database
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.checkpoints import FALLBACK_PAGES, Checkpoints
from ocpp_server.storage.gathering import Gathering
from ocpp_server.storage.postgresql import prepare_statements, transaction_of_rows
from ocpp_server.storage.unit import Rows, Unit, tables_of

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item

# How often the event loop checks whether the writer thread hangs in the driver (a lock, a lost machine).
CHECK_S = 0.5
# After a failure the journal counts as down until rows were written, or nothing has failed for this long.
QUIET_S = 15.0
RETRY_S = (0.05, 0.1, 0.25, 0.5, 1.0)
# How long one attempt waits for a lock of the database: short, so that the budget is kept.
LOCK_WAIT_MS = 500
# The limit for the end of the writer thread, which has nothing to write any more.
THREAD_END_S = 30  # equivalent: it ends at once, unless the last checkpoint hangs


class JournalUnavailable(StorageUnavailable):
    """The database could not be written within the budget.

    Answer nothing: the current attempt may still store the message, which is recognised when the station
    sends it again.
    """


class _Job(msgspec.Struct, eq=False):
    """A unit or function to be written, and the caller's future. A struct: one is made for every message.

    With a unit, `function` runs its functions, if it has some.
    """

    future: asyncio.Future[Any]
    unit: Unit | None
    function: Callable[[], Any] | None
    many: Callable[[list[Any]], list[Any]] | None
    item: Any
    since: float
    result: Any = None
    error: BaseException | None = None
    # Stored, or finally refused: a retry of the batch skips it.
    is_settled: bool = False


class Journal:
    """See the module's docstring. Belongs to one event loop; `start` and `stop` run on it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop  # set by `start`, as is the handle of the next check
        self._check_handle: asyncio.Handle
        self._thread: threading.Thread | None = None
        self._gathering = Gathering()
        self._failed_at = 0.0  # equivalent: read after a failure only
        self._refused: set[Table | str] = set()
        self.batches = 0
        self.committed = 0
        self.last_batch = 0
        self._begin()

    def _begin(self) -> None:
        self._batches: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._pending: list[_Job] = []
        self._current_batch: list[_Job]  # set by `_flush`, and read while it is being written
        self._writing = False
        self._flush_handle: asyncio.Handle | None = None
        self.down_since: float | None = None

    # -- the event loop's side ------------------------------------------------------------------

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._thread is not None and self._thread.is_alive():
            if self._loop is loop:
                return
            # The thread's event loop has ended without `stop`, and the waiting callers with it.
            self._batches.put(None)
            self._thread.join()
        self._loop = loop
        self._begin()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        self._check_handle = loop.call_later(CHECK_S, self._fail_overdue)

    async def stop(self) -> None:
        """Write what is pending, then end the thread."""
        if self._thread is None:
            return
        while self._pending or self._writing:
            await asyncio.sleep(0.01)
        thread, self._thread = self._thread, None
        self._check_handle.cancel()
        self._batches.put(None)
        await asyncio.to_thread(thread.join, THREAD_END_S)

    def commit(self, unit: Unit) -> asyncio.Future[None]:
        """Store a unit; the future is done when it is stored.

        Raises the database's error when a row was refused, JournalUnavailable when the database is away.
        """
        taken = unit.take()
        return taken.announced(self._submit(taken, taken.run_functions if taken.functions else None))

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run a synchronous function on the writer's connection, under a savepoint of the next batch; its
        result when committed.
        """
        return self._submit(None, lambda: function(*args, **kwargs))

    def run_batched(self, many: Callable[[list[I]], list[T]], item: I) -> asyncio.Future[T]:
        """Run a function once for all of its items in the next batch; the future has the result of this item.

        For queries that thousands of stations cause at the same moment: one query for all instead of one
        each. The function gets the items and returns a result for each, in order. It runs after everything
        else of the batch and has no savepoint: when it fails, the batch is repeated job by job, with one item
        a call.
        """
        return self._submit(None, None, many, item)

    @property
    def depth(self) -> int:
        """The number of jobs that wait for the current batch."""
        return len(self._pending)

    def _submit(
        self,
        unit: Unit | None,
        function: Callable[[], Any] | None,
        many: Callable[[list[Any]], list[Any]] | None = None,
        item: Any = None,
    ) -> asyncio.Future[Any]:
        if self._thread is None:
            # Before `start` or after `stop`, no thread would write the job.
            raise JournalUnavailable("The journal is not running.")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending.append(_Job(future, unit, function, many, item, time.monotonic()))
        if not self._writing and self._flush_handle is None:
            self._schedule()
        return future

    def _schedule(self) -> None:
        pause = self._gathering.pause()
        if pause:
            self._flush_handle = self._loop.call_later(pause, self._flush_gathered, len(self._pending))
        else:
            self._flush_handle = self._loop.call_soon(self._flush)

    def _flush_gathered(self, waiting: int) -> None:
        self._gathering.paused(max(0, len(self._pending) - waiting))
        self._flush()

    def _flush(self) -> None:
        self._flush_handle = None
        if not self._pending:
            return
        batch, self._pending = self._pending, []
        self._current_batch = batch
        self._writing = True
        self._batches.put(batch)

    def _written(self, batch: list[_Job]) -> None:
        self._writing = False
        self._gathering.written(len(batch), time.monotonic())
        self._resolve(batch)
        if self._pending and self._flush_handle is None:
            self._schedule()

    def _fail_overdue(self) -> None:
        """Fail the jobs whose budget is over while the writer thread hangs in the driver and cannot do so.

        The batch may still be stored later. Its stations got no answer: they send the messages again, which
        are then recognised.
        """
        self._check_handle = self._loop.call_later(CHECK_S, self._fail_overdue)
        if not self._writing:
            return
        now = time.monotonic()
        # Give up slightly later than the writer thread, which normally reports the timeout itself.
        oldest = now - settings.OCPP_JOURNAL_BUDGET - 2 * CHECK_S
        if self._current_batch[0].since > oldest:
            return
        waiting = (*self._current_batch, *self._pending)
        overdue = [job for job in waiting if job.since <= oldest and not job.future.done()]
        if not overdue:
            return
        self.down_since = self.down_since or self._current_batch[0].since
        measures.journal.given_up += len(overdue)
        log.error("journal.unavailable", waiting=len(overdue), error="The database does not answer.")
        for job in overdue:
            job.future.set_exception(JournalUnavailable("The database does not answer."))
        # Failed jobs that the writer thread has not received yet are dropped.
        self._pending = [job for job in self._pending if not job.future.done()]

    @staticmethod
    def _resolve(jobs: list[_Job]) -> None:
        for job in jobs:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)

    # -- the writer thread's side ---------------------------------------------------------------

    def _run(self) -> None:
        database.leave_pool(lock_wait_ms=LOCK_WAIT_MS)
        is_sqlite = connection.vendor == "sqlite"
        checkpoints = Checkpoints(connection.settings_dict["NAME"]) if is_sqlite else None
        try:
            while (batch := self._batches.get()) is not None:
                self._write_with_retries(batch)
                if checkpoints is not None:
                    checkpoints.written()
                try:
                    self._loop.call_soon_threadsafe(self._written, batch)
                except RuntimeError:  # the event loop is closed: no caller waits any more
                    return
        finally:
            if checkpoints is not None:
                checkpoints.stop()
            connection.close()

    def _write_with_retries(self, batch: list[_Job]) -> None:
        """Write the batch, with retries; a job waits no longer than its own budget."""
        attempt = given_up = 0
        left = batch
        while left:
            started = time.monotonic()
            try:
                self._write(left)
            except database.AWAY as error:
                self._failed_at = time.monotonic()
                is_conflict = database.is_conflict(error)
                if not is_conflict:
                    connection.close()
                if attempt or not is_conflict:
                    self.down_since = self.down_since or time.monotonic()
                waiting = [job for job in left if not job.is_settled]
                self._refused |= _tables(waiting)
                left = self._give_up_overdue(waiting, error)
                given_up += len(waiting) - len(left)
                measures.journal.retries += 1
                if left:
                    log.warning("journal.retry", attempt=attempt, waiting=len(left), error=str(error))
                    # A random pause, so that the processes do not all retry at the same moment.
                    pause = RETRY_S[min(attempt, len(RETRY_S) - 1)]
                    time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
                    attempt += 1
            else:
                if self.down_since is not None and self._works_again(left):
                    self.down_since = None
                self.batches += 1
                self.committed += len(batch) - given_up
                self.last_batch = len(batch)
                measures.journal.committed(
                    len(left), started=started, since=left[0].since, now=time.monotonic()
                )
                return

    def _works_again(self, batch: list[_Job]) -> bool:
        """Whether the database can be written again: rows of every table that was refused were written,
        and every function of a unit that was refused has run.

        On a full disk queries still succeed, and with one locked table the rows of other tables do.
        """
        written = _tables([job for job in batch if job.error is None])
        self._refused -= written
        if time.monotonic() - self._failed_at > QUIET_S:
            self._refused.clear()
            return True
        return bool(written) and not self._refused

    def _give_up_overdue(self, jobs: list[_Job], error: Exception) -> list[_Job]:
        """Fail the jobs whose budget is over; returns the others, which are retried."""
        oldest = time.monotonic() - settings.OCPP_JOURNAL_BUDGET
        overdue = [job for job in jobs if job.since <= oldest]
        if not overdue:
            return jobs
        measures.journal.given_up += len(overdue)
        log.error("journal.unavailable", waiting=len(overdue), error=str(error))
        for job in overdue:
            job.error = JournalUnavailable("The database can't be written.")
            job.is_settled = True
        # RuntimeError: the event loop is closed, and no caller waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._resolve, overdue)
        return [job for job in jobs if not job.is_settled]

    def _write(self, batch: list[_Job]) -> None:
        """Write the jobs. Raises OperationalError when the database is away; settled jobs stay settled."""
        if connection.connection is None:
            _connect()
        has_rows_only = all(job.unit is not None and job.function is None for job in batch)
        try:
            with transaction_of_rows() if has_rows_only else transaction.atomic():
                self._apply(batch)
        except Exception as error:
            if database.is_away(error):
                raise
            measures.journal.refused_batches += 1
            for job in batch:
                self._write_alone(job)

    def _write_alone(self, job: _Job) -> None:
        job.error = None
        try:
            with transaction.atomic():
                self._apply([job])
        except Exception as error:
            if database.is_away(error):
                raise
            job.error = error
        job.is_settled = True

    @staticmethod
    def _apply(batch: list[_Job]) -> None:
        rows = Rows()
        batched: dict[Callable[[list[Any]], list[Any]], list[_Job]] = {}
        for job in batch:
            if job.function is None and job.unit is not None:
                rows.add(job.unit)
                continue
            if job.many is not None:
                batched.setdefault(job.many, []).append(job)
                continue
            # A function must see the rows of the jobs before it. The one savepoint is for all of a unit.
            rows.write()
            assert job.function is not None
            job.error = None
            try:
                with transaction.atomic():
                    job.result = job.function()
            except Exception as error:
                if database.is_away(error):
                    raise
                job.error = error
                continue
            if job.unit is not None:
                # A row that is refused later fails the batch; alone, it takes back the functions too.
                rows.add(job.unit)
        rows.write()
        for many, jobs in batched.items():
            results = many([job.item for job in jobs])
            for job, result in zip(jobs, results, strict=True):
                job.error, job.result = None, result


def _tables(jobs: list[_Job]) -> set[Table | str]:
    """The tables and functions of the jobs' units; a function that is a job may only read."""
    return {table for job in jobs if job.unit is not None for table in tables_of(job.unit)}


def _connect() -> None:
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MS}")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {FALLBACK_PAGES}")
    prepare_statements()


journal = Journal()
