"""The Origin rule for stations without a password (S09)."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.environment import env
from ocpp_server.transport.handshake import origin


def handshake(
    given: str | None,
    host: str = "csms.example.com",
    scheme: str = "ws",
    peer: str = "192.0.2.9",
    **more: str,
) -> tuple[str, frozenset[str]]:
    """The Origin of a request, and the server's own origins for it."""
    headers = {"host": host, **({} if given is None else {"origin": given}), **more}
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    # The client is the one that a proxy has forwarded; the extension names the connection's own address.
    scope = {
        "scheme": scheme,
        "headers": sent,
        "client": ("198.51.100.1", 0),
        "extensions": {"ocpp.peer": peer},
    }
    return given or "", origin.own_origins(scope)


@pytest.fixture(autouse=True)
def _set(settings: Any) -> None:
    settings.OCPP_ALLOWED_ORIGINS = []
    settings.ALLOWED_HOSTS = ["csms.example.com", "localhost"]
    settings.PUBLIC_URL = ""
    settings.FORWARDED_ALLOW_IPS = "192.0.2.9"


@pytest.mark.parametrize(
    ("given", "is_allowed"),
    [
        (None, True),
        ("", True),
        ("file://", True),
        ("file:///", True),
        ("http://csms.example.com", True),
        ("HTTP://CSMS.example.com:80/", True),
        ("null", False),
        ("https://csms.example.com", False),
        ("http://csms.example.com:8081", False),
        ("http://csms.example.com.evil.example", False),
        ("https://evil.example", False),
        ("http://arduino.cc/", False),
        ("*", False),
    ],
)
def test_a_web_page_of_another_origin_is_refused(given: str | None, is_allowed: bool) -> None:
    assert origin.is_allowed(*handshake(given)) is is_allowed


@pytest.mark.parametrize(
    ("setting", "allowed", "refused"),
    [
        ("null", ["null", "NULL"], ["https://evil.example"]),
        ("*", ["null", "https://evil.example", "anything at all"], []),
        (
            "https://Tester.example/, app://esp32",
            ["https://tester.example", "https://tester.example:443"],
            ["app://esp3"],
        ),
        ("https://tester.example:8443", ["https://tester.example:8443"], ["https://tester.example"]),
        ("http://arduino.cc/path,esp32", ["http://arduino.cc/path", "ESP32"], ["http://arduino.cc"]),
        ("http://[2001:db8::1]:80", ["http://[2001:db8::1]"], ["null"]),
    ],
)
def test_the_setting_takes_literal_texts_and_the_star(
    settings: Any, setting: str, allowed: list[str], refused: list[str]
) -> None:
    settings.OCPP_ALLOWED_ORIGINS = env.read({"OCPP_ALLOWED_ORIGINS": setting})["OCPP_ALLOWED_ORIGINS"]

    assert [text for text in allowed + refused if origin.is_allowed(*handshake(text))] == allowed


@pytest.mark.parametrize(
    "setting",
    [
        "https://*.example.com",
        "**",
        "https://",
        "https://:8443",
        "http://x:port",
        "http://x:0",
        "a b",
        "ä",
        "a,\x07",
    ],
)
def test_a_wrong_origin_in_the_setting_is_a_sentence(setting: str) -> None:
    with pytest.raises(env.SettingError) as caught:
        env.read({"OCPP_ALLOWED_ORIGINS": setting})

    assert str(caught.value).startswith("OCPP_ALLOWED_ORIGINS: ")


@pytest.mark.parametrize(
    ("given", "host", "is_own"),
    [
        ("http://csms.example.com:8081", "csms.example.com:8081", True),
        ("http://10.0.0.5:8081", "10.0.0.5:8081", True),
        ("http://[fe80::1]:8081", "[fe80::1]:8081", True),
        ("http://localhost", "localhost", True),
        # The name of somebody else that leads to this server's address.
        ("http://evil.example", "evil.example", False),
        ("http://", "", False),
        ("http://a b", "a b", False),
    ],
)
def test_the_own_origin_is_the_host_of_the_request_if_it_is_an_allowed_host(
    given: str, host: str, is_own: bool
) -> None:
    assert origin.is_allowed(*handshake(given, host)) is is_own


def test_the_own_origin_behind_a_proxy_has_the_forwarded_scheme_and_host() -> None:
    given, how = "https://csms.example.com", {"host": "10.0.0.5:8081", "scheme": "wss"}

    assert not origin.is_allowed(*handshake(given, **how))
    assert origin.is_allowed(*handshake(given, **how, x_forwarded_host="csms.example.com"))
    assert not origin.is_allowed(*handshake(given, **how, x_forwarded_host="evil.example"))
    assert not origin.is_allowed(
        *handshake(given, **how, peer="203.0.113.1", x_forwarded_host="csms.example.com")
    )


def test_the_public_url_is_an_own_origin(settings: Any) -> None:
    settings.PUBLIC_URL = "https://csms.example.com:8443"

    # nginx's $host has no port.
    assert origin.is_allowed(*handshake("https://csms.example.com:8443", scheme="wss"))
    assert not origin.is_allowed(*handshake("https://csms.example.com:8444", scheme="wss"))


def test_a_request_without_an_origin_has_no_own_origins() -> None:
    assert handshake(None) == ("", frozenset())
    assert origin.own_origins({}) == frozenset()


def test_a_server_without_a_public_url_has_the_origin_of_the_request_alone() -> None:
    assert handshake("null")[1] == {"http://csms.example.com"}


@pytest.mark.parametrize(
    ("client", "extensions", "is_trusted"),
    [
        (("192.0.2.9", 0), {}, True),  # a server that keeps the address of the connection
        (("198.51.100.1", 0), {}, False),
        (("192.0.2.9", 0), {"ocpp.peer": "203.0.113.1"}, False),
        (None, {}, False),  # a Unix socket
        (None, {"ocpp.peer": "192.0.2.9"}, True),
    ],
)
def test_a_forwarded_host_counts_only_from_a_trusted_proxy(
    client: tuple[str, int] | None, extensions: dict[str, str], is_trusted: bool
) -> None:
    headers = [
        (b"host", b"10.0.0.5:8081"),
        (b"origin", b"null"),
        (b"x-forwarded-host", b"other.example, csms.example.com ,localhost:1"),
    ]

    found = origin.own_origins({"headers": headers, "client": client, "extensions": extensions})

    forwarded = {"http://csms.example.com", "http://localhost:1"} if is_trusted else set()
    assert found == {"http://10.0.0.5:8081"} | forwarded


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("192.0.2.1", True),
        ("[2001:db8::1]", True),
        ("[2001:db8::1]:8081", True),
        ("csms.example.com", True),
        ("csms.example.com:8081", True),
        ("CSMS.example.com", True),
        ("evil.example", False),
        ("X192.0.2.1X", False),
        ("", False),
        ("a b", False),
        ("csms.example.com.evil.example", False),
    ],
)
def test_an_address_or_an_allowed_name_is_this_servers(host: str, is_own: bool) -> None:
    assert origin.is_own_host(host) is is_own


def test_an_empty_host_is_not_this_servers_even_if_all_names_are(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert origin.is_own_host("anything.example")
    assert not origin.is_own_host("")
