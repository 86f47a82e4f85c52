"""The change of a station's security profile: proved, refused, or the station has fallen back (A05)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, SecurityEvent, SecurityProfileChange
from chargepoints.services.provisioning import security_profiles, stations
from chargepoints.services.provisioning.security_profiles import MOST_PER_STATION, State, fault
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V21, V201

pytestmark = pytest.mark.django_db

WINDOW = 900


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(
        identity="CP-7", security_profile=1, password_hash="old", ocpp_version=V16, is_online=True
    )


def offered(station: ChargePoint, target: int = 2, **more: Any) -> SecurityProfileChange:
    return security_profiles.offer(
        station.pk, **{"target": target, "window": WINDOW, "command_id": "c-1", "actor": "ann"} | more
    )


def awaited(station: ChargePoint, **more: Any) -> SecurityProfileChange:
    row = offered(station, **more)
    assert security_profiles.step(row, State.AWAITED, answer="Accepted")
    return row


def in_the_past(station: ChargePoint) -> None:
    over = datetime.now(UTC) - timedelta(seconds=1)
    ChargePoint.objects.filter(pk=station.pk).update(next_security_profile_until=over)


def stored(station: ChargePoint, row: SecurityProfileChange) -> tuple[int, int | None, str]:
    station.refresh_from_db()
    row.refresh_from_db()
    assert (station.next_security_profile is None) == (station.next_security_profile_until is None)
    return station.security_profile, station.next_security_profile, row.state


def test_the_next_profile_is_committed_and_proved_by_a_connection(station: ChargePoint) -> None:
    row = offered(station)
    before = stored(station, row)
    security_profiles.returned(station.pk, 2)

    assert before == (1, 2, "sent")
    assert stored(station, row) == (2, None, "proved")
    assert [one["state"] for one in row.steps] == ["sent"]
    event = SecurityEvent.objects.get()
    assert (event.type, event.from_station) == ("SecurityProfileChanged", False)
    assert "From 1 to 2" in event.tech_info


def test_a_connection_at_the_old_profile_changes_nothing_in_its_time(station: ChargePoint) -> None:
    row = awaited(station)
    security_profiles.returned(station.pk, 1)

    assert stored(station, row) == (1, 2, "awaited")
    assert station.next_security_profile_until > datetime.now(UTC) + timedelta(seconds=WINDOW - 60)


def test_a_connection_at_the_old_profile_after_its_time_is_a_fallback(station: ChargePoint) -> None:
    row = awaited(station)
    in_the_past(station)
    security_profiles.returned(station.pk, 1)

    assert stored(station, row) == (1, None, "fell-back")
    assert "returned at security profile 1" in row.reason
    assert SecurityEvent.objects.get().type == "SecurityProfileFellBack"


def test_a_2x_station_falls_back_by_a_boot_after_the_reset(station: ChargePoint) -> None:
    ChargePoint.objects.update(ocpp_version=V201)
    row = awaited(station, slot=2)
    in_the_past(station)
    ChargePoint.objects.update(
        connected_at=datetime.now(UTC), last_boot_at=row.created_at - timedelta(days=1)
    )
    security_profiles.returned(station.pk, 1)
    security_profiles.settle()
    before = stored(station, row)
    ChargePoint.objects.update(last_boot_at=datetime.now(UTC))
    security_profiles.settle()

    assert before == (1, 2, "awaited")
    assert stored(station, row) == (1, None, "fell-back")
    assert "Slot 2 may still be first" in row.reason


@pytest.mark.parametrize(
    ("connected", "is_online", "state"),
    [(+1, True, "fell-back"), (-1, True, "awaited"), (+1, False, "awaited")],
)
def test_a_1_6_station_that_came_back_in_its_time_has_fallen_back_when_it_is_over(
    station: ChargePoint, *, connected: int, is_online: bool, state: str
) -> None:
    row = awaited(station)
    security_profiles.settle()
    before = stored(station, row)
    in_the_past(station)
    at = row.created_at + timedelta(seconds=connected)
    ChargePoint.objects.update(connected_at=at, is_online=is_online)
    security_profiles.settle()

    assert before == (1, 2, "awaited")
    assert stored(station, row)[2] == state


def test_a_refused_change_leaves_the_old_profile(station: ChargePoint) -> None:
    row = offered(station)
    security_profiles.withdraw(row, State.REFUSED, "Rejected")
    security_profiles.withdraw(row, State.FAILED, "too late")
    security_profiles.returned(station.pk, 2)

    assert stored(station, row) == (1, None, "refused")
    assert row.reason == "Rejected"


def test_one_change_at_a_time_except_the_same_one_again(station: ChargePoint) -> None:
    row = offered(station)
    with pytest.raises(Conflict) as caught:
        offered(station)
    security_profiles.step(row, State.AWAITED)
    with pytest.raises(Conflict):
        offered(station, 3)
    again = offered(station, command_id="c-2")

    assert caught.value.code == Code.PROFILE_CHANGING
    assert stored(station, row) == (1, 2, "cancelled")
    assert stored(station, again) == (1, 2, "sent")


def test_a_step_is_taken_by_one_process(station: ChargePoint) -> None:
    mine = offered(station)
    theirs = SecurityProfileChange.objects.get()

    assert security_profiles.step(mine, State.ORDERING, answer="Accepted", command_id="c-2")
    assert not security_profiles.step(theirs, State.ORDERING, answer="Accepted", command_id="c-3")
    assert (mine.state, mine.command_id, mine.first_command) == ("ordering", "c-2", "c-1")
    assert [(one["state"], one["answer"]) for one in mine.steps] == [("sent", "Accepted")]


def test_an_operator_who_sets_the_profile_ends_the_change(station: ChargePoint) -> None:
    row = offered(station)
    stations.update(station, actor="ann", security_profile=2)

    assert stored(station, row) == (2, None, "cancelled")
    assert "settings" in row.reason


def test_the_newest_changes_of_a_station_are_kept(station: ChargePoint) -> None:
    for _ in range(MOST_PER_STATION + 3):
        security_profiles.withdraw(offered(station), State.REFUSED, "")

    assert station.security_profile_changes.count() == MOST_PER_STATION


@pytest.mark.parametrize(
    ("version", "present", "target", "allows", "words"),
    [
        (V16, 1, 2, False, ""),
        (V16, 1, 1, False, "has security profile 1 already"),
        (V16, 2, 1, True, "OCPP 1.6 has no way to lower it to 1"),
        (V201, 3, 2, True, "OCPP 2.0.1 has no way to lower it to 2"),
        (V21, 3, 2, False, "AllowSecurityProfileDowngrade"),
        (V21, 3, 2, True, ""),
        (V21, 3, 1, True, "no way to lower it to 1"),
        (V21, 2, 1, True, "no way to lower it to 1"),
    ],
)
def test_a_profile_is_lowered_in_2_1_from_3_to_2_where_the_station_allows_it(
    version: str, present: int, target: int, *, allows: bool, words: str
) -> None:
    found = fault(present=present, target=target, version=version, allows_downgrade=allows)

    assert words in found and bool(words) == bool(found)
