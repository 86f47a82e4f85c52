"""What has to run in a process that serves stations: the journal, the live state, the switchboard, housekeeping."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from ocpp_server import live
from ocpp_server.journal import JournalUnavailable, journal

log = structlog.get_logger(__name__)

_started_on: asyncio.AbstractEventLoop | None = None
_starting: asyncio.Lock | None = None


async def ensure_started() -> None:
    """Start on the first call in this event loop. Servers without ASGI lifespan (daphne) get here with the first socket."""
    global _starting
    loop = asyncio.get_running_loop()
    if _started_on is loop:
        return
    if _starting is None or getattr(_starting, "_loop", loop) is not loop:
        _starting = asyncio.Lock()
    async with _starting:
        if _started_on is not loop:
            await start()


async def start() -> None:
    """Take the live state from the ORM and begin to serve. Rows that a dead process left behind are put right."""
    global _started_on
    from chargepoints.calls import switchboard
    from ocpp_server import housekeeping
    from ocpp_server.live import loading

    journal.start()
    last_number, active = await journal.run(loading.load_running)
    live.state().rebuild(last_number=last_number, active=active)
    await journal.run(housekeeping.clean_up_after_crash)
    switchboard.start()
    housekeeping.start()
    _started_on = asyncio.get_running_loop()
    log.info("engine.started", running_transactions=len(active), next_transaction=last_number + 1)


async def stop() -> None:
    """Close the stations' sockets, finish what is in hand, write everything that is pending."""
    global _started_on
    from chargepoints.calls import switchboard
    from ocpp_server import housekeeping

    if _started_on is None:
        return
    await housekeeping.stop()
    for connection in list(switchboard.connections.values()):
        await connection.dismiss(1001, "The server is going away.")
    deadline = time.monotonic() + 10
    while switchboard.connections and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    await switchboard.stop()
    await journal.stop()
    live.reset()
    _started_on = None
    log.info("engine.stopped")


def is_running() -> bool:
    return _started_on is not None


async def status() -> dict[str, Any]:
    """Whether stations can be served: for readiness probes."""
    if _started_on is None:
        await ensure_started()
    try:
        await asyncio.wait_for(journal.run(_ask), 5)
        database = {"ok": True, "detail": "The database answers."}
    except (TimeoutError, JournalUnavailable) as error:
        database = {"ok": False, "detail": str(error) or "The database does not answer."}
    down = journal.down_since
    return {
        "database": database,
        "journal": {
            "ok": down is None,
            "detail": "Everything is written."
            if down is None
            else f"Waiting for {time.monotonic() - down:.0f} s.",
            "depth": journal.depth,
            "batches": journal.batches,
            "committed": journal.committed,
        },
    }


def _ask() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
