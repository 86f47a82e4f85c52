"""Campaigns over time: offline stations, windows, deadlines, progress, and what operators change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint
from chargepoints.services.campaigns import driving, operating
from events.models import Event
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.events.catalogue import campaigns as events
from tests.unit.chargepoints.campaigns.yard import Run, Yard, answer, go_on, make, raising, rows

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_offline_stations_wait_and_end_at_the_deadline(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 2, is_online=False)
    await driving.drive()
    assert (yard.sent, await run_orm(rows, campaign)) == ([], {"CP-1": "waiting", "CP-2": "waiting"})

    await run_orm(ChargePoint.objects.filter(identity="CP-1").update, is_online=True)
    await driving.drive()
    assert yard.sent == ["CP-1"]
    await run_orm(Campaign.objects.update, deadline_at=LONG_AGO)
    await driving.drive()

    await run_orm(campaign.refresh_from_db)
    assert await run_orm(rows, campaign) == {"CP-1": "failed deadline", "CP-2": "offline offline"}
    assert campaign.state == "finished"


async def test_offline_stations_are_skipped_where_that_was_chosen(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 2, offline="skip")
    yard.on["CP-1", False] = raising(StationOffline("CP-1 is known but offline."))

    await go_on(run_orm)

    assert await run_orm(rows, campaign) == {"CP-1": "offline offline", "CP-2": "done"}


async def test_nothing_begins_before_the_start_or_outside_of_the_window(yard: Yard, run_orm: Run) -> None:
    now = datetime.now(UTC)
    closed = {
        "window_from": (now + timedelta(hours=2)).time(),
        "window_to": (now + timedelta(hours=3)).time(),
    }
    await run_orm(make, 1, starts_at=now + timedelta(hours=1))
    windowed = await run_orm(make, 1, **closed)

    await driving.drive()
    assert yard.sent == []

    # The station is in a zone where the window is open now.
    zone = "Etc/GMT-2"
    await run_orm(ChargePoint.objects.update, assumed_timezone=zone)
    await run_orm(
        Campaign.objects.filter(pk=windowed.pk).update, window_from=(now + timedelta(hours=1)).time()
    )
    await driving.drive()
    assert yard.sent == ["CP-1"]


async def test_a_pause_holds_what_is_not_sent_and_a_cancelled_campaign_ends(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 3, at_once=1)
    await driving.drive()
    paused = await run_orm(operating.pause, campaign, actor="ann")
    await run_orm(answer)

    await driving.drive()
    assert (paused.pause_reason, yard.sent) == ("Paused by ann.", ["CP-1"])
    assert (await run_orm(rows, campaign))["CP-1"] == "done"
    cancelled = await run_orm(operating.cancel, campaign)

    assert (cancelled.state, cancelled.finished_at is not None) == ("cancelled", True)
    assert (await run_orm(rows, campaign))["CP-3"] == "skipped cancelled"
    for refused in (operating.resume, operating.cancel, operating.retry_failed):
        with pytest.raises(Conflict, match="The campaign is cancelled."):
            await run_orm(refused, campaign)


async def test_a_cancelled_campaign_waits_for_the_results_of_what_was_sent(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 2, at_once=1)
    await driving.drive()
    cancelled = await run_orm(operating.cancel, campaign)
    assert cancelled.finished_at is None

    await run_orm(answer)
    await driving.drive()

    await run_orm(campaign.refresh_from_db)
    assert (campaign.state, campaign.finished_at is not None) == ("cancelled", True)
    assert await run_orm(rows, campaign) == {"CP-1": "done", "CP-2": "skipped cancelled"}


async def test_failed_stations_of_a_finished_campaign_may_try_again(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 2, failure_limit_percent=100)
    await go_on(run_orm, "timeout")
    await run_orm(campaign.refresh_from_db)
    assert campaign.state == "finished"

    again = await run_orm(operating.retry_failed, campaign)
    assert again.state == "running"
    await go_on(run_orm)

    assert await run_orm(rows, campaign) == {"CP-1": "done", "CP-2": "done"}
    await run_orm(campaign.refresh_from_db)
    assert campaign.state == "finished"
    with pytest.raises(Conflict, match="No station has failed"):
        await run_orm(operating.retry_failed, campaign)


async def test_a_retry_after_the_deadline_needs_a_new_one(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1, is_online=False)
    await run_orm(Campaign.objects.update, deadline_at=LONG_AGO)
    await driving.drive()

    with pytest.raises(Invalid):
        await run_orm(operating.retry_failed, campaign)
    until = datetime.now(UTC) + timedelta(hours=1)
    again = await run_orm(operating.retry_failed, campaign, deadline_at=until)

    assert (again.state, again.deadline_at) == ("running", until)
    assert await run_orm(rows, campaign) == {"CP-1": "waiting"}


async def test_progress_is_an_event_where_it_was_chosen(yard: Yard, run_orm: Run, settings: Any) -> None:
    settings.EVENT_TYPES = ["campaign.progressed"]
    await run_orm(make, 1)

    await go_on(run_orm)

    found = await run_orm(
        lambda: [
            orjson.loads(one.data) for one in Event.objects.filter(type="campaign.progressed").order_by("pk")
        ]
    )
    assert [one["counts"]["done"] for one in found] == [0, 1]
    assert [events.PROGRESSED.faults(one) for one in found] == [[], []]


def test_a_station_is_once_in_a_campaign(yard: Yard) -> None:
    campaign = make(2)
    assert CampaignStation.objects.count() == 2
    assert CampaignStation.objects.bulk_create(
        [
            CampaignStation(
                campaign=campaign,
                charge_point=ChargePoint.objects.get(identity="CP-1"),
                not_before=LONG_AGO,
            )
        ],
        ignore_conflicts=True,
    )
    assert campaign.stations.count() == 2
