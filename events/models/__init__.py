from events.models.event import Event
from events.models.stream import StationStream, Stream
from events.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = ["Event", "StationStream", "Stream", "WebhookDelivery", "WebhookEndpoint"]
