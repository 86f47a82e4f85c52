"""The parts of a process that serve a station without a socket: the journal and the live state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ocpp_server import live
from ocpp_server.live import extensions
from ocpp_server.storage.journal import journal


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """The journal, and a live state that nothing was loaded into."""
    live.reset()
    journal.start()
    try:
        yield
    finally:
        await journal.stop()
        live.reset()


async def restart() -> None:
    """Lose the live state of the process, and rebuild it from the database as its next start does."""
    live.reset()
    last_number, active = await journal.run(extensions.transactions.app.load_running)
    live.state().rebuild(last_number=last_number, active=active)
