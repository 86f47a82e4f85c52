"""Which WebSocket goes where: every one is a station, whatever stands before the last segment of its path."""

from channels.routing import URLRouter
from django.urls import re_path

from chargepoints.consumers import StationConsumer

websocket = URLRouter([re_path(r"", StationConsumer.as_asgi())])
