"""When connectors and EVSEs were down."""

from __future__ import annotations

import pytest

from aggregates.services import downtime
from aggregates.services.downtime import FAULTED, OFFLINE, UNAVAILABLE, Fault

ONE, TWO, OTHER = (1, 1), (1, 2), (2, 1)
ALL = (ONE, TWO, OTHER)


def down(*faults: Fault, occupied: dict[int, list[tuple[int, int]]] | None = None) -> downtime.Downtime:
    return downtime.of(ALL, faults, occupied or {})


@pytest.mark.parametrize("cause", [OFFLINE, FAULTED, UNAVAILABLE])
def test_an_outage_of_the_station_is_one_of_every_connector(cause: str) -> None:
    found = down(Fault((0, 0), cause, (10, 20)))

    assert found.connectors == dict.fromkeys(ALL, [(10, 20)])
    assert found.evses == {1: [(10, 20)], 2: [(10, 20)]}


def test_a_faulted_connector_is_down_and_its_evse_is_not() -> None:
    found = down(Fault(ONE, FAULTED, (10, 20)))

    assert found.connectors == {ONE: [(10, 20)], TWO: [], OTHER: []}
    assert found.evses == {1: [], 2: []}


def test_an_unavailable_connector_beside_another_one_is_not_down() -> None:
    assert down(Fault(ONE, UNAVAILABLE, (10, 20))).connectors == {ONE: [], TWO: [], OTHER: []}
    assert down(Fault(OTHER, UNAVAILABLE, (10, 20))).connectors[OTHER] == [(10, 20)]


def test_an_evse_is_down_while_all_of_its_connectors_are() -> None:
    found = down(Fault(ONE, UNAVAILABLE, (10, 20)), Fault(TWO, FAULTED, (15, 30)))

    assert found.evses == {1: [(15, 20)], 2: []}
    assert found.connectors == {ONE: [(15, 20)], TWO: [(15, 30)], OTHER: []}


def test_an_offline_station_is_not_down_where_a_session_runs() -> None:
    offline, faulted = Fault((0, 0), OFFLINE, (10, 40)), Fault((0, 0), FAULTED, (30, 35))

    found = down(offline, faulted, occupied={1: [(15, 50)]})

    assert found.evses == {1: [(10, 15), (30, 35)], 2: [(10, 40)]}


def test_outages_that_overlap_count_once() -> None:
    found = down(Fault(OTHER, FAULTED, (10, 30)), Fault((0, 0), OFFLINE, (20, 50)))

    assert found.connectors[OTHER] == [(10, 50)]
