"""Claims: each row of a campaign is sent to by one process, once, whatever has died or was late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, ChargePoint, Command
from chargepoints.services.campaigns import driving, stepping
from chargepoints.services.campaigns.driving import Put
from chargepoints.services.campaigns.kinds import Result
from chargepoints.services.campaigns.stepping import CLAIM_DIES, Claim
from tests.unit.chargepoints.campaigns.yard import Yard, later, make, rows

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
LONG_AFTER = NOW + timedelta(days=30)


@pytest.fixture
def campaign(yard: Yard) -> Campaign:
    made = make(2)
    Campaign.objects.update(deadline_at=LONG_AFTER)
    later(made, not_before=NOW, updated_at=NOW - timedelta(days=1))
    return made


def advance(campaign: Campaign, now: datetime = NOW) -> list[Claim]:
    run = stepping.advance(campaign.pk, now)
    assert run is not None
    assert run.campaign.pk == campaign.pk
    return run.claims


def command(claim: Claim, **columns: Any) -> Command:
    usual = {"action": "Reset", "payload": {}, "created_at": NOW, "deadline_at": NOW}
    return Command.objects.create(id=claim.id, charge_point_id=claim.station_pk, **usual | columns)


def test_a_claim_names_its_row_and_station(campaign: Campaign) -> None:
    later(campaign, reason="no-answer", detail="before", attempts=3)

    first, second = advance(campaign)

    row = campaign.stations.get(charge_point__identity="CP-1")
    assert first == Claim(row.claim, row.pk, row.charge_point_id, "CP-1", 4)
    assert (row.state, row.reason, row.detail, row.attempts) == ("claimed", "", "", 4)
    assert (row.claimed_at, row.updated_at) == (NOW, NOW)
    assert (second.identity, second.id != first.id, len(first.id)) == ("CP-2", True, 36)


def test_a_claimed_row_is_not_claimed_twice(campaign: Campaign) -> None:
    assert len(advance(campaign)) == 2
    assert advance(campaign, NOW + CLAIM_DIES) == []


def test_no_more_rows_are_claimed_in_a_minute_than_the_pace_allows(campaign: Campaign) -> None:
    Campaign.objects.update(per_minute=1)
    (first,) = advance(campaign)
    driving._store(first, Put(Result("done")), NOW)

    early = advance(campaign, NOW + timedelta(seconds=59.9))
    (second,) = advance(campaign, NOW + timedelta(minutes=1))

    assert early == []
    assert (first.identity, second.identity) == ("CP-1", "CP-2")


def test_a_process_gives_its_claims_up_before_another_takes_them_back() -> None:
    assert driving.SEND_WITHIN_S == 20
    assert CLAIM_DIES.total_seconds() == 30


@pytest.mark.parametrize(
    ("age", "is_taken"), [(CLAIM_DIES, False), (CLAIM_DIES + timedelta(milliseconds=1), True)]
)
def test_a_claim_dies_after_its_time(campaign: Campaign, age: timedelta, is_taken: bool) -> None:
    old = [claim.id for claim in advance(campaign)]

    new = [claim.id for claim in advance(campaign, NOW + age)]

    assert len(new) == (2 if is_taken else 0)
    assert not set(old) & set(new)
    assert Command.objects.filter(pk__in=old).count() == len(new)


def test_a_row_takes_the_place_of_a_command_that_was_not_sent(campaign: Campaign) -> None:
    (claim, _) = advance(campaign)
    Campaign.objects.update(state="paused")
    taken_at = NOW + timedelta(minutes=1)

    advance(campaign, taken_at)

    row = campaign.stations.get(pk=claim.row_pk)
    assert (row.state, row.reason, row.attempts, row.command) == ("waiting", "", 0, None)
    assert (row.not_before, row.updated_at) == (taken_at, taken_at)
    barrier = Command.objects.get(pk=claim.id)
    assert (barrier.charge_point.identity, barrier.action, barrier.payload) == ("CP-1", "NotSent", {})
    assert (barrier.actor, barrier.state) == (f"campaign {campaign.pk}", "disconnected")
    assert barrier.error_description.startswith("The server stopped before it sent this command")
    assert (barrier.created_at, barrier.deadline_at, barrier.finished_at) == (NOW, taken_at, taken_at)


def test_a_dead_claim_that_was_sent_keeps_its_command_and_attempt(campaign: Campaign) -> None:
    claim, other = advance(campaign)
    sent = command(claim)
    taken_at = NOW + timedelta(minutes=1)

    again = advance(campaign, taken_at)

    row = campaign.stations.get(pk=claim.row_pk)
    assert (row.state, row.command, row.attempts, row.claim) == ("sent", sent, 1, claim.id)
    assert row.updated_at == taken_at
    assert [one.row_pk for one in again] == [other.row_pk]
    assert Command.objects.get(pk=claim.id).action == "Reset"


def test_claims_of_other_campaigns_and_other_states_stay(campaign: Campaign) -> None:
    other = make(1)
    later(other, state="claimed", claim="theirs", claimed_at=NOW - timedelta(days=1))
    campaign.stations.filter(charge_point__identity="CP-1").update(
        state="skipped", reason="not-supported", claim="ended", claimed_at=NOW - timedelta(days=1)
    )

    (claim,) = advance(campaign)

    assert claim.identity == "CP-2"
    assert rows(other) == {"CP-1": "claimed"}
    assert rows(campaign)["CP-1"] == "skipped not-supported"
    assert not Command.objects.exists()


def test_a_server_that_starts_takes_back_the_claims_of_open_campaigns_of_any_age(campaign: Campaign) -> None:
    ended = make(1)
    Campaign.objects.filter(pk=ended.pk).update(finished_at=NOW)
    later(ended, state="claimed", claim="ended", claimed_at=NOW)
    claim, _ = advance(campaign)
    command(claim)

    stepping.take_back_all(NOW + timedelta(milliseconds=1))

    assert rows(campaign) == {"CP-1": "sent", "CP-2": "waiting"}
    assert rows(ended) == {"CP-1": "claimed"}


@pytest.mark.parametrize(
    ("columns", "first", "second"),
    [
        ({"deadline_at": NOW + timedelta(minutes=1)}, "failed deadline", "failed no-answer"),
        ({"state": "cancelled"}, "failed cancelled", "failed no-answer"),
    ],
)
def test_a_claim_that_was_taken_back_ends_with_a_reason(
    campaign: Campaign, columns: dict[str, Any], first: str, second: str
) -> None:
    later(campaign, attempts=1, reason="no-answer", not_before=LONG_AFTER)
    one(campaign, 1, not_before=NOW)
    assert identities(advance(campaign)) == ["CP-1"]
    Campaign.objects.update(**columns)
    later(campaign, updated_at=NOW)

    advance(campaign, NOW + timedelta(minutes=1))

    assert rows(campaign) == {"CP-1": first, "CP-2": second}
    assert {row.updated_at for row in campaign.stations.all()} == {NOW + timedelta(minutes=1)}
    assert campaign.stations.get(charge_point__identity="CP-1").not_before == NOW + timedelta(minutes=1)


# -- storing an attempt --------------------------------------------------------------------------------------


def test_an_attempt_is_stored_with_its_command(campaign: Campaign) -> None:
    claim, _ = advance(campaign)
    sent = command(claim)
    at = NOW + timedelta(seconds=2)

    driving._store(claim, Put(Result("sent")), at)

    row = campaign.stations.get(pk=claim.row_pk)
    assert (row.state, row.command, row.attempts) == ("sent", sent, 1)
    assert (row.not_before, row.updated_at) == (at, at)
    assert rows(campaign)["CP-2"] == "claimed"


def test_what_was_no_attempt_does_not_count_and_waits(campaign: Campaign) -> None:
    later(campaign, attempts=2)
    claim, _ = advance(campaign)
    put = Put(Result("waiting", "offline", "Away."), is_attempt=False, after=timedelta(seconds=30))

    driving._store(claim, put, NOW)

    row = campaign.stations.get(pk=claim.row_pk)
    assert (row.state, row.reason, row.detail, row.attempts) == ("waiting", "offline", "Away.", 2)
    assert (row.not_before, row.command) == (NOW + timedelta(seconds=30), None)


@pytest.mark.parametrize(
    ("result", "stored"),
    [
        (Result("failed", "server-error", "A fault."), "sent"),
        (Result("failed", "refused", "No."), "failed refused"),
        (Result("done"), "done"),
    ],
)
def test_a_command_that_exists_was_sent_whatever_failed_after_it(
    campaign: Campaign, result: Result, stored: str
) -> None:
    claim, _ = advance(campaign)
    sent = command(claim)

    driving._store(claim, Put(result), NOW)

    row = campaign.stations.get(pk=claim.row_pk)
    assert (rows(campaign)["CP-1"], row.command, row.attempts) == (stored, sent, 1)


def test_a_fault_before_the_command_is_a_failure(campaign: Campaign) -> None:
    claim, _ = advance(campaign)

    driving._store(claim, Put(Result("failed", "server-error", "A fault.")), NOW)

    row = campaign.stations.get(pk=claim.row_pk)
    assert (row.state, row.reason, row.detail) == ("failed", "server-error", "A fault.")


def test_a_late_process_does_not_change_a_row_that_another_claimed(campaign: Campaign) -> None:
    late, _ = advance(campaign)
    again, _ = advance(campaign, NOW + timedelta(minutes=1))
    assert again.row_pk == late.row_pk

    driving._store(late, Put(Result("sent")), NOW + timedelta(minutes=1))

    row = campaign.stations.get(pk=late.row_pk)
    assert (row.state, row.claim) == ("claimed", again.id)


def test_a_late_process_does_not_change_a_row_that_has_its_result(campaign: Campaign) -> None:
    late, _ = advance(campaign)
    campaign.stations.filter(pk=late.row_pk).update(state="failed", reason="deadline")

    driving._store(late, Put(Result("sent")), NOW)

    assert rows(campaign)["CP-1"] == "failed deadline"


def test_a_long_sentence_is_cut(campaign: Campaign) -> None:
    claim, _ = advance(campaign)

    driving._store(claim, Put(Result("failed", "refused", "x" * 501)), NOW)

    assert campaign.stations.get(pk=claim.row_pk).detail == "x" * 500


# -- the order, and the limits of a claim --------------------------------------------------------------------


def identities(claims: list[Claim]) -> list[str]:
    return [claim.identity for claim in claims]


def one(campaign: Campaign, number: int, **columns: Any) -> None:
    campaign.stations.filter(charge_point__identity=f"CP-{number}").update(**columns)


@pytest.mark.parametrize(
    ("delay_ms", "found"), [(0, ["CP-1", "CP-2"]), (1, ["CP-2"])], ids=["its turn", "too early"]
)
def test_a_row_is_claimed_from_its_time_on(campaign: Campaign, delay_ms: int, found: list[str]) -> None:
    one(campaign, 1, not_before=NOW + timedelta(milliseconds=delay_ms))

    assert identities(advance(campaign)) == found


@pytest.mark.parametrize(
    ("reason", "connected_ms", "found"),
    [
        ("offline", 1, ["CP-1", "CP-2"]),
        ("offline", 0, ["CP-2"]),
        ("offline", None, ["CP-2"]),
        ("refused", 1, ["CP-2"]),
    ],
)
def test_a_station_that_was_offline_is_claimed_when_it_has_connected_again(
    campaign: Campaign, reason: str, connected_ms: int | None, found: list[str]
) -> None:
    again = None if connected_ms is None else NOW + timedelta(milliseconds=connected_ms)
    one(campaign, 1, reason=reason, claimed_at=NOW, not_before=NOW + timedelta(seconds=30))
    ChargePoint.objects.update(connected_at=again)

    assert identities(advance(campaign, NOW + timedelta(seconds=2))) == found


@pytest.mark.parametrize(("delay_ms", "number"), [(0, 2), (1, 0)])
def test_a_campaign_begins_at_its_start(campaign: Campaign, delay_ms: int, number: int) -> None:
    Campaign.objects.update(starts_at=NOW + timedelta(milliseconds=delay_ms))

    assert len(advance(campaign)) == number


@pytest.mark.parametrize("state", ["claimed", "sent"])
def test_what_is_under_way_counts_for_the_number_at_once(yard: Yard, state: str) -> None:
    campaign = make(5, at_once=3)
    Campaign.objects.update(deadline_at=LONG_AFTER)
    one(campaign, 2, state=state, claim="c", claimed_at=NOW, attempts=1)
    Command.objects.create(
        id="c",
        charge_point=ChargePoint.objects.get(identity="CP-2"),
        action="Reset",
        payload={},
        created_at=NOW,
        deadline_at=NOW,
    )

    assert identities(advance(campaign)) == ["CP-1", "CP-3"]
    assert advance(campaign) == []


def test_retries_come_first_and_count_for_the_number_at_once(yard: Yard) -> None:
    campaign = make(6, at_once=3)
    Campaign.objects.update(deadline_at=LONG_AFTER)
    campaign.stations.filter(charge_point__identity__in=["CP-5", "CP-6"]).update(attempts=1)

    assert identities(advance(campaign)) == ["CP-5", "CP-6", "CP-1"]


def test_one_station_at_once(yard: Yard) -> None:
    campaign = make(2, at_once=1)
    Campaign.objects.update(deadline_at=LONG_AFTER)

    assert identities(advance(campaign)) == ["CP-1"]
    assert advance(campaign) == []


def test_retries_alone_may_fill_the_number_at_once(yard: Yard) -> None:
    campaign = make(4, at_once=2)
    Campaign.objects.update(deadline_at=LONG_AFTER)
    campaign.stations.exclude(charge_point__identity="CP-1").update(attempts=1)

    assert identities(advance(campaign)) == ["CP-2", "CP-3"]


def test_a_step_claims_no_more_than_may_begin_in_it(yard: Yard) -> None:
    campaign = make(30, has_canary=True, at_once=100)
    Campaign.objects.update(deadline_at=LONG_AFTER, step=Campaign.Step.TENTH)
    one(campaign, 7, attempts=1)  # it waits for a retry and has begun

    assert identities(advance(campaign)) == ["CP-7", "CP-1", "CP-10"]
    assert advance(campaign) == []


@pytest.mark.parametrize(("offline", "found"), [("wait", ["CP-2"]), ("skip", ["CP-1", "CP-2"])])
def test_offline_stations_are_claimed_only_to_be_skipped(
    campaign: Campaign, offline: str, found: list[str]
) -> None:
    Campaign.objects.update(offline=offline)
    ChargePoint.objects.filter(identity="CP-1").update(is_online=False)

    assert identities(advance(campaign)) == found


def test_a_station_without_a_zone_is_in_the_zone_of_the_server(campaign: Campaign, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"  # 21:00 there
    ChargePoint.objects.filter(identity="CP-1").update(assumed_timezone="UTC")
    begin = NOW.replace(hour=20).time()
    Campaign.objects.update(window_from=begin, window_to=NOW.replace(hour=22).time())

    assert identities(advance(campaign)) == ["CP-2"]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_campaign_that_does_not_run_claims_nothing(campaign: Campaign, state: str) -> None:
    Campaign.objects.update(state=state)

    assert advance(campaign) == []


def test_a_campaign_that_has_ended_is_left_alone(campaign: Campaign) -> None:
    Campaign.objects.update(finished_at=NOW)

    assert stepping.advance(campaign.pk, NOW) is None
    assert rows(campaign) == {"CP-1": "waiting", "CP-2": "waiting"}
