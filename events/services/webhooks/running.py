"""Runs the senders of all webhooks in the elected housekeeper.

One cycle hands new events to each sender that has room, writes the results of earlier ones, and reads the
webhooks once a second. Senders that have read equally far share one read.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from events.services import envelopes
from events.services.webhooks import attempts, notifying, store
from events.services.webhooks.pump import Pump
from events.services.webhooks.store import Started
from ocpp_server import live
from ocpp_server.observability import measures
from ocpp_server.process.scheduler import Job
from ocpp_server.storage.journal import journal

log = structlog.get_logger(__name__)

# Woken after each numbering of events; the interval is for retries and changed webhooks.
SEND_WEBHOOKS: Final = Job("send_webhooks", every=0.5, at_end=True)
# In every process: one that is no longer elected must not go on sending.
STOP_WEBHOOKS: Final = Job("stop_webhooks", every=1.0, everywhere=True)
_REFRESH_S: Final = 1.0
_FLUSH_S: Final = 0.5
# Reads of one cycle: the next cycle goes on, after the messages of stations.
_MOST_READS: Final = 4


class _Senders:
    """The senders of this process."""

    def __init__(self) -> None:
        self.pumps: dict[int, Pump] = {}
        self.with_replays: set[int] = set()
        self._refreshed_at = self._flushed_at = 0.0

    async def cycle(self) -> None:
        now = time.monotonic()
        if now - self._refreshed_at >= _REFRESH_S:
            await self._refresh()
            self._refreshed_at = now
        # New events before the log: the database writes while their requests are under way.
        for _ in range(_MOST_READS):
            if not await self._feed():
                break
        for pump in list(self.pumps.values()):
            pump.tick(has_replays=pump.settings.pk in self.with_replays)
        if now - self._flushed_at >= _FLUSH_S:
            await self.flush()
            self._flushed_at = now

    async def flush(self) -> None:
        pumps = list(self.pumps.items())
        results = await asyncio.gather(*(pump.flush() for _, pump in pumps), return_exceptions=True)
        failed: BaseException | None = None
        for (pk, pump), result in zip(pumps, results, strict=True):
            if isinstance(result, BaseException):
                failed = result
            elif not result:
                self._remove(pk)
            elif pump.health.disabled_because:
                await self._disable(pk, pump.health.disabled_because)
        if failed is not None:
            raise failed

    async def _disable(self, pk: int, reason: str) -> None:
        self._remove(pk)
        row = await journal.run(store.disable, pk, reason)
        if row is not None:
            log.warning("webhook.disabled", webhook=pk, name=row.name, reason=reason)
            await notifying.tell(row)

    async def _refresh(self) -> None:
        """Begin, restart and stop senders as the rows of the webhooks say."""
        rows, self.with_replays = await journal.run(_read_all)
        wanted = {row.settings.pk: row for row in rows}
        for pk, pump in list(self.pumps.items()):
            if pk not in wanted or wanted[pk].settings != pump.settings:
                await pump.flush()
                self._remove(pk)
        for pk, row in wanted.items():
            if pk not in self.pumps:
                await self._begin(row)

    async def _begin(self, row: Started) -> None:
        # The row may have been read before the last flush of a sender that is replaced.
        current = await journal.run(store.started_one, row.settings.pk)
        if current is not None:
            pump = Pump(current, attempts.permission(), _count)
            await pump.begin()
            self.pumps[row.settings.pk] = pump

    def _remove(self, pk: int) -> None:
        self.pumps.pop(pk).stop()

    async def _feed(self) -> bool:
        """Hand the next events to the senders with room. Returns whether there are more."""
        by_position: dict[int, list[Pump]] = {}
        for pump in self.pumps.values():
            if pump.has_room:
                by_position.setdefault(pump.position, []).append(pump)
        more = False
        for position, pumps in by_position.items():
            read = await journal.run(store.read, position)
            if not read.events and read.next == position and not read.lost:
                continue
            more = more or read.more
            for pump in pumps:
                wanted = [
                    content
                    for event, content in zip(read.events, read.contents, strict=True)
                    if pump.settings.filter.matches(event)
                ]
                if pump.settings.has_personal_data and wanted:
                    wanted = await journal.run(envelopes.with_whole_tokens, wanted)
                pump.take(wanted, read.sites, next=read.next, lost=read.lost)
        return more

    def stop(self) -> None:
        for pk in list(self.pumps):
            self._remove(pk)


class _Elected:
    """The senders of this process; None while another one is elected."""

    senders: _Senders | None = None


def _read_all() -> tuple[list[Started], set[int]]:
    return store.started(), store.with_replays()


def _count(result: str) -> None:
    measures.webhook_attempts.add(result)


async def send() -> None:
    """One cycle; the step of SEND_WEBHOOKS."""
    if _Elected.senders is None:
        if not live.state().is_housekeeper:
            return
        _Elected.senders = _Senders()
    await _Elected.senders.cycle()


async def stop_if_not_elected() -> None:
    """Stop the senders when another process sends now."""
    if _Elected.senders is not None and not live.state().is_housekeeper:
        _Elected.senders.stop()
        _Elected.senders = None
