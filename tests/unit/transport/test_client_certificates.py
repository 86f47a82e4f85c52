"""The client certificate of a handshake: of its own TLS connection, or of a trusted proxy's header."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ocpp_server.pki import parsing
from ocpp_server.transport.handshake.client_certificates import MOST, STATE, presented
from tests.unit.pki.made import make

LEAF = make("SN-1")
DER = LEAF.certificate.public_bytes(Encoding.DER)
PEM = parsing.pem_of(LEAF.certificate)
HEADER = quote(PEM, safe="").encode()


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.TLS_CLIENT_CERT_HEADER = "X-SSL-Client-Cert"
    settings.FORWARDED_ALLOW_IPS = "192.0.2.1"


def scope(*values: bytes, peer: str = "192.0.2.1", **more: Any) -> dict[str, Any]:
    headers = [(b"host", b"example.com"), *((b"x-ssl-client-cert", value) for value in values)]
    # The client is the one that the proxy has forwarded.
    return {
        "headers": headers,
        "client": ("198.51.100.7", 1),
        "extensions": {"ocpp.peer": peer},
        **more,
    }


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([HEADER], (DER,)),
        ([HEADER * 2], (DER, DER)),
        # nginx leaves the line ends as they are in $ssl_client_cert, with tabs.
        ([quote(PEM.replace("\n", "\n\t"), safe="").encode()], (DER,)),
        ([], ()),
        ([b""], ()),
        ([b"  "], ()),
        ([b"(null)"], (b"",)),
        ([b"%FF%FE"], (b"",)),
        # Two headers: one of them is not the proxy's.
        ([HEADER, HEADER], (b"",)),
        ([HEADER * (MOST + 1)], (b"",)),
        ([b"x" * 30_000], (b"",)),
        ([HEADER.replace(b"MII", b"M=I", 1)], (b"",)),
    ],
)
def test_the_header_of_a_trusted_proxy(values: list[bytes], found: tuple[bytes, ...]) -> None:
    assert presented(scope(*values)) == found


@pytest.mark.parametrize("trusted", ["192.0.2.1", "192.0.2.0/24", "*,192.0.2.1"])
def test_the_header_of_any_other_address_is_ignored(settings: Any, trusted: str) -> None:
    settings.FORWARDED_ALLOW_IPS = trusted

    assert presented(scope(HEADER)) == (DER,)
    assert presented(scope(HEADER, peer="198.51.100.7")) == ()


def test_to_trust_every_address_is_not_enough_for_the_header(settings: Any) -> None:
    settings.FORWARDED_ALLOW_IPS = "*"

    assert presented(scope(HEADER)) == ()


def test_no_header_is_read_unless_one_is_configured(settings: Any) -> None:
    settings.TLS_CLIENT_CERT_HEADER = ""

    assert presented(scope(HEADER)) == ()


def test_the_certificates_of_the_own_port_win_over_a_header() -> None:
    assert presented(scope(HEADER, state={STATE: (b"own",)})) == (b"own",)
    assert presented(scope(HEADER, state={STATE: ()})) == ()
    assert presented(scope(HEADER, state={"other": 1})) == (DER,)
