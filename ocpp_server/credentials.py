"""The port `Credentials`: API keys and roles. The engine asks; `accounts` fills the port when Django starts.

A console login needs no port: Django authenticates it, and the project's user model has a `role`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from ocpp_server.ports import Port


class Role(StrEnum):
    """The roles of callers, lowest first: each has the rights of the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class ApiKey(Protocol):
    """A key of another system, after it was verified."""

    @property
    def pk(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...


class Credentials(Protocol):
    """Where API keys are kept. A module with these functions fills it as well as an object."""

    def digest(self, plain: str) -> str:
        """The digest that is stored and compared instead of the plain key."""

    def find(self, plain: str) -> ApiKey | None:
        """The usable key with this plain text: neither revoked nor expired."""

    def temporary(self, *, name: str, role: str, life: timedelta) -> AbstractContextManager[str]:
        """The plain text of a key that is revoked on leaving; expired keys of this name are deleted."""


FailedLogin = Callable[..., None]

port = Port[Credentials]("Credentials")
_failed_login: list[FailedLogin] = []


def role_of(user: Any) -> str:
    """The role of an API key or a console login; a superuser is an administrator."""
    return Role.ADMINISTRATOR if user.is_superuser else user.role


def on_failed_login(note: FailedLogin) -> None:
    """Register what keeps a record of failed logins; for `AppConfig.ready`."""
    if note not in _failed_login:
        _failed_login.append(note)


def failed_login(*, type: str, address: str, tech_info: str) -> None:
    """Record that a login to the API or the admin failed. `address` is empty where it is not known."""
    for note in _failed_login:
        note(type=type, address=address, tech_info=tech_info)
