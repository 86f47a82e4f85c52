"""The addresses to which an operator may send: public ones, and listed private networks."""

from __future__ import annotations

import ipaddress

import pytest

from ocpp_server.outbound import addresses
from ocpp_server.outbound.addresses import AddressRefused, Permission

HOME = Permission(
    networks=tuple(
        ipaddress.ip_network(each)
        for each in ("192.168.0.0/16", "127.0.0.1/32", "169.254.0.0/16", "fd00::/8")
    ),
    own_ports=frozenset({8081}),
    is_http_allowed=True,
)
NOWHERE = Permission()


async def permitted(url: str, permission: Permission, *found: str) -> list[str]:
    async def resolver(host: str, port: int) -> list[str]:
        return list(found)

    return await addresses.permitted(addresses.parse(url), permission, resolver=resolver)


@pytest.mark.parametrize(
    ("url", "permission", "address"),
    [
        ("https://a.example", NOWHERE, "93.184.215.14"),
        ("https://a.example:8443", NOWHERE, "2606:2800:21f::1"),
        ("http://a.example", HOME, "192.168.1.7"),
        ("http://a.example:1880", HOME, "127.0.0.1"),
        ("https://a.example", HOME, "::ffff:192.168.1.7"),
        ("https://a.example", HOME, "fd00::7"),
        # A listener of ours has another address than a public one.
        ("https://a.example:8081", HOME, "93.184.215.14"),
    ],
)
async def test_an_address_is_permitted(url, permission, address):
    assert await permitted(url, permission, address) == [address]


@pytest.mark.parametrize(
    ("url", "permission", "found"),
    [
        ("http://a.example", NOWHERE, ["93.184.215.14"]),
        ("https://a.example:22", HOME, ["93.184.215.14"]),
        ("https://a.example:80", HOME, ["93.184.215.14"]),
        ("https://a.example", NOWHERE, ["192.168.1.7"]),
        ("https://a.example", NOWHERE, ["127.0.0.1"]),
        ("https://a.example", HOME, ["10.0.0.1"]),
        ("https://a.example", HOME, ["127.0.0.2"]),
        ("https://a.example", HOME, ["93.184.215.14", "10.0.0.1"]),
        ("https://a.example", HOME, ["169.254.169.254"]),
        ("https://a.example", HOME, ["fd00:ec2::254"]),
        ("https://a.example", HOME, ["64:ff9b::a9fe:a9fe"]),
        ("https://a.example", HOME, ["224.0.0.1"]),
        ("https://a.example", HOME, ["0.0.0.0"]),
        ("https://a.example", HOME, ["::"]),
        ("https://a.example", HOME, ["no address"]),
        ("http://a.example:8081", HOME, ["192.168.1.7"]),
        ("http://a.example:8081", HOME, ["127.0.0.1"]),
    ],
)
async def test_an_address_is_refused(url, permission, found):
    with pytest.raises(AddressRefused):
        await permitted(url, permission, *found)


@pytest.mark.parametrize("url", ["https://10.0.0.1", "https://[::1]/", "https://169.254.169.254/latest"])
def test_an_ip_address_is_refused_without_a_look_up(url):
    with pytest.raises(AddressRefused):
        addresses.checked_form(addresses.parse(url), HOME)


def test_a_name_is_looked_up_later():
    addresses.checked_form(addresses.parse("https://a.example:8443/hook?x=1"), NOWHERE)
