"""Authentication of requests by an API key or by a session of the admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from ocpp_server import credentials
from ocpp_server.api import probes, wrong_keys
from ocpp_server.api.errors import TooManyWrongKeys
from ocpp_server.bounds import callers
from ocpp_server.credentials import ApiKey
from ocpp_server.error_codes import Code

SCHEME = "Api-Key"


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The caller of a request with an API key. It stands for a user in Django, but cannot sign in."""

    key: ApiKey
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True
    is_superuser: ClassVar[bool] = False

    @property
    def role(self) -> str:
        return self.key.role

    @property
    def site_ids(self) -> list[int] | None:
        return self.key.site_ids

    @property
    def is_test(self) -> bool:
        return self.key.is_test

    @property
    def scopes(self) -> list[str] | None:
        return self.key.scopes

    @property
    def shows_personal_data(self) -> bool:
        return self.key.shows_personal_data

    @property
    def pk(self) -> str:
        return f"key:{self.key.pk}"


def actor(request: Request) -> str:
    """The name of the caller in the command log."""
    user: Any = request.user
    if isinstance(user, KeyHolder):
        return f"key {user.key.name}"[:150]
    return str(user.get_username())[:150]


def principal(request: Request) -> str:
    """A short, stable id of the caller, for idempotency keys and rate limits."""
    user: Any = request.user
    return user.pk if isinstance(user, KeyHolder) else f"user:{user.pk}"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`. A key in the query string is ignored: logs would contain it."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        view = (request.parser_context or {}).get("view")
        find = probes.find if getattr(view, "is_probed", False) else credentials.port.app.find
        key = find(plain.strip())
        if key is None:
            address = request.META.get("REMOTE_ADDR", "")
            credentials.failed_login(
                type="FailedApiKey",
                address=address,
                tech_info="An API key that is unknown, expired or revoked.",
            )
            if wait_s := wrong_keys.seconds_to_wait(address):
                raise TooManyWrongKeys(wait=wait_s)
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        callers.mark_authenticated(request._request)
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class AdminSessionAuthentication(SessionAuthentication):
    """The session of the admin. State-changing calls need the CSRF token (header X-CSRFToken)."""

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), code=Code.CSRF_FAILED) from None

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is not None:
            callers.mark_authenticated(request._request)
        return found


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`; create keys in the admin.",
        }


class AdminSessionScheme(OpenApiAuthenticationExtension):
    target_class = AdminSessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The admin's session."}
