"""What has to run in a process that serves stations: the journal, the live state, the switchboard,
housekeeping.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from ocpp_server import live
from ocpp_server.journal import JournalUnavailable, journal

log = structlog.get_logger(__name__)


class _Run:
    """On which event loop the engine runs, and the lock of its start."""

    loop: asyncio.AbstractEventLoop | None = None
    starting: asyncio.Lock | None = None


async def ensure_started() -> None:
    """Start on the first call in this event loop: daphne has no ASGI lifespan, a request starts it."""
    loop = asyncio.get_running_loop()
    if _Run.loop is loop:
        return
    if _Run.starting is None or _Run.loop is not None:
        # A lock belongs to one loop; the engine of an earlier loop (tests) has ended with it.
        _Run.starting, _Run.loop = asyncio.Lock(), None
    async with _Run.starting:
        if _Run.loop is not loop:
            await start()


async def start() -> None:
    """Take the live state from the ORM, put right what a dead process left behind, and begin to serve."""
    from chargepoints import handover
    from chargepoints.calls import switchboard
    from ocpp_server import housekeeping
    from ocpp_server.live import loading

    journal.start()
    last_number, active = await journal.run(loading.load_running)
    state = live.state()
    state.rebuild(last_number=last_number, active=active)
    if not state.is_shared:
        # Others may be serving stations: the housekeeper finds out whose process has died.
        await journal.run(housekeeping.clean_up_after_crash)
    switchboard.start()
    state.watch(lost=handover.lost, regained=handover.regained)
    await state.start()
    housekeeping.start()
    _Run.loop = asyncio.get_running_loop()
    log.info("engine.started", running_transactions=len(active), next_transaction=last_number + 1)


async def stop() -> None:
    """Close the stations' sockets, finish what is in hand, write everything that is pending."""
    from chargepoints.calls import switchboard
    from ocpp_server import housekeeping

    if _Run.loop is None:
        return
    await housekeeping.stop()
    for connection in list(switchboard.connections.values()):
        await connection.dismiss(1001, "The server is going away.")
    deadline = time.monotonic() + 10
    while switchboard.connections and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    await switchboard.stop()
    await live.state().stop()
    await journal.stop()
    live.reset()
    _Run.loop = None
    log.info("engine.stopped")


def is_running() -> bool:
    return _Run.loop is not None


async def status() -> dict[str, Any]:
    """Whether stations can be served: for readiness probes."""
    if _Run.loop is None:
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
        **await live.state().status(),
    }


def _ask() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
