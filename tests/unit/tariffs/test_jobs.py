"""Default tariffs are kept for a while after their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint
from tariffs import jobs
from tariffs.models import StationTariff


@pytest.mark.django_db
def test_tariffs_are_deleted_long_after_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    station = ChargePoint.objects.create(identity="CP-1")
    for days in (0, 399, 401, 402):
        StationTariff.objects.create(
            charge_point=station,
            tariff_id=str(days),
            evse_number=0,
            set_at=now - timedelta(days=500),
            state="cleared" if days else "accepted",
            ended_at=now - timedelta(days=days) if days else None,
        )

    def kept() -> set[str]:
        return set(StationTariff.objects.values_list("tariff_id", flat=True))

    monkeypatch.setattr(jobs, "DELETE_AT_ONCE", 1)
    jobs.delete_ended()
    assert kept() == {"0", "399", "401"}
    jobs.delete_ended()
    jobs.delete_ended()
    assert kept() == {"0", "399"}
