"""Imports Django and the project in the launcher, and makes each forked process read its own settings."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

APPS = (
    "accounts",
    "chargepoints",
    "transactions",
    "configuration",
    "smart_charging",
    "tariffs",
    "certificates",
    "events",
    "aggregates",
    "alerts",
    "sandbox",
    "operations",
)
PACKAGES = ("ocpp_server", *APPS, "simulator")
# These modules set up Django or an application when they are imported.
_PROGRAMS = ("settings", "accounts_settings", "asgi", "gateway_asgi", "accounts_asgi", "__main__", "conftest")
_SETTINGS = "ocpp_server.settings"
# Importing these modules creates the gateway of the process, with its name and settings.
_LATE = ("ocpp_server.transport.gateway.front", "ocpp_server.transport.gateway.metrics")
# These modules read a setting again when Django sends `setting_changed`.
_FOLLOWING = frozenset(
    {
        "ocpp_server.transport.message_log",
        "ocpp_server.events.outbox",
        "transactions.services.transactions.announcing",
    }
)

# Settings that modules of the project read while they were imported, with the values they saw.
_read_early: dict[str, Any] = {}
_python: dict[str, str] = {}


def load() -> None:
    """Import all modules of the project as a server with default settings does."""
    os.environ.update(DJANGO_SETTINGS_MODULE=_SETTINGS, ENV_FILE=os.devnull)
    for name in [name for name in os.environ if name.startswith(("OCPP_", "DATABASE_", "REDIS_"))]:
        del os.environ[name]
    _python.update(_python_variables())
    import django
    import django.conf
    import django.test.signals  # noqa: F401 - its receivers clear the settings that Django has cached

    names: set[str] = set()
    read = django.conf.LazySettings.__getattribute__

    def note(self: Any, name: str) -> Any:
        # Note the name before the read: Django replaces this method on the first read of a setting.
        if name.isupper() and _is_read_by_project(sys._getframe(1)):
            names.add(name)
        return read(self, name)

    def refuse() -> int:
        name = sys._getframe(1).f_globals.get("__name__", "")
        if name.split(".")[0] in PACKAGES and name != _SETTINGS:
            raise AssertionError(f"{name} reads the process id while it is imported: add the module to _LATE")
        return pid()

    django.conf.LazySettings.__getattribute__ = note  # type: ignore[method-assign]
    pid, os.getpid = os.getpid, refuse
    try:
        django.setup()
        for module in _modules():
            importlib.import_module(module)
        from django.urls import get_resolver

        get_resolver().url_patterns  # noqa: B018 - imports every view
        assert not set(_LATE) & set(sys.modules), "a module that has to be imported late is imported early"
    finally:
        os.getpid = pid
        del django.conf.LazySettings.__getattribute__
    from django.db import connections

    connections.close_all()
    _read_early.update((name, getattr(django.conf.settings, name)) for name in names)


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            parts = found.name.split(".")
            if parts[-1] not in _PROGRAMS and "tests" not in parts and found.name not in _LATE:
                yield found.name


def _is_read_by_project(frame: FrameType | None) -> bool:
    """Whether a module of the project, not a package, reads the setting."""
    if frame is None:
        return False
    name = frame.f_globals.get("__name__", "")
    return name.split(".")[0] in PACKAGES and name not in _FOLLOWING


def is_same_program() -> bool:
    """Whether this process would import the same modules as the launcher."""
    named = os.environ.get("DJANGO_SETTINGS_MODULE", _SETTINGS)
    return named == _SETTINGS and _python_variables() == _python


def _python_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}


def forget_settings(start_cold: Callable[[], object]) -> None:
    """Discard the loaded settings, so that the next access reads them from this process's environment.

    `start_cold` is called when a module has already used another value of a setting at import time.
    """
    from django.conf import LazySettings, empty, settings

    import ocpp_server

    before = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    read = LazySettings._setup  # type: ignore[attr-defined]

    def renew(self: Any, name: str | None = None) -> None:
        read(self, name)
        LazySettings._setup = read  # type: ignore[attr-defined]
        _renew_axes()
        if any(getattr(settings, name, None) != value for name, value in _read_early.items()):
            start_cold()
        _notify_packages(before)

    LazySettings._setup = renew  # type: ignore[attr-defined]
    del sys.modules[_SETTINGS], ocpp_server.settings
    settings._wrapped = empty


def _notify_packages(before: dict[str, Any]) -> None:
    """Send `setting_changed` for every changed setting, so that packages drop their cached values."""
    from django.conf import settings
    from django.core.signals import setting_changed
    from django.db import connections

    for alias in list(connections):
        del connections[alias]
    connections._settings = None  # type: ignore[attr-defined]
    connections.__dict__.pop("settings", None)
    for name in before.keys() | set(dir(settings)):
        if name.isupper() and name != "DATABASES":
            value = getattr(settings, name, None)
            if before.get(name) != value:
                setting_changed.send(sender=type(settings), setting=name, value=value, enter=True)


def _renew_axes() -> None:
    """Reload django-axes: it writes its defaults into the settings when it is imported."""
    import axes.conf

    importlib.reload(axes.conf)
