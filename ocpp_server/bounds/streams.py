"""Paths whose bodies are streamed to an ASGI application of an app instead of to Django.

The application bounds the body itself, after it has checked who sends it: its size is unknown before, and
its sender may be slow. `bodies` only bounds the time between two parts of such a body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_applications: dict[str, Application] = {}


def register(prefix: str, application: Application) -> None:
    """Serve every path that begins with this prefix, which ends with a slash; for `AppConfig.ready`."""
    _applications[prefix] = application


def application_of(scope: dict[str, Any]) -> Application | None:
    """The application that serves the path of the request; None for all other paths."""
    path = path_of(scope)
    for prefix, application in _applications.items():
        if path.startswith(prefix):
            return application
    return None


def path_of(scope: dict[str, Any]) -> str:
    """The path of the request below the path of the server in front."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path
