"""Many stations in one process, for load tests and boot storms."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from simulator.contracts import EMAID
from simulator.station import Station
from simulator.station_group import StationGroup
from simulator.vehicles import Vehicle
from simulator.wire import CallFailed, NoAnswer

PAUSE_S = (5.0, 30.0)  # simulated seconds between two sessions
START_AT_ONCE = 50  # handshakes in flight while a fleet starts


class Fleet(StationGroup):
    """``count`` stations of mixed versions that share one table of latencies.

    With ``charging`` False the stations only boot and send statuses and heartbeats, which costs little.
    A ``vehicle`` charges by its contract instead of the tokens. Frames are not logged. With the same seed the
    same stations do the same things in the same order.
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
        vehicle: Vehicle | None = None,
        **station_options: Any,
    ) -> None:
        super().__init__()
        self.charging = charging
        self.tokens = tokens
        self.free = free
        self.vehicle = vehicle
        self.session_s = session_s
        options: dict[str, Any] = {"log_size": 0, "connectors": 1, "settings": {"sample_interval": 10}}
        options |= station_options
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

    async def start(self, *, at_once: int = START_AT_ONCE, over_s: float = 0.0) -> int:
        """Start every station, at most at_once handshakes at a time, spread over over_s real seconds.

        Returns the number of accepted stations; the failures of the others are in the latencies under
        ``connect`` or BootNotification.
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
        """Run the fleet for the given real seconds, or until stop is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await (stop or asyncio.Event()).wait()

    async def _drive(self, station: Station) -> None:
        """Simulate the drivers of one station for as long as the fleet runs."""
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
                self.vehicle.emaid if self.vehicle else token,
                token_type=EMAID if self.vehicle else "ISO14443",
                vehicle=self.vehicle,
                duration_s=rng.uniform(*self.session_s),
                cable_first=rng.random() < 0.5,
                authorize=not self.free,
            )
            # A failed call in the session is already counted in the latencies.
            with contextlib.suppress(NoAnswer, CallFailed):
                await self.finish_session(work)
