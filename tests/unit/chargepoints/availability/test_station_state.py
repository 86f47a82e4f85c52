"""The state of a station: the worst status, and how many connectors have it."""

from __future__ import annotations

import pytest

from chargepoints.models import Connector
from chargepoints.models.station_state import WORST_FIRST, badness, state_of, worse_than


@pytest.mark.parametrize(
    ("own", "connectors", "words"),
    [
        ("", [], ""),
        ("Available", [], "Available"),
        ("", ["Available", "Faulted"], "Faulted · 1 of 2"),
        ("Available", ["Available", "Faulted"], "Faulted · 1 of 2"),
        ("Available", ["Charging", "Available"], "Charging · 1 of 2"),
        ("", ["Charging", "Charging", "Available"], "Charging · 2 of 3"),
        ("", ["Available", ""], "Available · 1 of 2"),
        ("", ["Available", "Available"], "Available"),
        ("", ["Faulted"], "Faulted"),
        ("Faulted", ["Available", "Available"], "Faulted"),
        ("Unavailable", ["Available", "Available"], "Unavailable"),
        ("Unavailable", ["Faulted", "Available"], "Faulted · 1 of 2"),
        ("", ["Charging", "Unavailable"], "Unavailable · 1 of 2"),
        ("", ["Other:Parked", "Charging"], "Other:Parked · 1 of 2"),
        ("", ["SuspendedEVSE", "SuspendedEV", "Charging"], "SuspendedEVSE · 1 of 3"),
    ],
)
def test_the_state_is_the_worst_status_with_its_count(own: str, connectors: list[str], words: str) -> None:
    assert str(state_of(own, connectors)) == words


def test_every_status_of_a_connector_has_a_rank() -> None:
    assert set(Connector.Status.values) <= set(WORST_FIRST)


def test_a_status_that_no_version_has_counts_as_another_status() -> None:
    assert badness("Other:Broken")[0] == badness("no status at all")[0]


def test_a_status_is_hidden_by_those_that_are_worse() -> None:
    assert worse_than("Faulted") == ()
    assert worse_than("Unavailable") == ("Faulted",)
