"""Operators change and delete campaigns; ended ones are deleted after a while."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chargepoints import metrics
from chargepoints.models import Campaign, CampaignStation, Command
from chargepoints.services.campaigns import automatic, keeping, operating
from ocpp_server.domain import Conflict, Invalid
from tests.unit.chargepoints.campaigns.yard import Yard, make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
NEXT_YEAR = datetime(2099, 1, 1, tzinfo=UTC)
WINDOW = {"window_from": time(22), "window_to": time(5)}


@pytest.mark.parametrize(
    "changes",
    [{"deadline_at": NEXT_YEAR}, {"at_once": 3}, {"failure_limit_percent": 0}, WINDOW],
    ids=["deadline", "at once", "limit", "window"],
)
@pytest.mark.parametrize("state", ["running", "paused", "finished", "cancelled"])
def test_the_course_changes_only_while_something_may_be_sent(
    yard: Yard, state: str, changes: dict[str, Any]
) -> None:
    campaign = make(1)
    Campaign.objects.update(state=state)
    before = Campaign.objects.values(*changes).get()

    if state in ("running", "paused"):
        operating.change(campaign, **changes)
        assert Campaign.objects.values(*changes, "state").get() == {**changes, "state": state}
    else:
        with pytest.raises(Conflict, match=f"The campaign is {state}: only its name may change."):
            operating.change(campaign, name="New", **changes)
        assert Campaign.objects.values(*changes, "name").get() == {**before, "name": "c"}


@pytest.mark.parametrize("state", ["running", "paused", "finished", "cancelled"])
def test_the_name_changes_at_any_time(yard: Yard, state: str) -> None:
    campaign = make(1)
    Campaign.objects.update(state=state)

    assert operating.change(campaign, name=" New ").name == "New"
    assert Campaign.objects.get().name == "New"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"deadline_at": NOW - timedelta(days=3650)}, "deadlineAt"),
        ({"window_from": time(22)}, "windowFrom"),
        ({"window_from": time(22), "window_to": time(22)}, "windowTo"),
    ],
)
def test_a_wrong_change_is_refused(yard: Yard, changes: dict[str, Any], field: str) -> None:
    campaign = make(1)

    with pytest.raises(Invalid) as error:
        operating.change(campaign, **changes)

    assert [one["field"] for one in error.value.errors] == [field]
    stored = Campaign.objects.get()
    assert (stored.name, stored.window_from, stored.deadline_at) == ("c", None, campaign.deadline_at)


def test_a_deadline_is_after_the_start(yard: Yard) -> None:
    campaign = make(1, starts_at=NEXT_YEAR, deadline_at=NEXT_YEAR + timedelta(days=1))

    with pytest.raises(Invalid):
        operating.change(campaign, deadline_at=NEXT_YEAR)


def test_half_of_a_window_changes_and_a_whole_one_goes(yard: Yard) -> None:
    campaign = make(1, **WINDOW)

    changed = operating.change(campaign, window_to=time(6))
    assert (changed.window_from, changed.window_to) == (time(22), time(6))
    with pytest.raises(Invalid):
        operating.change(campaign, window_to=None)
    operating.change(campaign, window_from=None, window_to=None)
    assert Campaign.objects.get().window_from is None


def test_the_row_as_it_is_now_changes(yard: Yard) -> None:
    campaign = make(1)
    Campaign.objects.update(state="paused", pause_reason="Paused by ann.")

    operating.change(campaign, at_once=2)

    assert Campaign.objects.get().pause_reason == "Paused by ann."


# -- deletion ------------------------------------------------------------------------------------------------


def ended(yard: Yard, **columns: Any) -> Campaign:
    campaign = make(1)
    Campaign.objects.filter(pk=campaign.pk).update(**{"state": "finished", "finished_at": NOW} | columns)
    return campaign


def test_an_ended_campaign_is_deleted_with_its_results(yard: Yard) -> None:
    operating.delete(ended(yard))

    assert not Campaign.objects.exists() and not CampaignStation.objects.exists()


@pytest.mark.parametrize("state", ["running", "paused", "cancelled"])
def test_a_campaign_with_open_stations_is_not_deleted(yard: Yard, state: str) -> None:
    campaign = ended(yard, state=state, finished_at=None)
    campaign.finished_at = NOW  # as the caller read it

    with pytest.raises(Conflict, match="Cancel the campaign first"):
        operating.delete(campaign)

    assert Campaign.objects.exists()


# -- retention -----------------------------------------------------------------------------------------------


def test_ended_campaigns_are_deleted_after_the_retention(yard: Yard, settings: Any) -> None:
    settings.CAMPAIGN_RETENTION = 86_400
    old = ended(yard, finished_at=NOW - timedelta(days=1, seconds=1))
    ended(yard, finished_at=NOW - timedelta(days=1))
    ended(yard, finished_at=None)

    assert keeping.expired(NOW) == [old.pk]
    settings.CAMPAIGN_RETENTION = 0
    assert keeping.expired(NOW + timedelta(days=10_000)) == []


def test_the_newest_of_the_servers_own_campaigns_are_kept(
    yard: Yard, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CAMPAIGN_RETENTION = 0
    monkeypatch.setattr(keeping, "AUTOMATIC_KEPT", 2)
    own = [ended(yard, actor=automatic.ACTOR) for _ in range(4)]
    for _ in range(3):
        ended(yard, actor=automatic.ACTOR, kind="other" if _ else "yard", finished_at=None)
        ended(yard)

    assert keeping.expired(NOW) == [one.pk for one in own[:2]]
    monkeypatch.setattr(keeping, "AT_ONCE", 1)
    assert keeping.expired(NOW) == [own[0].pk]


def test_a_campaign_that_runs_again_is_not_deleted(yard: Yard) -> None:
    campaign, other = ended(yard), ended(yard)
    Campaign.objects.filter(pk=campaign.pk).update(finished_at=None)

    keeping.delete(campaign.pk)
    keeping.delete(other.pk)

    assert [one.pk for one in Campaign.objects.all()] == [campaign.pk]
    assert CampaignStation.objects.count() == 1


# -- metrics -------------------------------------------------------------------------------------------------


def test_open_campaigns_and_their_stations_are_counted(yard: Yard) -> None:
    campaign = make(3)
    campaign.stations.filter(charge_point__identity="CP-1").update(state="failed")
    Campaign.objects.filter(pk=make(1).pk).update(state="paused")
    Campaign.objects.filter(pk=make(1).pk).update(state="cancelled")
    ended(yard)

    figures = metrics.figures()

    assert figures["campaigns"] == [(("running",), 1), (("paused",), 1)]
    assert dict(figures["campaign_stations"]) == {
        ("waiting",): 4, ("claimed",): 0, ("sent",): 0, ("done",): 0, ("failed",): 1, ("skipped",): 0,
        ("offline",): 0,
    }  # fmt: skip
    assert not Command.objects.exists()
