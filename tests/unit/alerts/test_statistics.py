"""Statistics of alerts by code and month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.models import Alert
from alerts.services import handling, statistics
from tests.unit.alerts.conftest import NOON, Watch, a_station, comes_online, goes_offline

MAY, JUNE = NOON, datetime(2026, 6, 1, tzinfo=UTC)


def an_alert(
    key: str, opened: datetime, *, acknowledged_s: int = 0, resolved_s: int = 0, **columns: Any
) -> None:
    if acknowledged_s:
        columns["first_acknowledged_at"] = opened + timedelta(seconds=acknowledged_s)
    if resolved_s:
        columns |= {"state": "resolved", "resolved_at": opened + timedelta(seconds=resolved_s)}
    code = key.partition(":")[0]
    Alert.objects.create(
        code=code, key=key, severity="info", title=key, opened_at=opened, last_seen_at=opened, **columns
    )


@pytest.mark.django_db
def test_a_month_has_the_mean_times_of_each_code() -> None:
    an_alert("offline:A", MAY, acknowledged_s=60, resolved_s=600)
    an_alert("offline:B", MAY, acknowledged_s=180, episode=3)
    an_alert("offline:C", MAY, resolved_s=1200, acknowledged_at=MAY + timedelta(seconds=30))
    an_alert("offline:D", JUNE)
    an_alert("faulted:A", JUNE - timedelta(seconds=1), resolved_s=90)

    found = [
        (f"{one.month:%Y-%m}", one.code, one.opened, one.reopened, one.acknowledged, one.to_acknowledge_s)
        + (one.resolved, one.to_resolve_s)
        for one in statistics.by_month(Alert.objects.all())
    ]
    assert found == [
        ("2026-06", "offline", 1, 0, 0, None, 0, None),
        ("2026-05", "faulted", 1, 0, 0, None, 1, 90.0),
        ("2026-05", "offline", 3, 2, 3, 90.0, 2, 900.0),
    ]


@pytest.mark.django_db
def test_codes_have_their_label() -> None:
    for key in ("offline:A", "of_another_version:A"):
        an_alert(key, MAY)

    found = {one.code: one.label for one in statistics.by_month(Alert.objects.all())}
    assert found == {"offline": "Station offline", "of_another_version": "of_another_version"}


def test_the_first_acknowledgement_of_an_episode_stays(watch: Watch) -> None:
    row = a_station()
    goes_offline(row)
    watch.after(400)
    alert = Alert.objects.get()
    handling.acknowledge(alert, actor="ann")
    first = watch.now
    Alert.objects.update(acknowledged_at=first, first_acknowledged_at=first)
    watch.after(2 * 86_400)
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.first_acknowledged_at) == (None, first)
    handling.acknowledge(alert, actor="bob")
    alert.refresh_from_db()
    assert alert.first_acknowledged_at == first
    comes_online(row)
    watch.after(130)
    goes_offline(row, at=watch.now)
    watch.after(400)
    alert.refresh_from_db()
    assert (alert.state, alert.episode, alert.first_acknowledged_at) == ("open", 2, None)
