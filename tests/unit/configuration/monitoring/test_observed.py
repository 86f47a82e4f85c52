"""Values of events in the reported variables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint
from configuration.models import DesiredValue, ReportedKey
from configuration.services.monitoring import observed
from configuration.services.monitoring.observed import Seen

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)


@pytest.fixture
def garage() -> ChargePoint:
    made = ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp2.0.1")
    ReportedKey.objects.create(charge_point=made, key="C.V", value="1", reported_at=NOON)
    return made


@pytest.mark.parametrize(
    ("at", "shown"), [(LATER, ("2", LATER)), (NOON, ("1", NOON)), (NOON - timedelta(days=1), ("1", NOON))]
)
def test_a_newer_value_is_written(garage: ChargePoint, at: datetime, shown: tuple[str, datetime]) -> None:
    observed.store(garage.pk, {"C.V": Seen("2", at), "C.Unknown": Seen("2", at)})

    row = ReportedKey.objects.get()
    assert (row.value, row.reported_at) == shown


def test_a_desired_value_is_compared_again(garage: ChargePoint) -> None:
    wanted = DesiredValue.objects.create(charge_point=garage, key="C.V", value="1", state="same")

    observed.store(garage.pk, {"C.V": Seen("2", LATER)})

    wanted.refresh_from_db()
    assert wanted.state == "differs"
