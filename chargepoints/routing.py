"""The routes of WebSockets: every WebSocket is a station, and the last segment of its path is the
identity.
"""

from channels.routing import URLRouter
from django.urls import re_path

from chargepoints.consumers import StationConsumer

websocket = URLRouter([re_path(r"", StationConsumer.as_asgi())])
