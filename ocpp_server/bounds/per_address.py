"""Count the requests and connections without valid credentials of each client address in this process.

Stations do not count: many of them may share one address, and their handshakes have their own limits (R36).
A connection belongs to a station only after the handshake. So connections beyond the limit are not refused:
they get less time for their headers (`connections`).
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.conf import settings

from ocpp_server.addresses import address_key, is_proxy


class AddressCounters:
    """A counter for each address. Thread-safe: the event loop and the threads of requests use it."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}
        self._lock = Lock()

    def count(self, address: str) -> int:
        return self._taken.get(address, 0)

    def take(self, address: str) -> None:
        with self._lock:
            self._taken[address] = self._taken.get(address, 0) + 1

    def free(self, address: str) -> None:
        """Subtract one. An address is removed at 0, or the table would grow without limit."""
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
requests, lookups, connections = AddressCounters(), AddressCounters(), AddressCounters()


class Slot:
    """One request, lookup or connection that counts for an address. Calling `free` again has no effect."""

    def __init__(self, counters: AddressCounters, address: str) -> None:
        self._counters, self._address, self._is_taken = counters, address, True
        self._lock = Lock()
        counters.take(address)

    def free(self) -> None:
        with self._lock:
            was_taken, self._is_taken = self._is_taken, False
        if was_taken:
            self._counters.free(self._address)


def client_of(scope: dict[str, Any]) -> str:
    """The address for which a request counts; empty for a request that does not count.

    Behind a trusted proxy the server puts the forwarded address into the scope. If the scope still has the
    proxy's own address, the request does not count: all clients behind the proxy would share one limit.
    """
    client = scope.get("client")
    if not client:
        return ""
    if settings.FORWARDED_ALLOW_IPS == "*":
        is_forwarded = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
        return address_key(client[0]) if is_forwarded else ""
    return peer_of(client[0])


def peer_of(address: str) -> str:
    """The address for which a connection counts; empty for a trusted proxy, which does not count."""
    return "" if is_proxy(settings.FORWARDED_ALLOW_IPS, address) else address_key(address)
