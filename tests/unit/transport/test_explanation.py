"""The answer to a plain GET at a station's address."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.transport.handshake.explanation import STATUS, explanation, is_station_path

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
        ("/WebSocket/CP-1", True),
        ("/CentralSystemService/CP-1", True),
        ("/web-socket/CP-1", False),
        ("/clients/ocpp", False),
        ("clients/ocpp", False),
        ("//admin/ocpp/", False),
        ("/api/v1/ocpp", False),
        ("/static/ocpp.css", False),
        ("/administration/ocpp", True),
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


@pytest.mark.parametrize(("accept", "kind"), [(BROWSER, "html"), ("*/*", "plain"), ("", "plain")])
def test_the_answer_asks_for_an_upgrade_and_is_not_cached(accept: str, kind: str) -> None:
    headers = explanation(accept=accept, host="csms.example.com", is_tls=False).headers

    assert STATUS == 426
    assert headers.pop("Content-Security-Policy").endswith("frame-ancestors 'none'")
    assert headers == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "Content-Type": f"text/{kind}; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }


def test_the_rows_are_the_same_in_the_page_and_in_the_text(settings: Any) -> None:
    settings.PUBLIC_URL = "https://http.example.com"
    page, plain = text(), text("*/*")

    for term in ("URL to enter in the charger", "Identity", "Protocol", "Password"):
        assert f"<dt>{term}</dt>" in page and f"\n{term}: " in plain
    sentence = "behind a proxy that does not pass on the headers Upgrade and Connection."
    assert sentence in page and sentence in plain
    assert "wss://http.example.com/ocpp/" in page and "wss://http.example.com/ocpp/" in plain
    assert "1.6, 2.0.1, 2.1" in page and "1.6, 2.0.1, 2.1" in plain
