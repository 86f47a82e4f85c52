"""The steps that the engine itself adds to the jobs (`scheduler`)."""

from __future__ import annotations

from typing import Final

from ocpp_server import live
from ocpp_server.process.scheduler import END_DEAD_CONNECTIONS, MIRROR, PROBE, RECONCILE, SWEEP, Job, Step
from ocpp_server.storage import retention
from ocpp_server.transport import presence, takeover
from ocpp_server.transport.probing import prober
from ocpp_server.transport.switchboard import switchboard


async def close_silent() -> None:
    """Close the sockets of stations that have sent nothing for too long."""
    for connection in switchboard.served():
        if connection.is_silent(presence.silence_allowed(connection.station.heartbeat_interval)):
            await connection.dismiss(1001, "No message was received for too long.")


async def answer_probes() -> None:
    await prober.answer(switchboard.connections)


async def reconcile() -> None:
    await live.state().reconcile()


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (MIRROR, close_silent),
    (MIRROR, presence.record_departures),
    (PROBE, answer_probes),
    (SWEEP, retention.delete_old_rows),
    (END_DEAD_CONNECTIONS, takeover.end_dead_connections),
    (RECONCILE, reconcile),
)
