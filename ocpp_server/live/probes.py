"""Probes of connections: does the station behind a connection still answer?

A process asks with `request`, in any process. The process that holds the socket pings the station and
confirms. Both expire after a few seconds.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Final

# How long a request or a confirmation is valid. Holders look for requests once a second.
VALID_S: Final = 5.0


class Probes(ABC):
    """The requested and the confirmed connections by their ids. Each call raises LiveStateUnavailable."""

    @abstractmethod
    async def request(self, connection_id: str) -> None:
        """Request a probe of this connection."""

    @abstractmethod
    async def requested(self) -> list[str]:
        """The connections of all processes for which a probe is requested."""

    @abstractmethod
    async def confirm(self, connection_id: str) -> None:
        """Confirm that the station answers over this connection."""

    @abstractmethod
    async def is_confirmed(self, connection_id: str) -> bool:
        """Whether the station has answered over this connection within VALID_S."""


class MemoryProbes(Probes):
    """Probes of this process alone."""

    def __init__(self) -> None:
        self._requested: dict[str, float] = {}
        self._confirmed: dict[str, float] = {}

    async def request(self, connection_id: str) -> None:
        self._requested[connection_id] = time.monotonic() + VALID_S

    async def requested(self) -> list[str]:
        return _current(self._requested)

    async def confirm(self, connection_id: str) -> None:
        self._confirmed[connection_id] = time.monotonic() + VALID_S

    async def is_confirmed(self, connection_id: str) -> bool:
        return connection_id in _current(self._confirmed)


def _current(until: dict[str, float]) -> list[str]:
    """Remove the expired entries; returns the others."""
    now = time.monotonic()
    for connection_id in [one for one, end in until.items() if end <= now]:
        del until[connection_id]
    return list(until)
