"""Limits of dynamic profiles: when they are sent, and to whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.domain import StationOffline
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from smart_charging.handlers.smart_charging import profiles as handlers
from smart_charging.models import InstalledProfile
from smart_charging.services.smart_charging import installed, pushing, rules_21
from tests.direct.station import DirectStation

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def profile(interval: int | None = 15, **period: Any) -> dict[str, Any]:
    period = {"startPeriod": 0, **(period or {"limit": 6})}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    more = {} if interval is None else {"dynUpdateInterval": interval}
    return {
        "id": 7,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Dynamic",
        "chargingSchedule": [schedule],
        **more,
    }


@pytest.mark.parametrize(("interval_s", "seconds"), [(1, 1.25), (4, 5), (15, 17), (3600, 3602)])
def test_a_station_has_a_moment_to_ask_for_its_limits(interval_s: int, seconds: float) -> None:
    assert (pushing.first_at(NOON, interval_s) - NOON).total_seconds() == seconds


@pytest.mark.parametrize(("late_s", "seconds"), [(0, 15), (0.9, 15), (14.9, 15), (15, 30), (100, 105)])
def test_the_next_limits_keep_to_the_interval(late_s: float, seconds: float) -> None:
    found = pushing.next_at(NOON, 15, NOON + timedelta(seconds=late_s))

    assert (found - NOON).total_seconds() == seconds


@pytest.mark.parametrize(
    ("payload", "interval_s"),
    [
        (profile(), 15),
        (profile(None), None),
        (profile(0), None),
        (profile(2**31 - 1), rules_21.LONGEST_INTERVAL_S),
        (profile(operationMode="CentralFrequency", setpoint=-6), 15),
        # An external system sets these.
        (profile(operationMode="ExternalLimits", limit=6), None),
        (profile(operationMode="ExternalSetpoint", setpoint=6), None),
        ({**profile(), "chargingProfileKind": "Relative"}, None),
        ({"chargingProfileKind": "Absolute", "chargingSchedule": {"chargingSchedulePeriod": []}}, None),
    ],
)
def test_the_interval_of_a_profile_whose_limits_the_server_sets(
    payload: dict[str, Any], interval_s: int | None
) -> None:
    assert rules_21.update_interval_s(payload) == interval_s


# -- at a station ------------------------------------------------------------------------------------------


async def set_up(station: Any, payload: dict[str, Any], source: str = "CSO") -> DirectStation:
    charger: DirectStation = await station(V21, is_online=True)
    with UnitOfWork(charger.station) as work:
        if source == "CSO":
            installed.install(station=charger.station, command_id="", evse=1, payload=payload)
        else:
            installed.report(station=charger.station, evse=1, payloads=[payload], source=source)
        await work.store()
    return charger


async def push_at() -> datetime | None:
    row: InstalledProfile = await journal.run(InstalledProfile.objects.get)
    return row.push_at


@pytest.mark.django_db(transaction=True)
async def test_each_limit_is_claimed_once_an_interval(station: Any) -> None:
    await set_up(station, profile())
    first = await push_at()
    assert first is not None
    before = await journal.run(pushing.claim, first - timedelta(milliseconds=1))
    (due,) = await journal.run(pushing.claim, first)
    again = await journal.run(pushing.claim, first)

    assert (before, again) == ([], [])
    assert (due.profile_id, due.values) == (7, {"limit": 6})
    assert await push_at() == first + timedelta(seconds=15)


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        (ChargePoint, {"is_online": False}),
        (ChargePoint, {"registration_status": "Pending"}),
        (InstalledProfile, {"state": "unverified", "resumed_at": NOON}),
        (InstalledProfile, {"state": "cleared", "ended_at": NOON}),
    ],
)
@pytest.mark.django_db(transaction=True)
async def test_nothing_is_sent_that_can_not_be_of_use(
    station: Any, model: Any, columns: dict[str, Any]
) -> None:
    await set_up(station, profile())
    await journal.run(model.objects.update, **columns)

    assert await journal.run(pushing.claim, datetime.now(UTC) + timedelta(days=1)) == []


@pytest.mark.parametrize(("payload", "source"), [(profile(None), "CSO"), (profile(), "EMS")])
@pytest.mark.django_db(transaction=True)
async def test_a_profile_without_an_interval_or_of_another_source_is_left_alone(
    station: Any, payload: dict[str, Any], source: str
) -> None:
    await set_up(station, payload, source)

    assert await push_at() is None


@pytest.mark.django_db(transaction=True)
async def test_a_station_that_asks_is_sent_nothing_for_another_interval(station: Any) -> None:
    charger = await set_up(station, profile())
    first = await push_at()

    answer = await charger.ask(("PullDynamicScheduleUpdate", {"chargingProfileId": 7}))

    second = await push_at()
    assert answer["scheduleUpdate"] == {"limit": 6}
    assert first is not None
    assert second is not None
    assert first < second == pushing.first_at(charger.station.received_at, 15)


@pytest.mark.django_db(transaction=True)
async def test_an_answer_to_the_server_keeps_the_interval_and_a_refusal_ends_it(station: Any) -> None:
    charger = await set_up(station, profile())
    request = {"chargingProfileId": 7, "scheduleUpdate": {"limit": 6}}

    async def answered(actor: str, status: str) -> datetime | None:
        with UnitOfWork(charger.station) as work:
            charger.station.actor = actor
            charger.station.received_at += timedelta(seconds=1)
            await handlers.dynamic_schedule_answered(charger.station, request, {"status": status}, "c-1")
            await work.store()
        return await push_at()

    first = await push_at()
    assert await answered("server", "Accepted") == first
    by_operator = await answered("someone", "Accepted")
    assert first is not None
    assert by_operator == first + timedelta(seconds=2)
    assert await answered("someone", "Rejected") == by_operator
    assert await answered("server", "Rejected") is None


@pytest.mark.django_db(transaction=True)
async def test_a_station_that_has_just_left_does_not_stop_the_others(
    station: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    async def call(charge_point: ChargePoint, action: str, payload: dict[str, Any], **how: Any) -> None:
        assert (action, how) == ("UpdateDynamicSchedule", {"actor": "server", "wait": False})
        asked.append((charge_point.identity, payload))
        if charge_point.identity == "CP-1":
            raise StationOffline("It is offline.")

    monkeypatch.setattr(calls, "call", call)
    await set_up(station, profile())
    other: DirectStation = await station(V21, identity="CP-2", is_online=True)
    with UnitOfWork(other.station) as work:
        installed.install(station=other.station, command_id="", evse=1, payload=profile(30))
        await work.store()

    await pushing.push(datetime.now(UTC) + timedelta(minutes=1))

    payload = {"chargingProfileId": 7, "scheduleUpdate": {"limit": 6}}
    assert asked == [("CP-1", payload), ("CP-2", payload)]
