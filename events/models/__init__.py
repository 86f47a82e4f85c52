from events.models.deletion import Deletion
from events.models.event import Event
from events.models.stream import StationStream, Stream
from events.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = ["Deletion", "Event", "StationStream", "Stream", "WebhookDelivery", "WebhookEndpoint"]
