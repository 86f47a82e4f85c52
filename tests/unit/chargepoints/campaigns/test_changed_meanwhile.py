"""Rows of a campaign that another process changes during a step, and a campaign that fails beside others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation
from chargepoints.services.campaigns import driving, stepping
from chargepoints.services.campaigns.kinds import Result
from tests.unit.chargepoints.campaigns.yard import Yard, later, make, rows

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def campaign(yard: Yard) -> Campaign:
    made = make(2)
    Campaign.objects.update(deadline_at=NOW + timedelta(days=30))
    later(made, not_before=NOW, updated_at=NOW - timedelta(days=1))
    return made


def advance(campaign: Campaign, now: datetime = NOW) -> list[str]:
    """The stations that are claimed."""
    run = stepping.advance(campaign.pk, now)
    assert run is not None
    return [claim.identity for claim in run.claims]


def row(campaign: Campaign) -> CampaignStation:
    return campaign.stations.get(charge_point__identity="CP-1")


def change_row(campaign: Campaign, **columns: Any) -> None:
    campaign.stations.filter(charge_point__identity="CP-1").update(**columns)


@pytest.mark.parametrize("columns", [{"state": "failed", "reason": "refused"}, {"claim": "another"}])
def test_a_row_that_has_changed_is_not_taken_back(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, columns: dict[str, Any]
) -> None:
    advance(campaign)
    before = row(campaign)
    Campaign.objects.update(state="paused")

    def change(*_: object) -> bool:
        change_row(campaign, **columns)
        return False

    monkeypatch.setattr(stepping, "_was_sent", change)
    advance(campaign, NOW + timedelta(minutes=1))

    after = row(campaign)
    usual = {"state": "claimed", "reason": "", "claim": before.claim}
    assert {name: getattr(after, name) for name in usual} == usual | columns
    assert (after.updated_at, after.attempts) == (NOW, 1)


def test_a_row_that_has_changed_is_not_claimed(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    def change() -> str:
        change_row(campaign, state="skipped", reason="cancelled")
        return "a claim"

    monkeypatch.setattr(stepping.uuid, "uuid4", change)

    assert advance(campaign) == ["CP-2"]
    assert rows(campaign) == {"CP-1": "skipped cancelled", "CP-2": "claimed"}


@pytest.mark.parametrize("result", [Result("done"), Result("failed", "no-answer")])
def test_a_row_that_has_changed_gets_no_result(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, result: Result
) -> None:
    Campaign.objects.update(attempts=5, state="paused")
    later(campaign, state="sent", attempts=1)

    def results(found: list[CampaignStation]) -> dict[int, Result]:
        change_row(campaign, state="failed", reason="deadline")
        return {row.pk: result for row in found}

    monkeypatch.setattr(stepping.kinds, "find", lambda _: SimpleNamespace(results=results))
    advance(campaign)

    expected = "done" if result.state == "done" else "waiting no-answer"
    assert rows(campaign) == {"CP-1": "failed deadline", "CP-2": expected}


async def test_a_run_waits_for_every_campaign_when_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    async def run(campaign_pk: int) -> None:
        if campaign_pk == 1:
            raise LookupError("broken")
        for _ in range(3):
            await asyncio.sleep(0)
        done.append(campaign_pk)

    async def both(_: object) -> list[int]:
        return [1, 2]

    monkeypatch.setattr(driving, "_run", run)
    monkeypatch.setattr(driving.journal, "run", both)

    with pytest.raises(LookupError, match="broken"):
        await driving.drive()

    assert done == [2]
