"""The port `RunningServer`: the state of this process, for probes. `process`, which imports the API, fills
it.
"""

from __future__ import annotations

from typing import Any, Protocol

from ocpp_server.ports import Port


class RunningServer(Protocol):
    """The engine of this process. A module with these functions can fill the port, as an object can."""

    def is_running(self) -> bool:
        """Whether the engine serves stations in this process."""

    async def status(self) -> dict[str, Any]:
        """Each part with `ok` and `detail`. Starts the engine where it does not run yet."""


port = Port[RunningServer]("RunningServer")
