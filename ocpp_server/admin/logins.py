"""Failed logins to the admin, told in the security log. Locking out is django-axes' part."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ocpp_server.credentials import failed_login


def note_failure(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: object
) -> None:
    """Django's signal of a failed login. `credentials` come without the password."""
    if request is None:  # a test or a command that checks a password
        return
    name = str(credentials.get("username", ""))[:50]
    failed_login(
        type="FailedOperatorLogin",
        address=request.META.get("REMOTE_ADDR", ""),
        tech_info=f"A login as {name!r} failed.",
    )
