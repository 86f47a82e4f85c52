"""The starts that a reservation refuses."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Place, Verdict
from tests.unit.transactions.transactions.live_station import NOON, a_station, minutes, running
from transactions.live.reservations import RESERVATIONS, Held
from transactions.services.reservation import holding


def held(number: int = 1, evse: int | None = 1, **more: Any) -> Held:
    """A reservation for `CARD` of the group FAMILY, from noon to half past twelve."""
    values: dict[str, Any] = {
        "id_token": "CARD",
        "token_key": "card",
        "token_pk": None,
        "group_id": "FAMILY",
        "expires_at": minutes(30),
        "since": NOON,
        "command_id": "c",
    }
    return Held(pk=number, number=number, evse=evse, **(values | more))


def with_held(*reservations: Held, evses: int = 2) -> Station:
    """A station whose EVSEs are all reported as Available."""
    station = a_station()
    for evse in range(1, evses + 1):
        station.connectors[evse, 1] = ConnectorState(
            pk=evse, evse=evse, number=1, status="Available", reported_at=NOON
        )
    for one in reservations:
        RESERVATIONS.of(station).add(one, NOON)
    return station


def is_refused(
    station: Station, key: str = "other", group: str = "", evse: int | None = 1, after: float = 1
) -> bool:
    refused = holding.refuse(station, key, group, Place(evse, 1), minutes(after))
    assert refused is None or refused.verdict is Verdict.WRONG_PLACE
    return refused is not None


@pytest.mark.parametrize(
    ("key", "group", "expected"),
    [("other", "", True), ("other", "OTHERS", True), ("card", "", False), ("other", "family", False)],
)
def test_the_token_and_its_group_are_admitted(key: str, group: str, expected: bool) -> None:
    assert is_refused(with_held(held()), key, group) is expected


def test_two_tokens_without_a_group_are_not_of_one_group() -> None:
    assert is_refused(with_held(held(group_id="")))


@pytest.mark.parametrize(("after", "expected"), [(-0.01, False), (0, True), (29.9, True), (30, False)])
def test_it_holds_from_its_acceptance_to_its_expiry(after: float, expected: bool) -> None:
    assert is_refused(with_held(held()), after=after) is expected


@pytest.mark.parametrize("evse", [2, 0, None])
def test_another_place_or_none_is_not_refused(evse: int | None) -> None:
    assert not is_refused(with_held(held()), evse=evse)
    assert holding.refuse(with_held(held()), "other", "", None, minutes(1)) is None


def test_a_reservation_of_any_evse_leaves_all_but_the_last_one() -> None:
    station = with_held(held(evse=None))
    assert not is_refused(station, evse=1)

    station.transactions[1] = running(1, evse=2)

    assert is_refused(station, evse=1)
    assert not is_refused(station, "card", evse=1)


@pytest.mark.parametrize("status", ["Faulted", "Unavailable"])
def test_an_evse_out_of_service_is_not_left(status: str) -> None:
    station = with_held(held(evse=None))

    station.connectors[2, 1].status = status

    assert is_refused(station, evse=1)


def test_each_reservation_needs_an_evse_of_its_own() -> None:
    anywhere = [held(number, evse=None) for number in (1, 2)]
    assert not is_refused(with_held(*anywhere, evses=3), evse=1)
    assert is_refused(with_held(*anywhere, held(3, evse=2, token_key="x"), evses=3), evse=1)  # noqa: S106 - no secret


def test_an_evse_that_is_not_known_well_is_not_refused() -> None:
    station = with_held(held(evse=None), evses=1)
    assert not is_refused(station, evse=2)

    station.connectors[2, 1] = ConnectorState(pk=2, evse=2, number=1)

    assert not is_refused(station, evse=1)


def test_the_same_number_replaces_and_expired_ones_leave_the_memory() -> None:
    station = with_held(held(1), held(2, evse=2))
    known = RESERVATIONS.of(station)

    known.add(held(1, evse=3), minutes(31))

    assert [(one.number, one.evse) for one in known.held] == [(1, 3)]


def test_a_station_can_not_fill_the_memory_with_numbers() -> None:
    known = RESERVATIONS.of(a_station())

    for number in range(1000):
        known.remember(number)

    assert len(known.looked_up) <= 64
