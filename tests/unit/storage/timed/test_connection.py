"""The writer thread: its connection outside the pool, a new one after an error, and checkpoints of SQLite."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection

from ocpp_server.observability import measures
from ocpp_server.storage import database
from ocpp_server.storage import journal as module
from ocpp_server.storage.journal import Journal
from tests.unit.storage.test_journal import counter, stored
from tests.unit.storage.timed.clock import Clock
from tests.unit.storage.timed.conftest import Threads

# The tables of these apps are emptied after each test; those of all apps take ten times as long.
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["chargepoints", "transactions"])


class OtherVendor:
    """The connection of each thread, as one of PostgreSQL. Some attempts to connect are refused."""

    vendor = "postgresql"

    def __init__(self, *refusals: Exception) -> None:
        self.settings_dict: dict[str, Any] = {"NAME": "ocpp", "OPTIONS": {"pool": True}}
        self._refusals = list(refusals)

    @property
    def connection(self) -> Any:
        return connection.connection

    def ensure_connection(self) -> None:
        if self._refusals:
            raise self._refusals.pop(0)
        connection.ensure_connection()

    def close(self) -> None:
        connection.close()


def wrong_password() -> Exception:
    """The error of PostgreSQL for a login that it refuses, such as while the password is being changed."""
    error = OperationalError("password authentication failed")
    error.__cause__ = Exception("password authentication failed")
    error.__cause__.sqlstate = "28P01"  # type: ignore[attr-defined]
    return error


async def test_the_writer_leaves_the_pool_and_waits_half_a_second_for_a_lock(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    postgresql = OtherVendor()
    monkeypatch.setattr(database, "connection", postgresql)
    journal = Journal()
    journal.start()
    await journal.stop()

    assert postgresql.settings_dict["OPTIONS"] == {"options": "-c statement_timeout=0 -c lock_timeout=500"}


async def test_a_refused_connection_is_an_outage_whatever_its_reason(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, measured: measures.JournalMeasures, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 60
    monkeypatch.setattr(module, "connection", OtherVendor(wrong_password()))
    journal = Journal()
    journal.start()

    await journal.commit(counter("a", 1))
    await journal.stop()

    assert (measured.retries, measured.refused_batches) == (1, 0)
    assert stored()["a"] == 1


async def test_only_sqlite_has_a_checkpoint_thread(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, threads: Threads
) -> None:
    monkeypatch.setattr(module, "connection", OtherVendor())
    journal = Journal()
    journal.start()

    await journal.commit(counter("a", 1))

    assert "checkpoints" not in {thread.name for thread in threads()}
    await journal.stop()


async def test_the_checkpoint_thread_is_called_after_each_batch_and_stopped_at_the_end(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    calls: list[str] = []

    class Recorded:
        def __init__(self, path: str) -> None:
            calls.append(path)

        def written(self) -> None:
            calls.append("written")

        def stop(self) -> None:
            calls.append("stopped")

    monkeypatch.setattr(module, "Checkpoints", Recorded)
    journal = Journal()
    journal.start()
    await journal.commit(counter("a", 1))
    await journal.commit(counter("b", 1))
    await journal.stop()

    assert calls == [connection.settings_dict["NAME"], "written", "written", "stopped"]
