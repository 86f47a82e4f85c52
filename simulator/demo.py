"""Six stations for the demo: three OCPP versions, different powers, and the incidents of real stations."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from typing import Any

from simulator.station import Station
from simulator.station_group import StationGroup
from simulator.versions import V16, V21, V201

TOKENS = ("DEMO-ALICE", "DEMO-BOB", "DEMO-CAROL")
UNKNOWN_UID = "DEMO-STRANGER"
SETTINGS = {"sample_interval": 10}

# Identity: options of the station; "incident" happens to it from time to time.
STATIONS: dict[str, dict[str, Any]] = {
    "DEMO-16-01": {"version": V16, "connectors": 2, "power_w": 11_000, "incident": "offline"},
    "DEMO-16-02": {"version": V16, "connectors": 1, "power_w": 22_000, "incident": "fault"},
    "DEMO-201-01": {"version": V201, "connectors": 2, "power_w": 11_000, "incident": "none"},
    "DEMO-201-02": {"version": V201, "connectors": 1, "power_w": 7_400, "phases": 1, "incident": "offline"},
    "DEMO-21-01": {
        "version": V21,
        "connectors": 2,
        "power_w": 50_000,
        "dc": True,
        "soc": True,
        "incident": "none",
    },
    "DEMO-21-02": {"version": V21, "connectors": 1, "power_w": 22_000, "incident": "unknown_tokens"},
}


class Demo(StationGroup):
    """The demo stations, each with its drivers and incidents. Every station reconnects after an outage of the
    server.
    """

    def __init__(
        self,
        url: str,
        *,
        speed: float = 1.0,
        seed: int = 0,
        password: str | None = None,
        passwords: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        **station_options: Any,
    ) -> None:
        super().__init__()
        self._incidents: dict[str, str] = {}
        for identity, role in STATIONS.items():
            options = station_options | role
            self._incidents[identity] = options.pop("incident")
            station = Station(
                identity,
                options.pop("version"),
                url,
                password=(passwords or {}).get(identity, password),
                tls=tls,
                seed=seed,
                speed=speed,
                retry_connect=True,
                latencies=self.latencies,
                log_size=0,
                settings=dict(SETTINGS),
                vendor="Demo",
                model="Street charger",
                **options,
            )
            self.stations.append(station)

    async def start(self) -> None:
        """Start all stations and return at once; they connect as soon as the server listens."""
        for station in self.stations:
            self._workers.append(asyncio.create_task(self._run_station(station)))

    async def _run_station(self, station: Station) -> None:
        # The demo waits for its server without limit: both start at the same time.
        await station.start(timeout_s=None)
        drivers = [self._drivers(station, connector.number) for connector in station.connectors]
        await asyncio.gather(*drivers, self._incident(station))

    async def _drivers(self, station: Station, connector: int) -> None:
        rng = station.rng
        first = True
        while True:
            # The first vehicles arrive soon, so that a new user sees activity.
            await station.clock.sleep(rng.uniform(2, 8) if first else rng.uniform(15, 60))
            first = False
            place = station.connector(connector)
            if not place.is_free or not place.operative or place.reservation or place.status == "Faulted":
                continue
            await self._charge(station, connector)

    async def _charge(self, station: Station, connector: int) -> None:
        """Run one session of a driver with a token."""
        rng = station.rng
        is_unknown = rng.random() < (0.4 if self._incidents[station.identity] == "unknown_tokens" else 0.05)
        token = UNKNOWN_UID if is_unknown else self._free_token(station)
        if token is None:
            return
        plan = {"duration_s": rng.uniform(90, 420), "cable_first": rng.random() < 0.6}
        await self.finish_session(station.begin(connector, token, **plan))

    def _free_token(self, station: Station) -> str | None:
        """Return a token that is not charging at another station, as ConcurrentTx would refuse it; None when
        all are.
        """
        used = {
            connector.session.token
            for other in self.stations
            for connector in other.connectors
            if connector.session is not None
        }
        free = [token for token in TOKENS if token not in used]
        return station.rng.choice(free) if free else None

    async def _incident(self, station: Station) -> None:
        incident = self._incidents[station.identity]
        while incident in ("offline", "fault"):
            await station.clock.sleep(station.rng.uniform(90, 240))
            if incident == "offline":
                await station.go_offline(station.rng.uniform(20, 60))
                await station.online.wait()
            else:
                with contextlib.suppress(LookupError):
                    await station.fault(1, station.rng.uniform(20, 60))
