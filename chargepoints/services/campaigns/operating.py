"""Operators change, pause, resume, cancel and delete a campaign, and let its failed stations try again.

Each function locks the row of the campaign, so that it comes before or after a run of housekeeping and not in
the middle of one, and returns the changed row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from chargepoints.models import Campaign, CampaignStation
from chargepoints.services.campaigns import planning, stepping
from chargepoints.services.campaigns.kinds import Result
from ocpp_server.domain import Conflict

State = CampaignStation.State


@transaction.atomic
def pause(campaign: Campaign, *, actor: str) -> Campaign:
    """Send nothing more until `resume`; sent commands get their result. Raises Conflict unless it runs."""
    campaign = _locked(campaign, Campaign.State.RUNNING)
    campaign.pause_reason = f"Paused by {actor}."
    return _set_state(campaign, Campaign.State.PAUSED)


@transaction.atomic
def resume(campaign: Campaign) -> Campaign:
    """Go on. The failures so far do not pause it again. Raises Conflict unless it is paused."""
    campaign = _locked(campaign, Campaign.State.PAUSED)
    campaign.forgiven = campaign.stations.filter(state=State.FAILED).count()
    campaign.pause_reason = ""
    return _set_state(campaign, Campaign.State.RUNNING)


@transaction.atomic
def cancel(campaign: Campaign) -> Campaign:
    """Send nothing more, for good; sent commands get their result. Raises Conflict if it has ended."""
    campaign = _locked(campaign, Campaign.State.RUNNING, Campaign.State.PAUSED)
    now = timezone.now()
    campaign.pause_reason = ""
    _set_state(campaign, Campaign.State.CANCELLED)
    stepping.skip_waiting(campaign, now)
    stepping.finish_if_done(campaign, now)
    return campaign


@transaction.atomic
def retry_failed(campaign: Campaign, *, deadline_at: datetime | None = None) -> Campaign:
    """Let the failed and the offline stations wait for their turn again; also of a finished campaign.

    Raises Conflict for a cancelled campaign and without such a station, Invalid for a deadline that has
    passed and no new one.
    """
    campaign = _locked(campaign, Campaign.State.RUNNING, Campaign.State.PAUSED, Campaign.State.FINISHED)
    now = timezone.now()
    planning.check_times(now=now, deadline_at=deadline_at or campaign.deadline_at)
    again = campaign.stations.filter(state__in=(State.FAILED, State.OFFLINE))
    if not stepping.put(again, Result(State.WAITING), now=now, not_before=now, attempts=0):
        raise Conflict("No station has failed or was offline.")
    campaign.deadline_at = deadline_at or campaign.deadline_at
    campaign.forgiven, campaign.finished_at = 0, None
    if campaign.state == Campaign.State.FINISHED:
        campaign.state = Campaign.State.RUNNING
    campaign.save(update_fields=["state", "deadline_at", "forgiven", "finished_at", "updated_at"])
    return campaign


@transaction.atomic
def change(campaign: Campaign, **changes: Any) -> Campaign:
    """Change its name, or its course from now on: deadline, window, stations at once, failure limit.

    Stations that were sent to are not sent to again. Raises Conflict for the course of a campaign that sends
    nothing more, Invalid for a blank name, half a window or a deadline that has passed.
    """
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if "name" in changes:
        changes["name"] = planning.checked_name(changes["name"])
    if changes.keys() - {"name"} and campaign.state not in (Campaign.State.RUNNING, Campaign.State.PAUSED):
        raise Conflict(f"The campaign is {campaign.state}: only its name may change.")
    if "deadline_at" in changes:
        planning.check_times(
            now=timezone.now(), deadline_at=changes["deadline_at"], starts_at=campaign.starts_at
        )
    for name, value in changes.items():
        setattr(campaign, name, value)
    planning.check_window(campaign.window_from, campaign.window_to)
    campaign.save(update_fields=[*changes, "updated_at"])
    return campaign


@transaction.atomic
def delete(campaign: Campaign) -> None:
    """Delete a campaign with its results; its commands stay. Raises Conflict unless all stations have one."""
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if campaign.finished_at is None:
        raise Conflict("Some of its stations have no result yet. Cancel the campaign first.")
    campaign.delete()


def _locked(campaign: Campaign, *states: Campaign.State) -> Campaign:
    """The row as it is now. Raises Conflict unless it is in one of these states."""
    found = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if found.state not in states:
        raise Conflict(f"The campaign is {found.state}.")
    return found


def _set_state(campaign: Campaign, state: Campaign.State) -> Campaign:
    campaign.state = state
    campaign.save(update_fields=["state", "pause_reason", "forgiven", "updated_at"])
    return campaign
