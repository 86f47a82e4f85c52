"""OCPP frames in the log, at DEBUG only. Secrets are masked, and tokens but for their end.

A connection calls `is_on` once, so that the frame log costs nothing per message while it is off.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from ocpp_server.observability.masking import MASK, masked_frame

log = structlog.get_logger(__name__)

LONGEST = 4000
_TOKEN = re.compile(r'("(?:idTag|parentIdTag|idToken|groupIdToken)"\s*:\s*")([^"]*)(")')
# The header of a frame: its type, its id, and a call's action.
_HEADER = re.compile(r'\s*\[\s*(\d+)\s*,\s*"([^"]{0,64})"(?:\s*,\s*"([A-Za-z]{1,64})")?')
_CALLS = frozenset({"2", "6"})

Send = Callable[[str], Awaitable[None]]
Receive = Callable[..., Awaitable[None]]


def is_on() -> bool:
    return logging.getLogger(__name__).isEnabledFor(logging.DEBUG)


def sending(station: Any, send: Send) -> Send:
    """Wrap `send`, so that frames are logged."""

    async def logged(text: str) -> None:
        _log("frame.out", station, text)
        await send(text)

    return logged


def receiving(station: Any, receive: Receive) -> Receive:
    """Wrap `receive`, so that frames are logged."""

    async def logged(text: str, *more: Any, **named: Any) -> None:
        _log("frame.in", station, text)
        await receive(text, *more, **named)

    return logged


def _log(event: str, station: Any, text: str) -> None:
    header = _HEADER.match(text)
    kind, message_id, action = header.groups() if header else ("", "", "")
    log.debug(
        event,
        station=station.identity,
        message_id=message_id,
        action=action if kind in _CALLS else "",
        version=station.version,
        frame=shown(text),
    )


def shown(text: str) -> str:
    """A frame for the log, with masks and cut to LONGEST."""
    return _TOKEN.sub(_shortened, masked_frame(text))[:LONGEST]


def _shortened(match: re.Match[str]) -> str:
    before, token, after = match.groups()
    return f"{before}{MASK}{token[-4:] if len(token) >= 8 else ''}{after}"  # see `logs`
