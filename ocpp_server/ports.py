"""A port: functions that the engine calls and an app provides, because the engine imports no app."""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class _Missing:
    """The content of a port until an app fills it: every attribute raises."""

    def __init__(self, port: str) -> None:
        self._port = port

    def __getattr__(self, name: str) -> NoReturn:
        raise ImproperlyConfigured(
            f"No installed app provides {self._port}, so {name} cannot be used: an app has to fill the port "
            "in its AppConfig.ready."
        )


class Port(Generic[T]):
    """A port. `T` is a Protocol; `app` is the object or module of an app that implements it.

    `app` is a plain attribute, because `message_log` reads it with every message. With a `default`, the port
    may stay unfilled.
    """

    __slots__ = ("_default", "_name", "app")

    def __init__(self, name: str, default: T | None = None) -> None:
        self._name = name
        self._default: T = cast("T", _Missing(name)) if default is None else default
        self.app: T = self._default

    def fill(self, implementation: T) -> None:
        """Set the implementation; for `AppConfig.ready`. Raises ImproperlyConfigured for a second one."""
        app: Any = self.app
        if app is not self._default and app is not implementation:
            raise ImproperlyConfigured(f"Two apps provide {self._name}: {app!r} and {implementation!r}.")
        self.app = implementation
