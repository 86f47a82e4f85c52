"""The port `RunningServer`: what probes ask about this process. `process`, above the API, fills it."""

from __future__ import annotations

from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured


class RunningServer(Protocol):
    """The engine of this process. A module with these functions fills it as well as an object."""

    def is_running(self) -> bool:
        """Whether the engine serves stations in this process."""

    async def status(self) -> dict[str, Any]:
        """Each part with `ok` and `detail`. Starts the engine where it does not run yet."""


_filled: list[RunningServer] = []


def fill(implementation: RunningServer) -> None:
    """Register the one implementation; for `AppConfig.ready`."""
    _filled[:] = [implementation]


def server() -> RunningServer:
    """The implementation. Raises ImproperlyConfigured when nothing has filled the port."""
    if not _filled:
        raise ImproperlyConfigured(
            "The API does not know the engine: ocpp_server.api.server.fill() must be called in an "
            "AppConfig.ready, as the engine's does."
        )
    return _filled[0]
