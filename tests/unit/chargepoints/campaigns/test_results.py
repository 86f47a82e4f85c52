"""Results of sent rows, retries, and how a campaign ends: deadline, cancellation, last result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns import stepping
from chargepoints.services.campaigns.command import results_of
from chargepoints.services.campaigns.kinds import Result
from events.models import Event
from tests.unit.chargepoints.campaigns.yard import Yard, later, make, rows

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
SENT_AT = NOW - timedelta(minutes=1)
STATES = {"waiting": 0, "claimed": 0, "sent": 0, "done": 0, "failed": 0, "skipped": 0, "offline": 0}


def sent(campaign: Campaign, number: int = 1, *, attempts: int = 1, **columns: Any) -> CampaignStation:
    """The row of a station, which a command was sent to, with the columns of this command."""
    row = campaign.stations.get(charge_point__identity=f"CP-{number}")
    row.claim = f"c{campaign.pk}-{number}"
    row.state, row.attempts, row.claimed_at = "sent", attempts, SENT_AT
    row.save()
    command(row, row.claim, **columns)
    return row


def command(row: CampaignStation, key: str, **columns: Any) -> Command:
    usual: dict[str, Any] = {
        "action": "Reset",
        "payload": {},
        "actor": row.campaign.sender,
        "state": "accepted",
        "created_at": SENT_AT,
        "deadline_at": NOW,
    }
    return Command.objects.create(id=key, charge_point=row.charge_point, **usual | columns)


def a_campaign(count: int = 1, **columns: Any) -> Campaign:
    made = make(count)
    usual: dict[str, Any] = {"deadline_at": NOW + timedelta(days=1), "failure_limit_percent": 100}
    Campaign.objects.filter(pk=made.pk).update(**usual | columns)
    later(made, not_before=SENT_AT)
    made.refresh_from_db()
    return made


def row_of(campaign: Campaign, number: int = 1) -> CampaignStation:
    return campaign.stations.get(charge_point__identity=f"CP-{number}")


# -- a command's result --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "result"),
    [
        ({"status": "Accepted"}, Result("done", detail="Accepted")),
        ({"state": "empty", "status": "Unknown"}, Result("done", detail="Unknown")),
        (
            {"state": "rejected", "status": "Rejected", "response": {"status": "Rejected"}},
            Result("failed", "rejected", "Rejected"),
        ),
        (
            {
                "state": "rejected",
                "status": "Rejected",
                "response": {"status": "Rejected", "statusInfo": {"reasonCode": "Busy"}},
            },
            Result("failed", "rejected", "Rejected: Busy"),
        ),
        (
            {"state": "error", "error_code": "InternalError", "error_description": "Broken."},
            Result("failed", "error", "InternalError: Broken."),
        ),
        (
            {"state": "error", "error_code": "NotImplemented"},
            Result("failed", "not-supported", "NotImplemented"),
        ),
        ({"state": "error", "error_code": "NotSupported"}, Result("failed", "not-supported", "NotSupported")),
        ({"state": "rejected", "status": "NotSupported"}, Result("failed", "rejected", "NotSupported")),
        ({"state": "timeout"}, Result("failed", "no-answer")),
        (
            {"state": "disconnected", "error_description": "The connection was lost."},
            Result("failed", "connection-lost", "The connection was lost."),
        ),
        ({"state": "invalid"}, Result("failed", "invalid-answer")),
        ({"effect": "seen"}, Result("done")),
        ({"state": "disconnected", "effect": "seen"}, Result("done")),
        ({"effect": "missed"}, Result("failed", "no-effect", "The effect has not come")),
        ({"effect": "waiting"}, None),
        ({"state": "timeout", "effect": "waiting"}, None),
        ({"state": "queued"}, None),
        ({"state": "sent"}, None),
    ],
)
def test_a_row_has_the_result_of_its_command(
    yard: Yard, columns: dict[str, Any], result: Result | None
) -> None:
    row = sent(a_campaign(), **columns)

    assert results_of([row]) == ({} if result is None else {row.pk: result})


def test_a_partial_answer_is_a_failure_if_something_was_refused(yard: Yard) -> None:
    answer = {"setVariableResult": [{"attributeStatus": "Accepted"}, {"attributeStatus": "Rejected"}]}
    row = sent(a_campaign(), action="SetVariables", state="partial", response=answer)

    assert results_of([row])[row.pk].reason == "rejected"


def test_a_command_in_parts_has_ended_with_its_last_part(yard: Yard) -> None:
    row = sent(a_campaign(), state="rejected", status="Rejected")
    part = command(row, "part", state="sent", created_at=SENT_AT + timedelta(seconds=1))
    assert results_of([row]) == {}

    Command.objects.filter(pk=part.pk).update(state="timeout")
    assert results_of([row]) == {row.pk: Result("failed", "rejected", "Rejected")}
    Command.objects.filter(pk=row.claim).update(state="accepted", status="Accepted")
    assert results_of([row]) == {row.pk: Result("failed", "no-answer")}
    Command.objects.filter(pk=part.pk).update(state="accepted", status="Other")
    assert results_of([row]) == {row.pk: Result("done", detail="Accepted")}


def test_commands_of_others_and_of_earlier_attempts_are_no_parts(yard: Yard) -> None:
    campaign = a_campaign(2)
    row, other = sent(campaign, 1), sent(campaign, 2, state="queued")
    CampaignStation.objects.filter(pk=other.pk).update(claimed_at=SENT_AT - timedelta(hours=1))
    other.refresh_from_db()
    command(row, "earlier", state="timeout", created_at=SENT_AT - timedelta(minutes=5))
    command(row, "another", state="timeout", actor="ann", created_at=SENT_AT + timedelta(seconds=1))

    assert results_of([row, other]) == {row.pk: Result("done")}


def test_a_row_whose_command_was_deleted_has_failed(yard: Yard) -> None:
    campaign = a_campaign(2, attempts=3)
    row, other = sent(campaign, 1), sent(campaign, 2)
    Command.objects.filter(pk=row.claim).delete()

    found = results_of([row, other])

    assert (found[row.pk].state, found[row.pk].reason) == ("failed", "server-error")
    assert found[row.pk].detail == "The command was deleted before its result was read."
    assert found[other.pk].state == "done"
    assert results_of([]) == {}
    stepping.advance(campaign.pk, NOW)
    assert rows(campaign) == {"CP-1": "failed server-error", "CP-2": "done"}


# -- stored results, and retries -----------------------------------------------------------------------------


def test_a_result_is_stored_with_its_words(yard: Yard) -> None:
    campaign = a_campaign(2)
    sent(campaign, 1, state="rejected", status="Rejected")
    sent(campaign, 2, state="sent")

    stepping.advance(campaign.pk, NOW)

    row = row_of(campaign)
    assert (row.state, row.reason, row.detail) == ("failed", "rejected", "Rejected")
    assert (row.updated_at, row.not_before, row.attempts) == (NOW, NOW, 1)
    assert rows(campaign)["CP-2"] == "sent"


@pytest.mark.parametrize(
    ("attempts", "state"), [(1, "waiting"), (2, "waiting"), (3, "failed"), (4, "failed")]
)
def test_a_failure_waits_for_another_attempt_while_there_is_one(
    yard: Yard, attempts: int, state: str
) -> None:
    campaign = a_campaign(attempts=3, retry_pause_s=60)
    sent(campaign, attempts=attempts, state="rejected", status="Rejected")

    stepping.advance(campaign.pk, NOW)

    row = row_of(campaign)
    assert (row.state, row.reason, row.detail) == (state, "rejected", "Rejected")
    assert (row.attempts, row.updated_at) == (attempts, NOW)
    assert row.not_before == (NOW + timedelta(seconds=60) if state == "waiting" else NOW)


@pytest.mark.parametrize(
    ("state", "row"), [("running", "waiting"), ("paused", "waiting"), ("cancelled", "failed")]
)
def test_a_cancelled_campaign_tries_nothing_again(yard: Yard, state: str, row: str) -> None:
    campaign = a_campaign(attempts=2, state=state)
    sent(campaign, state="timeout")

    stepping.advance(campaign.pk, NOW)

    assert rows(campaign) == {"CP-1": f"{row} no-answer"}


def test_a_success_is_not_tried_again(yard: Yard) -> None:
    campaign = a_campaign(attempts=2)
    sent(campaign)

    stepping.advance(campaign.pk, NOW)

    assert rows(campaign) == {"CP-1": "done"}


def test_sent_rows_of_a_kind_that_is_gone_wait_for_the_deadline(yard: Yard) -> None:
    campaign = a_campaign(kind="gone")
    sent(campaign)

    stepping.advance(campaign.pk, NOW)

    assert rows(campaign) == {"CP-1": "sent"}


# -- ends ----------------------------------------------------------------------------------------------------


def test_the_deadline_ends_each_row_with_its_reason(yard: Yard) -> None:
    campaign = a_campaign(6, deadline_at=NOW, state="paused")
    ChargePoint.objects.filter(identity__in=["CP-1", "CP-3"]).update(is_online=False)
    tried = {"attempts": 1, "reason": "rejected", "detail": "Rejected"}
    campaign.stations.filter(charge_point__identity__in=["CP-3", "CP-4"]).update(**tried)
    sent(campaign, 5, state="sent")
    campaign.stations.filter(charge_point__identity="CP-6").update(state="claimed", claimed_at=NOW)
    later(campaign, updated_at=SENT_AT)

    stepping.advance(campaign.pk, NOW - timedelta(milliseconds=1))
    assert rows(campaign)["CP-1"] == "waiting"
    stepping.advance(campaign.pk, NOW)

    assert rows(campaign) == {
        "CP-1": "offline offline",
        "CP-2": "skipped deadline",
        "CP-3": "failed rejected",
        "CP-4": "failed rejected",
        "CP-5": "failed deadline",
        "CP-6": "failed deadline",
    }
    assert {row.updated_at for row in campaign.stations.all()} == {NOW}
    assert {row_of(campaign, number).not_before for number in (1, 2, 5, 6)} == {NOW}
    assert row_of(campaign, 3).detail == "Rejected"
    campaign.refresh_from_db()
    assert (campaign.state, campaign.finished_at) == ("finished", NOW)


def test_the_deadline_changes_no_result_and_no_other_campaign(yard: Yard) -> None:
    other = a_campaign(1)
    campaign = a_campaign(1, deadline_at=NOW)
    later(campaign, state="done", updated_at=SENT_AT)

    stepping.advance(campaign.pk, NOW)

    assert (rows(campaign), rows(other)) == ({"CP-1": "done"}, {"CP-1": "waiting"})
    assert row_of(campaign).updated_at == SENT_AT


def test_a_cancelled_campaign_leaves_its_waiting_stations_out(yard: Yard) -> None:
    campaign = a_campaign(3, state="cancelled", attempts=2)
    campaign.stations.filter(charge_point__identity="CP-2").update(attempts=1, reason="no-answer")
    sent(campaign, 3, state="sent")
    later(campaign, updated_at=SENT_AT)

    stepping.advance(campaign.pk, NOW)

    assert rows(campaign) == {"CP-1": "skipped cancelled", "CP-2": "failed no-answer", "CP-3": "sent"}
    assert (row_of(campaign, 1).updated_at, row_of(campaign, 1).not_before) == (NOW, NOW)
    assert row_of(campaign, 2).updated_at == NOW
    campaign.refresh_from_db()
    assert campaign.finished_at is None


@pytest.mark.parametrize(
    ("state", "ended"),
    [("running", "finished"), ("paused", "finished"), ("cancelled", "cancelled")],
)
def test_a_campaign_ends_with_its_last_result(yard: Yard, state: str, ended: str) -> None:
    campaign = a_campaign(4, state=state)
    for number, result in enumerate(("done", "failed", "skipped", "offline"), 1):
        campaign.stations.filter(charge_point__identity=f"CP-{number}").update(state=result)

    stepping.advance(campaign.pk, NOW)

    campaign.refresh_from_db()
    assert (campaign.state, campaign.finished_at) == (ended, NOW)
    (event,) = Event.objects.filter(type="campaign.finished")
    assert orjson.loads(event.data) == {
        "campaignId": campaign.pk,
        "status": ended,
        "counts": STATES | {"done": 1, "failed": 1, "skipped": 1, "offline": 1},
    }


@pytest.mark.parametrize("state", ["waiting", "claimed", "sent"])
def test_a_campaign_does_not_end_before_its_last_result(yard: Yard, state: str) -> None:
    campaign = a_campaign(2, state="paused", kind="gone")
    campaign.stations.filter(charge_point__identity="CP-1").update(state="done")
    campaign.stations.filter(charge_point__identity="CP-2").update(state=state, claimed_at=NOW)

    stepping.advance(campaign.pk, NOW)

    campaign.refresh_from_db()
    assert (campaign.state, campaign.finished_at) == ("paused", None)
    assert not Event.objects.exists()


# -- the failure limit, and the steps ------------------------------------------------------------------------


def course(campaign: Campaign, **states: int) -> None:
    """Give so many of the rows a state; the others wait."""
    keys = list(campaign.stations.values_list("pk", flat=True))
    for state, number in states.items():
        taken, keys = keys[:number], keys[number:]
        campaign.stations.filter(pk__in=taken).update(state=state, attempts=1, claimed_at=NOW)


@pytest.mark.parametrize(
    ("failed", "forgiven", "state"), [(2, 0, "running"), (3, 0, "paused"), (3, 1, "running")]
)
def test_a_campaign_pauses_beyond_its_failure_limit(
    yard: Yard, failed: int, forgiven: int, state: str
) -> None:
    campaign = a_campaign(10, failure_limit_percent=20, forgiven=forgiven, at_once=2)
    course(campaign, failed=failed, done=1)

    run = stepping.advance(campaign.pk, NOW)

    campaign.refresh_from_db()
    assert campaign.state == state
    assert run is not None
    assert len(run.claims) == (2 if state == "running" else 0)
    reason = f"{failed} of {failed + 1} stations failed; the limit is 20 %."
    assert campaign.pause_reason == (reason if state == "paused" else "")


def test_a_campaign_that_has_begun_everywhere_is_not_paused(yard: Yard) -> None:
    campaign = a_campaign(3, failure_limit_percent=0, kind="gone")
    course(campaign, failed=2, sent=1)

    stepping.advance(campaign.pk, NOW)

    campaign.refresh_from_db()
    assert campaign.state == "running"


def test_a_step_is_stored_and_its_stations_begin_at_once(yard: Yard) -> None:
    campaign = a_campaign(20, step=0)
    course(campaign, done=1)

    run = stepping.advance(campaign.pk, NOW)

    campaign.refresh_from_db()
    assert run is not None
    assert (campaign.step, len(run.claims)) == (1, 1)


def test_stations_are_counted_by_their_course(yard: Yard) -> None:
    campaign = a_campaign(9)
    course(campaign, done=1, failed=1, skipped=1, offline=1, claimed=1, sent=1, waiting=1)
    make(1)

    counts = stepping.count(campaign)

    assert (counts.unbegun, counts.under_way, counts.done, counts.failed, counts.left_out) == (2, 3, 1, 1, 2)
    assert (counts.begun, counts.eligible) == (5, 7)
    assert stepping.totals(campaign) == dict.fromkeys(STATES, 1) | {"waiting": 3}


def test_progress_is_no_event_without_a_change_or_a_choice(yard: Yard, settings: Any) -> None:
    campaign = a_campaign(2, state="paused")
    sent(campaign)

    stepping.advance(campaign.pk, NOW)
    assert not Event.objects.exists()
    settings.EVENT_TYPES = ["campaign.progressed"]
    stepping.advance(campaign.pk, NOW)
    assert not Event.objects.exists()
    later(campaign, state="waiting", attempts=0)
    Campaign.objects.update(state="running")
    stepping.advance(campaign.pk, NOW)

    (event,) = Event.objects.all()
    assert orjson.loads(event.data) == {
        "campaignId": campaign.pk,
        "status": "running",
        "counts": STATES | {"claimed": 2},
    }
