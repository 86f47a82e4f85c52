"""The passwords of one station never touch those of another one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargepoints.models import ChargePoint, Command, Site
from chargepoints.services.provisioning import passwords
from events.models import Event
from ocpp_server.domain import Conflict

pytestmark = pytest.mark.django_db

SOON = datetime.now(UTC) + timedelta(days=1)
OVER = datetime.now(UTC) - timedelta(minutes=1)


def stored(row: ChargePoint) -> tuple[str, str, str]:
    row.refresh_from_db()
    return row.password_hash, row.next_password_hash, row.next_password_command


@pytest.fixture
def two() -> list[ChargePoint]:
    """Two stations with the same stored hash."""
    site = Site.objects.create(name="Garage")
    return [
        ChargePoint.objects.create(identity=name, site=site, security_profile=1, password_hash="old")
        for name in "AB"
    ]


def refused(row: ChargePoint) -> None:
    """The station has refused the password of the command c1."""
    Command.objects.create(
        id="c1", charge_point=row, action="SetVariables", payload={}, created_at=OVER, deadline_at=OVER
    )
    Command.objects.update(state="rejected", status="Rejected")


def test_a_password_is_offered_to_one_station(two: list[ChargePoint]) -> None:
    passwords.offer(two[0].pk, "new", command_id="c1", until=SOON)

    assert [stored(row) for row in two] == [("old", "new", "c1"), ("old", "", "")]
    assert two[0].next_password_until == SOON


def test_a_refused_password_is_replaced_at_one_station(two: list[ChargePoint]) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_command="c1")
    refused(two[0])

    passwords.offer(two[0].pk, "newer", command_id="c2", until=SOON)

    assert [stored(row) for row in two] == [("old", "newer", "c2"), ("old", "new", "c1")]


def test_a_password_that_was_offered_meanwhile_is_not_replaced(
    two: list[ChargePoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_command="c1")
    refused(two[0])

    def offered_meanwhile(command: Command) -> bool:
        ChargePoint.objects.update(next_password_hash="other", next_password_command="c3")
        return True

    monkeypatch.setattr(passwords, "was_refused", offered_meanwhile)
    with pytest.raises(Conflict):
        passwords.offer(two[0].pk, "newer", command_id="c2", until=SOON)

    assert stored(two[0]) == ("old", "other", "c3")


def test_a_password_is_withdrawn_from_one_station(two: list[ChargePoint]) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_command="c1")

    passwords.withdraw(two[0].pk, "c1")

    assert [stored(row) for row in two] == [("old", "", ""), ("old", "new", "c1")]


def test_a_password_is_proved_by_one_station_and_changed_by_the_server(two: list[ChargePoint]) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_command="c1")

    passwords.prove(two[0].pk, "new")

    assert [stored(row) for row in two] == [("new", "", ""), ("old", "new", "c1")]
    event = Event.objects.get()
    assert event.site_id == two[0].site_id is not None
    assert (event.station, event.content) == ("A", {"changed": ["password"], "actor": "server"})


def test_the_present_password_proves_itself_for_one_station(two: list[ChargePoint]) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_command="c1", next_password_until=OVER)

    passwords.prove(two[0].pk, "old")

    assert [stored(row) for row in two] == [("old", "", ""), ("old", "new", "c1")]


def test_a_password_that_is_neither_of_the_two_proves_nothing(two: list[ChargePoint]) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_command="c1", next_password_until=OVER)

    passwords.prove(two[0].pk, "replaced meanwhile")

    assert stored(two[0]) == ("old", "new", "c1")
