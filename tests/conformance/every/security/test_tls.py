"""TLS that the server terminates itself (S06, S08; security profile 2 without a proxy)."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from tests.conformance.changing_profiles import asking, path, profiles_of, states, take_steps
from tests.conformance.peer import TIMEOUT_S, V16, V201, Operator, Records, fresh, station
from tests.processes import finished
from tests.self_signed import certify, trusting, unverified
from tests.servers import LiveServer

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certify(tmp_path_factory.mktemp("certificate"), "first")


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, pair: tuple[Path, Path]
) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("tls")
    second = certify(folder, "second", curve=False)
    live = LiveServer(
        folder,
        template=migrated_database,
        TLS_CERT=str(pair[0]),
        TLS_KEY=str(pair[1]),
        TLS_SECOND_CERT=str(second[0]),
        TLS_SECOND_KEY=str(second[1]),
    ).start()
    yield live
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")


def handshake(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> tuple[str, str, bytes]:
    """Connect; the TLS version, the cipher and the certificate of the server."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        cipher = secure.cipher()
        assert cipher is not None
        return secure.version() or "", cipher[0], secure.getpeercert(binary_form=True) or b""


async def test_S06_16_086_a_station_of_profile_2_connects_over_wss(
    server: LiveServer, pair: tuple[Path, Path]
):
    identity, records = fresh("TLS"), Records(server.database)
    await Operator(server).provision(identity, password=PASSWORD, securityProfile=2)
    async with station(server, V16, identity, password=PASSWORD, boot=False, ssl=trusting(pair[0])) as peer:
        answer = await peer.boot()
        row = records.charge_point(identity)

    assert answer["status"] == "Accepted"
    assert (row["is_online"], row["security_profile"]) == (1, 2)


async def test_16_086_a_station_that_trusts_another_certificate_does_not_connect(
    server: LiveServer, tmp_path: Path
):
    identity = fresh("TLS")
    await Operator(server).provision(identity, password=PASSWORD, securityProfile=2)

    with pytest.raises(ssl.SSLCertVerificationError):
        async with station(
            server, V16, identity, password=PASSWORD, ssl=trusting(certify(tmp_path, "another")[0])
        ):
            pass

    assert Records(server.database).charge_point(identity)["connected_at"] is None


async def test_16_083_TC_A_19_a_station_of_profile_1_is_raised_and_held_with_TLS(
    server: LiveServer, pair: tuple[Path, Path]
):
    identity, records = fresh("TLS"), Records(server.database)
    operator, how = Operator(server), {"password": PASSWORD, "ssl": trusting(pair[0])}
    # As behind a proxy that adds TLS: profile 1 says nothing about it.
    await operator.provision(identity, password=PASSWORD)
    async with station(server, V16, identity, **how) as peer:
        ending, refusal = await operator.request("POST", path(peer), {"targetProfile": 2})
        plain, answer = await operator.request("POST", path(peer), {"targetProfile": 1})
        request = asking(operator, peer)
        await take_steps(peer)
        await request
        before = profiles_of(records, peer)
    async with station(server, V16, identity, **how) as peer:
        after = profiles_of(records, peer)

    assert (ending, plain) == (409, 409)
    assert "The server's certificate ends on" in refusal["message"]
    assert "has security profile 1 already" in answer["message"]
    assert (before, after, states(records, peer)) == ((1, 2), (2, None), ["proved"])


async def test_S07_a_station_of_profile_3_is_refused_because_no_client_certificate_is_checked(
    server: LiveServer, pair: tuple[Path, Path]
):
    body = {"clientId": "TLS-3", "password": PASSWORD, "securityProfile": 3}
    assert server.request("POST", "/api/v1/chargepoints", body)[0] == 201

    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"wss://localhost:{server.port}/ocpp/TLS-3", subprotocols=["ocpp1.6"], ssl=trusting(pair[0])
        ):
            pass

    assert refused.value.response.status_code == 401


async def test_S08_plain_ws_is_refused(server: LiveServer):
    with pytest.raises((InvalidMessage, ConnectionError)):
        async with connect(f"ws://localhost:{server.port}/ocpp/TLS-2", subprotocols=["ocpp1.6"]):
            pass


def test_S08_tls_1_3_is_supported_and_1_2_is_the_minimum(server: LiveServer):
    newest = unverified()
    oldest = unverified()
    oldest.minimum_version = oldest.maximum_version = ssl.TLSVersion.TLSv1_2

    assert handshake(server.port, newest)[0] == "TLSv1.3"
    assert handshake(server.port, oldest)[0] == "TLSv1.2"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_S08_TC_A_06_older_versions_are_refused(
    server: LiveServer, pair: tuple[Path, Path], version: ssl.TLSVersion
):
    identity, records = fresh("TLS"), Records(server.database)
    await Operator(server).provision(identity, password=PASSWORD, securityProfile=2)
    old = unverified()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        async with station(server, V201, identity, password=PASSWORD, boot=False, ssl=old):
            pass
    before = records.charge_point(identity)
    new = trusting(pair[0])
    async with station(server, V201, identity, password=PASSWORD, boot=False, ssl=new) as peer:
        answer = await peer.boot()
        row = records.charge_point(identity)

    assert (before["connected_at"], answer["status"], row["is_online"]) == (None, "Accepted", 1)


@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    ],
)
async def test_TC_A_04_a_station_boots_with_each_cipher_suite_of_the_specification(
    server: LiveServer, cipher: str
):
    identity, records = fresh("TLS"), Records(server.database)
    await Operator(server).provision(identity, password=PASSWORD, securityProfile=2)
    client = unverified()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(f"{cipher}:@SECLEVEL=0")
    async with station(server, V201, identity, password=PASSWORD, boot=False, ssl=client) as peer:
        secure = peer.socket.transport.get_extra_info("ssl_object")
        shown = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
        answer = await peer.boot()
        row = records.charge_point(identity)

    assert (secure.version(), secure.cipher()[0]) == ("TLSv1.2", cipher)
    assert shown.serial_number > 0
    assert shown.public_key().key_size >= (224 if "ECDSA" in cipher else 2048)
    assert answer["status"] == "Accepted"
    assert (row["is_online"], row["security_profile"]) == (1, 2)


@pytest.mark.parametrize(
    ("cipher", "is_taken"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", True),
        ("AES128-GCM-SHA256", True),
        ("AES256-GCM-SHA384", True),
        ("ECDHE-RSA-AES128-GCM-SHA256", True),
        ("ECDHE-ECDSA-AES128-SHA", False),
        ("ECDHE-ECDSA-AES256-SHA384", False),
        ("AES128-SHA256", False),
    ],
)
def test_S08_TC_A_04_the_cipher_suites_of_the_specification_with_two_certificates(
    server: LiveServer, cipher: str, is_taken: bool
):
    client = unverified()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(f"{cipher}:@SECLEVEL=0")

    if not is_taken:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            handshake(server.port, client)
        return
    _, used, shown = handshake(server.port, client)
    assert used == cipher
    key = x509.load_der_x509_certificate(shown).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey if "ECDSA" in cipher else rsa.RSAPublicKey)


@pytest.mark.parametrize("name", ["first", "second"])
def test_S08_a_station_needs_to_trust_one_of_the_certificates_alone(server: LiveServer, name: str):
    # As a station that knows one kind of key.
    certificate = server.environment["TLS_CERT" if name == "first" else "TLS_SECOND_CERT"]
    client = trusting(Path(certificate))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("aECDSA" if name == "first" else "aRSA")

    shown = x509.load_der_x509_certificate(handshake(server.port, client)[2])

    assert shown.subject.rfc4514_string() == f"CN={name}"


def test_pages_are_served_over_https_with_secure_cookies(server: LiveServer, pair: tuple[Path, Path]):
    context = trusting(pair[0])
    connection = http.client.HTTPSConnection("localhost", server.port, timeout=TIMEOUT_S, context=context)

    connection.request("GET", "/admin/login/")
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.status == 200
    assert "secure" in (answer.headers["Set-Cookie"] or "").lower()


def test_the_banner_names_https_and_wss(server: LiveServer):
    output = server.log.read_text()

    assert f"https://localhost:{server.port}/admin/" in output
    assert "wss://" in output


def manage(server: LiveServer, certificate: str, *arguments: str) -> tuple[int, str, str]:
    """Run a manage.py command on the server's machine that trusts this certificate."""
    environment = server.environment | {"TLS_CERT": certificate}
    if certificate != server.environment["TLS_CERT"]:
        environment |= {"TLS_SECOND_CERT": "", "TLS_SECOND_KEY": ""}
    return finished("manage", *arguments, environment=environment)


def test_a_command_of_the_machine_reaches_the_server_and_trusts_this_certificate_alone(
    server: LiveServer, tmp_path: Path
):
    command = ("trigger", "NOBODY", "Heartbeat")

    known = manage(server, server.environment["TLS_CERT"], *command)
    other = manage(server, str(certify(tmp_path, "other")[0]), *command)

    assert "Unknown station" in "".join(known[1:])
    assert "can't be reached" in "".join(other[1:])


def test_simulated_stations_of_the_machine_connect_over_wss_and_trust_this_certificate_alone(
    server: LiveServer, tmp_path: Path
):
    command = ("simulate", "--stations", "3", "--duration", "8s", "--idle")

    known = manage(server, server.environment["TLS_CERT"], *command)
    other = manage(server, str(certify(tmp_path, "other")[0]), *command)

    assert known[0] == 0 and "3 online at the end" in known[1]
    assert other[0] == 1 and f"wss://127.0.0.1:{server.port}/ocpp: the TLS connection failed" in other[2]
