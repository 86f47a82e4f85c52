"""The answer to a plain GET at a station's address: what the address is, and what to enter in a charger.

People open the address in a browser to test it. A charger gets this answer when a proxy drops its Upgrade
header. The answer is the same for every identity, so it does not show which ones exist.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from html import escape
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from ocpp_server.protocol.identities import MAX_NEW
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.transport.handshake import origin

STATUS: Final = 426  # Upgrade Required
# The paths that are explained, without the leading slash: /ocpp, and the usual prefixes of other systems,
# such as /steve/websocket/CentralSystemService. A WebSocket may have any path, but a request for a page at
# another one is more likely a mistyped page than a station.
_WORDS: Final = ("ocpp", "websocket", "centralsystem")
# Character classes, because Django's `reverse` can't read the flag for any case.
_IN_ANY_CASE: Final = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in word) for word in _WORDS)
STATION_PATH: Final = (
    r"^(?!/*(?:admin|api|clients|health|metrics|static|\.well-known)/)"
    rf".*(?:{_IN_ANY_CASE}).*$"
)
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; margin: 0 auto; max-width: 42rem; padding: 1.5rem; }
h1 { font-size: 1.4rem; line-height: 1.3; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: its headers and its body."""

    headers: dict[str, str]
    body: bytes


def is_station_path(path: str) -> bool:
    """Whether a plain GET of this path is answered with the explanation."""
    return re.match(STATION_PATH, path) is not None


def explanation(*, accept: str, host: str, is_tls: bool) -> Explanation:
    """The explanation as a page for a browser, and as text for a program. `host` is the header of the
    request.
    """
    is_page = "text/html" in accept
    rows = [
        (_("URL to enter in the charger"), f"{_endpoint(host, is_tls=is_tls)}/"),
        (_("Identity"), _identity()),
        (_("Protocol"), _protocol()),
        (_("Password"), _("If the station has one: HTTP Basic authentication, user name = identity.")),
    ]
    return Explanation(
        {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Type": f"text/{'html' if is_page else 'plain'}; charset=utf-8",
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
        },
        (_page(rows) if is_page else _text(rows)).encode(),
    )


def _endpoint(host: str, *, is_tls: bool) -> str:
    """The address of stations, by PUBLIC_URL or by the host of the request if it is one of this server's."""
    web: str = settings.PUBLIC_URL
    if not web:
        name = host if origin.is_own_host(host) else _("<this server>")
        web = f"{'https' if is_tls else 'http'}://{name}"
    return f"{web.replace('http', 'ws', 1)}/ocpp"


def _identity() -> str:
    return _(
        "The last part of the URL, such as .../ocpp/MY-CHARGER. Most chargers append it to the URL. At most "
        "%(most)d characters, without '/', '\\' and ':'."
    ) % {"most": MAX_NEW}


def _protocol() -> str:
    labels = ", ".join(version.label for version in VERSIONS)
    return _("OCPP-J (JSON over WebSocket, not SOAP) %(labels)s; subprotocols: %(names)s.") % {
        "labels": labels,
        "names": ", ".join(VERSIONS),
    }


def _title() -> str:
    return _("This is the address for charging stations")


def _sentences() -> list[str]:
    return [
        _("Charging stations connect here by WebSocket. A browser only gets this explanation."),
        _(
            "A charger that gets this answer is behind a proxy that does not pass on the headers Upgrade and "
            "Connection."
        ),
    ]


def _page(rows: list[tuple[str, str]]) -> str:
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>\n" for term, words in rows)
    what, proxy = map(escape, _sentences())
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(_title())}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(_title())}</h1>\n<p>{what}</p>\n<dl>\n{terms}</dl>\n<p>{proxy}</p>\n"
        "</main>\n</body>\n</html>\n"
    )


def _text(rows: list[tuple[str, str]]) -> str:
    what, proxy = _sentences()
    return "\n".join([f"{_title()}.", what, *(f"{term}: {words}" for term, words in rows), proxy, ""])
