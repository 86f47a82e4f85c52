"""The rows of readings that the samples of a message make: one for each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place
from ocpp_server.protocol.translate.metering import ENERGY, POWER, Sample
from tests.direct.samples import decoded
from tests.unit.transactions.metering.sampling import (
    HERE,
    NOW,
    a_session,
    a_station,
    at,
    register,
    soc,
    values,
    watts,
)
from transactions.services.metering import readings
from transactions.services.metering.counting import Rank, Register
from transactions.tables import READINGS, TRANSACTIONS


def rows(station: Station) -> list[dict[str, Any]]:
    return [
        dict(zip(table.names, row, strict=True)) for table, row in station.unit.inserts if table is READINGS
    ]


async def recorded(
    samples: Sequence[Sample], place: Place = HERE, session: TransactionState | None = None
) -> list[dict[str, Any]]:
    """The rows of a message with these samples."""
    station = a_station()
    await readings.record(station=station, place=place, samples=samples, transaction=session)
    return rows(station)


async def test_a_message_has_a_row_for_each_time_with_all_samples() -> None:
    station, session = a_station(), a_session()
    odd = {
        "value": "x" * 300,
        "measurand": "M" * 70,
        "phase": "P" * 20,
        "location": "L" * 20,
        "context": "C" * 40,
        "unit": "U" * 70,
    }

    await readings.record(
        station=station,
        place=HERE,
        samples=values(-1, register(1500), odd) + values(-2, watts(7)) + values(-1, soc(80)),
        transaction=session,
    )

    first, second = rows(station)
    shared = {
        "charge_point_id": 1,
        "transaction_id": 1000,
        "evse_number": 1,
        "connector_number": 2,
        "received_at": NOW,
    }
    assert first == first | shared | {"measured_at": at(-1), "sample_count": 3}
    assert second == second | shared | {"measured_at": at(-2), "sample_count": 1}
    usual, cut, charge = decoded(first["samples"])
    assert usual == {
        "measurand": ENERGY,
        "phase": "",
        "location": "Outlet",
        "context": "Sample.Periodic",
        "value": 1500,
        "unit": "Wh",
        "raw": "1500",
        "raw_unit": "",
        "signed_data": None,
    }
    assert [cut[name] for name in ("measurand", "phase", "location", "context", "unit", "raw_unit")] == [
        "M" * 64, "P" * 16, "L" * 16, "C" * 32, "U" * 16, "U" * 64
    ]  # fmt: skip
    assert (cut["value"], cut["raw"], charge["raw"]) == (None, "x" * 300, "80")
    assert {kind for kind, _, _ in station.deviations} == {"value-not-a-number"}
    assert [key for table, key, _ in station.unit.updates if table is TRANSACTIONS] == [1000]


async def test_a_sample_that_a_message_repeats_is_stored_once() -> None:
    (row,) = await recorded(values(-1, register(1500), watts(7), register(1500), register(1501)))

    assert [sample["raw"] for sample in decoded(row["samples"])] == ["1500", "7", "1501"]
    assert row["sample_count"] == 3


async def test_equal_readings_have_one_digest_and_others_have_their_own() -> None:
    async def digest(place: Place = HERE, **more: Any) -> int:
        (row,) = await recorded(values(-1, register(1500, **more)), place)
        assert row["transaction_id"] is None
        return int(row["digest"])

    digests = [
        await digest(),
        await digest(Place(2, 2)),
        await digest(Place(1, 1)),
        await digest(measurand=POWER),
        await digest(phase="L1"),
        await digest(location="Inlet"),
        await digest(context="Trigger"),
        await digest(value="1501"),
        await digest(unit="kWh"),
    ]

    assert digests[0] == await digest()
    assert len(set(digests)) == len(digests)


def ampere(value: float, **more: Any) -> dict[str, Any]:
    return {"value": str(value), "measurand": "Current.Import"} | more


def volt(value: float, **more: Any) -> dict[str, Any]:
    return {"value": str(value), "measurand": "Voltage"} | more


@pytest.mark.parametrize(
    ("sampled", "column", "value"),
    [
        ([register(1500)], "register_mwh", 1_500_000),
        ([register(12.3456, unit="kWh")], "register_mwh", 12_345_600),
        ([{"value": "9007199254740993", "measurand": ENERGY}], "register_mwh", None),  # no measurement
        ([{"value": "900719925474.0993", "measurand": ENERGY}], "register_mwh", 900_719_925_474_099),
        ([register(1500, phase="L1")], "register_mwh", None),
        ([register(1500, location="Inlet")], "register_mwh", None),
        ([register(-1)], "register_mwh", None),
        ([register(0)], "register_mwh", 0),
        ([register(1500), register(1600), register(1400)], "register_mwh", 1_600_000),
        ([watts(7000)], "power_w", 7000),
        ([watts(1000, phase=phase) for phase in ("L1", "L2", "L3")], "power_w", 3000),
        ([watts(1000, phase="L1")], "power_w", None),
        ([soc(80, location="EV")], "soc_percent", 80),
        ([ampere(16)], "current_a", 16),
        ([ampere(15, phase="L1"), ampere(16, phase="L2"), ampere(14, phase="L3")], "current_a", 16),
        ([ampere(15, phase="L1"), ampere(9)], "current_a", 9),
        ([ampere(15, phase="N")], "current_a", None),
        ([ampere(15, location="EV")], "current_a", None),
        ([ampere(15, measurand="Current.Offered")], "current_a", None),
        ([volt(230, phase="L1-N"), volt(231, phase="L2-N"), volt(400, phase="L1-L2")], "voltage_v", 231),
        ([volt(230, phase="L1"), volt(229)], "voltage_v", 229),
        ([volt("n/a")], "voltage_v", None),
    ],
)
async def test_the_columns_have_the_values_that_pages_and_bills_need(
    sampled: Any, column: str, value: float | None
) -> None:
    for session in (None, a_session()):
        (row,) = await recorded(values(-1, *sampled), session=session)
        assert row[column] == value
        others = {"register_mwh", "power_w", "soc_percent", "current_a", "voltage_v"} - {column}
        assert {row[name] for name in others} == {None}


@pytest.mark.parametrize(
    ("sampled", "exponent"),
    [
        ([register(1500)], 0),
        ([{"value": "1500.25", "measurand": ENERGY}], -2),
        ([{"value": "1500.0005", "measurand": ENERGY}], -3),  # finer than what is counted
        ([register(12, unit="kWh"), watts(7000), soc(80)], 3),
        ([register(1500, phase="L1")], None),
        ([register(1500), register(1501)], None),
        ([register(1500, context="Transaction.Begin")], None),
        ([register(-1)], None),
        ([watts(7000)], None),
        ([register(1), *(watts(1, phase=phase) for phase in ("L1", "L2", "L3"))], 0),
        ([register(1), *(watts(1, phase=phase) for phase in ("L1", "L2"))], None),
        ([register(1), *(watts(1, phase=phase) for phase in ("L1-N", "L2-N", "L3-N"))], None),
        ([register(1), watts(2), watts(1, phase="L1")], 0),
    ],
)
async def test_the_exponent_says_whether_the_columns_have_all_of_energy_and_power(
    sampled: Any, exponent: int | None
) -> None:
    (row,) = await recorded(values(-1, *sampled), session=a_session())

    assert row["register_exponent"] == exponent


@pytest.mark.parametrize(
    ("sampled", "is_register"),
    [
        (register(1500), True),
        (register(1500, location="Inlet"), False),
        (watts(7000), False),
        ({"value": "n/a", "measurand": ENERGY}, False),
    ],
)
async def test_a_row_of_the_current_message_is_read_as_a_stored_one(
    sampled: dict[str, Any], is_register: bool
) -> None:
    station = a_station()
    more = {"context": "Transaction.End", "phase": "L1", "unit": "kWh"} if is_register else {}
    await readings.record(station=station, place=HERE, samples=values(-1, sampled | more), transaction=None)
    ((_, row),) = station.unit.inserts

    expected = [Register(at(-1), Rank.END, "L1", 1_500_000_000, 1_000_000)] if is_register else []
    assert [one for _, one in readings._registers_of_row(row)] == expected
