"""The client certificate of a station (security profile 3): where a handshake has it, and who checks it.

This server ends TLS itself, or a trusted proxy does and passes the certificate on in the header that
TLS_CLIENT_CERT_HEADER names, as URL-encoded PEM. The checks are the same, and are those of an app: the port
`ClientCertificates`. A certificate is public, so the header is used from trusted proxies alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol, cast
from urllib.parse import unquote_to_bytes

from django.conf import settings

from ocpp_server.addresses import is_proxy
from ocpp_server.ports import Port
from ocpp_server.storage.journal import journal

# The key in the state of an ASGI scope with the certificates of the TLS connection, in DER. A client can't
# set it.
STATE: Final = "ocpp.client_certificates"
# The type of the security event of a refused certificate.
REFUSED: Final = "RefusedClientCertificate"
MOST: Final = 5
# The largest header. URL-encoding makes a PEM of 4 KiB, with an RSA key of 4,096 bits, about a fifth longer.
MAX_HEADER: Final = 24 * 1024
_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----", re.ASCII
)


class Station(Protocol):
    """The row of a station, as the check needs it. `serial_number` is empty until the station reports one."""

    @property
    def pk(self) -> int: ...
    @property
    def identity(self) -> str: ...
    @property
    def serial_number(self) -> str: ...


class Presented(NamedTuple):
    """A station that logs on, and the certificates that it presents, in DER: its own one is the first."""

    charge_point: Station
    chain: tuple[bytes, ...]


class Proved(NamedTuple):
    """A station has proved its identity by a certificate with this common name (CN)."""

    common_name: str


class Refused(NamedTuple):
    """A certificate is refused, for this reason: a sentence."""

    reason: str


class ClientCertificates(Protocol):
    """The rule about client certificates. The functions use the database: they run in the journal."""

    def check(self, presented: list[Presented]) -> list[Proved | Refused]:
        """Check the certificates of stations that log on at the same time."""

    def roots(self) -> str:
        """The roots with which TLS checks the certificates of stations, and the CAs below them that a station
        may not send, in PEM.
        """


port = Port[ClientCertificates]("ClientCertificates")

_Check = Callable[[list[Presented]], list[Proved | Refused]]


async def check(charge_point: Station, chain: tuple[bytes, ...]) -> Proved | Refused:
    """Check the certificate of a station. Handshakes at the same time share the queries."""
    if not chain:
        return Refused("The station needs a client certificate (security profile 3) and sent none.")
    return await journal.run_batched(cast(_Check, port.app.check), Presented(charge_point, chain))


def presented(scope: dict[str, Any]) -> tuple[bytes, ...]:
    """The certificates of a handshake, in DER; empty without one.

    A header that can't be read is returned as it is, and refused by the check of its content.
    """
    state = scope.get("state") or {}
    if STATE in state:
        return tuple(state[STATE])
    name: str = settings.TLS_CLIENT_CERT_HEADER
    if not name or not _is_from_proxy(scope):
        return ()
    wanted = name.lower().encode("latin-1")
    return _decoded([value for header, value in scope.get("headers", ()) if header == wanted])


def _is_from_proxy(scope: dict[str, Any]) -> bool:
    """Whether a trusted proxy has sent the request. `*` trusts every address, and is not enough here."""
    client = scope.get("client") or ("",)
    # The server puts the forwarded address of the client into the scope, so ask for that of the connection.
    peer = scope.get("extensions", {}).get("ocpp.peer", client[0])
    named = ",".join(one for one in settings.FORWARDED_ALLOW_IPS.split(",") if one.strip() != "*")
    return is_proxy(named, peer)


def _decoded(values: list[bytes]) -> tuple[bytes, ...]:
    given = [value.strip() for value in values if value.strip()]
    if not given:
        return ()
    # Two headers: one of them is not the proxy's.
    if len(given) > 1 or len(given[0]) > MAX_HEADER:
        return (b"",)
    found = _PEM.findall(unquote_to_bytes(given[0]))
    return tuple(_ders(found)) if 0 < len(found) <= MOST else (b"",)


def _ders(bodies: Iterable[bytes]) -> Iterable[bytes]:
    for body in bodies:
        try:
            yield base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            yield b""
