"""The gateway of a process: its sockets by session, and the task that keeps them registered in Redis."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Collection
from itertools import islice
from typing import Any

import structlog
from redis.exceptions import ResponseError

from ocpp_server.live.redis.link import AWAY
from ocpp_server.live.redis.wire import Wire
from ocpp_server.storage.journal import journal
from ocpp_server.transport import shutdown
from ocpp_server.transport.gateway.downlink import Downlink
from ocpp_server.transport.gateway.socket import GatewaySocket
from ocpp_server.transport.gateway.uplink import Uplink
from ocpp_server.transport.handshake import first_boot
from ocpp_server.transport.probing import prober
from ocpp_server.transport.queue.gateway_side import (
    ANSWERS_WAIT,
    IS_MISSING,
    IS_REPLACED,
    STATIONS_AT_ONCE,
    GatewayQueue,
    Sweeper,
    Taken,
    is_permanent,
    lease_ms,
    refresh_s,
)

log = structlog.get_logger(__name__)

TICK_S = 1.0


class Gateway:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self.server_id = f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
        self.queue = GatewayQueue(self.server_id)
        self.sockets: dict[str, GatewaySocket] = {}
        # All sockets of each station, by identity; one without a fence is being registered.
        self._of: dict[str, list[GatewaySocket]] = {}
        # The newest registered socket of each station, by identity.
        self._current: dict[str, GatewaySocket] = {}
        self.uplink = Uplink(self.queue, restore=self._restore, away=self._away, back=self._back)
        self.downlink = Downlink(self.queue, deliver=self._deliver, overdue=self._overdue, away=self._away)
        self._wire = Wire()
        self._sweeper = Sweeper(self._wire, self.queue.keys)
        self._keeper: asyncio.Task[None] | None = None
        # The end of the last outage of Redis (monotonic seconds); None during one.
        self.up_since: float | None = None
        self.error = "not connected yet"
        self._refresh_at = 0.0  # equivalent: the first tick renews in any case, as `up_since` is None
        self._sweep_at = 0.0

    # -- the process ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start. Raises redis' errors when Redis is unavailable."""
        journal.start()
        shutdown.serve(self._sockets)
        await self._refresh()
        self._back()
        self.uplink.start()
        self.downlink.start()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())
        log.info("gateway.started", server=self.server_id)

    async def stop(self) -> None:
        """Close the sockets one by one, push the remaining frames, and leave the list of gateways."""
        await shutdown.drain()
        await self.uplink.stop(shutdown.remaining() + TICK_S)
        await self.downlink.stop()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        try:
            await self.queue.resign(self._wire)
        except AWAY as error:
            log.warning("gateway.unresigned", error=str(error))
        self._wire.close()
        try:
            async with asyncio.timeout(shutdown.remaining() + TICK_S):
                await journal.stop()
        except TimeoutError:
            log.warning("gateway.refusals_unwritten")
        log.info("gateway.stopped")

    def _sockets(self) -> Collection[shutdown.ClosableSocket]:
        return [*self.sockets.values(), *first_boot.waiting()]

    @property
    def is_open(self) -> bool:
        """Whether new stations are admitted."""
        return self.up_since is not None and not shutdown.is_under_way()

    def _away(self, error: BaseException) -> None:
        self.error = str(error) or type(error).__name__
        if self.up_since is not None:
            log.error("gateway.redis_away", error=self.error, stations=len(self.sockets))
            self.up_since = None

    def _back(self) -> None:
        if self.up_since is None:
            log.info("gateway.redis_back", stations=len(self.sockets))
            self.up_since = time.monotonic()
            # All leases may have expired.
            self._refresh_at = 0.0

    # -- stations come and go ----------------------------------------------------------------------

    async def arrive(self, station: GatewaySocket) -> None:
        """Register a connection and close the one it replaces. Raises QueueTooLong and redis' errors."""
        # Before the registration: answers, and the wake-up for a newer connection elsewhere, may arrive
        # before its reply does.
        self.sockets[station.session_id] = station
        self._of.setdefault(station.identity, []).append(station)
        try:
            registration = await self.queue.connect(
                self._wire, station.identity, station.session_id, station.fields
            )
        except BaseException:
            # The connection may be registered, if only the reply was lost.
            self.leave(station, "The connection was not opened.")
            raise
        station.fence = registration.fence
        self._close_older(station.identity)
        if station.must_refresh:
            await self._refresh_stations([station])

    def _close_older(self, identity: str) -> None:
        """Close all sockets of a station but the newest. There may be several older ones: the newest may have
        replaced a connection at another gateway, which had replaced one here.
        """
        registered = [station for station in self._of.get(identity, ()) if station.fence]
        if not registered:
            return
        newest = self._current[identity] = max(registered, key=lambda station: int(station.fence))
        for station in registered:
            if station is not newest:
                station.replaced()

    def leave(self, station: GatewaySocket, reason: str) -> None:
        """Clean up after a closed socket. A newer connection of the station is not changed."""
        if self.sockets.pop(station.session_id, None) is not None:
            here = self._of[station.identity]
            here.remove(station)
            if not here:
                del self._of[station.identity]
        if self._current.get(station.identity) is station:
            del self._current[station.identity]
        station.ended = reason
        self.uplink.end(station)

    async def _restore(self, station: Any) -> bool:
        """Put back a session that Redis has lost; False when a newer connection holds the station."""
        try:
            registration = await self.queue.connect(
                self._wire, station.identity, station.session_id, station.fields, fence=station.fence
            )
        except ResponseError as error:
            if not is_permanent(error):
                raise
            log.error("gateway.session_refused", station=station.identity, error=str(error))
            return False
        if registration.fence == "0":
            return False
        log.warning("station.registered_again", station=station.identity)
        return True

    # -- from the server ----------------------------------------------------------------------------

    async def _deliver(self, taken: Taken) -> None:
        station = self.sockets.get(taken.session_id)
        if station is None:
            for here in self._of.get(taken.identity, ()):
                here.must_refresh = True
            current = self._current.get(taken.identity)
            if current is not None:
                # The session of the answers is gone: refresh the current socket, which may be replaced too.
                await self._refresh_stations([current])
            return
        station.queue_has(taken.queue)
        for answer in taken.answers:
            await station.deliver(answer)

    def _overdue(self) -> list[str]:
        now = time.monotonic()
        overdue = (station.identity for station in self.sockets.values() if station.is_overdue(now))
        return list(islice(overdue, STATIONS_AT_ONCE))

    # -- leases -----------------------------------------------------------------------------------

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(min(TICK_S, refresh_s() / 2))
            try:
                await self._tick()
            except AWAY as error:
                self._away(error)
            except Exception:
                log.exception("gateway.keeping_failed")

    async def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._refresh_at or self.up_since is None:
            await self._refresh()
            self._back()
            self._refresh_at = now + refresh_s()
            self._close_silent(now)
        if now >= self._sweep_at:
            self._sweep_at = now + lease_ms() / 10_000
            await self._sweeper.sweep()
        await prober.answer(self.sockets)

    def _close_silent(self, now: float) -> None:
        for station in list(self.sockets.values()):
            if station.is_silent(now):
                station.close_soon(1001, "No message was received for too long.")

    async def _refresh(self) -> None:
        """Renew the leases of the sockets and of the gateway, which has one even without sockets."""
        stations = list(self._current.values())
        for start in range(0, max(1, len(stations)), STATIONS_AT_ONCE):
            await self._refresh_stations(stations[start : start + STATIONS_AT_ONCE])

    async def _refresh_stations(self, stations: list[GatewaySocket]) -> None:
        pairs = [(station.identity, station.session_id) for station in stations]
        states = await self.queue.refresh(self._wire, pairs)
        for station, state in zip(stations, states, strict=True):
            if state == ANSWERS_WAIT:
                self.downlink.poll(station.identity)
            elif station.session_id not in self.sockets:
                continue  # closed meanwhile
            elif state == IS_REPLACED or (state == IS_MISSING and not await self._restore(station)):
                station.replaced()

    # -- for probes -------------------------------------------------------------------------------

    async def status(self) -> dict[str, dict[str, Any]]:
        """The parts of the readiness probe: {name: {"ok", "detail"}}."""
        try:
            async with asyncio.timeout(TICK_S):
                # A write: every message needs one, so a Redis that can only be read is not ready.
                await self.queue.refresh(self._wire, [])
        except (*AWAY, TimeoutError) as error:
            self._away(error)
        ok = self.up_since is not None
        detail = "Redis accepts frames." if ok else f"Redis can't be used ({self.error})."
        parts: dict[str, dict[str, Any]] = {"redis": {"ok": ok, "detail": detail}}
        if shutdown.is_under_way():
            parts["shutdown"] = {"ok": False, "detail": "The gateway is going away."}
        return parts
