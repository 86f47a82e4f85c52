"""Client certificates on real TLS sockets (security profile 3): the port of its own, good and bad ones."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from certificates.services.certificates import revocation
from tests.conformance.every.security.mutual import CA, MAKER, OWN, ROOT, Mutual, boot_of
from tests.conformance.mutual_tls import execute, trust
from tests.conformance.peer import (
    TIMEOUT_S,
    V16,
    V21,
    V201,
    VERSIONS,
    eventually,
    fresh,
    station,
)
from tests.unit.pki.made import Made, make

STRANGER = make("Unknown root", is_ca=True)
WEAK = rsa.generate_private_key(65537, 1024)
RSA = rsa.generate_private_key(65537, 2048)
AGREES = x509.KeyUsage(False, False, False, False, True, False, False, False, False)
SERVER_ONLY = [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)]
REFUSED = (InvalidStatus, InvalidMessage, ConnectionError, ConnectionClosed, ssl.SSLError, EOFError)


# -- good ones -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("key", [None, RSA], ids=["ecdsa", "rsa"])
async def test_S07_16_087_TC_A_07_a_station_boots_with_its_client_certificate(
    mutual: Mutual, version: str, tls: ssl.TLSVersion, key: Any
):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    client = mutual.pki.client(make(serial, by=CA, key=key), CA, version=tls)

    async with mutual.connect(version, identity, client) as peer:
        answer = await peer.call("BootNotification", boot_of(version, serial))
        row = mutual.records.charge_point(identity)

    assert answer["status"] == "Accepted"
    assert (row["is_online"], row["security_profile"], row["serial_number"]) == (1, 3, serial)


async def test_S07_a_station_below_a_CA_of_this_server_may_send_its_certificate_alone(mutual: Mutual):
    identity = await mutual.station()
    client = mutual.pki.client(make(identity, by=OWN))

    async with mutual.connect(V201, identity, client) as peer:
        assert (await peer.call("BootNotification", boot_of(V201, "SN")))["status"] == "Accepted"


async def test_S07_a_first_contact_with_the_certificate_of_the_manufacturer(mutual: Mutual):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    client = mutual.pki.client(make(serial, by=MAKER, organization="Maker"))

    async with mutual.connect(V201, identity, client) as peer:
        answer = await peer.call("BootNotification", boot_of(V201, serial))

    assert answer["status"] == "Accepted"


async def test_S07_the_identity_as_the_name_of_a_certificate_without_a_serial_number(mutual: Mutual):
    identity = await mutual.station()
    client = mutual.pki.client(make(identity, by=CA), CA)

    async with mutual.connect(V201, identity, client) as peer:
        answer = await peer.call("BootNotification", boot_of(V201, "another serial number"))
        await peer.heartbeat()

    assert answer["status"] == "Accepted"


# -- bad ones: those that OpenSSL refuses before there is a URL ----------------------------------------------


def _expired(serial: str) -> list[Made]:
    return [make(serial, by=CA, days=(-9, -1)), CA]


BEFORE_THE_URL: dict[str, tuple[Any, str]] = {
    "none": (lambda serial: [], "the station sent no client certificate"),
    "unknown CA": (lambda serial: [make(serial, by=STRANGER)], "unable to get local issuer certificate"),
    "expired": (_expired, "certificate has expired"),
    "not yet valid": (lambda serial: [make(serial, by=CA, days=(1, 9)), CA], "certificate is not yet valid"),
    "self-signed": (lambda serial: [make(serial)], "self-signed certificate"),
    "weak key": (lambda serial: [make(serial, by=CA, key=WEAK), CA], "key too weak"),
    "for servers": (lambda serial: [make(serial, by=CA, more=SERVER_ONLY), CA], "unsuitable certificate"),
    "expired CA": (
        lambda serial: [make(serial, by=(old := make("Old", by=ROOT, is_ca=True, days=(-9, -1)))), old],
        "certificate has expired",
    ),
}  # fmt: skip


@pytest.mark.parametrize("tls", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("case", BEFORE_THE_URL)
async def test_S07_16_087_TC_A_08_a_certificate_that_openssl_refuses_is_shown_with_its_reason(
    mutual: Mutual, case: str, tls: ssl.TLSVersion
):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    made, reason = BEFORE_THE_URL[case]
    bad = mutual.pki.client(*made(serial), version=tls, is_lax=True)
    known = mutual.failures()

    with pytest.raises(REFUSED):
        async with mutual.connect(V201, identity, bad) as peer:
            await peer.heartbeat()

    def shown() -> list[dict[str, Any]]:
        before = {row["id"]: row["count"] for row in known}
        return [row for row in mutual.failures() if row["count"] > before.get(row["id"], 0)]

    (row,) = await eventually(shown)
    assert reason in row["reason"], row
    assert (f"CN={serial}" in row["reason"]) == (case != "none")
    assert (row["identity"], row["remote_address"], row["can_be_accepted"]) == ("", "127.0.0.1", 0)
    assert mutual.records.charge_point(identity)["connected_at"] is None

    good = mutual.pki.client(make(serial, by=CA), CA, version=tls)
    async with mutual.connect(V201, identity, good) as peer:
        assert (await peer.call("BootNotification", boot_of(V201, serial)))["status"] == "Accepted"


async def test_a_failed_handshake_is_an_event_of_the_stream(mutual: Mutual):
    client = mutual.pki.client(make("Nobody", by=STRANGER))

    with pytest.raises(REFUSED):
        async with mutual.connect(V201, "NOBODY", client) as peer:
            await peer.heartbeat()

    async def published() -> list[dict[str, Any]]:
        path = "/api/v1/events?types=station.refused&limit=100"
        _, answer = await mutual.operator.request("GET", path)
        found = [event["data"] for event in answer["data"]["events"]]
        return [data for data in found if "CN=Nobody" in data["reason"]]

    async with asyncio.timeout(TIMEOUT_S):
        while not (events := await published()):
            await asyncio.sleep(0.05)  # the housekeeper numbers events
    (data,) = events
    assert (data["code"], data["remoteAddress"], data["identity"]) == (0, "127.0.0.1", "")


# -- bad ones: those that need the URL -----------------------------------------------------------------------


AFTER_THE_URL: dict[str, tuple[Any, str]] = {
    "wrong CN": (lambda serial: make("SN-of-another", by=CA), "is that of another station"),
    "wrong case of the serial number": (
        lambda serial: make(serial.lower(), by=CA), "is that of another station"),
    "wrong O": (lambda serial: make(serial, by=CA, organization="Others"), "The organization (O) of"),
    "wrong key usage": (lambda serial: make(serial, by=CA, usage=AGREES), "lacks digitalSignature"),
}  # fmt: skip


@pytest.mark.parametrize("case", AFTER_THE_URL)
async def test_S07_16_087_TC_A_08_a_certificate_that_does_not_fit_the_station_is_refused(
    mutual: Mutual, case: str
):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    made, reason = AFTER_THE_URL[case]

    refusal, event = await refused(mutual, identity, mutual.pki.client(made(serial), CA))

    assert reason in refusal["reason"] and reason in event["tech_info"]


async def test_S07_16_087_TC_A_08_a_certificate_of_station_A_does_not_open_the_URL_of_B(mutual: Mutual):
    of_a, of_b = fresh("SN"), fresh("SN")
    a, b = await mutual.station(of_a), await mutual.station(of_b)
    client = mutual.pki.client(make(of_a, by=CA), CA)

    refusal, _ = await refused(mutual, b, client)
    async with mutual.connect(V201, a, client) as peer:
        answer = await peer.call("BootNotification", boot_of(V201, of_a))

    assert f"{of_a!r} is neither the serial number {of_b!r} nor the identity {b!r}" in refusal["reason"]
    assert answer["status"] == "Accepted"


async def test_S07_TC_A_08_a_revoked_certificate_is_refused_without_a_restart(mutual: Mutual):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    leaf = make(serial, by=MAKER, organization="Maker")
    client = mutual.pki.client(leaf)
    async with mutual.connect(V201, identity, client) as peer:
        assert (await peer.call("BootNotification", boot_of(V201, serial)))["status"] == "Accepted"
    execute(
        mutual.server.database,
        "INSERT INTO certificates_revokedcertificate"
        " (issuer, issuer_hash, serial, subject, reason, note, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            "Maker",
            revocation.issuer_hash(MAKER.certificate.subject),
            revocation.serial_of(leaf.certificate),
            "",
            "keyCompromise",
            "",
            datetime.now(UTC).isoformat(" "),
        ],
    )

    deadline = asyncio.get_running_loop().time() + TIMEOUT_S
    while asyncio.get_running_loop().time() < deadline:
        with contextlib.suppress(InvalidStatus):
            async with mutual.connect(V201, identity, client):
                await asyncio.sleep(0.2)  # the list is read again within three seconds
                continue
        break

    reasons = [row["reason"] for row in mutual.records.refusals(identity)]
    assert len(reasons) == 1 and "is revoked by the list of this server" in reasons[0]


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("booted", ["another", ""])
async def test_B01_FR_11_a_boot_with_another_serial_number_than_the_certificate_closes_the_socket(
    mutual: Mutual, version: str, booted: str
):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    client = mutual.pki.client(make(serial, by=CA), CA)

    async with mutual.connect(version, identity, client) as peer:
        answer = await peer.exchange("BootNotification", boot_of(version, booted))
        code = await peer.closed()
    (event,) = mutual.records.security_events(identity)
    row = mutual.records.charge_point(identity)
    async with mutual.connect(version, identity, client) as peer:
        again = await peer.call("BootNotification", boot_of(version, serial))

    assert (answer[0], answer[2], code) == (4, "SecurityError", 1008)
    assert event["type"] == "RefusedClientCertificate"
    assert f"{booted!r}, the client certificate of the connection has {serial!r}" in event["tech_info"]
    assert (row["serial_number"], row["last_boot_at"]) == (serial, None)
    assert again["status"] == "Accepted"


async def test_16_087_the_box_serial_number_of_1_6_may_be_the_name_of_the_certificate(mutual: Mutual):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    client = mutual.pki.client(make(serial, by=CA), CA)
    boot = boot_of(V16, "another") | {"chargeBoxSerialNumber": serial}

    for _ in range(2):
        async with mutual.connect(V16, identity, client) as peer:
            assert (await peer.call("BootNotification", boot))["status"] == "Accepted"

    assert mutual.records.charge_point(identity)["serial_number"] == serial


async def refused(
    mutual: Mutual, identity: str, client: ssl.SSLContext, port: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Connect and be refused with 401; the refused connection and the security event."""
    with pytest.raises(InvalidStatus) as caught:
        async with mutual.connect(V201, identity, client, port):
            pass
    assert caught.value.response.status_code == 401
    (refusal,) = mutual.records.refusals(identity)
    (event,) = mutual.records.security_events(identity)
    assert event["type"] == "RefusedClientCertificate"
    assert mutual.records.charge_point(identity)["connected_at"] is None
    return refusal, event


# -- the ports -----------------------------------------------------------------------------------------------


async def test_S07_the_usual_port_asks_for_no_certificate_and_refuses_stations_of_profile_3(mutual: Mutual):
    serial = fresh("SN")
    identity = await mutual.station(serial)
    client = mutual.pki.client(make(serial, by=CA), CA)

    refusal, _ = await refused(mutual, identity, client, mutual.server.port)

    assert "sent none" in refusal["reason"]


async def test_S07_a_new_root_is_trusted_without_a_restart(mutual: Mutual):
    newer, serial = make("Newer root", is_ca=True), fresh("SN")
    identity = await mutual.station(serial)
    client = mutual.pki.client(make(serial, by=newer))
    with pytest.raises(REFUSED):
        async with mutual.connect(V201, identity, client) as peer:
            await peer.heartbeat()
    trust(mutual.server.database, newer)

    async def boots() -> bool:
        with contextlib.suppress(*REFUSED):
            async with mutual.connect(V201, identity, client) as peer:
                answer = await peer.call("BootNotification", boot_of(V201, serial))
                return bool(answer["status"] == "Accepted")
        return False

    async with asyncio.timeout(TIMEOUT_S):
        while not await boots():
            await asyncio.sleep(0.2)  # the roots are read again within seconds


async def test_16_086_a_station_of_profile_2_logs_on_at_the_usual_port(mutual: Mutual):
    identity = fresh("MTLS")
    await mutual.operator.provision(identity, securityProfile=2, password="correct horse battery")
    async with station(
        mutual.server,
        V16,
        identity,
        password="correct horse battery",
        boot=False,
        ssl=mutual.pki.client(),
    ) as peer:
        assert (await peer.boot())["status"] == "Accepted"
