"""Jobs of configuration: update the local lists that are due."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

import structlog

from chargepoints.models import ChargePoint
from configuration.services.local_list import due, syncing
from configuration.services.local_list.selection import Pool
from ocpp_server.domain import DomainError
from ocpp_server.process.scheduler import Job, Step
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

SYNC_LOCAL_LISTS: Final = Job("sync_local_lists", every=5.0)
# Stations that are updated at once.
AT_ONCE: Final = 20
# The tokens that were read for some stations serve the next ones for this long.
_POOL_KEPT_S: Final = 60.0
_pools: dict[str, tuple[float, Pool]] = {}


async def sync_local_lists() -> None:
    """Mark the lists due after a change, and update those whose time has come.

    1. Take the noted changes. 2. Pick at most AT_ONCE connected stations. 3. Update them at the same time;
    one that does not answer takes a place until its time is over. The next run goes on with the others.
    """
    now = datetime.now(UTC)
    if await journal.run(due.take_changes, now):
        _pools.clear()
    stations = await journal.run(due.pick, now, AT_ONCE)
    pools = {version: await _pool(version) for version in {one.ocpp_version for one in stations}}
    if not stations:
        _pools.clear()
    results = await asyncio.gather(
        *(_sync(one, pools[one.ocpp_version]) for one in stations), return_exceptions=True
    )
    failures = [result for result in results if isinstance(result, Exception)]
    if failures:
        raise ExceptionGroup(f"{len(failures)} local lists were not updated.", failures)


async def _pool(version: str) -> Pool:
    read_at, pool = _pools.get(version, (0.0, None))
    if pool is None or time.monotonic() - read_at > _POOL_KEPT_S:
        _pools[version] = time.monotonic(), await syncing.load_pool(version)
    return _pools[version][1]


async def _sync(charge_point: ChargePoint, pool: Pool) -> None:
    try:
        await syncing.sync(charge_point, actor="server", pool=pool)
    except DomainError as error:
        # The row has the result.
        log.info("local_list.not_synced", station=charge_point.identity, reason=error.sentence)


JOBS: Final[tuple[tuple[Job, Step], ...]] = ((SYNC_LOCAL_LISTS, sync_local_lists),)
