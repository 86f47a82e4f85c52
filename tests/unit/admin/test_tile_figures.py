"""Numbers for tiles: exact while they are short, and with few digits from a thousand of the unit on."""

from __future__ import annotations

import pytest

from ocpp_server.admin import cells


@pytest.mark.parametrize(
    ("watt_hours", "words"),
    [
        (0, "0.00 kWh"),
        (1_500, "1.50 kWh"),
        (590_600, "590.60 kWh"),
        (999_949, "999.95 kWh"),
        (999_950, "1.00 MWh"),
        (9_994_000, "9.99 MWh"),
        (9_996_000, "10.0 MWh"),
        (15_090_600, "15.1 MWh"),
        (999_950_000, "1.00 GWh"),
        (1_234_567_890, "1.23 GWh"),
    ],
)
def test_an_energy_has_few_digits(watt_hours: float, words: str) -> None:
    assert cells.short_energy(watt_hours).replace(cells.NBSP, " ") == words


@pytest.mark.parametrize(
    ("watts", "words"), [(7_400, "7.4 kW"), (999_949, "999.9 kW"), (1_234_000, "1.23 MW")]
)
def test_a_power_has_few_digits(watts: float, words: str) -> None:
    assert cells.short_power(watts).replace(cells.NBSP, " ") == words
