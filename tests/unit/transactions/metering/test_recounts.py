"""A reading that is not the latest: the session is counted again from its stored readings and the message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import samples_16
from ocpp_server.protocol.versions import V16, V201
from tests.direct.messages import BEGIN, Reading
from tests.direct.station import DirectStation, Started
from transactions.models import Transaction
from transactions.services.metering import readings

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


async def charging(station: Any, version: str = V16) -> tuple[DirectStation, Started]:
    """A session that began half an hour ago at 1000 Wh."""
    charger = await station(version)
    return charger, await charger.start("CARD", meter_wh=1000, at=ago(30))


async def bill(charger: DirectStation, begun: Started) -> tuple[float, list[str]]:
    row: Transaction = await charger.session(begun)
    reasons = [reason.partition(":")[0] for reason in row.suspect_reasons]
    return row.energy_wh, [reason for reason in reasons if reason.startswith(("meter", "moment"))]


async def test_a_late_reading_that_explains_a_reset_counts(station: Any) -> None:
    charger, begun = await charging(station)
    await charger.meter(begun, Reading(300, ago(2)))
    assert await bill(charger, begun) == (0, ["meter-reset"])

    await charger.meter(begun, Reading(1400, ago(5)))

    assert await bill(charger, begun) == (400, ["meter-reset"])


@pytest.mark.parametrize(
    "other",
    [
        Reading(1900, ago(5), measurand="Energy.Active.Export.Register"),
        Reading(1900, ago(5), measurand="Power.Active.Import", unit="W"),
        Reading(1900, ago(5), phase="L1"),
    ],
)
async def test_only_stored_registers_of_imported_energy_are_counted_again(
    station: Any, other: Reading
) -> None:
    charger, begun = await charging(station)
    await charger.meter(begun, other)
    await charger.meter(begun, Reading(300, ago(2)))

    await charger.meter(begun, Reading(1400, ago(10)))

    assert await bill(charger, begun) == (400, ["meter-reset"])


@pytest.mark.parametrize(
    "odd", [{"value": "1900", "location": "Inlet"}, {"value": "1900 Wh"}, {"value": "nonsense"}]
)
async def test_a_stored_value_of_another_place_or_without_a_number_is_not_counted(
    station: Any, odd: dict[str, str]
) -> None:
    charger, begun = await charging(station)
    number = begun["transaction"]
    for at, sampled in ((ago(5), odd), (ago(2), {"value": "300"}), (ago(10), {"value": "1400"})):
        await charger.call(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": number,
                "meterValue": [{"timestamp": at.isoformat(), "sampledValue": [sampled]}],
            },
        )

    assert await bill(charger, begun) == (400, ["meter-reset"])


async def test_stored_readings_keep_their_rounding_their_phases_and_their_context(station: Any) -> None:
    charger = await station(V201)
    await charger.event("Started", "T", at=ago(30), evse=1)
    begun = {"transaction": "T"}
    await charger.meter(begun, Reading(1, ago(20), BEGIN, unit="kWh"))
    await charger.meter(begun, *(Reading(500, ago(10), phase=phase) for phase in ("L1", "L2", "L3")))

    await charger.meter(begun, Reading(1100, ago(15)))

    assert await bill(charger, begun) == (500, [])
    live = charger.live(begun)
    assert live is not None and live.registers.begin is not None
    assert (live.registers.begin.mwh, live.registers.begin.resolution) == (1_000_000, 1_000_000)


async def test_a_stored_register_of_zero_is_counted_as_zero(station: Any) -> None:
    charger, begun = await charging(station)
    await charger.meter(begun, Reading(0, ago(2)))

    await charger.meter(begun, Reading(1400, ago(5)))

    assert (await charger.session(begun)).meter_last_wh == 0


async def test_the_stored_readings_and_the_stop_of_another_session_are_not_counted(station: Any) -> None:
    charger, begun = await charging(station)
    other = await charger.start("OTHER", evse=2, meter_wh=0, at=ago(30))
    await charger.meter(other, Reading(7000, ago(25)))
    await charger.stop(other, meter_wh=7500, at=ago(20))
    await charger.meter(begun, Reading(300, ago(2)))

    await charger.meter(begun, Reading(1400, ago(5)))

    assert await bill(charger, begun) == (400, ["meter-reset"])


async def test_a_reading_after_an_assumed_end_is_counted_again_too(station: Any) -> None:
    charger, begun = await charging(station)
    await charger.start("OTHER", meter_wh=5000, at=ago(20))
    assert (await charger.session(begun)).ended_by == "superseded"
    await charger.meter(begun, Reading(300, ago(2)))

    await charger.meter(begun, Reading(1400, ago(5)))

    assert await bill(charger, begun) == (400, ["meter-reset"])


async def test_a_reading_after_the_stop_that_came_first_is_not_billed(station: Any) -> None:
    charger, begun = await charging(station)
    await charger.meter(begun, Reading(1400, ago(10)))
    await charger.meter(begun, Reading(2000, ago(1)))

    await charger.stop(begun, meter_wh=1500, at=ago(5))

    assert await bill(charger, begun) == (500, [])


async def test_a_late_reading_of_a_stopped_session_is_counted_again_without_those_after_the_stop(
    station: Any,
) -> None:
    charger, begun = await charging(station)
    await charger.meter(begun, Reading(2000, ago(1)))
    await charger.stop(begun, meter_wh=500, at=ago(5))

    await charger.meter(begun, Reading(1400, ago(10)))
    await charger.meter(begun, Reading(300, ago(7)))

    # 1000 to 1400, a reset to 300, and 500.
    assert await bill(charger, begun) == (600, ["meter-reset"])


async def test_a_stop_below_the_start_counts_the_readings_before_it(station: Any) -> None:
    charger, begun = await charging(station)
    await charger.meter(begun, Reading(900, ago(40)))

    await charger.stop(begun, meter_wh=950, at=ago(5))

    energy_wh, _ = await bill(charger, begun)
    assert energy_wh == 50


async def test_readings_in_the_stop_message_count_also_when_they_are_later(station: Any) -> None:
    charger, begun = await charging(station)
    data = [Reading(1400, ago(4)), Reading(1600, ago(3))]

    await charger.stop(begun, meter_wh=1500, at=ago(5), data=data)

    assert await bill(charger, begun) == (600, ["meter-regression"])


async def test_the_readings_of_another_session_in_the_message_are_not_counted(station: Any) -> None:
    charger, begun = await charging(station)
    other = await charger.start("OTHER", evse=2, meter_wh=0, at=ago(30))
    await charger.meter(begun, Reading(300, ago(2)))
    live, mine, its = charger.station, charger.live(begun), charger.live(other)
    assert mine is not None and its is not None

    async def take(session: Any, minutes: float, wh: float) -> None:
        samples = samples_16([{"timestamp": ago(minutes).isoformat(), "sampledValue": [{"value": str(wh)}]}])
        await readings.take(station=live, place=Place(1, 1), samples=samples, transaction=session)

    await take(its, 5, 7000)
    await take(mine, 10, 1400)

    assert mine.energy_mwh == 400_000
