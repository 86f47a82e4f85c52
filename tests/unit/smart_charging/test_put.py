"""Rows that messages add or change by their keys: on SQLite, and on PostgreSQL in tests/unit/storage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import journal
from smart_charging.live import INSTALLED, PLANS
from smart_charging.models import ChargingPlan, DerAlarm, DerControl, ExternalLimit, InstalledProfile
from tests.direct.station import DirectStation

pytestmark = pytest.mark.django_db(transaction=True)
NOON = "2026-05-04T12:00:00Z"


async def values(model: Any, *names: str) -> list[tuple[Any, ...]]:
    return await journal.run(lambda: sorted(model.objects.values_list(*names)))


async def test_a_limit_has_one_row_for_its_source_and_EVSE(station: Any) -> None:
    charger: DirectStation = await station(V21)
    limit = {"chargingLimitSource": "EMS", "isGridCritical": True}
    for evse in (1, 2, 1):
        await charger.call("NotifyChargingLimit", {"evseId": evse, "chargingLimit": limit})
    await charger.call("ClearedChargingLimit", {"evseId": 1, "chargingLimitSource": "EMS"})
    # Never set: nothing is added.
    await charger.call("ClearedChargingLimit", {"evseId": 1, "chargingLimitSource": "SO"})

    found = await values(ExternalLimit, "evse_number", "source", "is_grid_critical", "cleared_at")
    assert [(one[:3], one[3] is None) for one in found] == [
        ((1, "EMS", True), False),
        ((2, "EMS", True), True),
    ]


async def test_a_control_is_added_by_its_start_and_changed_by_a_report(station: Any) -> None:
    charger: DirectStation = await station(V21)
    started = {"controlId": "C", "started": True, "timestamp": NOON, "supersededIds": ["D"]}
    await charger.call("NotifyDERStartStop", started)
    assert await values(DerControl, "control_id", "state", "is_running", "priority") == [
        ("C", "reported", True, None)
    ]

    gradient = {"priority": 2, "gradient": 1, "softGradient": 1}
    report = {"requestId": 1, "gradient": [{"id": "C", "gradient": gradient}]}
    await charger.call("ReportDERControl", report)
    await charger.call("NotifyDERStartStop", {**started, "started": False})

    assert await values(DerControl, "control_type", "state", "is_running", "priority", "is_default") == [
        ("Gradients", "reported", False, 2, True)
    ]


async def test_a_fault_is_opened_ended_and_opened_again(station: Any) -> None:
    charger: DirectStation = await station(V21)
    alarm = {"controlType": "LVMustTrip", "gridEventFault": "UnderVoltage", "timestamp": NOON}
    await charger.call("NotifyDERAlarm", {**alarm, "alarmEnded": True})  # its begin was lost
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    assert await values(DerAlarm, "opened_at", "ended_at") == [(at, at)]

    await charger.call("NotifyDERAlarm", {**alarm, "timestamp": "2026-05-04T13:00:00Z"})

    assert await values(DerAlarm, "opened_at", "ended_at") == [(at.replace(hour=13), None)]


async def test_a_plan_has_the_number_of_its_session(station: Any) -> None:
    charger: DirectStation = await station(V21)
    await charger.event("Started", "T1", uid="CARD", evse=1)
    for is_active in (True, False):
        await charger.call("NotifyPriorityCharging", {"transactionId": "T1", "activated": is_active})
    await charger.call("NotifyPriorityCharging", {"transactionId": "unknown", "activated": True})
    needs = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC_BPT"}}
    await charger.call("NotifyEVChargingNeeds", needs)

    session = await charger.only_session()
    names = ("transaction_id", "has_priority", "energy_transfer", "answer", "needs")
    assert await values(ChargingPlan, *names) == [
        (session.pk, False, "DC_BPT", "no-profile", needs["chargingNeeds"])
    ]


async def test_allowed_transfers_and_dynamic_values_are_loaded_and_forgotten_with_the_session(
    station: Any,
) -> None:
    charger: DirectStation = await station(V21)
    await charger.event("Started", "T1", uid="CARD", evse=1)
    session = await charger.only_session()
    await journal.run(
        ChargingPlan.objects.create,
        transaction=session,
        charge_point_id=charger.pk,
        allowed_transfers=["DC"],
        updated_at=session.started_at,
    )
    period = {"startPeriod": 0, "limit": 6}
    payload = {"chargingSchedule": [{"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}]}
    for number, source in ((1, "CSO"), (2, "EMS")):
        await journal.run(
            InstalledProfile.objects.create,
            charge_point_id=charger.pk,
            profile_id=number,
            evse_number=1,
            purpose="TxDefaultProfile",
            stack_level=0,
            kind="Dynamic",
            source=source,
            payload=payload,
            dynamic={"limit": 7},
            installed_at=session.started_at,
        )

    await charger.reload()

    assert {number: plan.allowed for number, plan in PLANS.of(charger.station).items()} == {
        session.pk: ("DC",)
    }
    held = {one.profile_id: (one.payload, one.dynamic) for one in INSTALLED.of(charger.station)}
    assert held == {1: (payload, {"limit": 7}), 2: (None, {"limit": 7})}
    # Of another source: the server has no update for it.
    answers = [await charger.call("PullDynamicScheduleUpdate", {"chargingProfileId": one}) for one in (1, 2)]
    assert [answer[2]["status"] for answer in answers] == ["Accepted", "Rejected"]

    await charger.event("Ended", "T1", uid="CARD", evse=1)
    assert PLANS.of(charger.station) == {}
