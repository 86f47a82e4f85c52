"""The ASGI application: HTTP to Django, WebSockets to the stations' consumer, lifespan to the engine."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.settings")
_http = get_asgi_application()

from django.conf import settings  # noqa: E402 - models need the apps to be loaded
from django.utils.module_loading import import_string  # noqa: E402

from ocpp_server.bounds import long_polls, streams  # noqa: E402
from ocpp_server.bounds.bodies import bounded  # noqa: E402
from ocpp_server.bounds.continuing import continuing  # noqa: E402
from ocpp_server.process import embedded_signer, engine  # noqa: E402
from ocpp_server.process.garbage_collection import tune_garbage_collector  # noqa: E402

# A process that serves browsers and stations can't read the keys of our CAs.
embedded_signer.take_passphrase()

_waiting_http = continuing(long_polls.waits(_http))


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Start and stop the engine with the ASGI server; when the start fails, the server must not serve."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await engine.start()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            tune_garbage_collector()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await engine.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await engine.ensure_started()
    streamed = streams.application_of(scope)
    await (_waiting_http if streamed is None else streamed)(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": bounded(http),
        "websocket": import_string(settings.WEBSOCKET_APPLICATION),
        "lifespan": lifespan,
    }
)
