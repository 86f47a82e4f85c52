"""A simulated station goes from security profile 1 to 2 and 3, and falls back (16-083, TC_A_19, A05).

The server has no TLS: a small proxy in front of it ends TLS, and passes the client certificate on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from simulator import Station, pki
from simulator.certificates import CSMS, STATION
from tests.certificate_proxies import ADDRESS, HEADER, small_proxy
from tests.conformance.changing_profiles import FORCED, NAME, PASSWORD, let_time_pass
from tests.conformance.mutual_tls import trust
from tests.conformance.peer import V16, V201, VERSIONS, Operator, Records, eventually, fresh
from tests.self_signed import certify
from tests.servers import LiveServer, free_port
from tests.unit.pki.made import make

ROOT = make("CSMS root", is_ca=True)
LABELS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}
SLOTS = "OCPPCommCtrlr.NetworkConfigurationPriority"


class Front:
    """A server without TLS, and the address of its proxy."""

    def __init__(self, server: LiveServer, certificate: x509.Certificate, url: str) -> None:
        self.server, self.certificate, self.url = server, certificate, url
        self.operator, self.records = Operator(server), Records(server.database)

    async def simulated(self, version: str, url: str = "", **options: Any) -> Station:
        """A connected station of profile 1 that could use the others: it has a root and a certificate."""
        identity, url = fresh("SIM"), url or self.url
        await self.operator.provision(identity, password=PASSWORD, serialNumber=f"S-{identity}")
        station = Station(
            identity, LABELS[version], self.server.ocpp, speed=200, password=PASSWORD, security_profile=1,
            urls={1: self.server.ocpp, 2: url, 3: url}, retry_connect=True, **options,
        )  # fmt: skip
        station.certificates.trust(CSMS, self.certificate)
        # The proxy passes on the certificate alone, not the CAs above it.
        leaf = make(station.serial, by=ROOT)
        own = pki.OwnCertificate((leaf.certificate, ROOT.certificate), leaf.key)
        station.certificates.own.setdefault(STATION, []).append(own)
        await station.start(timeout_s=20)
        if version != V16:
            await self.post(station, "get-configuration", {"keys": [SLOTS]})
        return station

    async def post(self, station: Station, name: str, body: dict[str, Any]) -> dict[str, Any]:
        path = f"/api/v1/chargepoints/{station.identity}/{name}"
        status, answer = await self.operator.request("POST", path, body)
        assert status == 200, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def upgrade(self, station: Station, target: int, url: str = "") -> dict[str, Any]:
        address = {} if station.version == "1.6" else {"csmsUrl": url or self.url}
        return await self.post(station, NAME, {"targetProfile": target, **address, **FORCED})

    def profiles(self, station: Station) -> tuple[int, int | None]:
        row = self.records.charge_point(station.identity)
        return row["security_profile"], row["next_security_profile"]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    pair = certify(folder, "proxy")
    live = LiveServer(
        folder, template=migrated_database, TLS_CLIENT_CERT_HEADER=HEADER, FORWARDED_ALLOW_IPS=ADDRESS
    )
    trust(live.database, ROOT)
    live.start()
    with small_proxy(pair, live.port, [ROOT]) as port:
        certificate = x509.load_pem_x509_certificate(pair[0].read_bytes())
        yield Front(live, certificate, f"wss://localhost:{port}/ocpp")
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


@pytest.mark.parametrize("version", VERSIONS)
async def test_16_083_TC_A_19_a_simulated_station_goes_from_1_to_2_and_3(front: Front, version: str) -> None:
    station = await front.simulated(version)
    try:
        found = []
        for target in (2, 3):
            await front.upgrade(station, target)
            await eventually(lambda target=target: front.profiles(station) == (target, None), timeout=30)
            await eventually(station.ready.is_set)
            found.append((station.network.profile, station.settings.text("profile")))
    finally:
        await station.stop(grace_s=1)

    assert found == [(2, "2"), (3, "3")]
    rows = front.records.of("chargepoints_securityprofilechange", station.identity)
    assert [(row["previous"], row["target"], row["state"]) for row in rows] == [
        (1, 2, "proved"),
        (2, 3, "proved"),
    ]


@pytest.mark.parametrize("version", [V16, V201])
async def test_A05_a_simulated_station_that_can_not_connect_falls_back(front: Front, version: str) -> None:
    nowhere = f"wss://localhost:{free_port()}/ocpp"
    station = await front.simulated(version, nowhere)
    try:
        connected = front.records.charge_point(station.identity)["connected_at"]
        await front.upgrade(station, 2, nowhere)

        def is_back() -> bool:
            row = front.records.charge_point(station.identity)
            return bool(row["is_online"]) and row["connected_at"] > connected

        await eventually(is_back, timeout=30)
        let_time_pass(front.server, station)  # type: ignore[arg-type]
        await eventually(lambda: front.profiles(station) == (1, None), timeout=30)
    finally:
        await station.stop(grace_s=1)

    (row,) = front.records.of("chargepoints_securityprofilechange", station.identity)
    assert row["state"] == "fell-back"
    assert station.network.profile == 1
