"""The migration at a start: none of its work is done when the database is migrated."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from alerts.models import AlertRule
from ocpp_server.process import start

pytestmark = pytest.mark.django_db


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the management commands that the start calls."""
    called: list[str] = []
    monkeypatch.setattr(start, "call_command", lambda name, **_: called.append(name))
    return called


def test_a_migrated_database_needs_no_command_and_gets_the_rows_that_follow_it(commands: list[Any]) -> None:
    before = set(AlertRule.objects.values_list("code", flat=True))
    AlertRule.objects.all().delete()

    start.migrate()

    assert commands == []
    assert set(AlertRule.objects.values_list("code", flat=True)) == before != set()


def test_a_missing_migration_is_applied(commands: list[Any]) -> None:
    last = MigrationRecorder(connection).migration_qs.filter(app="alerts").order_by("name").last()
    assert last is not None
    last.delete()

    start.migrate()

    assert commands == ["migrate"]
