"""Rows of the lists of aggregates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregates.models import MaintenanceWindow
from tests.api.conftest import NOON


def a_window(parents: Any, number: int) -> MaintenanceWindow:
    at = NOON + timedelta(seconds=number // 3)
    return MaintenanceWindow.objects.create(
        site=parents.site, begins_at=at, ends_at=at + timedelta(hours=1), author="A"
    )
