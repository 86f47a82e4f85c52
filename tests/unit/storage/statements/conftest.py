"""Fixtures of the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from ocpp_server.storage import bulk
from tests.unit.storage.statements.samples import Sent


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The statements and parameters that were sent to the driver."""
    found: Sent = []

    def execute(sql: str, parameters: list[Any], prepare: bool | None = None) -> None:
        assert prepare is (True if bulk.connection.vendor == "postgresql" else None)
        found.append((sql, parameters))

    @contextmanager
    def cursor() -> Iterator[Any]:
        yield SimpleNamespace(execute=execute)

    monkeypatch.setattr(bulk, "_cursor", cursor)
    return found


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to PostgreSQL that was never made."""
    settings = {**connection.settings_dict, "ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}
    monkeypatch.setattr(bulk, "connection", DatabaseWrapper(settings))
