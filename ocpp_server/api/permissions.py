"""Permissions by role (`ocpp_server.rights`), and by scope and site of API keys (`scopes`,
`ocpp_server.sites`).
"""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from ocpp_server import rights, sites
from ocpp_server.api import personal, scopes
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


class ScopePermission(BasePermission):
    """An API key with scopes may use only their endpoints (`scopes`)."""

    message = "The scopes of this key do not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.needed_scope()
        self.message = f"This needs the scope {needed}, which this key does not have."
        return scopes.allows(request.user, needed)


class PersonalDataPermission(BasePermission):
    """A key without personal data may not search for it: an answer would show whether a guess was right."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if getattr(request.user, "shows_personal_data", True):
            return True
        searches = {"q", "search"} if view.personal else set()
        asked = [name for name in request.query_params if name in searches or personal.is_personal(name)]
        asked += view.kwargs.keys() & {"uid"}
        self.message = f"{personal.SENTENCE} It may not search for it ({', '.join(asked)})."
        return not asked


class SitePermission(BasePermission):
    """A caller that is limited to sites may use the views whose answers are limited to them."""

    message = "You are limited to some sites, and this does not belong to a site."

    def has_permission(self, request: Request, view: Any) -> bool:
        return sites.of(request.user) is None or bool(view.is_of_sites)
