"""The course of a campaign: claims, results, retries, steps, and what a kill at any moment leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from chargepoints import jobs
from chargepoints.models import Campaign, Command
from chargepoints.services.campaigns import driving, operating, stepping
from chargepoints.services.campaigns.kinds import Result
from events.models import Event
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.events.catalogue import campaigns as events
from ocpp_server.storage.journal import JournalUnavailable
from tests.unit.chargepoints.campaigns.yard import (
    Killed,
    Run,
    Yard,
    answer,
    go_on,
    later,
    make,
    raising,
    rows,
)

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_every_station_gets_it_once_and_the_campaign_ends(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 3)

    await driving.drive()
    assert await run_orm(rows, campaign) == dict.fromkeys(["CP-1", "CP-2", "CP-3"], "sent")
    await driving.drive()
    await run_orm(answer)
    await driving.drive()
    await driving.drive()

    await run_orm(campaign.refresh_from_db)
    assert sorted(yard.sent) == ["CP-1", "CP-2", "CP-3"]
    assert await run_orm(rows, campaign) == dict.fromkeys(["CP-1", "CP-2", "CP-3"], "done")
    assert (campaign.state, campaign.finished_at is not None) == ("finished", True)
    (event,) = await run_orm(lambda: list(Event.objects.filter(type="campaign.finished")))
    assert events.FINISHED.faults(orjson.loads(event.data)) == []
    assert orjson.loads(event.data)["counts"]["done"] == 3


async def test_no_more_than_at_once_are_under_way(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 5, at_once=2)

    await driving.drive()
    await driving.drive()

    assert yard.sent == ["CP-1", "CP-2"]
    await run_orm(answer, "accepted", "CP-1")
    await driving.drive()
    assert yard.sent == ["CP-1", "CP-2", "CP-3"]
    assert (await run_orm(rows, campaign))["CP-1"] == "done"


async def test_a_canary_then_ten_percent_then_all(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 30, has_canary=True, at_once=100)
    begun = []

    for _ in range(3):
        await go_on(run_orm)
        begun.append(len(yard.sent))

    assert begun == [3, 30, 30]  # the run that reads the answers begins the next step
    await run_orm(campaign.refresh_from_db)
    assert (campaign.state, campaign.step) == ("finished", Campaign.Step.ALL)


async def test_a_failed_canary_pauses_the_campaign_until_it_is_resumed(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 30, has_canary=True)

    await go_on(run_orm, "rejected", status="Rejected")

    await run_orm(campaign.refresh_from_db)
    assert (campaign.state, campaign.pause_reason) == (
        "paused",
        "1 of 1 stations failed; the limit is 20 %.",
    )
    assert len(yard.sent) == 1
    await run_orm(operating.resume, campaign)
    await driving.drive()
    await run_orm(campaign.refresh_from_db)
    assert (campaign.state, len(yard.sent)) == ("running", 3)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("rejected", "rejected"),
        ("error", "error"),
        ("timeout", "no-answer"),
        ("late", "no-answer"),
        ("disconnected", "connection-lost"),
        ("invalid", "invalid-answer"),
    ],
)
async def test_a_failure_is_tried_again_after_the_pause_and_then_final(
    yard: Yard, run_orm: Run, state: str, reason: str
) -> None:
    campaign = await run_orm(make, 1, attempts=2, failure_limit_percent=100)

    await go_on(run_orm, state)
    assert await run_orm(rows, campaign) == {"CP-1": f"waiting {reason}"}
    await driving.drive()
    assert len(yard.sent) == 1, "the pause is not over"
    await run_orm(later, campaign, not_before=LONG_AGO)
    await go_on(run_orm, state)

    assert len(yard.sent) == 2
    assert await run_orm(rows, campaign) == {"CP-1": f"failed {reason}"}


async def test_a_station_that_does_not_know_the_action_is_not_asked_again(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1, attempts=3)

    await go_on(run_orm, "error", error_code="NotImplemented")

    assert await run_orm(rows, campaign) == {"CP-1": "failed not-supported"}


async def test_a_command_with_an_effect_is_done_when_the_effect_was_seen(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 2)
    await driving.drive()
    await run_orm(answer, "accepted", effect="waiting", effect_until=datetime.now(UTC))

    await driving.drive()
    assert await run_orm(rows, campaign) == {"CP-1": "sent", "CP-2": "sent"}
    for name, effect in (("CP-1", "seen"), ("CP-2", "missed")):
        await run_orm(
            lambda name=name, effect=effect: Command.objects.filter(charge_point__identity=name).update(
                effect=effect
            )
        )
    await driving.drive()

    assert await run_orm(rows, campaign) == {"CP-1": "done", "CP-2": "failed no-effect"}


@pytest.mark.parametrize(
    ("error", "row", "attempts"),
    [
        (StationOffline(), "waiting offline", 0),
        (QueueFull(), "waiting refused", 0),
        (NotSupported("It can't."), "skipped not-supported", 0),
        (Conflict("It is rejected."), "failed refused", 1),
        (Invalid("Bad.", field="type"), "failed refused", 1),
        (ValueError("a fault of ours"), "failed server-error", 1),
        (JournalUnavailable("away"), "claimed", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_what_is_not_sent_has_its_reason(
    yard: Yard, run_orm: Run, error: Exception, row: str, attempts: int
) -> None:
    campaign = await run_orm(make, 1)
    yard.on["CP-1", False] = raising(error)

    await driving.drive()

    assert await run_orm(rows, campaign) == {"CP-1": row}
    assert (await run_orm(campaign.stations.get)).attempts == attempts
    assert not await run_orm(Command.objects.exists)


async def test_a_kind_may_know_the_result_without_a_command(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1)
    yard.known["CP-1"] = Result("done", detail="It has the version already.")

    await driving.drive()

    assert await run_orm(rows, campaign) == {"CP-1": "done"}


async def test_an_error_after_the_command_was_stored_leaves_the_result_to_the_command(
    yard: Yard, run_orm: Run
) -> None:
    campaign = await run_orm(make, 1)
    yard.on["CP-1", True] = raising(ValueError("a fault of ours"))

    await go_on(run_orm)

    assert await run_orm(rows, campaign) == {"CP-1": "done"}


# -- kills ---------------------------------------------------------------------------------------------------


async def test_a_claim_that_died_before_it_sent_is_claimed_again(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1)
    await run_orm(stepping.advance, campaign.pk, datetime.now(UTC))  # and nothing is sent

    await driving.drive()
    assert (await run_orm(rows, campaign), yard.sent) == ({"CP-1": "claimed"}, [])
    await run_orm(later, campaign, claimed_at=LONG_AGO)
    await go_on(run_orm)

    assert (await run_orm(rows, campaign), yard.sent) == ({"CP-1": "done"}, ["CP-1"])
    assert (await run_orm(campaign.stations.get)).attempts == 1
    not_sent = await run_orm(Command.objects.get, action=stepping.NOT_SENT)
    assert (not_sent.state, not_sent.actor) == ("disconnected", campaign.sender)


async def test_a_process_that_stops_sends_to_the_stations_that_it_has_claimed(
    yard: Yard, run_orm: Run
) -> None:
    campaign = await run_orm(make, 3)
    driving_it = asyncio.create_task(driving.drive())
    # The job is cancelled before the first station gets its command.
    yard.on["CP-1", False] = driving_it.cancel

    with pytest.raises(asyncio.CancelledError):
        await driving_it

    assert sorted(yard.sent) == ["CP-1", "CP-2", "CP-3"]
    assert await run_orm(rows, campaign) == dict.fromkeys(["CP-1", "CP-2", "CP-3"], "sent")


async def test_a_claim_that_died_after_it_sent_is_not_sent_again(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1)
    yard.on["CP-1", True] = raising(Killed())
    with pytest.raises(Killed):
        await driving.drive()
    yard.on.clear()
    assert await run_orm(rows, campaign) == {"CP-1": "claimed"}

    await run_orm(later, campaign, claimed_at=LONG_AGO)
    await run_orm(answer)
    await driving.drive()

    assert (await run_orm(rows, campaign), yard.sent) == ({"CP-1": "done"}, ["CP-1"])


async def test_a_process_that_was_frozen_with_its_claim_cannot_send_any_more(
    yard: Yard, run_orm: Run
) -> None:
    campaign = await run_orm(make, 1)
    run = await run_orm(stepping.advance, campaign.pk, datetime.now(UTC))
    await run_orm(later, campaign, claimed_at=LONG_AGO)
    await driving.drive()  # another housekeeper
    assert yard.sent == ["CP-1"]

    (claim,) = run.claims
    await driving._send(run, claim)

    assert yard.sent == ["CP-1"]
    assert await run_orm(rows, campaign) == {"CP-1": "sent"}


async def test_a_server_that_starts_alone_takes_the_claims_back_at_once(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 2)
    await run_orm(stepping.advance, campaign.pk, datetime.now(UTC) - timedelta(seconds=1))

    await run_orm(jobs.recover)

    assert await run_orm(rows, campaign) == {"CP-1": "waiting", "CP-2": "waiting"}


async def test_two_housekeepers_send_to_no_station_twice(yard: Yard, run_orm: Run) -> None:
    await run_orm(make, 12, at_once=4)

    await asyncio.gather(*(driving.drive() for _ in range(5)))

    assert sorted(yard.sent) == sorted(set(yard.sent))
    assert len(yard.sent) == 4
