"""The guards against requests to our own network."""

from __future__ import annotations

import pytest

from ocpp_server.outbound import addresses
from ocpp_server.outbound.addresses import AddressRefused, Target


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.9",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
        "no address",
    ],
)
def test_an_address_of_a_private_network_is_not_public(address):
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_an_address_of_the_internet_is_public(address):
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://ocsp.example.com", Target("http", "ocsp.example.com", 80, "/")),
        ("HTTPS://OCSP.example.com/a?b=c", Target("https", "ocsp.example.com", 443, "/a?b=c")),
        ("http://[2606::1]:8080/x", Target("http", "2606::1", 8080, "/x")),
    ],
)
def test_an_address_has_its_parts(url, target):
    assert addresses.parse(url) == target


def test_the_host_header_names_another_port():
    assert Target("http", "2606::1", 8080, "/").netloc == "[2606::1]:8080"
    assert Target("https", "a.example", 443, "/").netloc == "a.example"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ocsp.example.com/",
        "file:///etc/passwd",
        "gopher://x/",
        "ocsp.example.com",
        "http:///x",
        "http://a.example:0/",
        "http://a.example:70000/",
        "http://user:secret@a.example/",
        "http://a.example/\r\nX: y",
        "http://a.example/ö",
        "http://[a.example/",
        "http://a.example/" + "x" * 2000,
        "",
    ],
)
def test_another_address_is_refused(url):
    with pytest.raises(AddressRefused):
        addresses.parse(url)


async def resolved(host: str, port: int) -> list[str]:
    return {"public": ["93.184.215.14"], "mixed": ["93.184.215.14", "10.0.0.7"], "inside": ["10.0.0.7"]}[host]


@pytest.mark.parametrize(
    ("url", "listed", "is_allowed"),
    [
        ("http://public/", (), True),
        ("http://mixed/", (), False),
        ("http://inside/", (), False),
        ("http://inside/", ("inside",), True),
        ("http://inside:8080/", ("inside",), False),
        ("http://inside:8080/", ("inside:8080",), True),
        ("http://public:8080/", (), False),
        ("http://public:6379/", ("inside:6379",), False),
    ],
)
async def test_only_listed_hosts_may_have_a_private_address_or_another_port(url, listed, is_allowed):
    target = addresses.parse(url)

    if is_allowed:
        assert await addresses.checked(target, listed, resolver=resolved) == await resolved(target.host, 0)
    else:
        with pytest.raises(AddressRefused):
            await addresses.checked(target, listed, resolver=resolved)


async def test_a_name_without_letters_is_resolved_before_it_is_judged():
    with pytest.raises(AddressRefused):
        await addresses.checked(addresses.parse("http://2130706433/"), ())
