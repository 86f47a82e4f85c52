"""The REST API for management commands: that of the running server on the loopback address, or, if the server
is distributed, the same API in the process of the command.
"""

from __future__ import annotations

import getpass
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError

from ocpp_server import credentials
from ocpp_server.credentials import Role
from ocpp_server.management.api import AT_ONCE, Api, ServerAway

# The names of the keys begin with it; the login of the person follows, for the audit log and the commands.
KEY_NAME = "manage.py"
_LONGEST_LOGIN = 80
# Longer than any command may wait for AT_ONCE stations. The key of a command that was killed expires after
# this time.
KEY_LIFE = timedelta(minutes=5)


@contextmanager
def server(*, stations: int = 1, role: Role = Role.OPERATOR) -> Iterator[Api]:
    """The running server, with an API key of its own that is revoked afterwards and never shown. The key has
    this role and lasts for a command to this many stations. Raises ServerAway.
    """
    life = KEY_LIFE * math.ceil(stations / AT_ONCE)
    if settings.REDIS_DISTRIBUTED_STATE:
        # Inside: it imports the ASGI application, which sets up logging that other commands do not need.
        from ocpp_server.management.own_process import own_process

        # Redis knows which process holds the station, and that may be on another machine.
        with own_process() as api, _key(life, role) as plain:
            api.key = plain
            yield api
        return
    api = Api()
    api.get("/health")
    with _key(life, role) as plain:
        api.key = plain
        yield api


@contextmanager
def _key(life: timedelta, role: Role) -> Iterator[str]:
    with ExitStack() as held:
        try:
            key = credentials.port.app.temporary(name=_key_name(), role=role, life=life)
            plain = held.enter_context(key)
        except DatabaseError as error:
            raise ServerAway(f"The server's database can't be used ({error}).") from None
        yield plain


def is_temporary(name: str) -> bool:
    """Whether a key with this name is one of a command."""
    return name == KEY_NAME or name.startswith(f"{KEY_NAME} (")


def _key_name() -> str:
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a login
        login = str(os.getuid())
    return f"{KEY_NAME} ({login[:_LONGEST_LOGIN]})"
