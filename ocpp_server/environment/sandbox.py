"""The settings of the sandbox: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from urllib.parse import urlsplit

from ocpp_server.environment.parsers import count, positive_duration
from ocpp_server.environment.variable import Variable

_GROUP = "Sandbox"


def endpoint_url(value: str) -> str:
    """A ws:// or wss:// address, or nothing."""
    url = value.strip().rstrip("/")
    if url and (urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname):
        raise ValueError("must be an address such as wss://csms.example/ocpp")
    return url


SANDBOX_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "SANDBOX_STATIONS",
        "0",
        count,
        "How many virtual stations there may be at once (docs/sandbox.md). The elected housekeeper runs "
        "them. 0: no sandbox.",
        _GROUP,
    ),
    Variable(
        "SANDBOX_URL",
        "",
        endpoint_url,
        "The OCPP endpoint to which virtual stations connect, such as wss://csms.example/ocpp. Needed where "
        "the housekeeper has no port for stations.",
        _GROUP,
        "the own port, or PUBLIC_URL for a process without one",
    ),
    Variable(
        "SANDBOX_IDLE",
        "24h",
        positive_duration,
        "A virtual station that was not used for this time is deleted with its sessions.",
        _GROUP,
    ),
)
