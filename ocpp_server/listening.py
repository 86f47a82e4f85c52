"""The sockets on which a process accepts connections, one for each address of LISTEN_ADDRESS.

Standard library only, because the health check of containers uses it.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence
from typing import Final

# A whole depot reconnects at once after a power cut.
BACKLOG: Final = 4096
ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"  # noqa: S104 - names, not a socket
_LOOPBACK: Final = {ANY_IPV4: "127.0.0.1", ANY_IPV6: "::1"}
# The errors of a machine without IPv6.
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
# Addresses for documentation: connecting a datagram socket sends nothing, it only looks up the route.
_ELSEWHERE: Final = {ANY_IPV4: (socket.AF_INET, "192.0.2.1"), ANY_IPV6: (socket.AF_INET6, "2001:db8::1")}


class ListenError(Exception):
    """The port can't be opened at `address`; `error` is the reason."""

    def __init__(self, address: str, error: OSError) -> None:
        self.address = address
        self.error = error
        super().__init__(f"{address}: {error}")


class Listeners(list[socket.socket]):
    """Listening sockets that are closed together."""

    def __enter__(self) -> Listeners:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for listener in self:
            listener.close()


def listen(addresses: Sequence[str], port: int, *, is_shared: bool = False) -> Listeners:
    """Listening sockets, one for each address. Raises ListenError; then none is open.

    `::` among other addresses is left out on a machine without IPv6. Several sockets with `is_shared` may
    have the same address and port; the kernel distributes the connections among them.
    """
    listeners = Listeners()
    for address in addresses:
        try:
            listeners.append(_open(address, port, is_shared=is_shared))
        except OSError as error:
            if address == ANY_IPV6 and len(addresses) > 1 and error.errno in _NO_IPV6:
                continue
            listeners.close()
            raise ListenError(address, error) from None
    return listeners


def _open(address: str, port: int, *, is_shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family is socket.AF_INET6:
            # A socket for both families would name IPv4 clients ::ffff:192.0.2.1, which no proxy or log
            # has.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        flags = socket.AI_NUMERICHOST | socket.AI_PASSIVE
        listener.bind(socket.getaddrinfo(address, port, family, socket.SOCK_STREAM, flags=flags)[0][4])
        # Listen too: Linux lets two programs bind a port with SO_REUSEADDR as long as neither listens.
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def own_host(addresses: Sequence[str]) -> str:
    """The address at which this machine reaches a server that listens on these. IPv4 is preferred, because
    `::` may be left out.
    """
    own = [_LOOPBACK.get(address, address) for address in addresses]
    return min(own, key=lambda host: (":" in host, not ipaddress.ip_address(host).is_loopback))


def reachable_host(addresses: Sequence[str]) -> str:
    """The address at which stations on the same network reach a server that listens on these."""
    for address in addresses:
        if address not in _ELSEWHERE:
            return address
        family, elsewhere = _ELSEWHERE[address]
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue  # no route, so no network of this family
    return own_host(addresses)


def in_url(host: str) -> str:
    """An address as URLs contain it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
