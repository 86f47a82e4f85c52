"""Addresses of clients: the key under which one counts for a limit, and whether it is a trusted proxy."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

_IPV6_NETWORK: Final = 64  # providers assign a /64 to each customer


@lru_cache(maxsize=4096)
def address_key(address: str) -> str:
    """The key of one client: an IPv4 address, or the /64 network of an IPv6 address.

    A client has all addresses of its /64, so a limit for each of them would be none. Other texts count as
    they are.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed, _IPV6_NETWORK), strict=False))
    return str(parsed)


@lru_cache(maxsize=4096)
def is_proxy(proxies: str, address: str) -> bool:
    """Whether an address is one of the trusted proxies, as FORWARDED_ALLOW_IPS lists them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(name == "*" or parsed in ipaddress.ip_network(name) for name in proxies.split(",") if name)
