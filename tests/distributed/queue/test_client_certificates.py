"""Client certificates at web processes and gateways: at their own port, and behind a proxy."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import InvalidStatus

from tests.certificate_proxies import ADDRESS, HEADER, escaped, nginx, small_proxy
from tests.conformance.mutual_tls import Pki, trust
from tests.conformance.peer import V16, V201, Operator, eventually, fresh, station
from tests.distributed.cluster import Cluster
from tests.distributed.conftest import MakeCluster
from tests.self_signed import certify
from tests.servers import LiveServer, free_port
from tests.unit.pki.made import Made, make

ROOT = make("CSMS root", is_ca=True)
MAKER = make("Maker root", is_ca=True, organization="Maker")
STRANGER = make("Unknown root", is_ca=True)


class Way(NamedTuple):
    """A way to a server: the port for stations, and whether the server itself ends TLS."""

    cluster: Cluster
    web: LiveServer
    port: int
    pki: Pki
    ends_tls: bool

    async def provision(self) -> tuple[str, str]:
        identity, serial = fresh("MTLS"), fresh("SN")
        await Operator(self.web).provision(identity, securityProfile=3, serialNumber=serial)
        return identity, serial

    def connect(self, version: str, identity: str, client: ssl.SSLContext, **how: Any) -> Any:
        how = {"boot": False, "ssl": client, "port": self.port, "host": "localhost", **how}
        server = _Secure(self.port)
        return station(server, version, identity, **how)  # type: ignore[arg-type]

    def rows(self, table: str, identity: str) -> list[dict[str, Any]]:
        if table == "refusedconnection":
            return self.cluster.rows(
                "SELECT * FROM chargepoints_refusedconnection WHERE identity = %s", identity
            )
        return self.cluster.rows(
            f"SELECT t.* FROM chargepoints_{table} t JOIN chargepoints_chargepoint c"  # noqa: S608
            " ON c.id = t.charge_point_id WHERE c.identity = %s",
            identity,
        )


class _Secure:
    """The address of a port with TLS, for `station`."""

    def __init__(self, port: int) -> None:
        self.ocpp = f"wss://localhost:{port}/ocpp"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certify(tmp_path_factory.mktemp("proxy"), "proxy")


@pytest.fixture(scope="module")
def cluster(
    make_cluster: MakeCluster, tmp_path_factory: pytest.TempPathFactory, files: tuple[Path, Path]
) -> Cluster:
    cluster = make_cluster(0, TLS_CLIENT_CERT_HEADER=HEADER, FORWARDED_ALLOW_IPS=ADDRESS)
    trust(cluster.database_url, ROOT)
    trust(cluster.database_url, MAKER, kind="manufacturer")
    for role in ("gateway", "processor", "web"):
        cluster.add(1, role)
    for role in ("gateway", "web"):
        own: dict[str, Any] = {
            "TLS_CERT": str(files[0]),
            "TLS_KEY": str(files[1]),
            "TLS_CLIENT_PORT": str(free_port()),
        }
        folder = tmp_path_factory.mktemp(role)
        server = LiveServer(folder, role=role, **cluster.environment | own)
        cluster.servers.append(server)
        server.start()
    return cluster


WAYS = [
    "gateway",
    "web",
    "proxy to gateway",
    "proxy to web",
    pytest.param("nginx to gateway", marks=pytest.mark.nightly),
    pytest.param("nginx to web", marks=pytest.mark.nightly),
]


@pytest.fixture(scope="module", params=WAYS)
def way(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    files: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Way]:
    gateway, _, web, secure_gateway, secure_web = cluster.servers
    folder = tmp_path_factory.mktemp("way")
    kind, _, to = str(request.param).rpartition(" to ")
    is_gateway = to == "gateway"
    with contextlib.ExitStack() as held:
        upstream = (gateway if is_gateway else web).port
        if kind == "nginx":
            port = held.enter_context(nginx(folder, files, upstream))
        elif kind == "proxy":
            port = held.enter_context(small_proxy(files, upstream, [ROOT, MAKER, STRANGER]))
        else:
            port = int((secure_gateway if is_gateway else secure_web).environment["TLS_CLIENT_PORT"])
        yield Way(cluster, web, port, Pki(folder, files[0]), ends_tls=not kind)


def boot(serial: str) -> dict[str, Any]:
    described = {"vendorName": "Vendor", "model": "Model", "serialNumber": serial}
    return {"reason": "PowerUp", "chargingStation": described}


async def test_16_087_16_088_TC_A_07_a_station_boots_and_a_wrong_serial_number_closes(way: Way) -> None:
    identity, serial = await way.provision()
    client = way.pki.client(make(serial, by=ROOT))

    async with way.connect(V201, identity, client) as peer:
        assert peer.socket.subprotocol == V201
        good = await peer.call("BootNotification", boot(serial))
        await peer.heartbeat()
        bad = await peer.exchange("BootNotification", boot("another"))
        code = await peer.closed()
    (event,) = await eventually(lambda: way.rows("securityevent", identity))

    assert good["status"] == "Accepted"
    assert (bad[2], code) == ("SecurityError", 1008)
    assert event["type"] == "RefusedClientCertificate" and serial in event["tech_info"]


async def test_16_087_TC_A_08_bad_certificates_are_refused_with_the_whole_reason(way: Way) -> None:
    cases: dict[str, Callable[[str], list[Made]]] = {
        "is that of another station": lambda serial: [make("SN-of-another", by=ROOT)],
        "The organization (O) of": lambda serial: [make(serial, by=ROOT, organization="Others")],
    }
    if not way.ends_tls:
        cases |= {
            "has expired": lambda serial: [make(serial, by=ROOT, days=(-9, -1))],
            "is not known": lambda serial: [make(serial, by=STRANGER)],
            "sent none": lambda serial: [],
        }
    for reason, made in cases.items():
        identity, serial = await way.provision()
        client = way.pki.client(*made(serial))
        with pytest.raises(InvalidStatus) as caught:
            async with way.connect(V16, identity, client):
                pass
        (row,) = way.rows("refusedconnection", identity)

        assert caught.value.response.status_code == 401
        assert reason in row["reason"], row
        assert row["remote_address"] == "127.0.0.1"
        assert [one["type"] for one in way.rows("securityevent", identity)] == ["RefusedClientCertificate"]


async def test_S06_a_forged_header_changes_nothing(way: Way) -> None:
    identity, serial = await way.provision()
    headers = {HEADER: escaped(make(serial, by=ROOT)), "X-Forwarded-Proto": "https"}
    other = way.pki.client(make("SN-of-another", by=ROOT))

    # Through the proxy, which replaces it, and from an address that is no proxy.
    with pytest.raises(InvalidStatus):
        async with way.connect(V16, identity, other, headers=headers):
            pass
    with pytest.raises(InvalidStatus):
        async with station(way.cluster.servers[0], V16, identity, boot=False, headers=headers):
            pass

    reasons = [row["reason"] for row in way.rows("refusedconnection", identity)]
    assert len(reasons) == 2
    assert any("SN-of-another" in reason for reason in reasons)
    assert any("needs TLS" in reason or "sent none" in reason for reason in reasons)
