"""Rows of the lists of alerts, for the test of their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alerts.models import Alert, AlertNote, AlertRule
from tests.api.conftest import NOON


def a_parent(parents: Any) -> Alert:
    """The alert of the notes. The rules that `migrate` has created would be on the pages of their list."""
    rules = AlertRule.objects.all()
    rules._raw_delete(rules.db)  # without notes of their deletion
    return an_alert(parents, -1)


def an_alert(parents: Any, number: int) -> Alert:
    at = NOON + timedelta(seconds=number // 3)
    return Alert.objects.create(
        code="offline",
        key=f"offline:{number}",
        charge_point=parents.station,
        severity="warning",
        title="Offline",
        opened_at=at,
        last_seen_at=at,
    )


def a_note(parents: Any, number: int) -> AlertNote:
    return AlertNote.objects.create(alert=parents.alert, text=str(number), author="A")


def a_rule(parents: Any, number: int) -> AlertRule:
    return AlertRule.objects.create(code=f"code-{number}", severity="warning", site=parents.site)
