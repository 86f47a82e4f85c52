"""The samples of a message: which of them are the energy, power and charge of its session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ocpp_server.live.records import TransactionState
from ocpp_server.protocol.translate.energy import wh_of
from ocpp_server.protocol.translate.metering import ENERGY, Sample
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
from transactions.services.metering import energy, readings
from transactions.services.metering.counting import Rank, Register
from transactions.tables import READINGS, TRANSACTIONS


async def take(
    samples: Sequence[Sample], session: TransactionState | None = None
) -> tuple[TransactionState, dict[str, float | None]]:
    session = session or a_session()
    latest = await readings.take(station=a_station(), place=HERE, samples=samples, transaction=session)
    return session, latest


# -- which samples count -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sampled", "energy_wh"),
    [
        (register(1500), 500),
        (register(1500, location="Outlet"), 500),
        (register(1500, location="Inlet"), 0),
        (register(1500, location="EV"), 0),
        (register(1500, measurand="Energy.Active.Export.Register"), 0),
        (register(1500, measurand="Energy.Active.Import.Interval"), 0),
        (register(1500, measurand="Energy.Reactive.Import.Register"), 0),
        (register(1500, phase="L1"), 0),
        (register(1.5, unit="kWh"), 500),
        ({"value": "n/a", "measurand": ENERGY}, 0),
        (register(-1500), 0),
    ],
)
async def test_only_the_register_of_imported_energy_at_the_outlet_is_sold(
    sampled: dict[str, Any], energy_wh: float
) -> None:
    session, _ = await take(values(-1, sampled))

    assert wh_of(session.energy_mwh) == energy_wh


async def test_the_phases_of_a_moment_are_its_register_when_all_three_are_there() -> None:
    phases = [register(wh, phase=phase) for wh, phase in ((500, "L1-N"), (500, "L2"), (600, "L3"))]

    assert (await take(values(-1, *phases)))[0].energy_mwh == 600_000
    assert (await take(values(-1, *phases[:2])))[0].energy_mwh == 0
    assert (await take(values(-1, *phases, register(1100))))[0].energy_mwh == 100_000


@pytest.mark.parametrize(
    ("sampled", "latest"),
    [
        ([watts(7000)], {"power_w": 7000}),
        ([watts(7, unit="kW")], {"power_w": 7000}),
        ([watts(0)], {"power_w": 0}),
        ([watts(7000, location="Inlet")], {}),
        ([watts(7000, measurand="Power.Active.Export")], {}),
        ([watts(7000, measurand="Power.Offered")], {}),
        ([watts(1000, phase=phase) for phase in ("L1", "L2", "L3")], {"power_w": 3000}),
        ([watts(0.1, phase=phase) for phase in ("L1-N", "L2-N", "L3-N")], {"power_w": 0.3}),
        ([watts(1000, phase=phase) for phase in ("L1", "L2")], {}),
        ([watts(1000, phase=phase) for phase in ("L1", "L2", "L3")] + [watts(2900)], {"power_w": 2900}),
        ([soc(80)], {"soc_percent": 80}),
        ([soc(80, location="EV")], {"soc_percent": 80}),
        ([soc(0)], {"soc_percent": 0}),
        ([soc(80, phase="L1")], {}),
        ([register(1500)], {}),
    ],
)
async def test_the_latest_power_and_charge_are_shown(sampled: Any, latest: dict[str, float]) -> None:
    assert (await take(values(-1, *sampled)))[1] == latest


async def test_of_several_moments_the_latest_with_a_value_is_shown() -> None:
    samples = values(-1, watts(7000), soc(80)) + values(-2, watts(5000), soc(70)) + values(0, register(1500))

    session, latest = await take(samples)

    assert latest == {"power_w": 7000, "soc_percent": 80}
    assert session.energy_mwh == 500_000


async def test_of_two_moments_in_any_order_the_later_is_shown() -> None:
    samples = values(-1, watts(7000)) + values(-2, watts(5000))

    for ordered in (samples, samples[::-1]):
        assert (await take(ordered))[1] == {"power_w": 7000}


async def test_what_is_shown_is_stored_with_the_session() -> None:
    station, session = a_station(), a_session()
    samples = values(-1, register(1500), watts(7000), soc(80))

    await readings.record(station=station, place=HERE, samples=samples, transaction=session)

    ((_, _, row),) = [update for update in station.unit.updates if update[0] is TRANSACTIONS]
    assert (row["energy_wh"], row["power_w"], row["soc_percent"]) == (500, 7000, 80)


async def test_a_reading_writes_the_seldom_changed_columns_only_when_they_changed() -> None:
    async def stored(session: TransactionState, wh: float) -> dict[str, Any]:
        station = a_station()
        await readings.record(
            station=station, place=HERE, samples=values(-1, register(wh)), transaction=session
        )
        ((_, _, row),) = [update for update in station.unit.updates if update[0] is TRANSACTIONS]
        return row

    usual, suspect = await stored(a_session(), 1500), await stored(a_session(), 9_000_000)

    assert "id_token" not in usual and "suspect_reasons" not in usual
    assert (suspect["suspect"], suspect["id_token"]) == (True, "")


async def test_samples_are_an_event_where_it_is_chosen(settings: Any) -> None:
    settings.EVENT_TYPES = ["meter.sampled"]
    for session in (None, a_session()):
        station = a_station()
        await readings.record(
            station=station, place=HERE, samples=values(-1, register(1500)), transaction=session
        )
        texts = [str(row) for table, row in station.unit.inserts if table is not READINGS]
        assert len(texts) == 1 and '"value":1500' in texts[0]


async def test_a_message_without_samples_changes_nothing() -> None:
    session, latest = await take([])

    assert (session, latest) == (a_session(), {})


# -- after the end -------------------------------------------------------------------------------------------


def ended(**more: Any) -> TransactionState:
    session = a_session()
    energy.finish(session, None, at(-10))
    values = {"is_active": False, "ended_by": "station", "stopped_at": at(-10)} | more
    for name, value in values.items():
        setattr(session, name, value)
    return session


@pytest.mark.parametrize(("minutes", "energy_wh"), [(-10, 500), (-9, 0), (-11, 500)])
async def test_a_reading_after_the_stop_is_not_billed(minutes: float, energy_wh: float) -> None:
    session, latest = await take(values(minutes, register(1500), watts(7000), soc(80)), ended())

    assert wh_of(session.energy_mwh) == energy_wh
    assert latest.get("meter_stop_wh") == (1500 if energy_wh else None)
    assert latest.get("soc_percent") == (80 if energy_wh else None)
    assert "power_w" not in latest


@pytest.mark.parametrize("by", ["superseded", "operator", "interrupted", "refused", "abandoned"])
async def test_a_reading_after_an_assumed_end_is_billed(by: str) -> None:
    session, latest = await take(values(-9, register(1500)), ended(ended_by=by))

    assert (session.energy_mwh, latest["meter_stop_wh"]) == (500_000, 1500)


async def test_a_late_begin_is_the_start_whatever_its_time() -> None:
    session = ended()
    session.registers.start = None
    session.registers.tally = None

    await take(values(5, register(1100, context="Transaction.Begin")), session)

    assert session.registers.begin is not None and session.registers.begin.mwh == 1_100_000


async def test_a_late_begin_counts_also_after_readings_that_do_not() -> None:
    session = ended()
    session.registers.start = None
    session.registers.tally = None

    begin = values(5, register(1100, context="Transaction.Begin"))
    await take(values(4, register(1200)) + begin, session)

    assert session.registers.begin is not None and session.registers.begin.mwh == 1_100_000
    assert session.registers.last is None


@pytest.mark.parametrize(
    ("rank", "minutes", "received", "counts"),
    [
        (Rank.ORDINARY, 0, 5, True),
        (Rank.ORDINARY, 1, 5, False),
        (Rank.ORDINARY, 1, 0, True),  # in the stop message itself
        (Rank.ORDINARY, 1, -1, False),
        (Rank.END, 1, 0, True),
        (Rank.END, 1, -1, True),
        (Rank.END, 1, 1, False),
        (Rank.END, 0, 1, True),
        (Rank.BEGIN, 1, 5, True),
    ],
)
def test_a_stored_reading_counts_until_the_stop(
    rank: Rank, minutes: float, received: float, counts: bool
) -> None:
    sample = Register(at(minutes), rank, "", 1_500_000, 1000)

    assert readings._counts(sample, at(received), NOW, NOW) is counts
    assert readings._counts(sample, at(received), None, NOW)
    assert readings._counts(sample, at(received), NOW, None)


# -- activity ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wh", "is_left"), [(1000, True), (1001, False)])
async def test_only_drawn_energy_proves_a_vehicle(wh: float, is_left: bool) -> None:
    session = a_session(suspect_reasons=["connector-available"])

    await take(values(-1, register(wh)), session)

    assert (session.suspect_reasons == ["connector-available"]) is is_left


async def test_a_late_reading_of_an_ended_session_leaves_its_suspicions() -> None:
    session = ended(ended_by="superseded", suspect_reasons=["connector-available"], interrupted_at=at(-30))

    await take(values(-9, register(1500)), session)

    assert (session.suspect_reasons, session.interrupted_at) == (["connector-available"], at(-30))


async def test_the_latest_moment_continues_an_interrupted_session() -> None:
    old, new = a_session(interrupted_at=at(-5)), a_session(interrupted_at=at(-5))

    await take(values(-7, register(1500)) + values(-6, register(1600)), old)
    await take(values(-4, register(1500)) + values(-6, register(1400)), new)

    assert (old.interrupted_at, new.interrupted_at) == (at(-5), None)
