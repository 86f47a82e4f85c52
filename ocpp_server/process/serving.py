"""The start of a role of a distributed server, as one process or as one of several workers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

import django

from ocpp_server.environment.roles import DUTIES, Role
from ocpp_server.process import start

# The roles with a port, and what each serves there.
APPLICATIONS: Final = {
    Role.WEB: "ocpp_server.asgi:application",
    Role.GATEWAY: "ocpp_server.process.gateway_asgi:application",
}


def prepare(role: Role) -> Any:
    """Django's settings, once everything is there that the role needs.

    Raises SettingError, and StartError with the one sentence that says what is missing.
    """
    # Reading the environment raises SettingError, which must end the start and not an import.
    from ocpp_server import settings as configured

    if DUTIES[role].needs_redis and not configured.REDIS_DISTRIBUTED_STATE:
        raise start.StartError(
            f"REDIS_ADDR: the role {role} shares its work with others through Redis and needs its address; "
            "python3 run.py alone is everything in one process, without Redis.",
            code=2,
        )
    django.setup()
    start.require_redis(configured.REDIS_URL)
    start.require_migrated()
    return configured


def serve_on(
    role: Role, listener: socket.socket, *, banner: str, listening: Callable[[], object] | None = None
) -> None:
    """Serve a prepared role. Raises StartError."""
    start.raise_file_limit()
    config = start.uvicorn_config(APPLICATIONS[role])
    start.run_server(start.Server(config, banner=banner, listening=listening), listener)
