"""The addresses for uploads that operators give, and the ones that this server makes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chargepoints.services.diagnostics import addresses
from chargepoints.services.diagnostics.addresses import Secrets, Target
from ocpp_server.domain import Conflict, Invalid

SCHEME = "Use an address that begins with one of http, https, ftp, ftps, sftp and has a host."
ASCII = "Use printable ASCII without spaces; encode other characters with %."
FRAGMENT = "An address for uploads has no fragment (#)."
QUERY = "The query of an address for uploads must not end with a slash."


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "https://logs.example.com/in/",
        "ftp://user:word@192.0.2.1:2121/in",
        "ftps://[2001:db8::1]/",
        "SFTP://logs.example.com",
        "https://x/in?to=a%20b",
        "https://x:1/",
        "https://x:65535/",
        "https://x/in/?to=/a",
    ],
)
def test_an_address_that_stations_can_use_is_taken(url: str) -> None:
    addresses.check(url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", SCHEME),
        ("logs.example.com", SCHEME),
        ("file:///etc/passwd", SCHEME),
        ("https://", SCHEME),
        ("https:///in", SCHEME),
        ("https://x:0/", SCHEME),
        ("https://x:65536/", SCHEME),
        ("https://x:a/", SCHEME),
        ("https://[x/", SCHEME),
        ("https://x/a b", ASCII),
        ("https://x/\u00fc", ASCII),
        ("https://x/\x7f", ASCII),
        ("https://x/#end", FRAGMENT),
        ("https://x/#", FRAGMENT),
        ("https://x/?to=a/", QUERY),
    ],
)
def test_another_address_is_refused_with_its_field(url: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=re.escape(sentence)) as refused:
        addresses.check(url)

    assert refused.value.field == "url"


@pytest.mark.parametrize(
    ("certificate", "listen", "base"),
    [
        (None, "192.0.2.7", "http://192.0.2.7:8081"),
        ("tls.pem", "192.0.2.7", "https://192.0.2.7:8081"),
        ("tls.pem", "2001:db8::7", "https://[2001:db8::7]:8081"),
    ],
)
def test_the_server_knows_its_own_address(
    settings: Any, certificate: str | None, listen: str, base: str
) -> None:
    settings.UPLOAD_URL, settings.PUBLIC_URL, settings.HTTP_PORT = "", "", 8081
    settings.TLS_CERT, settings.LISTEN_ADDRESS = certificate, (listen,)

    assert addresses.base_address() == base


def test_a_process_that_does_not_serve_stations_says_what_to_do(settings: Any) -> None:
    settings.UPLOAD_URL, settings.PUBLIC_URL, settings.OCPP_ROLE = "", "", "web"

    with pytest.raises(Conflict) as refused:
        addresses.base_address()

    assert refused.value.sentence == (
        "Set UPLOAD_URL to the address at which stations reach the server, or give an address of your own "
        "(url)."
    )
    settings.PUBLIC_URL = "https://csms.example.com"
    assert addresses.base_address() == "https://csms.example.com"


@pytest.mark.parametrize(
    ("number", "key", "is_found"),
    [
        ("9" * 18, "k" * 20, True),
        ("9" * 19, "k" * 20, False),
        ("7", "k" * 19, False),
        ("7", "k" * 100, True),
        ("7", "k" * 101, False),
        ("7", "Az09_-" * 4, True),
        ("7", "k" * 20 + ".", False),
        ("\u0667", "k" * 20, False),
    ],
)
def test_numbers_and_secrets_have_the_lengths_and_characters_of_ours(
    number: str, key: str, is_found: bool
) -> None:
    expected = Target(int(number), key, "log") if is_found else None

    assert addresses.target(f"/uploads/{number}/{key}/log") == expected


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        (" log.zip ", "log.zip"),
        ("a/b\\c.log", "c.log"),
        ("in/", ""),
        ("tab\tbed", "tabbed"),
        ("y" * 255, "y" * 255),
        ("y" * 256, "y" * 255),
    ],
)
def test_a_file_name_is_shown_without_its_folder(name: str, shown: str) -> None:
    assert addresses.shown_name(name) == shown


def test_secrets_have_24_random_bytes_and_a_login_only_where_it_is_wanted() -> None:
    plain, login = addresses.new_secrets(with_login=False), addresses.new_secrets(with_login=True)

    assert (len(plain.key), plain.password, plain.login) == (32, "", "")
    assert (len(login.key), len(login.password)) == (32, 32)
    assert login.login == f"station:{login.password}"
    assert Secrets("k").login == ""


def test_a_digest_is_the_sha_256_of_any_text() -> None:
    assert addresses.digest("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert addresses.digest("\ud800") == addresses.digest("?")
    assert not addresses.matches("", addresses.digest("a"))
    assert not addresses.matches("a", "")
