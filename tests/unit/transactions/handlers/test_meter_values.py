"""MeterValues: the session and the place of readings that are sent outside of a session's own messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ocpp_server.protocol.versions import V16, V21, V201
from tests.direct import messages
from tests.direct.messages import Reading
from tests.direct.samples import decoded
from tests.direct.station import DirectStation
from transactions.models import Reading as StoredReading

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def values(**fields: Any) -> dict[str, Any]:
    """A MeterValues of 1.6 with these fields."""
    return {"meterValue": messages.meter_values(V16, [Reading(1500, ago(1))])} | fields


def kinds(charger: DirectStation) -> set[tuple[str, str]]:
    return {(kind, of.detail) for (kind, _, _), of in charger.station.deviations.items()}


async def stored(run_orm: Any) -> tuple[int | None, int | None, int | None, float | None]:
    row = await run_orm(StoredReading.objects.get)
    (sample,) = decoded(row.samples)
    return row.transaction_id, row.evse_number, row.connector_number, sample["value"]


async def test_readings_with_a_number_are_those_of_its_session(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    begun = await charger.start("CARD", evse=2, meter_wh=1000, at=ago(3))
    number = begun["transaction"]

    answer = await charger.call("MeterValues", values(connectorId=3, transactionId=number))

    assert answer[2] == {}
    assert await stored(run_orm) == (number, 3, 3, 1500)
    assert (await charger.session(begun)).energy_wh == 500
    assert "unknown-transaction" not in {kind for kind, _ in kinds(charger)}


async def test_readings_without_a_connector_are_those_of_their_session_s_place(
    station: Any, run_orm: Any
) -> None:
    charger = await station(V16)
    begun = await charger.start("CARD", evse=2, meter_wh=1000, at=ago(3))

    await charger.call("MeterValues", values(transactionId=begun["transaction"]))

    assert await stored(run_orm) == (begun["transaction"], 2, 2, 1500)


@pytest.mark.parametrize("fields", [{}, {"transactionId": 4711}])
async def test_readings_without_a_connector_and_a_session_are_refused(
    station: Any, run_orm: Any, fields: dict[str, int]
) -> None:
    charger = await station(V16)

    answer = await charger.call("MeterValues", values(**fields))

    assert (answer[0], answer[2]) == (4, "OccurenceConstraintViolation")
    assert "connectorId" in answer[3]
    assert await run_orm(StoredReading.objects.count) == 0


@pytest.mark.parametrize("number", [4711, -1, 0])
async def test_readings_with_an_invented_number_are_those_of_the_session_on_the_connector(
    station: Any, run_orm: Any, number: int
) -> None:
    charger = await station(V16)
    begun = await charger.start("CARD", evse=2, meter_wh=1000, at=ago(3))
    await charger.start("OTHER", evse=1, meter_wh=1000, at=ago(3))

    await charger.call("MeterValues", values(connectorId=2, transactionId=number))

    assert await stored(run_orm) == (begun["transaction"], 2, 2, 1500)
    assert ("unknown-transaction", f"MeterValues for {number}") in kinds(charger)


async def test_readings_without_a_number_are_no_deviation(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    begun = await charger.start("CARD", evse=2, meter_wh=1000, at=ago(3))

    await charger.call("MeterValues", values(connectorId=2))

    assert await stored(run_orm) == (begun["transaction"], 2, 2, 1500)
    assert "unknown-transaction" not in {kind for kind, _ in kinds(charger)}


@pytest.mark.parametrize("version", [V201, V21])
async def test_readings_of_an_evse_are_those_of_the_session_on_it(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version)
    begun = await charger.start("CARD", evse=2, meter_wh=1000, at=ago(3))
    await run_orm(StoredReading.objects.all().delete)
    payload = {"evseId": 2, "meterValue": messages.meter_values(version, [Reading(1500, ago(1))])}

    answer = await charger.call("MeterValues", payload)

    assert answer[2] == {}
    assert (await stored(run_orm))[1::2] == (2, 1500)
    assert (await charger.session(begun)).energy_wh == 500


async def test_readings_of_an_evse_without_a_session_are_stored(station: Any, run_orm: Any) -> None:
    charger = await station(V201)
    payload = {"evseId": 2, "meterValue": messages.meter_values(V201, [Reading(1500, ago(1))])}

    await charger.call("MeterValues", payload)

    assert (await stored(run_orm))[0] is None
