"""The reservations of a live station: the times that count, the known numbers, and the loaded rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from ocpp_server.live.extensions import load_stations
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V16
from tests.direct.accounts import a_token
from tests.direct.reservations import a_reservation
from transactions.live.reservations import RESERVATIONS, Held, Reservations, held_of, reservation_entries

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
MINUTE, MOMENT = timedelta(seconds=60), timedelta(microseconds=1)


def held(number: int = 815, **more: Any) -> Held:
    """A reservation of EVSE 1 for CARD from noon until one o'clock."""
    usual: dict[str, Any] = {"pk": number, "evse": 1, "id_token": "CARD", "token_key": "card"}
    usual |= {"token_pk": None, "group_id": "", "expires_at": LATER, "since": NOON, "command_id": ""}
    return Held(number=number, **(usual | more))


@pytest.mark.parametrize(
    ("group", "token_key", "group_id", "is_admitted"),
    [
        ("", "card", "", True),
        ("", "other", "", False),
        ("FAMILY", "other", "family", True),
        ("FAMILY", "other", "", False),
        ("FAMILY", "card", "OTHERS", True),
    ],
)
def test_the_token_and_its_group_may_use_it(
    group: str, token_key: str, group_id: str, is_admitted: bool
) -> None:
    assert held(group_id=group).admits(token_key, group_id) is is_admitted


@pytest.mark.parametrize(
    ("at", "holds"), [(NOON - MOMENT, False), (NOON, True), (LATER - MOMENT, True), (LATER, False)]
)
def test_it_holds_from_its_acceptance_until_its_expiry(at: datetime, holds: bool) -> None:
    assert held().holds_at(at) is holds


@pytest.mark.parametrize(("at", "is_held"), [(LATER + MINUTE - MOMENT, True), (LATER + MINUTE, False)])
def test_it_is_known_until_a_minute_after_its_expiry(at: datetime, is_held: bool) -> None:
    known = Reservations(held=[held(1), held(2, expires_at=LATER + MINUTE)])

    assert [one.number for one in known.unexpired(at)] == ([1, 2] if is_held else [2])
    known.add(held(3), at)

    assert [one.number for one in known.held] == ([1, 2, 3] if is_held else [2, 3])


def test_it_is_found_replaced_and_removed_by_its_number() -> None:
    first, second = held(1), held(2)
    known = Reservations(held=[first, second])
    assert (known.named(1), known.named(2), known.named(3)) == (first, second, None)

    known.add(held(1, evse=7), NOON)
    assert [(one.number, one.evse) for one in known.held] == [(2, 1), (1, 7)]
    known.remove(2)
    known.remove(3)

    assert [one.number for one in known.held] == [1]


def test_a_number_that_was_looked_up_is_known_until_it_is_reserved() -> None:
    known = Reservations()
    known.remember(815)
    known.remember(816)
    assert known.looked_up == {815, 816}

    known.add(held(815), NOON)

    assert known.looked_up == {816}


def test_at_most_64_numbers_are_remembered() -> None:
    known = Reservations()
    for number in range(64):
        known.remember(number)
    assert known.looked_up == set(range(64))

    known.remember(64)

    assert known.looked_up == {64}


# -- rows ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_accepted_reservations_of_each_station_are_loaded() -> None:
    first, second = (ChargePoint.objects.create(identity=name) for name in ("CP-1", "CP-2"))
    rows = [
        a_reservation(station, number, state="accepted", accepted_at=NOON)
        for station, number in ((first, 1), (second, 2), (first, 3))
    ]
    for number, state in enumerate(("requested", "unanswered", "refused", "used", "expired", "ended"), 10):
        a_reservation(first, number, state=state)

    loaded = load_stations([(first.pk, V16), (second.pk, V16)])

    assert RESERVATIONS.of(loaded[0]).held == [held_of(rows[0]), held_of(rows[2])]
    assert RESERVATIONS.of(loaded[1]).held == [held_of(rows[1])]
    (alone,) = load_stations([(second.pk, V16)])
    assert [one.number for one in RESERVATIONS.of(alone).held] == [2]


@pytest.mark.django_db
def test_a_stored_reservation_has_all_its_values() -> None:
    station, token = ChargePoint.objects.create(identity="CP-1"), a_token("Card")
    at = {"requested_at": NOON - MINUTE, "accepted_at": NOON, "shown_at": NOON, "expires_at": LATER}
    command = Command.objects.create(
        id="c-1", charge_point=station, action="ReserveNow", payload={}, created_at=NOON, deadline_at=NOON
    )
    row = a_reservation(
        station, id_token=" Card ", token=token, evse_number=2, group_id="FAMILY", command=command, **at
    )

    assert held_of(row) == Held(
        pk=row.pk,
        number=815,
        evse=2,
        id_token=" Card ",
        token_key="card",  # noqa: S106 - no secret
        token_pk=token.pk,
        group_id="FAMILY",
        expires_at=LATER,
        since=NOON,
        command_id="c-1",
        is_shown=True,
    )
    row.accepted_at = row.shown_at = row.command_id = None
    found = held_of(row)
    assert (found.since, found.is_shown, found.command_id) == (NOON - MINUTE, False, "")


def test_other_processes_see_the_reservations_in_one_field() -> None:
    station = Station(pk=1, identity="CP-1", version=V16)
    ((name, mark, shown),) = reservation_entries(station)
    assert (name, mark, shown.held) == ("held", None, [])  # type: ignore[attr-defined]
    known = RESERVATIONS.of(station)
    known.held = [held(1, evse=None), held(2, is_shown=True)]

    ((name, mark, shown),) = reservation_entries(station)

    assert name == "held" and shown.held == known.held  # type: ignore[attr-defined]
    assert mark == ((1, None, "card", LATER, False), (2, 1, "card", LATER, True))
