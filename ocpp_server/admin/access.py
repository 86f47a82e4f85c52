"""Rights in the admin by the API's roles: viewers read, operators command, administrators provision."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ocpp_server.credentials import Role


def may_read(user: Any) -> bool:
    """Whether the user may sign in to the admin, and so read every page."""
    return bool(user.is_active and user.is_staff)


def may_command(user: Any) -> bool:
    """Whether the user may send commands to stations."""
    return may_read(user) and (user.is_superuser or user.role in {Role.OPERATOR, Role.ADMINISTRATOR})


def may_provide(user: Any) -> bool:
    """Whether the user may add and change stations, tokens, API keys and users."""
    return may_read(user) and (user.is_superuser or user.role == Role.ADMINISTRATOR)


def request_may_provide(request: HttpRequest) -> bool:
    """`may_provide` for menu entries: unfold calls it with the request."""
    return may_provide(request.user)
