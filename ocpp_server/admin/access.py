"""Rights in the admin by the API's roles: viewers read, operators command, administrators provision."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ocpp_server.credentials import Role, role_of

_ORDER = list(Role)


def may_read(user: Any) -> bool:
    """Whether the user may sign in to the admin, and so read every page."""
    return bool(user.is_active and user.is_staff)


def has_role(user: Any, needed: Role) -> bool:
    """Whether the user may do in the admin what this role may do, or a higher one."""
    return may_read(user) and role_of(user) in _ORDER[_ORDER.index(needed) :]


def may_command(user: Any) -> bool:
    """Whether the user may send commands to stations."""
    return has_role(user, Role.OPERATOR)


def may_provide(user: Any) -> bool:
    """Whether the user may add and change stations, tokens, API keys and users."""
    return has_role(user, Role.ADMINISTRATOR)


def request_may_provide(request: HttpRequest) -> bool:
    """`may_provide` for menu entries: unfold calls it with the request."""
    return may_provide(request.user)
