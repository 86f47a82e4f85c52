"""Permissions by role: a viewer reads, an operator commands, an administrator provisions."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from ocpp_server.credentials import Role, role_of

_ORDER = list(Role)


class RolePermission(BasePermission):
    """Reads require the view's `read_role`, changes its `write_role`, or a higher role."""

    message = "Your role does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        needed = view.read_role if request.method in SAFE_METHODS else view.write_role
        role = role_of(request.user)
        self.message = f"This needs the role {needed}; yours is {role}."
        return _ORDER.index(Role(role)) >= _ORDER.index(Role(needed))
