"""New campaigns: what is stored, the limits of their times, and the words of a refusal."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, ChargePoint
from chargepoints.services.campaigns import kinds, planning
from ocpp_server.domain import Invalid
from tests.unit.chargepoints.campaigns.yard import Yard, make

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


def refusal(error: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    (one,) = error.value.errors
    return one


def test_a_campaign_is_stored_as_it_was_asked_for(yard: Yard) -> None:
    begin = datetime.now(UTC)
    campaign = make(2, name="  Spring  ", arguments={"a": 1}, at_once=7, attempts=2)

    stored = Campaign.objects.get()
    assert stored.pk == campaign.pk
    assert (stored.name, stored.kind, stored.actor) == ("Spring", "yard", "ann")
    assert (stored.arguments, stored.sealed_arguments) == ({"a": 1}, "")
    assert planning.arguments_of(stored) == {"a": 1}
    assert (stored.at_once, stored.attempts, stored.state, stored.step) == (7, 2, "running", 2)
    usual = stored.deadline_at - timedelta(days=7)
    assert begin <= usual <= datetime.now(UTC)
    for row in stored.stations.all():
        assert (row.state, row.attempts, row.not_before) == ("waiting", 0, usual)


@pytest.mark.parametrize(("options", "step"), [({"has_canary": True}, 0), ({"has_canary": False}, 2)])
def test_a_campaign_begins_with_a_canary_or_with_all(yard: Yard, options: dict[str, Any], step: int) -> None:
    assert make(1, **options).step == step


def test_a_canary_is_usual(yard: Yard) -> None:
    ChargePoint.objects.create(identity="CP-1")

    made = planning.create(
        name="c", kind="yard", arguments={}, stations={"everything": True}, actor="ann", offline="skip"
    )

    assert (made.step, made.has_canary, made.offline) == (0, True, "skip")


def test_a_deadline_of_its_own_is_kept(yard: Yard) -> None:
    until = datetime.now(UTC) + timedelta(days=1)

    assert make(1, deadline_at=until, window_from=time(22), window_to=time(5)).deadline_at == until


@pytest.mark.parametrize(
    ("deadline", "start", "fits"),
    [
        (NOW, None, False),
        (NOW + MOMENT, None, True),
        (NOW + MOMENT, NOW - timedelta(days=1), True),
        (NOW, NOW - timedelta(days=1), False),
        (NOW + timedelta(days=1), NOW + timedelta(days=1), False),
        (NOW + timedelta(days=1) + MOMENT, NOW + timedelta(days=1), True),
    ],
)
def test_a_deadline_is_after_now_and_after_the_start(
    deadline: datetime, start: datetime | None, fits: bool
) -> None:
    if fits:
        planning.check_times(now=NOW, deadline_at=deadline, starts_at=start)
        return
    with pytest.raises(Invalid) as error:
        planning.check_times(now=NOW, deadline_at=deadline, starts_at=start)
    assert refusal(error) == {"field": "deadlineAt", "reason": "Must be in the future, and after startsAt."}


@pytest.mark.parametrize(
    ("options", "field", "reason"),
    [
        ({"name": "\t"}, "name", "Must not be blank."),
        ({"window_to": time(9)}, "windowFrom", "A window needs both windowFrom and windowTo."),
        ({"window_from": time(0)}, "windowFrom", "A window needs both windowFrom and windowTo."),
        ({"window_from": time(0), "window_to": time(0)}, "windowTo", "Must differ from windowFrom."),
        ({"stations": {"vendor": "Other"}}, "stations", "No station meets these conditions."),
        ({"stations": {}}, "stations", "Name the stations, or set all to true."),
        ({"stations": {"everything": False}}, "stations", "Name the stations, or set all to true."),
    ],
)
def test_a_refusal_says_what_is_wrong(yard: Yard, options: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(Invalid) as error:
        make(1, **options)

    assert refusal(error) == {"field": field, "reason": reason}
    assert not Campaign.objects.exists()


def test_an_unknown_kind_is_told_the_known_ones(yard: Yard) -> None:
    with pytest.raises(Invalid) as error:
        planning.find_kind("nothing")

    assert refusal(error) == {"field": "kind", "reason": f"Must be one of {', '.join(kinds.names())}."}
    assert kinds.names() == sorted(kinds.names())
    assert {"command", "yard"} <= set(kinds.names())
    assert planning.find_kind("yard") is yard


def test_a_kind_may_be_registered_again(yard: Yard) -> None:
    kinds.register(yard)

    assert kinds.find("yard") is yard
    assert kinds.find("nothing") is None


def test_a_refusal_names_at_most_ten_unknown_stations_as_they_were_written() -> None:
    ChargePoint.objects.create(identity="Known")
    asked = ["Known", *(f"Lost-{number}" for number in range(11))]

    with pytest.raises(Invalid) as error:
        planning.chosen(client_ids=asked)

    named = ", ".join(f"Lost-{number}" for number in range(10))
    assert refusal(error) == {"field": "stations.clientIds", "reason": f"Unknown: {named}."}


def test_as_many_stations_as_allowed_are_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        ChargePoint.objects.create(identity=f"CP-{number}")
    monkeypatch.setattr(planning, "MOST_STATIONS", 3)
    assert len(planning.chosen(everything=True)) == 3

    monkeypatch.setattr(planning, "MOST_STATIONS", 2)
    with pytest.raises(Invalid) as error:
        planning.chosen(everything=True)
    assert refusal(error) == {"field": "stations", "reason": "More than 2 stations."}
