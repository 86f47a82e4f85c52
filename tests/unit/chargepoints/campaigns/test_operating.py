"""Operators pause, resume, cancel and retry: which states allow it, and what is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign
from chargepoints.services.campaigns import operating
from ocpp_server.domain import Conflict, Invalid
from tests.unit.chargepoints.campaigns.yard import Yard, later, make, rows

pytestmark = pytest.mark.django_db

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def pause(campaign: Campaign) -> Campaign:
    return operating.pause(campaign, actor="ann")


@pytest.mark.parametrize(
    ("operation", "allowed"),
    [
        (pause, {"running"}),
        (operating.resume, {"paused"}),
        (operating.cancel, {"running", "paused"}),
        (operating.retry_failed, {"running", "paused", "finished"}),
    ],
    ids=["pause", "resume", "cancel", "retry"],
)
@pytest.mark.parametrize("state", ["running", "paused", "finished", "cancelled"])
def test_an_operation_fits_some_states(
    yard: Yard, state: str, operation: Callable[[Campaign], Campaign], allowed: set[str]
) -> None:
    campaign = make(1)  # the caller read it when it was running
    Campaign.objects.update(state=state)
    later(campaign, state="failed")

    if state in allowed:
        assert operation(campaign).pk == campaign.pk
    else:
        with pytest.raises(Conflict, match=f"The campaign is {state}."):
            operation(campaign)
        assert Campaign.objects.get().state == state


def test_a_pause_names_the_operator(yard: Yard) -> None:
    pause(make(1))

    stored = Campaign.objects.get()
    assert (stored.state, stored.pause_reason) == ("paused", "Paused by ann.")


def test_a_resumed_campaign_has_no_reason_and_forgives_its_failures(yard: Yard) -> None:
    campaign = make(3)
    campaign.stations.exclude(charge_point__identity="CP-1").update(state="failed")
    pause(campaign)

    operating.resume(campaign)

    stored = Campaign.objects.get()
    assert (stored.state, stored.pause_reason, stored.forgiven) == ("running", "", 2)


def test_a_cancelled_campaign_has_no_reason_and_its_waiting_stations_a_result(yard: Yard) -> None:
    campaign = make(2)
    campaign.stations.filter(charge_point__identity="CP-1").update(state="sent")
    pause(campaign)

    operating.cancel(campaign)

    stored = Campaign.objects.get()
    assert (stored.state, stored.pause_reason, stored.finished_at) == ("cancelled", "", None)
    assert rows(campaign) == {"CP-1": "sent", "CP-2": "skipped cancelled"}


@pytest.mark.parametrize(
    ("state", "after"), [("running", "running"), ("paused", "paused"), ("finished", "running")]
)
def test_a_retry_opens_a_finished_campaign_and_no_paused_one(yard: Yard, state: str, after: str) -> None:
    campaign = make(5)
    for number, result in enumerate(("failed", "offline", "done", "skipped", "sent"), 1):
        campaign.stations.filter(charge_point__identity=f"CP-{number}").update(
            state=result, reason="rejected", detail="No.", attempts=3, not_before=PAST
        )
    finished = datetime.now(UTC) if state == "finished" else None
    Campaign.objects.update(state=state, forgiven=2, finished_at=finished)

    begin = datetime.now(UTC)
    again = operating.retry_failed(campaign)

    stored = Campaign.objects.get()
    assert (again.state, stored.state, stored.forgiven, stored.finished_at) == (after, after, 0, None)
    assert stored.deadline_at == campaign.deadline_at
    assert list(rows(campaign).values()) == [
        "waiting",
        "waiting",
        "done rejected",
        "skipped rejected",
        "sent rejected",
    ]
    for row in campaign.stations.filter(state="waiting"):
        assert (row.attempts, row.detail) == (0, "")
        assert begin <= row.not_before <= datetime.now(UTC)


def test_a_retry_may_bring_a_new_deadline(yard: Yard) -> None:
    campaign = make(1)
    later(campaign, state="failed")
    until = datetime.now(UTC) + timedelta(days=30)

    operating.retry_failed(campaign, deadline_at=until)

    assert Campaign.objects.get().deadline_at == until


@pytest.mark.parametrize("columns", [{"deadline_at": PAST}, {}])
def test_a_retry_without_time_is_refused_and_changes_nothing(yard: Yard, columns: dict[str, Any]) -> None:
    campaign = make(1)
    later(campaign, state="failed")
    if not columns:
        Campaign.objects.update(deadline_at=PAST)

    with pytest.raises(Invalid) as error:
        operating.retry_failed(campaign, **columns)

    assert error.value.errors == [
        {"field": "deadlineAt", "reason": "Must be in the future, and after startsAt."}
    ]
    assert rows(campaign) == {"CP-1": "failed"}


def test_a_retry_without_a_failed_station_is_refused(yard: Yard) -> None:
    campaign = make(1)

    with pytest.raises(Conflict, match="No station has failed or was offline."):
        operating.retry_failed(campaign)
    assert rows(campaign) == {"CP-1": "waiting"}
