"""Jobs of the sandbox: its stations, and the deletion of old steps and of stations that are not used."""

from __future__ import annotations

import asyncio
import importlib
from types import ModuleType
from typing import Final

from django.conf import settings

from ocpp_server import live
from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from ocpp_server.storage.journal import journal
from ocpp_server.transport import shutdown
from sandbox.services import stations, steps

# How often a process that runs no stations looks whether it is elected.
_UNLOADED_S: Final = 1.0
_RUNNING: Final = "sandbox.services.running"
# Imported in the process that is elected first: the simulator takes 12 MB, and time on the event loop.
_loaded: list[ModuleType] = []


def _pause() -> float:
    return _loaded[0].runner.pause_s if _loaded else _UNLOADED_S


# Also in processes that are not elected: they stop their stations.
RUN_SANDBOX: Final = Job(
    "run_sandbox", every=_pause, everywhere=True, at_end=True, when=lambda: settings.SANDBOX_STATIONS > 0
)


async def run() -> None:
    if not _loaded:
        if not live.state().is_housekeeper or shutdown.is_under_way():
            return
        _loaded.append(await asyncio.to_thread(importlib.import_module, _RUNNING))
    await _loaded[0].runner.look()


async def end_idle() -> None:
    """Let stations end that were not used. Without a sandbox no runner deletes them."""
    await journal.run(stations.end_idle)
    if not settings.SANDBOX_STATIONS:
        await asyncio.to_thread(stations.delete_ended)


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (RUN_SANDBOX, run),
    (SWEEP, in_journal(steps.delete_old)),
    (SWEEP, end_idle),
)
