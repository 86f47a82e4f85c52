"""Count the requests and connections without valid credentials of each client address in this process.

Stations do not count: many of them may share one address, and their handshakes have limits of their own
(R36). The handshake shows that a connection is a station's, so silent connections are not refused but get
less time (`connections`).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from threading import Lock
from typing import Any, Final

from django.conf import settings

_IPV6_NETWORK: Final = 64  # providers assign a /64 to each customer


class Places:
    """A counter for each address. Used from the event loop and from the threads of requests."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._lock = Lock()

    def count(self, address: str) -> int:
        return self._taken.get(address, 0)

    def take(self, address: str) -> None:
        with self._lock:
            self._taken[address] = self._taken.get(address, 0) + 1

    def free(self, address: str) -> None:
        """Free a place. The address is removed with its last place, or the table would grow without limit."""
        with self._lock:
            left = self._taken[address] - 1
            if left:
                self._taken[address] = left
            else:
                del self._taken[address]

    def is_full(self, address: str) -> bool:
        limit: int = settings.HTTP_ANONYMOUS_PER_ADDRESS
        return bool(limit) and self.count(address) >= limit


# Requests in progress, lookups of their credentials, and open connections that do not belong to stations.
requests, lookups, connections = Places(), Places(), Places()


class Place:
    """One taken place. Calling `free` again has no effect."""

    def __init__(self, places: Places, address: str) -> None:
        self._places, self._address, self._is_taken = places, address, True
        self._lock = Lock()
        places.take(address)

    def free(self) -> None:
        with self._lock:
            was_taken, self._is_taken = self._is_taken, False
        if was_taken:
            self._places.free(self._address)


def client_of(scope: dict[str, Any]) -> str:
    """The address that a request counts for; empty for one that counts for none.

    Behind a trusted proxy the server puts the forwarded address into the scope. If it is the proxy's own
    address nevertheless, all clients behind it would share one limit, so there is none.
    """
    client = scope.get("client")
    if not client:
        return ""
    if settings.FORWARDED_ALLOW_IPS == "*":
        is_forwarded = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
        return network_of(client[0]) if is_forwarded else ""
    return peer_of(client[0])


def peer_of(address: str) -> str:
    """The address that a connection counts for; empty for a trusted proxy."""
    return "" if _is_proxy(settings.FORWARDED_ALLOW_IPS, address) else network_of(address)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """An IPv4 address unchanged; the /64 network of an IPv6 address; other texts unchanged."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed)


@lru_cache(maxsize=4096)
def _is_proxy(proxies: str, address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(name == "*" or parsed in ipaddress.ip_network(name) for name in proxies.split(",") if name)
