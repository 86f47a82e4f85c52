"""Virtual stations, for Prometheus."""

from __future__ import annotations

from typing import Final

from ocpp_server.observability.fleet import Family, Figures, Part
from sandbox.models import VirtualStation


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    return {"sandbox": [((), VirtualStation.objects.count())]}


FLEET: Final = Part(
    figures, (Family("sandbox", "ocpp_sandbox_stations", "Virtual stations of the sandbox."),)
)
