"""The demo with security profile 3: the stations get a root and certificates, and charge cars by contract."""

import asyncio
import contextlib
import secrets
import ssl

from simulator.demo import STATIONS, Demo
from simulator.lab_pki import LabPki
from simulator.network import WITH_CERTIFICATE
from simulator.station import Station
from simulator.vehicles import Vehicle

MOBILITY_OPERATOR = "Demo Mobility"
# A car for each connector, so that the first session of each is one by contract.
EMAIDS = tuple(f"DE8AACDEMO{number:04d}" for number in range(1, 10))
REVOKED_EMAID = "DE8AACDEMO0099"
_POLL_S = 0.5


class SecureDemo(Demo):
    """The stations of the demo at security profile 1, as an installer leaves them: with a password in
    :attr:`passwords` and the name of the operator of the stations. An operator of the server does the rest;
    :meth:`release` lets the stations connect once the server knows them. A station charges as soon as it has
    profile 3: cars with contracts of a lab PKI, whose root the server has to trust, and token holders.

    ``tls`` trusts the server at the first contact, before a root is installed; ``client_url`` is the endpoint
    for client certificates.
    """

    def __init__(
        self,
        url: str,
        *,
        client_url: str,
        organization: str,
        ocsp_port: int,
        speed: float = 1.0,
        seed: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.passwords = {identity: secrets.token_urlsafe(18) for identity in STATIONS}
        super().__init__(
            url,
            speed=speed,
            seed=seed,
            tls=tls,
            passwords=self.passwords,
            security_profile=1,
            urls={2: url, 3: client_url},
        )
        for station in self.stations:
            station.settings.put("organization", organization)
        self.lab = LabPki(MOBILITY_OPERATOR, ocsp_url=f"http://127.0.0.1:{ocsp_port}/")
        self.vehicles = [self.lab.contract(emaid) for emaid in EMAIDS]
        self.revoked = self.lab.contract(REVOKED_EMAID, is_revoked=True)
        self.answer_ocsp(self.lab, ocsp_port)
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let the stations connect: the server knows them now. Call it in the event loop."""
        self._released.set()

    async def _run_station(self, station: Station) -> None:
        await self._released.wait()
        await super()._run_station(station)

    async def _drivers(self, station: Station, connector: int) -> None:
        while station.network.profile != WITH_CERTIFICATE:
            await asyncio.sleep(_POLL_S)
        await super()._drivers(station, connector)

    async def _charge(self, station: Station, connector: int) -> None:
        """A car with a contract in two of three sessions; the first one of each connector is."""
        rng = station.rng
        is_first = not any(session.connector.number == connector for session in station.sessions)
        vehicle = self._free_vehicle(station)
        if vehicle is None or not (is_first or rng.random() < 0.66):
            await super()._charge(station, connector)
            return
        with contextlib.suppress(RuntimeError):  # the connector was taken meanwhile
            work = station.plug_in(vehicle, connector, duration_s=rng.uniform(90, 420))
            await self.finish_session(work)

    def _free_vehicle(self, station: Station) -> Vehicle | None:
        """A car that is not charging elsewhere; None when all are. Sometimes it has a revoked contract."""
        used = {
            connector.session.token
            for other in self.stations
            for connector in other.connectors
            if connector.session is not None
        }
        free = [vehicle for vehicle in self.vehicles if vehicle.emaid not in used]
        if station.rng.random() < 0.1 and REVOKED_EMAID not in used:
            return self.revoked
        return station.rng.choice(free) if free else None
