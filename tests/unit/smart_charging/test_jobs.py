"""Charging profiles are kept for a while after their end, and a bounded number of other rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint
from smart_charging import jobs
from smart_charging.models import ExternalLimit, InstalledProfile


@pytest.mark.django_db
def test_profiles_are_deleted_long_after_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    station = ChargePoint.objects.create(identity="CP-1")
    for days in (0, 89, 91, 92):
        InstalledProfile.objects.create(
            charge_point=station,
            profile_id=days,
            evse_number=0,
            purpose="TxProfile",
            stack_level=0,
            kind="Relative",
            payload={},
            installed_at=now - timedelta(days=200),
            state="ended" if days else "installed",
            ended_at=now - timedelta(days=days) if days else None,
        )

    def kept() -> list[int]:
        return sorted(InstalledProfile.objects.values_list("profile_id", flat=True))

    monkeypatch.setattr(jobs, "DELETE_AT_ONCE", 1)
    jobs.delete_ended()
    assert kept() == [0, 89, 91]
    jobs.delete_ended()
    jobs.delete_ended()
    assert kept() == [0, 89]


@pytest.mark.django_db
def test_the_rows_of_a_station_that_changed_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    stations = [ChargePoint.objects.create(identity=f"CP-{number}") for number in range(2)]
    for place, station in enumerate(stations):
        for number in range(3 - place):
            ExternalLimit.objects.create(
                id=f"{place}-{number}",
                charge_point=station,
                evse_number=number,
                source="EMS",
                set_at=now + timedelta(minutes=number),
            )

    monkeypatch.setattr(jobs, "MOST_KEPT", 2)
    jobs.delete_crowded()

    kept = ExternalLimit.objects.order_by("pk").values_list("pk", flat=True)
    assert list(kept) == ["0-1", "0-2", "1-0", "1-1"]
