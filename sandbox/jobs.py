"""Jobs of the sandbox: its stations, and the deletion of old steps."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from ocpp_server.process.scheduler import SWEEP, Job, Step, in_journal
from sandbox.services import steps


def _pause() -> float:
    # Imported here: only a server with a sandbox needs the simulator.
    from sandbox.services.running import runner

    return runner.pause_s


# Also in processes that are not elected: they stop their stations.
RUN_SANDBOX: Final = Job(
    "run_sandbox", every=_pause, everywhere=True, at_end=True, when=lambda: settings.SANDBOX_STATIONS > 0
)


async def run() -> None:
    # Imported here: only a server with a sandbox needs the simulator.
    from sandbox.services.running import runner

    await runner.look()


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (RUN_SANDBOX, run),
    (SWEEP, in_journal(steps.delete_old)),
)
