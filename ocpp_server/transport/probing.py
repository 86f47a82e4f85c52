"""Answers to probes (`live/probes.py`): the process that holds a socket pings its station.

Every process with sockets does so once a second; the list of requests is nearly always empty.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import structlog

from ocpp_server import live

log = structlog.get_logger(__name__)


class Probed(Protocol):
    """A socket of this process."""

    def ping(self) -> None:
        """Send a ping, if the HTTP server can."""

    def silence_s(self) -> float | None:
        """Seconds since the station sent anything, pongs included; None where that is unknown."""


class Prober:
    """Pings the probed sockets of this process and confirms those whose station answers."""

    def __init__(self) -> None:
        # When each probed connection was pinged (monotonic seconds).
        self._pinged: dict[str, float] = {}

    async def answer(self, sockets: Mapping[str, Probed]) -> None:
        """Answer the requests for these sockets. Raises LiveStateUnavailable."""
        probes = live.state().probes
        requested = [one for one in await probes.requested() if one in sockets]
        for connection_id in self._pinged.keys() - set(requested):
            del self._pinged[connection_id]
        now = time.monotonic()
        for connection_id in requested:
            socket = sockets.get(connection_id)
            if socket is None:
                continue  # closed meanwhile
            silence_s, pinged_at = socket.silence_s(), self._pinged.get(connection_id)
            if silence_s is None or (pinged_at is not None and silence_s < now - pinged_at):
                # Where silence is unknown, the connection counts as alive: a newer one waits for a minute.
                await probes.confirm(connection_id)
                pinged_at = None
            if pinged_at is None:
                self._pinged[connection_id] = now
                socket.ping()


prober = Prober()
