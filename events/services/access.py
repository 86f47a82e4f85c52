"""Whether the caller of a long stream may still read events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model

from ocpp_server import credentials, sites
from ocpp_server.api.authentication import KeyHolder
from ocpp_server.credentials import role_of


def still_allowed(user: Any) -> Callable[[], bool]:
    """A function that reads from the database whether this caller exists, may sign in, and has its role and
    sites.
    """
    role, limit = role_of(user), sites.of(user)

    def is_allowed() -> bool:
        found = current(user)
        return found is not None and role_of(found) == role and sites.of(found) == limit

    return is_allowed


def current(user: Any) -> Any:
    """The caller as it is now; None for one that may no longer sign in."""
    key = getattr(user, "key", None)
    return _user(user.pk) if key is None else holder(user.pk)


def holder(caller: str) -> Any:
    """The caller of `principal`, "key:7" or "user:7", for a request; None as in `current`."""
    kind, _, number = caller.partition(":")
    if kind == "user":
        return _user(int(number))
    key = credentials.port.app.find_by_number(int(number))
    return None if key is None else KeyHolder(key)


def _user(pk: int) -> Any:
    return get_user_model().objects.filter(pk=pk, is_active=True).first()
