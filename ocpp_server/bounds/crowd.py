"""How many requests and connections without valid credentials each client address has in this process.

Stations never count: many of them may share one address, and their handshakes have limits of their own
(R36). A connection is known to be a station's when its handshake arrives, so silent ones are not refused but
given less time (`ocpp_server.process.sockets`).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from threading import Lock
from typing import Any, Final

from django.conf import settings

_IPV6_NETWORK: Final = 64  # what one customer has; every address in it is theirs


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
        """The address goes with its last place, or the table would grow with every address ever seen."""
        with self._lock:
            left = self._taken[address] - 1
            if left:
                self._taken[address] = left
            else:
                del self._taken[address]

    def is_full(self, address: str) -> bool:
        limit: int = settings.HTTP_ANONYMOUS_PER_ADDRESS
        return bool(limit) and self.count(address) >= limit


# Requests in progress, the lookups of their credentials, and open connections that are no station's.
requests, lookups, connections = Places(), Places(), Places()


class Place:
    """One taken place, freed once however often that is asked for."""

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

    Behind a trusted proxy the server has put the forwarded address into the scope. Where it is the proxy's
    own all the same, all clients behind it would share one limit, so there is none.
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
    """An IPv4 address as it is; of an IPv6 address its network of 64 bits. Other texts as they are."""
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
