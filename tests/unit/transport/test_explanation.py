"""The answer to a plain GET at a station's address."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.transport.handshake.explanation import explanation, is_station_path

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture(autouse=True)
def _set(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.PUBLIC_URL = ["csms.example.com"], ""


def text(accept: str = BROWSER, host: str = "csms.example.com:8081", *, is_tls: bool = False) -> str:
    return explanation(accept=accept, host=host, is_tls=is_tls).body.decode()


@pytest.mark.parametrize("accept", [BROWSER, "*/*", ""])
def test_it_names_the_url_the_protocol_and_every_subprotocol(accept: str) -> None:
    shown = text(accept)

    assert "ws://csms.example.com:8081/ocpp/" in shown
    assert all(version in shown for version in VERSIONS)
    assert ("<html" in shown) is ("html" in accept)


def test_the_url_follows_tls_and_the_public_url(settings: Any) -> None:
    assert "wss://csms.example.com:8081/ocpp/" in text(is_tls=True)

    settings.PUBLIC_URL = "https://csms.example.com"

    assert "wss://csms.example.com/ocpp/" in text()


@pytest.mark.parametrize(
    "host", ["evil.example", "<script>alert(1)</script>", 'a"onload=x', "", "[::1", "a b"]
)
def test_a_host_that_is_not_ours_is_not_repeated(host: str) -> None:
    shown = text(host=host)

    assert "<script>" not in shown and (not host or host not in shown)
    assert "ws://&lt;this server&gt;/ocpp/" in shown


def test_the_page_loads_nothing_and_follows_the_colours_of_the_browser() -> None:
    found = explanation(accept=BROWSER, host="csms.example.com", is_tls=False)

    assert "default-src 'none'; style-src 'sha256-" in found.headers["Content-Security-Policy"]
    assert found.headers["Upgrade"] == "websocket" and found.headers["Connection"] == "Upgrade"
    assert b"color-scheme: light dark" in found.body and b"width=device-width" in found.body


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("ocpp", True),
        ("/ocpp/", True),
        ("/ocpp/CP-1", True),
        ("//ocpp//CP-1//", True),
        ("/steve/websocket/CentralSystemService/CP-1", True),
        ("/webServices/ocpp/CP%201", True),
        ("/OCPPJProxy/v16/CP-1", True),
        ("/ocpp16/CP-1", True),
        ("/no/such/page", False),
        ("/", False),
        ("/CP-1", False),
        ("/favicon.ico", False),
        ("/admin/CP-1", False),
        ("/api/v1/nothing", False),
        ("/static/none.css", False),
        ("/.well-known/acme-challenge/x", False),
    ],
)
def test_the_addresses_that_are_explained(path: str, is_one: bool) -> None:
    assert is_station_path(path) is is_one
