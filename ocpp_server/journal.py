"""The one door to the database for what stations say: group commit.

One writer thread with one database connection. While it writes, the messages of all other stations gather;
then one database transaction takes the whole batch, and every station of it gets its answer. A message is
answered only when `commit` has returned, so nothing is acknowledged that is not stored.

If a batch fails, its members are written one by one, so that one bad row hurts only its own message. When the
database is away the journal waits, within OCPP_JOURNAL_BUDGET; then `JournalUnavailable` makes the caller
close
the socket: a station keeps what was not answered and discards what was answered with errors (1.6 3.7.1).
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from ocpp_server.bulk import Row, Table
from ocpp_server.protocol.dispatch import StorageUnavailable

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# Above this many messages a second, single-message commits would dominate: wait a moment for company.
BUSY_PER_SECOND = 300
LINGER_S = 0.004
RETRY_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class JournalUnavailable(StorageUnavailable):
    """The database could not be written within the budget. Nothing was stored; answer nothing."""


class Unit:
    """What one message changes."""

    __slots__ = ("inserts", "updates")

    def __init__(self) -> None:
        self.inserts: list[tuple[Table, Row]] = []
        self.updates: list[tuple[Table, Any, dict[str, Any]]] = []

    def insert(self, table: Table, **values: Any) -> None:
        """Append a row."""
        self.inserts.append((table, table.row(values)))

    def update(self, table: Table, key: Any, **values: Any) -> None:
        """Set columns of the row with this primary key; within a batch the last word on a column wins."""
        self.updates.append((table, key, values))

    def clear(self) -> None:
        self.inserts.clear()
        self.updates.clear()

    def __bool__(self) -> bool:
        return bool(self.inserts or self.updates)


class _Job:
    __slots__ = ("future", "unit", "function", "result", "error", "since")

    def __init__(
        self, future: asyncio.Future[Any], unit: Unit | None, function: Callable[[], Any] | None
    ) -> None:
        self.future = future
        self.unit = unit
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.since = time.monotonic()


class Journal:
    """See the module's docstring. Belongs to one event loop; `start` and `stop` run on it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._batches: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._pending: list[_Job] = []
        self._writing = False
        self._flush_handle: asyncio.Handle | None = None
        self._rate = 0.0
        self._rate_at = 0.0
        self.down_since: float | None = None
        self.batches = 0
        self.committed = 0
        self.last_batch = 0

    # -- the event loop's side ------------------------------------------------------------------

    def start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._loop = asyncio.get_running_loop()
        self._writing = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Write what is pending, then end the thread."""
        if self._thread is None:
            return
        while self._pending or self._writing:
            await asyncio.sleep(0.01)
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join, 30)
        self._thread = None

    async def commit(self, unit: Unit) -> None:
        """Return when the unit is stored. Raises the database's error when a row was refused,
        JournalUnavailable when away.
        """
        await self._submit(unit, None)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a synchronous function on the writer's connection, under a savepoint of the next batch; its
        result when committed.
        """
        result: T = await self._submit(None, lambda: function(*args, **kwargs))
        return result

    @property
    def depth(self) -> int:
        """Messages that wait for the batch in hand."""
        return len(self._pending)

    def _submit(self, unit: Unit | None, function: Callable[[], Any] | None) -> asyncio.Future[Any]:
        assert self._loop is not None, "the journal is not started"
        future: asyncio.Future[Any] = self._loop.create_future()
        self._pending.append(_Job(future, unit, function))
        if not self._writing and self._flush_handle is None:
            self._schedule()
        return future

    def _schedule(self) -> None:
        assert self._loop is not None
        if self._rate > BUSY_PER_SECOND:
            self._flush_handle = self._loop.call_later(LINGER_S, self._flush)
        else:
            self._flush_handle = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_handle = None
        if not self._pending:
            return
        batch, self._pending = self._pending, []
        self._writing = True
        self._batches.put(batch)

    def _written(self, batch: list[_Job]) -> None:
        self._writing = False
        now = time.monotonic()
        elapsed = max(now - self._rate_at, 1e-4)
        weight = min(elapsed, 1.0)
        self._rate += (len(batch) / elapsed - self._rate) * weight
        self._rate_at = now
        for job in batch:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)
        if self._pending and self._flush_handle is None:
            self._schedule()

    # -- the writer thread's side ---------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (batch := self._batches.get()) is not None:
                self._write_patiently(batch)
                assert self._loop is not None
                try:
                    self._loop.call_soon_threadsafe(self._written, batch)
                except RuntimeError:  # the loop was closed before us: nobody is waiting any more
                    return
        finally:
            connection.close()

    def _write_patiently(self, batch: list[_Job]) -> None:
        attempt = 0
        while True:
            try:
                self._write(batch)
            except (OperationalError, InterfaceError) as error:
                connection.close()
                self.down_since = self.down_since or time.monotonic()
                oldest = min(job.since for job in batch)
                if time.monotonic() - oldest > settings.OCPP_JOURNAL_BUDGET:
                    log.error("journal.unavailable", waiting=len(batch), error=str(error))
                    for job in batch:
                        job.error = JournalUnavailable("The database can't be written.")
                    return
                log.warning("journal.retry", attempt=attempt, error=str(error))
                time.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
            else:
                self.down_since = None
                self.batches += 1
                self.committed += len(batch)
                self.last_batch = len(batch)
                return

    def _write(self, batch: list[_Job]) -> None:
        try:
            with transaction.atomic():
                self._apply(batch)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if len(batch) == 1:
                self._alone(batch[0])
                return
            for job in batch:
                self._alone(job)

    def _alone(self, job: _Job) -> None:
        job.error = None
        try:
            with transaction.atomic():
                self._apply([job])
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            job.error = error

    @staticmethod
    def _apply(batch: list[_Job]) -> None:
        rows = _Rows()
        for job in batch:
            if job.unit is not None:
                rows.add(job.unit)
                continue
            # A function sees what was submitted before it.
            rows.write()
            assert job.function is not None
            job.error = None
            try:
                with transaction.atomic():
                    job.result = job.function()
            except (OperationalError, InterfaceError):
                raise
            except Exception as error:
                job.error = error
        rows.write()


class _Rows:
    """The rows of several units, gathered by table."""

    def __init__(self) -> None:
        self.inserts: dict[Table, list[Row]] = {}
        self.updates: dict[Table, dict[Any, dict[str, Any]]] = {}

    def add(self, unit: Unit) -> None:
        for table, row in unit.inserts:
            # A copy: when the batch has to be repeated the row is written again from its own values.
            self.inserts.setdefault(table, []).append(row.copy())
        for table, key, values in unit.updates:
            self.updates.setdefault(table, {}).setdefault(key, {}).update(values)

    def write(self) -> None:
        for table, rows in self.inserts.items():
            table.insert(rows)
        for table, merged in self.updates.items():
            groups: dict[tuple[str, ...], list[Row]] = {}
            for key, values in merged.items():
                groups.setdefault(tuple(values), []).append([*values.values(), key])
            for names, group in groups.items():
                table.update(names, group)
        self.inserts.clear()
        self.updates.clear()


journal = Journal()
