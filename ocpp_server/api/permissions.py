"""What a role may do: a viewer reads, an operator commands, an administrator provisions."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import User
from ocpp_server.api.authentication import role

_ORDER = [User.Role.VIEWER, User.Role.OPERATOR, User.Role.ADMINISTRATOR]


class RolePermission(BasePermission):
    """Reads for everybody who is known; changes for the view's `write_role` and those above it."""

    message = "Your role does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if request.method in SAFE_METHODS:
            needed = getattr(view, "read_role", User.Role.VIEWER)
        else:
            needed = getattr(view, "write_role", User.Role.OPERATOR)
        self.message = f"This needs the role {needed}; yours is {role(request.user)}."
        return _ORDER.index(User.Role(role(request.user))) >= _ORDER.index(User.Role(needed))
