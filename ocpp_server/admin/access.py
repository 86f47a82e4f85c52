"""Who may do what in the admin, by the API's roles: viewer reads, operator commands, administrator enters."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ocpp_server.credentials import Role


def may_read(user: Any) -> bool:
    """Everybody who may sign in to the admin."""
    return bool(user.is_active and user.is_staff)


def may_command(user: Any) -> bool:
    """Send commands to stations."""
    return may_read(user) and (user.is_superuser or user.role in {Role.OPERATOR, Role.ADMINISTRATOR})


def may_provide(user: Any) -> bool:
    """Enter stations, tokens, API keys and users."""
    return may_read(user) and (user.is_superuser or user.role == Role.ADMINISTRATOR)


def request_may_provide(request: HttpRequest) -> bool:
    """For the menu, whose entries ask with the request."""
    return may_provide(request.user)
