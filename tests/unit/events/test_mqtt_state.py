"""The state that MQTT publishes, as it is read from the database: phases of sessions, and limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chargepoints.models import ChargePoint, Command, Connector, Evse
from events.services.mqtt.state import Reader
from events.services.mqtt.topics import Outlet
from smart_charging.models import InstalledProfile
from tests.direct.readings import a_sample, stored
from transactions.models import Transaction

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def charger() -> ChargePoint:
    row = ChargePoint.objects.create(identity="CP-7")
    for number in (1, 2):
        evse = Evse.objects.create(charge_point=row, number=number)
        Connector.objects.create(charge_point=row, evse=evse, number=number, status="Charging")
    return row


def session(charger: ChargePoint, evse: int = 1) -> Transaction:
    return Transaction.objects.create(
        pk=1000 + evse,
        charge_point=charger,
        evse_number=evse,
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON,
        ocpp_id=str(evse),
        id_token="04A1",
    )


def measured(transaction: Transaction, minute: int, *samples: dict[str, Any]) -> None:
    at = NOON + timedelta(minutes=minute)
    stored(
        *samples,
        charge_point=transaction.charge_point,
        transaction=transaction,
        evse_number=transaction.evse_number,
        measured_at=at,
        received_at=at,
    )


def current(phase: str, raw: str) -> dict[str, Any]:
    return a_sample(raw, measurand="Current.Import", phase=phase, raw_unit="A", location="Outlet")


def outlets(reader: Reader) -> list[Outlet]:
    (station,) = reader.stations()
    return list(station.outlets)


def test_the_phases_are_those_of_the_newest_reading_that_has_them(charger: ChargePoint) -> None:
    charging = session(charger)
    volts = a_sample("231.04", measurand="Voltage", phase="L1-N", raw_unit="V", location="Outlet")
    measured(charging, 1, current("L1", "6"), current("L2", "6"))
    measured(charging, 2, current("L1", "15.9"), current("L3", "nonsense"), current("N", "1"), volts)
    measured(charging, 3, a_sample("4711"))
    reader = Reader(reads_limits=False)

    first, second = outlets(reader)

    assert first.session is not None
    assert first.session.phases == {"current_l1_a": 15.9, "voltage_l1_v": 231.04}
    assert second.session is None


def test_readings_are_parsed_once_and_a_session_without_phases_has_none(charger: ChargePoint) -> None:
    charging = session(charger)
    measured(charging, 1, current("L1", "6"))
    measured(session(charger, 2), 1, a_sample("11", measurand="Current.Import", raw_unit="A"))
    reader = Reader(reads_limits=False)
    outlets(reader)

    with CaptureQueriesContext(
        connection,
    ) as again:
        first, second = outlets(reader)
    charging.delete()

    assert not any('"samples"' in query["sql"] for query in again.captured_queries)
    assert first.session is not None and first.session.phases == {"current_l1_a": 6.0}
    assert second.session is not None and second.session.phases == {}
    assert len(reader._phases) == 2
    outlets(reader)
    assert len(reader._phases) == 1


@pytest.mark.parametrize("is_list", [False, True])
def test_a_limit_is_that_of_a_message_and_none_that_an_operator_has_set(
    charger: ChargePoint, is_list: bool
) -> None:
    for evse, actor in ((1, "mqtt"), (2, "user:ann")):
        command = Command.objects.create(
            id=f"c-{evse}", charge_point=charger, action="SetChargingProfile", payload={}, actor=actor,
            created_at=NOON, deadline_at=NOON,
        )  # fmt: skip
        schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7.5}]}
        InstalledProfile.objects.create(
            charge_point=charger, command=command, profile_id=evse, evse_number=evse, stack_level=0,
            purpose="TxDefaultProfile", kind="Absolute", installed_at=NOON,
            payload={"chargingSchedule": [schedule] if is_list else schedule},
        )  # fmt: skip

    assert [one.limit for one in outlets(Reader(reads_limits=True))] == [7.5, None]
    assert [one.limit for one in outlets(Reader(reads_limits=False))] == [None, None]
