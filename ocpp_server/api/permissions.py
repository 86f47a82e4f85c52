"""Permissions by role (`ocpp_server.rights`), and by site (`ocpp_server.sites`)."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ocpp_server import rights, sites
from ocpp_server.credentials import role_of


class RolePermission(BasePermission):
    """A request requires the `needed_role` of its view, or a higher role."""

    message = "Your role does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        needed = view.needed_role()
        self.message = f"This needs the role {needed}; yours is {role_of(request.user)}."
        return rights.has_role(request.user, needed)


class SitePermission(BasePermission):
    """A caller that is limited to sites may use the views whose answers are limited to them."""

    message = "You are limited to some sites, and this does not belong to a site."

    def has_permission(self, request: Request, view: Any) -> bool:
        return sites.of(request.user) is None or bool(view.is_of_sites)
