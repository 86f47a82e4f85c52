"""The routes of WebSockets: every WebSocket is a station, its identity is the last segment of the path."""

from channels.routing import URLRouter
from django.urls import re_path

from chargepoints.consumers import StationConsumer

websocket = URLRouter([re_path(r"", StationConsumer.as_asgi())])
