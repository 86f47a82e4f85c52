"""One step of a campaign, in one transaction: results, deadline, failure limit, and the next claims."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.models.campaign import FINAL, UNDER_WAY
from chargepoints.services.campaigns import kinds, rules
from chargepoints.services.campaigns.kinds import Result
from chargepoints.services.campaigns.rules import Counts
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import campaigns

log = structlog.get_logger(__name__)

State, Reason = CampaignStation.State, CampaignStation.Reason

# A claim older than this belongs to a process that died, or that has given up (`driving.SEND_WITHIN_S`).
CLAIM_DIES: Final = timedelta(seconds=30)
_MINUTE: Final = timedelta(minutes=1)
# The action of the row that takes the place of a command that was not sent.
NOT_SENT: Final = "NotSent"
# Another attempt may end better than these.
RETRIED: Final = frozenset(
    {
        Reason.REJECTED,
        Reason.ERROR,
        Reason.NO_ANSWER,
        Reason.CONNECTION_LOST,
        Reason.INVALID_ANSWER,
        Reason.NO_EFFECT,
    }
)


@dataclass(frozen=True)
class Claim:
    """A claimed row. `id` is the id of the first command that is sent for it."""

    id: str
    row_pk: int
    station_pk: int
    identity: str
    attempts: int


@dataclass(frozen=True)
class Run:
    """The rows of a campaign that were claimed and are to be sent to now."""

    campaign: Campaign
    claims: list[Claim]


def advance(campaign_pk: int, now: datetime) -> Run | None:
    """Take a campaign as far as it goes now. None if it has ended meanwhile.

    Two processes may call this at once: the lock of the campaign's row puts one behind the other, so that
    together they claim no more rows than one alone.
    """
    campaign = Campaign.objects.open().select_for_update().filter(pk=campaign_pk).first()
    if campaign is None:
        return None
    is_watched = outbox.is_chosen(campaigns.PROGRESSED)
    before = totals(campaign) if is_watched else {}
    _take_back_dead_claims(campaign, now)
    _store_results(campaign, now)
    if now >= campaign.deadline_at:
        _end_at_deadline(campaign, now)
    if campaign.state == Campaign.State.CANCELLED:
        skip_waiting(campaign, now)
    counts = count(campaign)
    if campaign.state == Campaign.State.RUNNING:
        _judge(campaign, counts, now)
    claims = _claim(campaign, counts, now) if campaign.state == Campaign.State.RUNNING else []
    finish_if_done(campaign, now)
    if is_watched and (after := totals(campaign)) != before:
        outbox.emit(campaigns.PROGRESSED, **_data(campaign, after))
    return Run(campaign, claims)


def take_back_all(now: datetime) -> None:
    """Take back every claim; for a server that has just started and is alone."""
    for campaign in Campaign.objects.open():
        _take_back_dead_claims(campaign, now, older_than=timedelta())


# -- rows ----------------------------------------------------------------------------------------------------


def put(
    rows: QuerySet[CampaignStation], result: Result, *, now: datetime, not_before: datetime, **columns: Any
) -> int:
    """Give rows a state, with its reason. Returns the number of rows."""
    return rows.update(
        state=result.state,
        reason=result.reason,
        detail=result.detail[:500],
        not_before=not_before,
        updated_at=now,
        **columns,
    )


def totals(campaign: Campaign) -> dict[str, int]:
    """The number of the campaign's stations in each state; all states, also those without a station."""
    return totals_of([campaign])[campaign.pk]


def totals_of(some: Iterable[Campaign]) -> dict[int, dict[str, int]]:
    """`totals` of several campaigns, in one query."""
    found = {campaign.pk: dict.fromkeys(State.values, 0) for campaign in some}
    rows = CampaignStation.objects.filter(campaign__in=found).order_by()
    for pk, state, number in rows.values_list("campaign", "state").annotate(Count("pk")):
        found[pk][state] = number
    return found


def count(campaign: Campaign) -> Counts:
    """The stations by their course."""
    begun = Q(attempts__gt=0)
    return Counts(
        **campaign.stations.aggregate(
            unbegun=Count("pk", Q(state=State.WAITING) & ~begun),
            under_way=Count("pk", Q(state__in=UNDER_WAY) | Q(state=State.WAITING) & begun),
            done=Count("pk", Q(state=State.DONE)),
            failed=Count("pk", Q(state=State.FAILED)),
            left_out=Count("pk", Q(state__in=(State.SKIPPED, State.OFFLINE))),
        )
    )


def _take_back_dead_claims(campaign: Campaign, now: datetime, *, older_than: timedelta = CLAIM_DIES) -> None:
    """Decide about the claims whose process has not sent anything in time.

    If a command with the claim exists, it was sent, and its row has the result. Otherwise a row is put in its
    place, so that the process cannot send it any more even if it was only frozen, and the station waits for
    another claim.
    """
    dead = campaign.stations.filter(state=State.CLAIMED, claimed_at__lt=now - older_than)
    for row in dead.select_related("charge_point"):
        result, attempts = Result(State.SENT), row.attempts
        if not _was_sent(campaign, row, now):
            result, attempts = Result(State.WAITING), row.attempts - 1
        same = campaign.stations.filter(pk=row.pk, state=State.CLAIMED, claim=row.claim)
        command = row.claim if result.state == State.SENT else None
        put(same, result, now=now, not_before=now, attempts=attempts, command_id=command)
        log.warning(
            "campaign.claim_taken_back",
            campaign=campaign.pk,
            station=row.charge_point.identity,
            message_id=row.claim,
            state=str(result.state),
        )


def _was_sent(campaign: Campaign, row: CampaignStation, now: datetime) -> bool:
    try:
        with transaction.atomic():
            Command.objects.create(
                id=row.claim,
                charge_point=row.charge_point,
                action=NOT_SENT,
                payload={},
                actor=campaign.sender,
                state=Command.State.DISCONNECTED,
                error_description="The server stopped before it sent this command of the campaign.",
                created_at=row.claimed_at or now,
                deadline_at=now,
                finished_at=now,
            )
    except IntegrityError:
        return True
    return False


def _store_results(campaign: Campaign, now: datetime) -> None:
    kind = kinds.find(campaign.kind)
    if kind is None:
        return
    sent = list(campaign.stations.filter(state=State.SENT))
    for row_pk, result in kind.results(sent).items():
        same = campaign.stations.filter(pk=row_pk, state=State.SENT)
        if result.state == State.FAILED and result.reason in RETRIED and _may_retry(campaign):
            later = now + timedelta(seconds=campaign.retry_pause_s)
            again = Result(State.WAITING, result.reason, result.detail)
            if put(same.filter(attempts__lt=campaign.attempts), again, now=now, not_before=later):
                continue
        put(same, result, now=now, not_before=now)


def _may_retry(campaign: Campaign) -> bool:
    return campaign.state in (Campaign.State.RUNNING, Campaign.State.PAUSED)


def _end_at_deadline(campaign: Campaign, now: datetime) -> None:
    rows = campaign.stations
    offline = Result(State.OFFLINE, Reason.OFFLINE)
    late = Result(State.FAILED, Reason.DEADLINE)
    never = Result(State.SKIPPED, Reason.DEADLINE)
    waiting, unbegun = rows.filter(state=State.WAITING), Q(attempts=0)
    is_offline = Q(charge_point__in=ChargePoint.objects.filter(is_online=False).order_by())
    put(waiting.filter(is_offline, unbegun), offline, now=now, not_before=now)
    put(waiting.filter(unbegun), never, now=now, not_before=now)
    # A station whose last attempt failed keeps the reason of that; a claim that was taken back has none.
    put(waiting.filter(reason=""), late, now=now, not_before=now)
    waiting.update(state=State.FAILED, updated_at=now)
    put(rows.filter(state__in=UNDER_WAY), late, now=now, not_before=now)


def skip_waiting(campaign: Campaign, now: datetime) -> None:
    """Give the waiting stations of a cancelled campaign their result."""
    waiting = campaign.stations.filter(state=State.WAITING)
    # A station whose last attempt failed keeps the reason of that; a claim that was taken back has none.
    tried = waiting.filter(attempts__gt=0)
    put(tried.filter(reason=""), Result(State.FAILED, Reason.CANCELLED), now=now, not_before=now)
    tried.update(state=State.FAILED, updated_at=now)
    put(waiting, Result(State.SKIPPED, Reason.CANCELLED), now=now, not_before=now)


# -- the campaign --------------------------------------------------------------------------------------------


def _judge(campaign: Campaign, counts: Counts, now: datetime) -> None:
    """Pause the campaign if too many stations have failed; else go on to the next step if this is done."""
    limit = campaign.failure_limit_percent
    if counts.unbegun and rules.fails(campaign.step, counts, limit_percent=limit, forgiven=campaign.forgiven):
        campaign.state = Campaign.State.PAUSED
        campaign.pause_reason = f"{counts.failed} of {counts.begun} stations failed; the limit is {limit} %."
        campaign.save(update_fields=["state", "pause_reason", "updated_at"])
        log.warning("campaign.paused", campaign=campaign.pk, reason=campaign.pause_reason)
        return
    step = rules.next_step(campaign.step, counts)
    if step != campaign.step:
        campaign.step = step
        campaign.save(update_fields=["step", "updated_at"])


def _claim(campaign: Campaign, counts: Counts, now: datetime) -> list[Claim]:
    """Claim the next rows, as many as may be under way at once and may begin in this step."""
    if campaign.starts_at is not None and now < campaign.starts_at:
        return []
    free = campaign.at_once - campaign.stations.filter(state__in=UNDER_WAY).count()
    if campaign.per_minute is not None:
        begun = campaign.stations.filter(claimed_at__gt=now - _MINUTE).count()
        free = min(free, campaign.per_minute - begun)
    if free < 1:
        return []
    ready = _ready(campaign, now)
    again = list(ready.filter(attempts__gt=0)[:free])
    new = min(free - len(again), rules.most_begun(campaign.step, counts.eligible) - counts.begun)
    fresh = list(ready.filter(attempts=0)[: max(new, 0)])
    claims = []
    for row in (*again, *fresh):
        claim = str(uuid.uuid4())
        same = campaign.stations.filter(pk=row.pk, state=State.WAITING)
        taken = same.update(
            state=State.CLAIMED,
            claim=claim,
            claimed_at=now,
            attempts=F("attempts") + 1,
            reason="",
            detail="",
            updated_at=now,
        )
        if taken:
            station = row.charge_point
            claims.append(Claim(claim, row.pk, station.pk, station.identity, row.attempts + 1))
    return claims


def _ready(campaign: Campaign, now: datetime) -> QuerySet[CampaignStation]:
    """The waiting rows whose turn has come, in order.

    The turn of a station that was offline when it was claimed comes as soon as it has connected again.
    """
    has_come = Q(reason=Reason.OFFLINE, charge_point__connected_at__gt=F("claimed_at"))
    rows = campaign.stations.filter(Q(not_before__lte=now) | has_come, state=State.WAITING)
    if campaign.offline == Campaign.Offline.WAIT:
        rows = rows.filter(charge_point__is_online=True)
    if campaign.window_from is not None:
        assert campaign.window_to is not None  # a constraint of the table
        window = (campaign.window_from, campaign.window_to)
        zones = set(rows.order_by().values_list("charge_point__assumed_timezone", flat=True).distinct())
        rows = rows.filter(
            charge_point__assumed_timezone__in=[
                zone for zone in zones if rules.is_open(zone or settings.TIME_ZONE, now, window)
            ]
        )
    return rows.select_related("charge_point").order_by("pk")


def finish_if_done(campaign: Campaign, now: datetime) -> None:
    if campaign.stations.exclude(state__in=FINAL).exists():
        return
    campaign.finished_at = now
    if campaign.state != Campaign.State.CANCELLED:
        campaign.state = Campaign.State.FINISHED
    campaign.save(update_fields=["state", "finished_at", "updated_at"])
    outbox.emit(campaigns.FINISHED, **_data(campaign, totals(campaign)))
    log.info("campaign.finished", campaign=campaign.pk, state=str(campaign.state))


def _data(campaign: Campaign, counts: dict[str, int]) -> dict[str, Any]:
    """The data of the campaign's events."""
    return {"campaignId": campaign.pk, "status": str(campaign.state), "counts": counts}
