"""The samples of one message: what comes after one that does not count still counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import ENERGY, Sample, samples_16
from transactions.services.metering import energy, readings

NOW = datetime.now(UTC).replace(microsecond=0)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def values(minutes: float, *sampled: dict[str, Any]) -> list[Sample]:
    return samples_16([{"timestamp": at(minutes).isoformat(), "sampledValue": sampled}])


def register(wh: object, **more: Any) -> dict[str, Any]:
    return {"value": str(wh), "measurand": ENERGY} | more


def a_session() -> TransactionState:
    session = TransactionState(
        id=1000, ocpp_id="1000", station="CP-1", evse=1, started_at=at(-60), last_message_at=at(-60)
    )
    energy.begin(session, 1000, at(-60))
    return session


async def taken(samples: list[Sample], session: TransactionState) -> Station:
    station = Station(pk=1, identity="CP-1", version="ocpp1.6")
    station.received_at = NOW
    await readings.take(station=station, place=Place(1, 1), samples=samples, transaction=session)
    return station


@pytest.mark.parametrize("odd", [register("nonsense"), register(9999, location="Inlet")])
async def test_a_register_after_a_sample_that_does_not_count_counts(odd: dict[str, Any]) -> None:
    session = a_session()

    await taken(values(-1, odd, register(1500)), session)

    assert session.energy_mwh == 500_000


async def test_the_registers_of_all_moments_of_a_message_count() -> None:
    session = a_session()

    await taken(values(-3, register(1400)) + values(-2, register(300)), session)

    assert session.energy_mwh == 400_000


async def test_a_begin_after_the_stop_leaves_the_readings_before_it() -> None:
    session = a_session()
    energy.finish(session, None, at(-10))
    session.is_active, session.ended_by, session.stopped_at = False, "station", at(-10)
    late = values(5, register(1000, context="Transaction.Begin"))

    await taken(values(-11, register(1500)) + late, session)

    assert session.energy_mwh == 500_000


async def test_an_unreadable_sample_is_a_deviation_with_its_measurand_and_its_text() -> None:
    station = await taken(values(-1, register("x" * 200, measurand="M" * 80)), a_session())

    (((_, _, path), counted),) = station.deviations.items()
    assert (path, counted.detail) == ("M" * 64, "x" * 100)
