"""The ASGI application of the role accounts: only the accounts API, without stations and housekeeping."""

from __future__ import annotations

import os
from typing import Any

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpp_server.accounts_settings")
_http = get_asgi_application()

from django.conf import settings  # noqa: E402

from ocpp_server import live  # noqa: E402 - models need the apps to be loaded
from ocpp_server.bounds.bodies import bounded  # noqa: E402
from ocpp_server.environment import roles  # noqa: E402 - models need the apps to be loaded
from ocpp_server.live import extensions  # noqa: E402
from ocpp_server.process.health_file import health_writer  # noqa: E402
from ocpp_server.storage.journal import journal  # noqa: E402


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Start and stop the live state and the journal, which authorization uses."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await _start()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await health_writer.stop()
            await live.state().stop()
            await journal.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _start() -> None:
    extensions.require()
    journal.start()
    last_number, active = await journal.run(extensions.transactions.app.load_running)
    live.state().rebuild(last_number=last_number, active=active)
    await live.state().start()
    health_writer.start(live.state().status, path=settings.HEALTH_FILE, port=roles.own_port(settings))


application = ProtocolTypeRouter({"http": bounded(_http), "lifespan": lifespan})
