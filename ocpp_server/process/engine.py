"""The engine of a process: starts and stops the journal, the live state, the switchboard and the jobs."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from ocpp_server import live
from ocpp_server.environment import roles
from ocpp_server.live import extensions
from ocpp_server.observability import readiness
from ocpp_server.observability.event_loop_lag import lag_meter
from ocpp_server.observability.exporter import exporter
from ocpp_server.process import scheduler
from ocpp_server.process.health_file import health_writer
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls, shutdown, takeover
from ocpp_server.transport.handshake import first_boot
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# Extra seconds after the grace period for the final writes.
FINAL_WRITES_S = 1.0


class _Run:
    """The event loop on which the engine runs, and the lock of its start."""

    loop: asyncio.AbstractEventLoop | None = None
    starting: asyncio.Lock | None = None


async def ensure_started() -> None:
    """Start once in this event loop. daphne has no ASGI lifespan: with it the first request starts it."""
    loop = asyncio.get_running_loop()
    if _Run.loop is loop:
        return
    if _Run.starting is None or _Run.loop is not None:
        # A lock belongs to one event loop; in tests the engine of an earlier loop has ended with that loop.
        _Run.starting, _Run.loop = asyncio.Lock(), None
    async with _Run.starting:
        if _Run.loop is not loop:
            await start()


async def start(*, serves: bool = True) -> None:
    """Load the live state from the database, clean up after a killed process, and begin to serve.

    With `serves=False` (`manage.py`) the process only calls stations of other processes: it runs no jobs and
    has no probes.
    """
    extensions.require()
    shutdown.serve(lambda: [*switchboard.connections.values(), *first_boot.waiting()])
    journal.start()
    last_number, active = await journal.run(extensions.transactions.app.load_running)
    state = live.state()
    state.rebuild(last_number=last_number, active=active)
    if not state.is_shared:
        # With a shared live state the housekeeper does this, because other processes may be serving stations.
        await journal.run(scheduler.recover)
    elif serves and connection.vendor == "sqlite":
        log.warning(
            "engine.shared_sqlite",
            advice="Processes of one machine may share the SQLite file, and take turns to write; set "
            "DATABASE_URL=postgresql://... for more than a few, or for several machines.",
        )
    await switchboard.start(accepted=calls.ask_to_boot)
    state.watch(lost=takeover.lost, regained=takeover.regained)
    await state.start()
    if serves:
        scheduler.start()
        health_writer.start(status, path=settings.HEALTH_FILE, port=roles.own_port(settings))
        exporter.start(settings.METRICS_PORT, status, addresses=settings.LISTEN_ADDRESS)
        lag_meter.start()
    _Run.loop = asyncio.get_running_loop()
    log.info("engine.started", running_transactions=len(active), next_transaction=last_number + 1)


async def stop() -> None:
    """Close the sockets of stations, finish the current messages and write all pending rows."""
    if _Run.loop is None:
        return
    await shutdown.drain()
    await health_writer.stop()
    await exporter.stop()
    lag_meter.stop()
    try:
        async with asyncio.timeout(shutdown.remaining() + FINAL_WRITES_S):
            await scheduler.stop()
    except TimeoutError:
        log.warning("engine.last_seen_unwritten")
    await switchboard.stop()
    await live.state().stop()
    try:
        async with asyncio.timeout(shutdown.remaining() + FINAL_WRITES_S):
            await journal.stop()
    except TimeoutError:
        # A message that is not stored was not answered: its station sends it again.
        log.error("engine.unwritten", messages=journal.depth)
    live.reset()
    _Run.loop = None
    log.info("engine.stopped")


def is_running() -> bool:
    return _Run.loop is not None


async def status() -> dict[str, Any]:
    """The parts that the process needs to serve stations, for readiness probes."""
    if _Run.loop is None:
        await ensure_started()
    leaving = {"shutdown": {"ok": False, "detail": "The server is going away."}}
    return {
        **await readiness.parts(),
        **(leaving if shutdown.is_under_way() else {}),
    }


def troubles() -> list[str]:
    """The current outages of this process as sentences for the operator. Sends no request."""
    found = []
    if (away := live.state().away) is not None:
        since, error = away
        found.append(
            f"Redis has been away since {_clock(since)} ({error.rstrip('.')}). Commands and new connections "
            "are refused, new transactions wait; connected stations are served, and nothing is lost."
        )
    if (down := journal.down_since) is not None:
        found.append(
            f"The database has not taken anything since {_clock(down)}. Stations wait for their answers and "
            "are then disconnected; what was not answered they send again."
        )
    return found


def _clock(since: float) -> str:
    """A moment (monotonic seconds) as local time of day."""
    return f"{timezone.localtime() - timedelta(seconds=time.monotonic() - since):%H:%M}"
