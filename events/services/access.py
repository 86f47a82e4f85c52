"""Whether the caller of a long stream may still read events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model

from ocpp_server import credentials
from ocpp_server.credentials import role_of


def still_allowed(user: Any) -> Callable[[], bool]:
    """A function that reads from the database whether this caller exists, may sign in and has its role."""
    role = role_of(user)

    def is_allowed() -> bool:
        found = current(user)
        return found is not None and role_of(found) == role

    return is_allowed


def current(user: Any) -> Any:
    """The caller as it is now; None for one that may no longer sign in."""
    key = getattr(user, "key", None)
    if key is None:
        return get_user_model().objects.filter(pk=user.pk, is_active=True).first()
    return credentials.port.app.find_by_number(key.pk)
