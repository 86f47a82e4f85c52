"""EVSEs and connectors of 1.6 and 2.x as one type."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.protocol.translate import Place, connector, evse, place, zeros, zeros_of_evse


@pytest.mark.parametrize(
    ("number", "kept"),
    [(0, 0), (1, 1), (-1, None), (2**31 - 1, 2**31 - 1), (2**31, None), (None, None)],
)
def test_a_number_that_no_connector_can_have_becomes_none(number: Any, kept: int | None) -> None:
    assert place(number, 1) == Place(kept, 1)
    assert place(1, number) == Place(1, kept)


def test_every_connector_of_1_6_is_an_evse_of_its_own() -> None:
    assert connector(3) == Place(3, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"id": 2, "connectorId": 3}, Place(2, 3)),
        ({"id": 2}, Place(2, None)),
        ({"id": 2, "connectorId": 0}, Place(2, None)),
        ({"id": 0, "connectorId": 1}, Place(0, 1)),
        ({}, Place(None, None)),
        (None, Place(None, None)),
    ],
)
def test_an_evse_of_2x_may_lack_its_connector(value: Any, expected: Place) -> None:
    assert evse(value) == expected


@pytest.mark.parametrize(
    ("evse_number", "connector_number", "kinds"),
    [
        (1, 1, ()),
        (1, None, ()),
        (0, 1, ("evse-0",)),
        (1, 0, ("connector-0",)),
        (0, 0, ("evse-0", "connector-0")),
        (0, None, ("evse-0",)),
        (None, 0, ("connector-0",)),
        (None, 1, ()),
    ],
)
def test_a_zero_in_a_place_of_2x_is_a_deviation(
    evse_number: int | None, connector_number: int | None, kinds: tuple[str, ...]
) -> None:
    assert zeros(evse_number, connector_number) == kinds
    assert zeros_of_evse({"id": evse_number, "connectorId": connector_number}) == kinds


def test_no_evse_has_no_zeros() -> None:
    assert zeros_of_evse(None) == ()
    assert zeros_of_evse({}) == ()
