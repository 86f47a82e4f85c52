"""Six stations for the demonstration: three versions, different powers, the troubles of a real street."""

import asyncio
import contextlib
import ssl
from typing import Any

from simulator.crowd import Crowd
from simulator.station import Station
from simulator.versions import V16, V21, V201

TOKENS = ("DEMO-ALICE", "DEMO-BOB", "DEMO-CAROL")
STRANGER = "DEMO-STRANGER"
SETTINGS = {"sample_interval": 10}

# name: version and what the station is like; "trouble" is what happens to it now and then
CAST: dict[str, dict[str, Any]] = {
    "DEMO-16-01": {"version": V16, "connectors": 2, "power_w": 11_000, "trouble": "offline"},
    "DEMO-16-02": {"version": V16, "connectors": 1, "power_w": 22_000, "trouble": "fault"},
    "DEMO-201-01": {"version": V201, "connectors": 2, "power_w": 11_000, "trouble": "none"},
    "DEMO-201-02": {"version": V201, "connectors": 1, "power_w": 7_400, "phases": 1, "trouble": "offline"},
    "DEMO-21-01": {
        "version": V21,
        "connectors": 2,
        "power_w": 50_000,
        "dc": True,
        "soc": True,
        "trouble": "none",
    },
    "DEMO-21-02": {"version": V21, "connectors": 1, "power_w": 22_000, "trouble": "strangers"},
}


class Demo(Crowd):
    """The cast, each with drivers and troubles of its own; every station comes back when the server goes
    away.
    """

    def __init__(
        self,
        url: str,
        *,
        speed: float = 1.0,
        seed: int = 0,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self._troubles: dict[str, str] = {}
        for identity, role in CAST.items():
            options = dict(role)
            self._troubles[identity] = options.pop("trouble")
            station = Station(
                identity,
                options.pop("version"),
                url,
                password=password,
                tls=tls,
                seed=seed,
                speed=speed,
                patient=True,
                latencies=self.latencies,
                log_size=0,
                settings=dict(SETTINGS),
                vendor="Demo",
                model="Street charger",
                **options,
            )
            self.stations.append(station)

    async def start(self) -> None:
        """Set everything going; returns at once, the stations connect when the server is there."""
        for station in self.stations:
            self._workers.append(asyncio.create_task(self._live(station)))

    async def _live(self, station: Station) -> None:
        # A demonstration waits for its server as long as it takes: the two start together.
        await station.start(timeout_s=None)
        drivers = [self._drivers(station, connector.number) for connector in station.connectors]
        await asyncio.gather(*drivers, self._trouble(station))

    async def _drivers(self, station: Station, connector: int) -> None:
        rng = station.rng
        first = True
        while True:
            # The first cars come soon, so that a newcomer sees something move.
            await station.clock.sleep(rng.uniform(2, 8) if first else rng.uniform(15, 60))
            first = False
            place = station.connector(connector)
            if not place.is_free or not place.operative or place.reservation or place.status == "Faulted":
                continue
            stranger = rng.random() < (0.4 if self._troubles[station.identity] == "strangers" else 0.05)
            token = STRANGER if stranger else self._free_token(station)
            if token is None:
                continue
            plan = {"duration_s": rng.uniform(90, 420), "cable_first": rng.random() < 0.6}
            await self.see_through(station.begin(connector, token, **plan))

    def _free_token(self, station: Station) -> str | None:
        """A card that is not charging elsewhere, for a card is in one place at a time (ConcurrentTx)."""
        used = {
            connector.session.token
            for other in self.stations
            for connector in other.connectors
            if connector.session is not None
        }
        free = [token for token in TOKENS if token not in used]
        return station.rng.choice(free) if free else None

    async def _trouble(self, station: Station) -> None:
        trouble = self._troubles[station.identity]
        while trouble in ("offline", "fault"):
            await station.clock.sleep(station.rng.uniform(90, 240))
            if trouble == "offline":
                await station.go_offline(station.rng.uniform(20, 60))
                await station.online.wait()
            else:
                with contextlib.suppress(LookupError):
                    await station.fault(1, station.rng.uniform(20, 60))
