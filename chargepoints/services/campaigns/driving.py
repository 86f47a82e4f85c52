"""Housekeeping drives the open campaigns.

A run of one campaign has these steps:

1. In one transaction, with the campaign's row locked: take back the claims of processes that died, store the
   results of sent rows, end what is past the deadline, pause or go on to the next step, claim the next rows.
2. Send to each claimed row, all at once. The first command of a row has its claim as id.
3. Store for each row that it was sent, or why not. The row must still have the claim.

The process may be killed between any two of them: a claimed row has sent something exactly when a command
with its claim exists (decision 0084).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.utils import timezone

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.services.campaigns import kinds, planning, stepping
from chargepoints.services.campaigns.kinds import Result
from chargepoints.services.campaigns.stepping import Claim, Run
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import DomainError, QueueFull, StationOffline
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.observability import tracing
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport.command_store import QUEUE_FULL

log = structlog.get_logger(__name__)

State, Reason = CampaignStation.State, CampaignStation.Reason

# A row is sent to within this time of its claim, or not at all by the process that claimed it.
SEND_WITHIN_S: Final = 20.0
# A station that is offline or busy is not asked again earlier.
_LATER: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Put:
    """The state of a row after the attempt to send. `is_attempt` is False where nothing was sent and nothing
    was decided.
    """

    result: Result
    is_attempt: bool = True
    after: timedelta = timedelta()


async def drive() -> None:
    """Run each open campaign once. An error in one does not keep the others from their run.

    A process that stops finishes the run: SEND_WITHIN_S at most, and not longer than its own grace period.
    Otherwise the stations that it has claimed would fail, or wait until the claims are dead.
    """
    campaigns = await journal.run(lambda: list(Campaign.objects.open().values_list("pk", flat=True)))
    running = asyncio.gather(*map(_run, campaigns), return_exceptions=True)
    try:
        ended = await asyncio.shield(running)
    except asyncio.CancelledError:
        await running
        raise
    if errors := [one for one in ended if isinstance(one, BaseException)]:
        raise errors[0]


async def _run(campaign_pk: int) -> None:
    run = await journal.run(stepping.advance, campaign_pk, timezone.now())
    if run is not None and run.claims:
        await asyncio.gather(*(_send(run, claim) for claim in run.claims))


async def _send(run: Run, claim: Claim) -> None:
    """Send to one claimed row. An interrupted one keeps its claim, which a later run takes back."""
    campaign = run.campaign
    try:
        async with asyncio.timeout(SEND_WITHIN_S):
            put = await _attempt(campaign, claim)
    except (StorageUnavailable, LiveStateUnavailable, TimeoutError) as error:
        log.warning("campaign.not_sent", campaign=campaign.pk, station=claim.identity, error=str(error))
        return
    except Exception as error:
        log.exception("campaign.failed", campaign=campaign.pk, station=claim.identity)
        detail = f"The server could not send it ({type(error).__name__})."
        put = Put(Result(State.FAILED, Reason.SERVER_ERROR, detail))
    await journal.run(_store, claim, put, timezone.now())


async def _attempt(campaign: Campaign, claim: Claim) -> Put:
    kind, arguments = kinds.find(campaign.kind), planning.arguments_of(campaign)
    if kind is None or arguments is None:
        sentence = f"There is no kind {campaign.kind!r}." if kind is None else "The secrets can't be read."
        return Put(Result(State.FAILED, Reason.SERVER_ERROR, sentence))
    charge_point = await journal.run(ChargePoint.objects.select_related("site").get, pk=claim.station_pk)
    try:
        with tracing.request(id=claim.id):
            result = await kind.begin(charge_point, arguments, actor=campaign.sender)
    except StationOffline as error:
        if campaign.offline == Campaign.Offline.SKIP:
            return Put(Result(State.OFFLINE, Reason.OFFLINE, error.sentence), is_attempt=False)
        return Put(Result(State.WAITING, Reason.OFFLINE, error.sentence), is_attempt=False, after=_LATER)
    except QueueFull as error:
        return Put(Result(State.WAITING, Reason.REFUSED, error.sentence), is_attempt=False, after=_LATER)
    except NotSupported as error:
        return Put(Result(State.SKIPPED, Reason.NOT_SUPPORTED, error.sentence), is_attempt=False)
    except DomainError as error:
        return Put(Result(State.FAILED, Reason.REFUSED, _spelled(error)))
    return Put(result or Result(State.SENT))


def _spelled(error: DomainError) -> str:
    wrong = getattr(error, "errors", ())
    return " ".join([error.sentence, *(f"{one['field']}: {one['reason']}" for one in wrong)])


def _store(claim: Claim, put: Put, now: datetime) -> None:
    """Store the attempt, unless another process has taken the claim back meanwhile."""
    command = Command.objects.filter(pk=claim.id).first()
    result, is_attempt = put.result, put.is_attempt
    if command is not None and command.error_code != QUEUE_FULL:
        result, is_attempt = _after_command(command, put), True
    columns: dict[str, Any] = {"command": command}
    if not is_attempt:
        columns["attempts"] = claim.attempts - 1
    stepping.put(
        CampaignStation.objects.filter(pk=claim.row_pk, claim=claim.id, state=State.CLAIMED),
        result,
        now=now,
        not_before=now + put.after,
        **columns,
    )


def _after_command(command: Command, put: Put) -> Result:
    """The result of an attempt whose first command may have left: it is not sent again by chance."""
    result = put.result
    is_fault = result.state == State.FAILED and result.reason == Reason.SERVER_ERROR
    if is_fault or (not put.is_attempt and command.state == Command.State.DISCONNECTED):
        return Result(State.SENT)  # the command has the result
    if not put.is_attempt:  # the first part of several has been sent, and another part could not be
        return Result(State.FAILED, result.reason, result.detail)
    return result
