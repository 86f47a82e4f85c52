"""The key under which a client counts for a limit, and which addresses are trusted proxies."""

from __future__ import annotations

import pytest

from ocpp_server.addresses import address_key, is_proxy


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:DB8::1", "2001:db8::/64"),
        ("", ""),
        ("unix socket", "unix socket"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64),
    ],
)
def test_a_client_is_its_address_or_the_network_that_it_was_given(address: str, key: str) -> None:
    assert address_key(address) == key


@pytest.mark.parametrize(
    ("proxies", "address", "is_trusted"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.0/8,::1", "10.9.9.9", True),
        ("10.0.0.0/8,::1", "::1", True),
        ("10.0.0.0/8,::1", "11.0.0.1", False),
        ("10.0.0.0/8,,", "10.0.0.1", True),
        ("*", "192.0.2.1", True),
        ("10.0.0.1,*", "192.0.2.1", True),
        ("", "127.0.0.1", False),
        (",", "127.0.0.1", False),
        ("*", "unix socket", False),
        ("*", "", False),
    ],
)
def test_a_proxy_is_trusted_by_its_address_or_network(proxies: str, address: str, is_trusted: bool) -> None:
    assert is_proxy(proxies, address) is is_trusted
