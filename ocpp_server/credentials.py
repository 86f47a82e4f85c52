"""The port `Credentials`: API keys and roles. The engine calls it; `accounts` fills it when Django starts.

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
    """The roles of callers, lowest first: each includes the rights of the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class ApiKey(Protocol):
    """A verified API key of another system."""

    @property
    def pk(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def site_ids(self) -> list[int] | None: ...
    @property
    def is_test(self) -> bool: ...
    @property
    def scopes(self) -> list[str] | None: ...
    @property
    def shows_personal_data(self) -> bool: ...


class Credentials(Protocol):
    """The stored API keys. A module with these functions may fill the port."""

    def digest(self, plain: str) -> str:
        """The digest of a key, which is stored and compared instead of the plain text."""

    def find(self, plain: str) -> ApiKey | None:
        """The usable key with this plain text: neither revoked nor expired."""

    def find_by_number(self, pk: Any) -> ApiKey | None:
        """The usable key with this primary key, for what a caller began with it."""

    def temporary(self, *, name: str, role: str, life: timedelta) -> AbstractContextManager[str]:
        """A context manager with the plain text of a new key, revoked at the end.

        Expired keys with this name are deleted.
        """


FailedLogin = Callable[..., None]

port = Port[Credentials]("Credentials")
_failed_login: list[FailedLogin] = []


def role_of(user: Any) -> str:
    """The role of an API key or a console login; a superuser is an administrator."""
    return Role.ADMINISTRATOR if user.is_superuser else user.role


def on_failed_login(note: FailedLogin) -> None:
    """Register a function that records failed logins; for `AppConfig.ready`."""
    if note not in _failed_login:
        _failed_login.append(note)


def failed_login(*, type: str, address: str, tech_info: str) -> None:
    """Record a failed login to the API or the admin. `address` is empty if unknown."""
    for note in _failed_login:
        note(type=type, address=address, tech_info=tech_info)
