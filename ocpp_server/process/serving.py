"""The start of a role of a distributed server, as one process or as one of several workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import django

from ocpp_server.environment.roles import ROLES, Role
from ocpp_server.listening import Listeners
from ocpp_server.process import embedded_signer, start
from ocpp_server.process.server import Server

# The roles with a port, and the ASGI application of each.
APPLICATIONS: Final = {
    Role.WEB: "ocpp_server.asgi:application",
    Role.GATEWAY: "ocpp_server.process.gateway_asgi:application",
}


def prepare(role: Role) -> Any:
    """Set up Django and check that Redis and the database are ready for the role; returns the settings.

    Raises SettingError for a wrong setting, and StartError with a sentence about a missing requirement.
    """
    # Imported here, because importing the settings raises SettingError for a wrong environment variable.
    from ocpp_server import settings as configured

    if ROLES[role].needs_redis and not configured.REDIS_DISTRIBUTED_STATE:
        raise start.StartError(
            f"REDIS_ADDR: the role {role} shares its work with others through Redis and needs its address; "
            "python3 run.py alone is everything in one process, without Redis.",
            code=2,
        )
    if role is not Role.SIGNER:
        embedded_signer.take_passphrase()
    django.setup()
    if ROLES[role].needs_redis:
        start.require_redis(configured.REDIS_URL)
    start.require_migrated()
    return configured


def serve_on(
    role: Role, listeners: Listeners, *, banner: str, listening: Callable[[], object] | None = None
) -> None:
    """Serve the application of a role after `prepare`. Raises StartError."""
    start.raise_file_limit()
    config = start.uvicorn_config(APPLICATIONS[role])
    server = Server(config, banner=banner, listening=listening)
    start.run_server(server, listeners)
