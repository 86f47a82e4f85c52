"""A station and a unit of work as `dispatch` uses them, without a database."""

from __future__ import annotations

from typing import Any

from ocpp_server.protocol.dispatch import CommitRefused


class Party:
    """The attributes of a station that dispatch uses. `deviations` are (kind, detail, path)."""

    def __init__(self, version: str, *, strict: bool = False, is_accepted: bool = True) -> None:
        self.identity = "CP-1"
        self.version = version
        self.strict = strict
        self.is_accepted = is_accepted
        self.request: dict[str, Any] = {}
        self.deviations: list[tuple[str, str, str]] = []

    def deviation(self, kind: str, detail: str = "", *, path: str = "") -> None:
        self.deviations.append((kind, detail, path))


class Work:
    """A unit of work that refuses its first commits. Writes its steps, and the message with a shared list."""

    def __init__(self, shared: list[Any] | None = None, *, refused: int = 0) -> None:
        self.steps: list[str] = []
        self._shared = shared
        self._refused = refused

    async def commit(self, message: Any, /) -> None:
        self.steps.append("commit")
        if self._shared is not None:
            self._shared.append(("commit", message))
        if self._refused:
            self._refused -= 1
            raise CommitRefused("the row exists already")

    async def roll_back(self) -> None:
        self.steps.append("roll_back")
