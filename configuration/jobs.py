"""Jobs of configurations, local lists and monitors: read and update those that are due, a few stations at a
time.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings

from chargepoints.models import ChargePoint
from configuration.commands.variables import applying, security_profiles, whole
from configuration.services.local_list import campaigns, due, syncing
from configuration.services.local_list.campaigns import Order
from configuration.services.local_list.selection import Pool
from configuration.services.monitoring import monitors, streams
from configuration.services.network import upgrading
from configuration.services.variables import desired, inventory, reading, reported
from configuration.services.variables.reading import Claimed
from ocpp_server import live
from ocpp_server.domain import DomainError
from ocpp_server.process.scheduler import EXPIRE, SWEEP, TRIM, Job, Step, in_journal
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

# How long a running job waits before it looks for more stations.
_PAUSE_S: Final = 1.0


def _reads() -> bool:
    return bool(settings.OCPP_CONFIGURATION_READS)


READ_CONFIGURATIONS: Final = Job("read_configurations", every=2.0, when=_reads)


async def read_configurations() -> None:
    """Read the configurations that are due, OCPP_CONFIGURATION_READS stations at the same time."""
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            free = settings.OCPP_CONFIGURATION_READS - len(running)
            if free and live.state().is_housekeeper:
                for claimed in await journal.run(reading.claim, free):
                    running.add(asyncio.create_task(read_one(claimed)))
            if not running:
                return
            done, running = await asyncio.wait(running, timeout=_PAUSE_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                _check(task)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _check(task: asyncio.Task[None]) -> None:
    """One station that can't be read must not stop the others. Raises what concerns them all."""
    error = task.exception()
    if isinstance(error, StorageUnavailable):
        raise error
    if error is not None:
        log.error("configuration.read_failed", exc_info=error)


async def read_one(claimed: Claimed) -> None:
    """Read the configuration of one station, and store how that went."""
    try:
        wanted = await journal.run(reading.prepared, claimed)
        done = await whole.read_claimed(claimed, wanted)
    except asyncio.CancelledError:
        # The process stops; otherwise the next one waits until the claim is old.
        await journal.run(reading.release, claimed)
        raise
    is_finished = await journal.run(reading.finish, claimed, done)
    if is_finished and not done.problem:
        await _reapply(claimed)
    log.info(
        "configuration.read",
        station=claimed.charge_point.identity,
        manner=str(done.manner),
        problem=done.problem,
    )


async def _reapply(claimed: Claimed) -> None:
    """Set the values again that the boot has reset, where they are to be applied after boots."""
    try:
        sent = await applying.reapply(claimed.charge_point, actor=whole.ACTOR)
    except DomainError as error:
        log.info("configuration.not_applied", station=claimed.charge_point.identity, reason=str(error))
        return
    if sent:
        log.info("configuration.applied", station=claimed.charge_point.identity, commands=len(sent))


async def resolve_stale() -> None:
    """Compute the desired values of the stations whose templates have changed, some at a time."""
    while await journal.run(desired.resolve_stale):
        pass


async def find_unread() -> None:
    if _reads():
        await journal.run(reading.find_unread)


SYNC_LOCAL_LISTS: Final = Job("sync_local_lists", every=5.0)
# Stations that are updated at once.
AT_ONCE: Final = 20
# The tokens that were read for some stations serve the next ones for this long.
_POOL_KEPT_S: Final = 60.0
_pools: dict[str, tuple[float, Pool]] = {}
# An update without a campaign: after a boot, once a day, or after a failure.
_UNORDERED: Final = Order("server", None)


async def sync_local_lists() -> None:
    """Begin a campaign after a change, and update the lists whose time has come.

    1. Take the noted changes. 2. Pick at most AT_ONCE connected stations. 3. Update them at the same time, in
    the name of the campaign that has ordered it; one that does not answer takes a place until its time is
    over. The next run goes on with the others.
    """
    now = datetime.now(UTC)
    if await journal.run(due.take_changes, now):
        _pools.clear()
    stations = await journal.run(due.pick, now, AT_ONCE)
    orders = await journal.run(campaigns.orders, stations, now) if stations else {}
    pools = {version: await _pool(version) for version in {one.ocpp_version for one in stations}}
    if not stations:
        _pools.clear()
    results = await asyncio.gather(
        *(_sync(one, pools[one.ocpp_version], orders.get(one.pk, _UNORDERED)) for one in stations),
        return_exceptions=True,
    )
    failures = [result for result in results if isinstance(result, Exception)]
    if failures:
        raise ExceptionGroup(f"{len(failures)} local lists were not updated.", failures)


async def _pool(version: str) -> Pool:
    read_at, pool = _pools.get(version, (0.0, None))
    if pool is None or time.monotonic() - read_at > _POOL_KEPT_S:
        _pools[version] = time.monotonic(), await syncing.load_pool(version)
    return _pools[version][1]


async def _sync(charge_point: ChargePoint, pool: Pool, order: Order) -> None:
    try:
        await syncing.sync(charge_point, actor=order.actor, pool=pool, asked=order.asked)
    except DomainError as error:
        # The row has the result.
        log.info("local_list.not_synced", station=charge_point.identity, reason=error.sentence)


CHANGE_PROFILES: Final = Job("change_profiles", every=2.0)


async def change_profiles() -> None:
    """Take the next steps of the security profile changes that no caller waits for, AT_ONCE at a time."""
    for pk in await journal.run(upgrading.due, AT_ONCE):
        try:
            await security_profiles.go_on(pk, wait=False)
        except DomainError as error:
            log.info("security_profile.step_failed", change=pk, reason=error.sentence)


JOBS: Final[tuple[tuple[Job, Step], ...]] = (
    (READ_CONFIGURATIONS, read_configurations),
    (EXPIRE, resolve_stale),
    (SWEEP, find_unread),
    (SWEEP, in_journal(monitors.settle_missed)),
    (SWEEP, in_journal(inventory.mark_missed)),
    (TRIM, in_journal(reported.delete_gone)),
    (TRIM, in_journal(desired.mark_all_stale)),
    (TRIM, in_journal(streams.trim)),
    (SYNC_LOCAL_LISTS, sync_local_lists),
    (CHANGE_PROFILES, change_profiles),
)
