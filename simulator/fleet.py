"""Many stations in one process: a load, a boot storm, or just company."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from simulator.latency import Latencies
from simulator.station import Station
from simulator.wire import CallFailed, NoAnswer

PAUSE_S = (5.0, 30.0)  # simulated seconds between two sessions
START_AT_ONCE = 50  # handshakes in flight while a fleet starts


class Fleet:
    """``count`` stations of mixed versions that share one table of latencies.

    ``charging`` False is the cheap path: the stations boot, tell their statuses and beat, nothing more.
    Frames are not logged. With the same seed the same stations do the same things in the same order.
    """

    def __init__(
        self,
        url: str,
        count: int,
        *,
        versions: tuple[str, ...],
        prefix: str = "SIM",
        speed: float = 1.0,
        seed: int = 0,
        password: Callable[[str], str | bytes | None] = lambda identity: None,
        charging: bool = True,
        tokens: tuple[str, ...] = (),
        free: bool = False,
        session_s: tuple[float, float] = (60.0, 300.0),
        **station_options: Any,
    ) -> None:
        self.latencies = Latencies()
        self.charging = charging
        self.tokens = tokens
        self.free = free
        self.session_s = session_s
        self.sessions_done = 0
        self.sessions_refused = 0
        self.energy_wh = 0
        self.stations: list[Station] = []
        options = {"log_size": 0, "connectors": 1, "settings": {"sample_interval": 10}} | station_options
        for number in range(1, count + 1):
            identity = f"{prefix}-{number:05d}"
            self.stations.append(
                Station(
                    identity,
                    versions[(number - 1) % len(versions)],
                    url,
                    password=password(identity),
                    seed=seed,
                    speed=speed,
                    latencies=self.latencies,
                    **options,
                )
            )
        self._workers: list[asyncio.Task[None]] = []

    @property
    def online(self) -> int:
        return sum(station.online.is_set() for station in self.stations)

    @property
    def charging_now(self) -> int:
        return sum(
            connector.session is not None for station in self.stations for connector in station.connectors
        )

    async def start(self, *, at_once: int = START_AT_ONCE, over_s: float = 0.0) -> int:
        """Start every station, at most at_once handshakes at a time, spread over so many real seconds.

        Returns how many were accepted; the others' failures are in the latencies under ``connect`` or
        BootNotification.
        """
        gate = asyncio.Semaphore(at_once)

        async def one(number: int, station: Station) -> None:
            await asyncio.sleep(over_s * number / len(self.stations))
            async with gate:
                with contextlib.suppress(ConnectionError, TimeoutError):
                    await station.start()
            if self.charging and station.online.is_set():
                self._workers.append(asyncio.create_task(self._drive(station)))

        await asyncio.gather(*(one(number, station) for number, station in enumerate(self.stations)))
        return self.online

    async def run(self, duration_s: float, *, stop: asyncio.Event | None = None) -> None:
        """Let the fleet live for so many real seconds, or until stop is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await (stop or asyncio.Event()).wait()

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End every session, wait for its last messages, close every socket."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await asyncio.gather(*(station.stop(grace_s=grace_s) for station in self.stations))

    async def _drive(self, station: Station) -> None:
        """One station's drivers: they come, charge and go, for as long as the fleet runs."""
        rng = station.rng
        while True:
            await station.clock.sleep(rng.uniform(*PAUSE_S))
            token = rng.choice(self.tokens) if self.tokens else station.identity[-20:]
            free = [
                one for one in station.connectors if one.is_free and one.operative and not one.reservation
            ]
            if not free:
                continue
            work = station.begin(
                rng.choice(free).number,
                token,
                duration_s=rng.uniform(*self.session_s),
                cable_first=rng.random() < 0.5,
                authorize=not self.free,
            )
            try:
                # Shielded: when the fleet stops, the station ends the session itself and delivers its last
                # messages.
                session = await asyncio.shield(work)
            except (NoAnswer, CallFailed):
                continue  # counted in the latencies already
            self.sessions_done += not session.refused
            self.sessions_refused += session.refused
            self.energy_wh += session.energy_wh
