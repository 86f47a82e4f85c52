"""TLS that the server terminates itself (S06, S08; security profile 2 without a proxy)."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from ocpp_server.environment.env import SettingError
from ocpp_server.process import tls
from tests.conformance.peer import TIMEOUT_S
from tests.processes import finished
from tests.servers import LiveServer

PASSWORD = "correct horse battery"


def certify(folder: Path, name: str, *, curve: bool = True) -> tuple[Path, Path]:
    """Write a self-signed certificate for localhost and its key; the two files."""
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / f"{name}.pem", folder / f"{name}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


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


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def handshake(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> tuple[str, str, bytes]:
    """Connect; the TLS version, the cipher and the certificate of the server."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        cipher = secure.cipher()
        assert cipher is not None
        return secure.version() or "", cipher[0], secure.getpeercert(binary_form=True) or b""


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def test_S06_a_station_of_profile_2_connects_over_wss(server: LiveServer, pair: tuple[Path, Path]):
    body = {"clientId": "TLS-2", "password": PASSWORD, "securityProfile": 2}
    assert server.request("POST", "/api/v1/chargepoints", body)[0] == 201
    url = f"wss://TLS-2:{PASSWORD.replace(' ', '%20')}@localhost:{server.port}/ocpp/TLS-2"

    async with connect(
        url, subprotocols=["ocpp1.6"], ssl=trusting(pair[0]), open_timeout=TIMEOUT_S
    ) as station:
        await station.send('[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')

        assert '"status":"Accepted"' in str(await station.recv())


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
def test_S08_older_versions_are_refused(server: LiveServer, version: ssl.TLSVersion):
    old = unverified()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(server.port, old)


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


def test_the_certificate_is_renewed_without_a_restart_and_a_broken_one_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tls, "CHECK_EVERY_S", 0.0)
    pem, key = certify(tmp_path, "live")
    context = tls.server_context([tls.Pair(pem, key), tls.Pair(*certify(tmp_path, "other", curve=False))])
    first = shown_by(context)
    pem.write_text("no certificate any more")

    assert shown_by(context) == first

    for old, new in zip((pem, key), certify(tmp_path, "renewed"), strict=True):
        new.replace(old)

    second = shown_by(context)
    assert second != first
    assert shown_by(context, name=None) == second


def shown_by(context: ssl.SSLContext, name: str | None = "localhost") -> bytes:
    """The certificate of a handshake in memory, with a server name or without."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = unverified().wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(6):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True) or b""


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


@pytest.mark.parametrize("kind", ["first", "second"])
@pytest.mark.parametrize("broken", ["missing", "text", "other key", "key alone", "same kind"])
def test_an_invalid_certificate_stops_the_start_with_a_sentence(tmp_path: Path, kind: str, broken: str):
    certificate, key = ("TLS_CERT", "TLS_KEY") if kind == "first" else ("TLS_SECOND_CERT", "TLS_SECOND_KEY")
    first, second = certify(tmp_path, "curve"), certify(tmp_path, "rsa", curve=False)
    settings: dict[str, Path | None] = {
        "TLS_CERT": first[0],
        "TLS_KEY": first[1],
        "TLS_SECOND_CERT": second[0],
        "TLS_SECOND_KEY": second[1],
    }
    named = certificate
    match broken:
        case "missing":
            settings[certificate] = tmp_path / "none.pem"
        case "text":
            (first if kind == "first" else second)[0].write_text("hello")
        case "other key":
            settings[key] = certify(tmp_path, "other")[1]
        case "key alone":
            settings[certificate], named = None, key
        case "same kind":
            settings[certificate], settings[key] = second if kind == "first" else first
            named = "TLS_SECOND_CERT"

    with pytest.raises(SettingError) as error:
        tls.uvicorn_options(settings)

    assert str(error.value).startswith(f"{named}: ")
    assert os.linesep not in str(error.value)


def test_the_second_certificate_can_not_be_the_only_one(tmp_path: Path):
    pem, key = certify(tmp_path, "good")
    settings = {"TLS_CERT": None, "TLS_KEY": None, "TLS_SECOND_CERT": pem, "TLS_SECOND_KEY": key}

    with pytest.raises(SettingError, match=r"^TLS_SECOND_CERT: there is no TLS_CERT"):
        tls.uvicorn_options(settings)
