"""Record failed logins to the admin in the security log. The lockout itself is done by django-axes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ocpp_server.credentials import failed_login


def note_failure(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: object
) -> None:
    """Handle Django's signal of a failed login. Its `credentials` contain no password."""
    if request is None:  # a command or a test checked a password
        return
    name = str(credentials.get("username", ""))[:50]
    failed_login(
        type="FailedOperatorLogin",
        address=request.META.get("REMOTE_ADDR", ""),
        tech_info=f"A login as {name!r} failed.",
    )
