"""The columns of a reading whose samples are at a limit or disagree."""

from __future__ import annotations

import pytest

from ocpp_server.protocol.translate.metering import ENERGY, POWER
from tests.unit.transactions.transactions.live_station import NOON
from transactions.services.metering.measured import Measured
from transactions.services.metering.samples import kind_of


def of_powers(*phases: str) -> Measured:
    """A reading of the register, and a watt for each of the phases."""
    measured = Measured(NOON)
    measured.take(kind_of(ENERGY, "", "Outlet", "Sample.Periodic", "Wh", "Wh"), 1500.0, "1500", None)
    for phase in phases:
        measured.take(kind_of(POWER, phase, "Outlet", "Sample.Periodic", "W", "W"), 1.0, "1", None)
    return measured


@pytest.mark.parametrize(
    ("phases", "exponent"),
    [
        ((), 0),
        (("",), 0),
        (("L1", "L2", "L3"), 0),
        (("L1", "L2"), None),
        (("L1-N", "L2-N", "L3-N"), None),
        # The one with a name of its own may come first or last.
        (("L1-N", "L2", "L3"), None),
        (("L1", "L2", "L3-N"), None),
        (("L1-N", "L2", "L3", ""), 0),
    ],
)
def test_the_columns_say_all_about_power_unless_a_phase_is_missing_or_has_a_name_of_its_own(
    phases: tuple[str, ...], exponent: int | None
) -> None:
    assert of_powers(*phases).register_exponent() == exponent


@pytest.mark.parametrize(
    ("raw", "mwh"), [("9223372036854775.807", 2**63 - 1), ("9223372036854775.808", None), ("-0.001", None)]
)
def test_a_register_beyond_its_column_is_no_column(raw: str, mwh: int | None) -> None:
    measured = Measured(NOON)
    measured.take(kind_of(ENERGY, "", "Outlet", "Sample.Periodic", "Wh", "Wh"), float(raw), raw, None)

    assert measured.columns(1, 1)["register_mwh"] == mwh
    assert [one.mwh for one in measured.registers] == [int(raw.replace(".", ""))]
