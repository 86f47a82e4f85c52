"""The work of roles that an app provides: an import path, so that other processes never import it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, cast

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ocpp_server.environment.roles import Role

# The work of a role without a port: it returns after `stop` was set.
Work = Callable[[asyncio.Event], Awaitable[None]]

_paths: Final[dict[Role, str]] = {}


def register(role: Role, path: str) -> None:
    """Name the function that is the work of a role; for `AppConfig.ready`."""
    _paths[role] = path


def of(role: Role) -> Work:
    """The work of a role. Raises ImproperlyConfigured where no installed app provides it."""
    if role not in _paths:
        raise ImproperlyConfigured(f"No installed app provides the work of the role {role}.")
    return cast("Work", import_string(_paths[role]))
