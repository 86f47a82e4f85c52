"""A rotation of the root while stations with mutual TLS charge: each stays online, and no message is lost.

The steps are those of docs/certificates.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import sqlite3
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.machine import Process
from ocpp_server.pki import parsing
from tests.conformance import certifying
from tests.conformance.campaigning import created
from tests.conformance.peer import V16, V21, V201, Operator, Records
from tests.distributed.reconnecting import percentile
from tests.distributed.rotating import TOKEN, RotatingStation
from tests.processes import must
from tests.self_signed import unverified
from tests.servers import LiveServer, free_port
from tests.unit.certificates.csrs import ORGANIZATION

pytestmark = pytest.mark.slow
VERSIONS: Final = (V16, V201, V21)
OLD, NEW = f"{ORGANIZATION} Root", "Rotated Root"
NEW_ISSUING: Final = {"Rotated Issuing ECDSA", "Rotated Issuing RSA"}
# The operator and the stations do so many things at once.
AT_ONCE: Final = 20
WAIT_S: Final = 300.0
# The longest reconnect. A busy machine may take longer than a station alone would see.
MOST_OFFLINE_S: Final = 20.0


class RotatingServer(LiveServer):
    """A server whose client trusts all roots of its database: its certificate changes while it runs."""

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        context = ssl.create_default_context(cadata="".join(roots(self.database).values()))
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context)


def roots(database: Path) -> dict[str, str]:
    """The trusted roots in PEM, by name."""
    with sqlite3.connect(database, timeout=10) as file:
        return dict(file.execute("SELECT name, certificate FROM certificates_trustroot").fetchall())


class Rotation:
    """A server with its signer and stations, and the steps of an operator."""

    def __init__(self, server: LiveServer, folder: Path, count: int) -> None:
        self.server, self.operator = server, Operator(server)
        self.records = Records(server.database)
        old = parsing.certificate(roots(server.database)[OLD], field="root")
        self.stations = [
            RotatingStation(f"ROT-{number:04d}", VERSIONS[number % 3], folder, old) for number in range(count)
        ]
        for number, station in enumerate(self.stations):
            station.is_rsa = number % 6 == 0
            # 1.6 can't report it.
            station.checks_roots = station.version != V16 and number % 4 == 1
        # The first certificate of a station, with its key.
        self.old_client = folder / "old-client.pem"
        self.figures: list[str] = []
        assert server.process is not None
        self._process = Process(server.process.pid)
        self._begun: tuple[float, float] | None = None

    async def pki(self, *words: str) -> None:
        await asyncio.to_thread(must, "manage", "pki", *words, environment=self.server.environment)

    async def each(self, work: Callable[[RotatingStation], Awaitable[Any]]) -> None:
        """Do this for all stations, AT_ONCE at a time."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(station: RotatingStation) -> None:
            async with slots:
                await work(station)

        async with asyncio.TaskGroup() as group:
            for station in self.stations:
                group.create_task(one(station))

    async def until(self, is_so: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < deadline, f"{what}: {self.troubles()}"
            await asyncio.sleep(0.1)  # poll: other processes change the database

    async def request(self, method: str, path: str, body: Any = None, *, expects: int = 200) -> Any:
        status, answer = await self.operator.request(method, f"/api/v1/{path}", body)
        assert status == expects, answer
        return answer["data"]

    async def campaign(self, kind: str, arguments: dict[str, Any]) -> None:
        """Run a campaign for all stations; all of them reach its result."""
        identities = [station.identity for station in self.stations]
        one = await created(self.operator, kind, arguments, identities, atOnce=100)
        number = int(one.rpartition("/")[2])
        sql = "SELECT finished_at FROM chargepoints_campaign WHERE id = ?"
        await self.until(lambda: self.records.rows(sql, number)[0]["finished_at"], kind)
        sql = "SELECT state, detail FROM chargepoints_campaignstation WHERE campaign_id = ?"
        rows = self.records.rows(sql, number)
        assert [row for row in rows if row["state"] != "done"] == []
        assert len(rows) == len(identities)

    def mark(self, step: str) -> None:
        """Note the time and the CPU time of the server since the mark before."""
        now, cpu = time.monotonic(), self._process.cpu_seconds()
        if self._begun is not None:
            wall, used = now - self._begun[0], cpu - self._begun[1]
            self.figures.append(f"{step}: {wall:.1f} s, CPU of the server {used:.1f} s")
            print(self.figures[-1], flush=True)
        self._begun = now, cpu

    def troubles(self) -> list[str]:
        """The connections that failed or that the server ended."""
        found = [(station.identity, station.faults + station.drops) for station in self.stations]
        return [f"{identity}: {what}" for identity, what in found if what]

    def issued(self, state: str) -> dict[str, str]:
        """The fingerprint of the one certificate in this state, by station."""
        rows = self.records.rows(
            "SELECT c.identity, i.sha256 FROM certificates_issuedcertificate i"
            " JOIN chargepoints_chargepoint c ON c.id = i.charge_point_id WHERE i.state = ?",
            state,
        )
        found = {row["identity"]: row["sha256"] for row in rows}
        assert len(found) == len(rows)
        return found

    def issuers(self, state: str) -> set[str]:
        """The names of the roots above the certificates in this state."""
        rows = self.records.rows(
            "SELECT DISTINCT r.name FROM certificates_issuedcertificate i"
            " JOIN certificates_certificateauthority a ON a.id = i.authority_id"
            " JOIN certificates_certificateauthority r ON r.id = a.parent_id"
            " WHERE i.state = ? AND i.charge_point_id IS NOT NULL",
            state,
        )
        return {row["name"] for row in rows}


@pytest.fixture
def rotating(tmp_path: Path, migrated_database: Path) -> Iterator[Callable[[int], Rotation]]:
    """Makes a rotation with so many stations: a server with CAs, and certificates of them of its own."""
    tls, port = tmp_path / "tls", free_port()
    server = RotatingServer(
        tmp_path,
        template=migrated_database,
        SIGNER_PASSPHRASE=certifying.PASSPHRASE,
        TLS_CERT=str(tls / "server-ecdsa.pem"),
        TLS_SECOND_CERT=str(tls / "server-rsa.pem"),
        TLS_CLIENT_PORT=str(port),
        LOG_LEVEL="WARNING",
    )
    # The command makes the certificates, so it must not look for them.
    without = {name: text for name, text in server.environment.items() if not name.startswith("TLS_")}
    must("manage", "pki", "init", "--organization", ORGANIZATION, environment=without)
    made = ("server-certificate", "--name", "localhost", "--out", str(tls))
    must("manage", "pki", *made, environment=without)
    server.start()
    yield lambda count: Rotation(server, tmp_path, count)
    assert server.stop() == 0
    text = server.log.read_text("utf-8", "replace")
    assert "Traceback" not in text
    assert "PRIVATE KEY" not in text


async def provision(rotation: Rotation) -> None:
    """Stations with security profile 2 and a password."""
    await rotation.operator.add_token(TOKEN)

    async def one(station: RotatingStation) -> None:
        station.port, station.password = rotation.server.port, certifying.PASSWORD
        await rotation.operator.provision(station.identity, password=station.password, securityProfile=2)

    await rotation.each(one)


async def enrol(rotation: Rotation) -> None:
    """A certificate of the old CA for each station, then security profile 3."""
    rotation.mark("")
    await rotation.each(RotatingStation.is_online)
    rotation.mark("connected with passwords")
    await rotation.each(RotatingStation.ask_for_certificate)
    await rotation.until(lambda: all(one.chain for one in rotation.stations), "first certificates")

    rotation.mark("first certificates")

    async def secured(station: RotatingStation) -> None:
        await rotation.operator.change(station.identity, securityProfile=3)
        station.port, station.password = int(rotation.server.environment["TLS_CLIENT_PORT"]), ""
        await station.reconnect()
        if station.checks_roots:
            path = f"chargepoints/{station.identity}/get-configuration"
            await rotation.request("POST", path, {"keys": ["SecurityCtrlr.AdditionalRootCertificateCheck"]})

    await rotation.each(secured)
    rotation.mark("connected by mutual TLS")


async def rotate(rotation: Rotation) -> None:
    """The steps of an operator, from the new root to the end of the old one."""
    stations = rotation.stations
    await rotation.pki("rotate", "--name", "Rotated")
    found = await rotation.request("GET", "certificates/roots?kind=csms")
    numbers = {one["name"]: one["id"] for one in found["roots"]}
    body = {"name": "All", "rootIds": [numbers[NEW]]}
    root_set = await rotation.request("POST", "certificates/root-sets", body, expects=201)
    before = await rotation.request("GET", f"certificates/roots/{numbers[NEW]}/rotation")
    assert (before["stations"], before["known"], before["isReady"]) == (len(stations), 0, False)
    rotation.mark("a new root")

    await rotation.campaign("root-certificates", {"rootSetId": root_set["id"]})
    plan = await rotation.request("GET", f"certificates/roots/{numbers[NEW]}/rotation")
    assert (plan["known"], plan["isReady"]) == (len(stations), True)
    rotation.mark("installed everywhere")

    old = {station.identity: parsing.sha256(station.chain[0]) for station in stations}
    rotation.old_client.write_bytes(stations[0].file.read_bytes())
    await rotation.campaign("command", {"command": "renew-certificate"})
    await rotation.until(lambda: len(rotation.issued("superseded")) == len(stations), "renewal")
    assert rotation.issued("superseded") == old
    rotation.mark("certificates renewed")

    # Nothing is restarted: the server finds its new files.
    out = str(rotation.server.folder / "tls")
    await rotation.pki("server-certificate", "--name", "localhost", "--root", NEW, "--out", out)
    for port in (rotation.server.port, stations[0].port):
        has_new = partial(_has_new_issuer, port, stations[0].file)
        await rotation.until(has_new, f"the certificate at port {port}")
    await rotation.each(RotatingStation.reconnect)
    assert {one.server_issuer for one in stations} <= NEW_ISSUING
    rotation.mark("the certificate of the server changed")

    for one in (await rotation.request("GET", "certificates/authorities"))["authorities"]:
        if one["name"].startswith(ORGANIZATION) and one["parentId"]:
            await rotation.request("POST", f"certificates/authorities/{one['id']}/retire")
    await rotation.request("PATCH", f"certificates/roots/{numbers[OLD]}", {"isEnabled": False})
    await rotation.each(lambda station: _forget(rotation, station, numbers[OLD]))
    await rotation.each(RotatingStation.reconnect)
    rotation.mark("the old root retired")


def _has_new_issuer(port: int, client: Path) -> bool:
    """Whether the certificate that the server presents to this client is below the new root."""
    context = unverified()
    context.load_cert_chain(client)
    with (
        socket.create_connection(("localhost", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        presented = x509.load_der_x509_certificate(secure.getpeercert(True) or b"")
    return parsing.common_name(presented.issuer) in NEW_ISSUING


async def _forget(rotation: Rotation, station: RotatingStation, root: int) -> None:
    """Delete the old root from the store of a station."""
    path = f"chargepoints/{station.identity}"
    rows = (await rotation.request("GET", f"{path}/certificates?isCurrent=true"))["certificates"]
    (number,) = (row["id"] for row in rows if row["rootId"] == root)
    answer = await rotation.request("POST", f"{path}/delete-certificate", {"certificateId": number})
    assert answer["status"] == "Accepted"
    assert len(station.roots) == 1


@contextlib.asynccontextmanager
async def charging(rotation: Rotation, pause_s: float) -> AsyncIterator[None]:
    """The stations charge meanwhile, each with a message about every `pause_s` seconds."""
    await rotation.each(RotatingStation.begin_charging)
    sending = [asyncio.create_task(station.charge(pause_s)) for station in rotation.stations]
    yield
    for station in rotation.stations:
        station.is_full = True
    await asyncio.gather(*sending)
    await rotation.each(RotatingStation.end_charging)


async def run(rotation: Rotation, pause_s: float) -> None:
    """The whole rotation under charging stations, and what is true after it."""
    await provision(rotation)
    async with asyncio.TaskGroup() as group:
        for station in rotation.stations:
            group.create_task(station.run())
        await enrol(rotation)
        assert rotation.issuers("active") == {OLD}
        for station in rotation.stations:
            station.offline.clear()
        async with charging(rotation, pause_s):
            await rotate(rotation)
        check(rotation)
        await refuse_old(rotation)
        await asyncio.gather(*(station.leave() for station in rotation.stations))


def check(rotation: Rotation) -> None:
    stations, records = rotation.stations, rotation.records
    # The connections, as the stations saw them: to renew, to the new certificate, after the old root.
    assert rotation.troubles() == []
    assert {len(station.offline) for station in stations} == {3}
    offline = [seconds for station in stations for seconds in station.offline]
    shares = ", ".join(f"p{share} {percentile(offline, share):.2f}" for share in (50, 99, 100))
    rotation.figures.append(f"{len(stations)} stations, seconds of a reconnect: {shares}")
    print(rotation.figures[-1])
    assert max(offline) < MOST_OFFLINE_S
    # The database.
    assert records.rows("SELECT * FROM chargepoints_refusedconnection") == []
    online = records.rows("SELECT security_profile FROM chargepoints_chargepoint WHERE is_online")
    assert [row["security_profile"] for row in online] == [3] * len(stations)
    assert rotation.issued("active") == {one.identity: parsing.sha256(one.chain[0]) for one in stations}
    assert (rotation.issuers("active"), rotation.issuers("superseded")) == ({NEW}, {OLD})
    assert len(rotation.issued("superseded")) == len(stations)
    others = "SELECT * FROM certificates_signingrequest WHERE state NOT IN ('installed', 'superseded')"
    assert records.rows(others) == []
    for station in stations:
        (session,) = records.transactions(station.identity)
        values = [row["value"] for row in records.meter_values(station.identity)]
        assert sorted(map(float, values)) == [float(one) for one in range(1, station.readings + 1)]
        assert station.readings > 3
        assert session["stopped_at"] is not None


async def refuse_old(rotation: Rotation) -> None:
    """The old certificate of a station is worth nothing now."""
    one = rotation.stations[0]
    one.file = rotation.old_client
    # A process keeps the trusted roots for some seconds.
    with pytest.raises((OSError, InvalidHandshake, ConnectionClosed)):
        async with asyncio.timeout(WAIT_S):
            while True:
                async with one.connecting():
                    await asyncio.sleep(0.5)
    sql = "SELECT identity, code, reason FROM chargepoints_refusedconnection"
    await rotation.until(lambda: rotation.records.rows(sql), "the refusal of the old certificate")
    (row,) = rotation.records.rows(sql)
    assert (row["identity"], row["code"]) == (one.identity, 401)
    assert f"is not known: CN={OLD}" in row["reason"]


@pytest.mark.nightly
async def test_a_rotation_of_the_root_loses_no_station_and_no_message(
    rotating: Callable[[int], Rotation],
) -> None:
    await run(await asyncio.to_thread(rotating, 12), pause_s=0.4)


@pytest.mark.load
async def test_a_rotation_of_the_root_under_300_stations(rotating: Callable[[int], Rotation]) -> None:
    await run(await asyncio.to_thread(rotating, 300), pause_s=5.0)
