"""Guards against requests to addresses of our own network (S17): a station may name any address.

A name is resolved once, every address of it is checked, and the connection is made to a checked address: so
a name that resolves to another address a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6960 and OCPP 2.1: a responderURL has at most 2,000 characters.
MOST_CHARACTERS: Final = 2000
_PORTS: Final = {"http": 80, "https": 443}
# Other services than HTTP have the ports below.
_FIRST_FREE_PORT: Final = 1024
# The service of cloud providers that gives a machine its credentials, in a private network of IPv6.
_METADATA: Final = ipaddress.ip_address("fd00:ec2::254")
# NAT64 (RFC 6052): the last 32 bits are an IPv4 address.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# Threads of their own: names that a slow server resolves must not use up those of other work.
_RESOLVERS: Final = ThreadPoolExecutor(8, thread_name_prefix="resolver")

Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(Exception):
    """No request may be made to this address. `str(error)` is a sentence without the address."""


class Target(NamedTuple):
    """The parts of an address. `path` has the query too; `port` is never empty."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """The parts of an http or https address. Raises AddressRefused."""
    if len(url) > MOST_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused("The address has characters that no address has, or too many.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("The address can't be read.") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise AddressRefused("Only http and https are used.")
    if not host or port == 0:
        raise AddressRefused("The address has no host, or a wrong port.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user name is not used.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, port or _PORTS[scheme], path)


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host, in the order of the system. Raises OSError."""
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, _look_up, host, port)
    return list(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    return [
        str(address[0])
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    ]


async def checked(target: Target, listed: Collection[str], *, resolver: Resolve = resolve) -> list[str]:
    """The IP addresses of a target to which a connection may be made.

    `listed` are hosts that may have private addresses, each as `host` or, with another port than 80 and 443,
    as `host:port`. Raises AddressRefused, and OSError for a name without an address.
    """
    has_port = f"{target.host}:{target.port}" in listed
    if target.port not in _PORTS.values() and not has_port:
        raise AddressRefused("Only the ports 80 and 443 are used.")
    addresses = await resolver(target.host, target.port)
    is_listed = has_port or target.host in listed
    if not is_listed and not all(is_public(address) for address in addresses):
        raise AddressRefused("The address is in a private network.")
    return addresses


class Permission(NamedTuple):
    """The addresses to which requests may go that an operator asked for: public ones, and private ones of
    these networks except our own listeners. `is_http_allowed`: without TLS too.
    """

    networks: tuple[Network, ...] = ()
    own_ports: frozenset[int] = frozenset()
    is_http_allowed: bool = False


def checked_form(target: Target, permission: Permission) -> None:
    """Check what needs no look-up of the name. Raises AddressRefused."""
    if target.scheme != "https" and not permission.is_http_allowed:
        raise AddressRefused("Only https is used.")
    if target.port != _PORTS[target.scheme] and target.port < _FIRST_FREE_PORT:
        raise AddressRefused(f"Only the port {_PORTS[target.scheme]} and those from 1024 are used.")
    try:
        ipaddress.ip_address(target.host)
    except ValueError:
        return
    _require_permitted(target.host, target.port, permission)


async def permitted(target: Target, permission: Permission, *, resolver: Resolve = resolve) -> list[str]:
    """The IP addresses of a target to which a connection may be made: all addresses of its name must be
    permitted. Raises AddressRefused, and OSError for a name without an address.
    """
    checked_form(target, permission)
    found = await resolver(target.host, target.port)
    for address in found:
        _require_permitted(address, target.port, permission)
    return found


def _require_permitted(address: str, port: int, permission: Permission) -> None:
    parsed = _unwrapped(address)
    if parsed is not None and parsed.is_global and not parsed.is_multicast:
        return
    if (
        parsed is None
        or parsed.is_link_local
        or parsed.is_multicast
        or parsed.is_unspecified
        or parsed == _METADATA
        or not any(parsed in network for network in permission.networks)
    ):
        raise AddressRefused(
            "The address is in a private network that OUTBOUND_PRIVATE_NETWORKS does not list, or no request "
            "ever goes to it."
        )
    if port in permission.own_ports:
        raise AddressRefused("The address may be the server's own.")


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet; an address inside of another one counts too."""
    parsed = _unwrapped(address)
    return parsed is not None and parsed.is_global and not parsed.is_multicast


def _unwrapped(address: str) -> Address | None:
    """The address, or the IPv4 address inside of it; None for a text that is no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(parsed.packed[-4:])
        if inner is not None:
            return inner
    return parsed
