"""The Origin rule of handshakes, against web pages that would speak for a station (S09).

A browser lets any page open a WebSocket to any server, and names the page's origin. A page has no password
of a station, so the rule is for stations without one. Libraries of chargers send an Origin too: `file://`,
or the address of the server.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any, Final

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from ocpp_server.addresses import is_proxy
from ocpp_server.environment.parsers import normal_origin

# The libraries of ESP32 chargers send it. A browser sends it for no page of the web: for a page in a
# sandboxed frame it sends `null`.
_OF_LIBRARIES: Final = "file://"


def is_allowed(origin: str, own: frozenset[str]) -> bool:
    """Whether a station without a password may connect with this Origin; `own` is the result of
    `own_origins`. A request without an Origin comes from no browser.
    """
    if not origin:
        return True
    given, allowed = normal_origin(origin), settings.OCPP_ALLOWED_ORIGINS
    return given == _OF_LIBRARIES or given in own or "*" in allowed or given in allowed


def own_origins(scope: dict[str, Any]) -> frozenset[str]:
    """The origins of this server's own pages: PUBLIC_URL, and the host to which the request is addressed.
    None for a request that has no Origin to compare.

    A host name counts only if it is in ALLOWED_HOSTS: the owner of another name could lead it to this
    server's address, and a page of that name would be one of ours.
    """
    headers = dict(scope.get("headers", ()))
    if b"origin" not in headers:
        return frozenset()
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    found = {normal_origin(settings.PUBLIC_URL)} if settings.PUBLIC_URL else set()
    found |= {normal_origin(f"{scheme}://{host}") for host in _hosts(scope, headers) if is_own_host(host)}
    return frozenset(found)


def _hosts(scope: dict[str, Any], headers: dict[bytes, bytes]) -> list[str]:
    """The hosts in the headers of a request; those of X-Forwarded-Host only from a trusted proxy."""
    hosts = [headers.get(b"host", b"").decode("latin-1")]
    # The server puts the forwarded address of the client into the scope, so ask for that of the connection.
    client = scope.get("client") or ("",)
    peer = scope.get("extensions", {}).get("ocpp.peer", client[0])
    if is_proxy(settings.FORWARDED_ALLOW_IPS, peer):
        hosts += headers.get(b"x-forwarded-host", b"").decode("latin-1").split(",")
    return [host.strip() for host in hosts if host.strip()]


def is_own_host(host: str) -> bool:
    """Whether a Host header is well-formed and names this server: an IP address, or one of ALLOWED_HOSTS."""
    name, _ = split_domain_port(host)
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name.strip("[]"))  # equivalent: the name is in lower case
        return True
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)
