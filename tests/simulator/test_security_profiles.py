"""Security profiles of a simulated station on real TLS sockets: connection, change and fallback."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulator import V16, V21, V201, Misbehaviour, Station, pki
from simulator.certificates import CSMS, STATION
from simulator.lab_pki import LabPki, issue
from tests.conformance.peer import eventually
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import TIMEOUT_S, Csms

LAB = LabPki("CPO")
OTHER = LabPki("Other")
PASSWORD = "a-password-of-20-chr"  # noqa: S105 - of a test


def server_context(folder: Path, *, wants_client: bool, lab: LabPki = LAB) -> ssl.SSLContext:
    """The TLS context of a CSMS at 127.0.0.1, which may require certificates of the lab."""
    key = pki.new_key()
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = issue(
        pki.subject("127.0.0.1", "CPO"),
        key.public_key(),
        lab.second,
        lab.second.key,
        days=(-1, 9),
        more=[(names, False), (usage, False)],
    )
    file = folder / f"server-{wants_client}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = pki.pem_of([leaf, lab.second.certificate, lab.first.certificate])
    file.write_bytes(private + chain.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pki.pem_of([LAB.root.certificate]))
    return context


class Secure:
    """The ports of one CSMS: plain, TLS, and TLS with client certificates."""

    def __init__(self, plain: Csms, basic: Csms, mutual: Csms) -> None:
        self.plain, self.basic, self.mutual = plain, basic, mutual

    @property
    def urls(self) -> dict[int, str]:
        return {1: self.plain.url, 2: self.basic.url, 3: self.mutual.url}


@pytest.fixture
async def secure(csms: Csms, tmp_path: Path) -> AsyncIterator[Secure]:
    basic, mutual = Csms(), Csms()
    basic.url = await basic.start(tls=server_context(tmp_path, wants_client=False))
    mutual.url = await mutual.start(tls=server_context(tmp_path, wants_client=True))
    yield Secure(csms, basic, mutual)
    await basic.stop()
    await mutual.stop()


async def prepared(
    secure: Secure, version: str, profile: int, *, lab: LabPki = LAB, **options: Any
) -> Station:
    """A station that is not connected yet, with a root, and with a certificate for profile 3."""
    options = {"speed": 200, "call_timeout_s": TIMEOUT_S, "password": PASSWORD} | options
    station = Station(
        "CS 1", version, secure.urls[max(1, profile)], security_profile=profile, urls=secure.urls, **options
    )
    if profile >= 2:
        station.certificates.trust(CSMS, lab.root.certificate)
    if profile == 3:
        certified(station)
    return station


def certified(
    station: Station, *, days: tuple[float, float] = (-1, 90), lab: LabPki = LAB
) -> pki.OwnCertificate:
    """Give the station a certificate of the lab."""
    key = pki.new_key()
    leaf = issue(pki.subject(station.serial, "CPO"), key.public_key(), lab.second, lab.second.key, days=days)
    path = (leaf, lab.second.certificate, lab.first.certificate, lab.root.certificate)
    own = pki.OwnCertificate(path, key)
    station.certificates.own.setdefault(STATION, []).append(own)
    return own


def der(own: pki.OwnCertificate) -> bytes:
    return own.leaf.public_bytes(Encoding.DER)


@pytest.mark.parametrize("profile", [1, 2, 3])
async def test_TC_A_01_TC_A_04_TC_A_07_a_station_connects_by_its_profile(
    secure: Secure, version: str, profile: int
) -> None:
    station = await prepared(secure, version, profile)
    try:
        await station.start(timeout_s=TIMEOUT_S)

        server = {1: secure.plain, 2: secure.basic, 3: secure.mutual}[profile]
        assert [bool(one) for one in server.authorization] == [profile != 3]
        wanted = der(station.certificates.usable()[0]) if profile == 3 else None
        assert server.clients == [wanted]
        assert station.settings.text("profile") == str(profile)
    finally:
        await station.stop(grace_s=1)


async def test_a_server_of_another_root_is_refused_and_reported_later(secure: Secure) -> None:
    station = await prepared(secure, V201, 2, lab=OTHER, retry_connect=True, settings={"connect_attempts": 1})
    starting = station.background(station.start(timeout_s=TIMEOUT_S), name="start")
    try:
        await eventually(lambda: isinstance(station.last_error, ssl.SSLCertVerificationError))
        station.certificates.trust(CSMS, LAB.root.certificate)
        await starting

        event = await secure.basic.wait_for("SecurityEventNotification")
        assert event["type"] == "InvalidCsmsCertificate"
    finally:
        await station.stop(grace_s=1)


async def test_a_root_in_use_and_the_last_root_are_not_deleted(secure: Secure, version: str) -> None:
    station = await prepared(secure, version, 2)
    station.certificates.trust(CSMS, OTHER.root.certificate)
    try:
        await station.start(timeout_s=TIMEOUT_S)
        answers = [
            await secure.basic.call(
                station.identity,
                "DeleteCertificate",
                {"certificateHashData": pki.hash_data(root, root)},
            )
            for root in (LAB.root.certificate, OTHER.root.certificate, LAB.root.certificate)
        ]
        assert [one["status"] for one in answers] == ["Failed", "Accepted", "Failed"]
    finally:
        await station.stop(grace_s=1)


async def test_a_station_of_1_6_raises_its_profile_and_never_lowers_it(secure: Secure) -> None:
    station = await prepared(secure, V16, 1)
    try:
        await station.start(timeout_s=TIMEOUT_S)

        async def raised(server: Csms, profile: int) -> str:
            change = {"key": "SecurityProfile", "value": str(profile)}
            answer = await server.call(station.identity, "ChangeConfiguration", change)
            return str(answer["status"])

        assert await raised(secure.plain, 2) == "Rejected"  # without a root
        station.certificates.trust(CSMS, LAB.root.certificate)
        assert await raised(secure.plain, 2) == "Accepted"
        await eventually(lambda: secure.basic.connections == 1 and station.ready.is_set())
        assert await raised(secure.basic, 3) == "Rejected"  # without a certificate
        own = certified(station)
        assert await raised(secure.basic, 3) == "Accepted"
        await eventually(lambda: secure.mutual.clients == [der(own)] and station.ready.is_set())
        assert await raised(secure.mutual, 2) == "Rejected"
        read = {"key": ["SecurityProfile"]}
        found = await secure.mutual.call(station.identity, "GetConfiguration", read)
        assert found["configurationKey"][0]["value"] == "3"
    finally:
        await station.stop(grace_s=1)


@pytest.mark.parametrize("switches", [{}, {"falls_back": True}, {"refuses_security_profiles": True}])
async def test_a_station_of_1_6_returns_with_the_old_profile_when_the_new_one_fails(
    secure: Secure, switches: dict[str, bool]
) -> None:
    station = await prepared(secure, V16, 1, misbehaviour=Misbehaviour(**switches))
    # Without a switch the installed root is not that of the server.
    station.certificates.trust(CSMS, (LAB if switches else OTHER).root.certificate)
    try:
        await station.start(timeout_s=TIMEOUT_S)
        change = {"key": "SecurityProfile", "value": "2"}
        answer = await secure.plain.call(station.identity, "ChangeConfiguration", change)

        if "refuses_security_profiles" in switches:
            assert answer["status"] == "Rejected"
            return
        assert answer["status"] == "Accepted"
        await eventually(lambda: secure.plain.connections == 2 and station.ready.is_set())
        assert (secure.basic.connections, station.network.profile) == (0, 1)
        if not switches:
            event = await secure.plain.wait_for("SecurityEventNotification")
            assert event["type"] == "InvalidCentralSystemCertificate"
    finally:
        await station.stop(grace_s=1)


async def slot(server: Csms, station: Station, number: int, url: str, profile: int) -> dict[str, Any]:
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": profile,
        "ocppInterface": "Wired0",
    }
    request = {"configurationSlot": number, "connectionData": data}
    return await server.call(station.identity, "SetNetworkProfile", request)


async def prioritize(server: Csms, station: Station, slots: str) -> dict[str, Any]:
    item = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "NetworkConfigurationPriority"},
        "attributeValue": slots,
    }
    answer = await server.call(station.identity, "SetVariables", {"setVariableData": [item]})
    return dict(answer["setVariableResult"][0])


@pytest.mark.parametrize("version", [V201, V21])
async def test_TC_A_19_a_station_of_2_x_raises_its_profile_by_a_network_profile(
    secure: Secure, version: str
) -> None:
    station = await prepared(secure, version, 1)
    try:
        await station.start(timeout_s=TIMEOUT_S)

        assert (await slot(secure.plain, station, 1, secure.basic.url, 2))["status"] == "Accepted"
        refused = await prioritize(secure.plain, station, "1,0")
        assert refused["attributeStatus"] == "Rejected"
        assert refused["attributeStatusInfo"]["reasonCode"] == "InvalidCSMSRootCert"
        unknown = await prioritize(secure.plain, station, "7,0")
        assert unknown["attributeStatusInfo"]["reasonCode"] == "InvalidNetworkConf"
        station.certificates.trust(CSMS, LAB.root.certificate)
        assert (await prioritize(secure.plain, station, "1,0"))["attributeStatus"] == "RebootRequired"
        await secure.plain.call(station.identity, "Reset", {"type": "OnIdle"})
        await secure.basic.wait_for("BootNotification")
        await eventually(station.ready.is_set)

        # The slot with the lower profile is gone.
        assert station.settings.text("priority") == "1"
        lower = await slot(secure.basic, station, 2, secure.plain.url, 1)
        assert lower["statusInfo"]["reasonCode"] == "NoSecurityDowngrade"
        active = await slot(secure.basic, station, 1, secure.basic.url, 2)
        assert active["statusInfo"]["reasonCode"] == "ActiveNetworkConf"
    finally:
        await station.stop(grace_s=1)


async def test_a_station_of_2_x_falls_back_to_the_next_network_profile(secure: Secure) -> None:
    station = await prepared(secure, V201, 1, settings={"connect_attempts": 1})
    station.certificates.trust(CSMS, OTHER.root.certificate)
    try:
        await station.start(timeout_s=TIMEOUT_S)
        await slot(secure.plain, station, 1, secure.basic.url, 2)
        await prioritize(secure.plain, station, "1,0")
        await secure.plain.call(station.identity, "Reset", {"type": "OnIdle"})
        await secure.plain.wait_for("BootNotification", 2)

        assert (secure.basic.connections, station.network.slot) == (0, "0")
        assert station.settings.text("priority") == "1,0"
    finally:
        await station.stop(grace_s=1)


@pytest.mark.parametrize(
    ("switches", "answer", "slots"),
    [
        ({"refuses_security_profiles": True}, "Rejected", "0"),
        ({"falls_back": True}, "Accepted", "1,0"),
    ],
)
async def test_a_misbehaving_station_of_2_x_stays_at_its_profile(
    secure: Secure, switches: dict[str, Any], answer: str, slots: str
) -> None:
    station = await prepared(secure, V201, 1, misbehaviour=Misbehaviour(**switches))
    station.certificates.trust(CSMS, LAB.root.certificate)
    try:
        await station.start(timeout_s=TIMEOUT_S)
        assert (await slot(secure.plain, station, 1, secure.basic.url, 2))["status"] == answer
        if answer == "Accepted":
            await prioritize(secure.plain, station, slots)
        await secure.plain.call(station.identity, "Reset", {"type": "OnIdle"})
        await secure.plain.wait_for("BootNotification", 2)

        assert (secure.basic.connections, station.network.profile) == (0, 1)
        assert station.settings.text("priority") == slots
    finally:
        await station.stop(grace_s=1)


async def test_a_station_of_2_1_goes_from_3_to_2_only_where_it_is_allowed(secure: Secure) -> None:
    station = await prepared(secure, V21, 3)
    try:
        await station.start(timeout_s=TIMEOUT_S)
        refused = await slot(secure.mutual, station, 1, secure.basic.url, 2)
        station.settings.put("may_go_down", "true")
        answers = [
            await slot(secure.mutual, station, 1, secure.plain.url, 1),
            await slot(secure.mutual, station, 1, secure.basic.url, 2),
        ]
        await prioritize(secure.mutual, station, "1,0")
        await secure.mutual.call(station.identity, "Reset", {"type": "OnIdle"})
        await secure.basic.wait_for("BootNotification")

        assert refused["statusInfo"]["reasonCode"] == "NoSecurityDowngrade"
        assert [one["status"] for one in answers] == ["Rejected", "Accepted"]
    finally:
        await station.stop(grace_s=1)


async def test_TC_A_11_a_new_certificate_is_used_at_once_at_profile_3(secure: Secure, version: str) -> None:
    station = await prepared(secure, version, 3, settings={"organization": "CPO"})
    try:
        await station.start(timeout_s=TIMEOUT_S)
        await station.signing.request(STATION)
        request = await secure.mutual.wait_for("SignCertificate")
        chain = {"certificateChain": LAB.sign(request["csr"])}
        answer = await secure.mutual.call(station.identity, "CertificateSigned", chain)
        await eventually(lambda: secure.mutual.connections == 2)

        assert answer["status"] == "Accepted"
        newest = station.certificates.own[STATION][-1]
        assert secure.mutual.clients[1] == der(newest)
    finally:
        await station.stop(grace_s=1)


@pytest.mark.parametrize("version", [V201, V21])
async def test_a_certificate_that_the_server_refuses_is_discarded_for_the_old_one(
    secure: Secure, version: str
) -> None:
    station = await prepared(secure, version, 3, settings={"connect_attempts": 1})
    old = station.certificates.own[STATION][0]
    certified(station, days=(-0.5, 90), lab=OTHER)
    station.retry_connect = True
    try:
        await station.start(timeout_s=TIMEOUT_S)

        assert secure.mutual.clients == [der(old)]
        assert station.certificates.own[STATION] == [old]
        if version == V21:
            event = await secure.mutual.wait_for("SecurityEventNotification")
            assert event["type"] == "DiscardedRenewedClientCertificate"
    finally:
        await station.stop(grace_s=1)


async def test_a_misbehaving_station_accepts_a_certificate_and_never_uses_it(secure: Secure) -> None:
    station = await prepared(secure, V201, 3, misbehaviour=Misbehaviour(ignores_certificates=True))
    old = station.certificates.own[STATION][0]
    try:
        await station.start(timeout_s=TIMEOUT_S)
        certified(station, days=(-0.5, 90))
        await station.reconnect()

        assert secure.mutual.clients == [der(old)] * 2
    finally:
        await station.stop(grace_s=1)


async def test_a_certificate_that_is_not_valid_yet_is_used_later(make_station: MakeStation) -> None:
    station = await make_station(V201)
    later = certified(station, days=(1, 90))
    now = certified(station, days=(-1, 90))

    assert station.certificates.usable() == [now]
    station.clock.offset = timedelta(days=2)
    assert station.certificates.usable() == [later, now]
    assert datetime.now(UTC) < later.leaf.not_valid_before_utc
