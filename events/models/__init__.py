from events.models.event import Event
from events.models.stream import StationStream, Stream

__all__ = ["Event", "StationStream", "Stream"]
