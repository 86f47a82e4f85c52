"""Rights in the admin: those of the API (`ocpp_server.rights`), for logins that may open it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from ocpp_server import rights
from ocpp_server.credentials import Role
from ocpp_server.rights import Right


class RoleNeeded(PermissionDenied):
    """The login's role may not do this; `role` may."""

    def __init__(self, role: Role) -> None:
        self.role = role
        super().__init__(f"This needs the role {role}.")


def may_read(user: Any) -> bool:
    """Whether the user may sign in to the admin, and so read every page."""
    return bool(user.is_active and user.is_staff)


def has_role(user: Any, needed: Role) -> bool:
    """Whether the user may do in the admin what this role may do, or a higher one."""
    return may_read(user) and rights.has_role(user, needed)


def may(user: Any, right: Right | str) -> bool:
    """Whether the user has this right in the admin."""
    return has_role(user, rights.role_for(Right(right)))


def require(user: Any, right: Right) -> None:
    """Raises RoleNeeded."""
    require_role(user, rights.role_for(right))


def require_role(user: Any, needed: Role) -> None:
    """Raises RoleNeeded."""
    if not has_role(user, needed):
        raise RoleNeeded(needed)


def request_may_see_logins(request: HttpRequest) -> bool:
    """For menu entries: unfold calls it with the request."""
    return may(request.user, Right.LOGINS)
