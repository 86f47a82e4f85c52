"""Virtual stations, and the steps that are requested of them."""

from sandbox.models.station import VirtualStation
from sandbox.models.step import Step

__all__ = ["Step", "VirtualStation"]
