"""Campaigns that the server creates itself, such as after a change of tokens.

They send to all their stations without a canary, and no number of failures pauses them: the change has been
made, and each station that can take it should. An operator can pause and cancel them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from chargepoints.models import Campaign, CampaignStation
from chargepoints.models.campaign import FINAL
from chargepoints.services.campaigns import planning, stepping
from chargepoints.services.campaigns.kinds import Result

State = CampaignStation.State

ACTOR: Final = "server"
_BATCH: Final = 500


def open_one(kind: str, *, until: datetime) -> Campaign | None:
    """The newest campaign of the server of this kind that may send until then, with its row locked."""
    states = (Campaign.State.RUNNING, Campaign.State.PAUSED)
    rows = Campaign.objects.open().filter(kind=kind, actor=ACTOR, state__in=states, deadline_at__gt=until)
    return rows.order_by("-pk").select_for_update().first()


def create(
    kind: str, arguments: dict[str, Any], stations: Collection[int], *, now: datetime, **columns: Any
) -> Campaign:
    """A campaign of the server for these stations, by key, in a transaction of the caller."""
    return planning.store(
        planning.find_kind(kind),
        arguments,
        stations,
        now=now,
        actor=ACTOR,
        has_canary=False,
        failure_limit_percent=100,
        **columns,
    )


def take_again(campaign: Campaign, stations: Collection[int], *, now: datetime, at: datetime) -> None:
    """Let these stations of the campaign have their turn again from `at` on, whatever their result was.

    Those that it does not have are added. Waiting ones and those under way stay as they are.
    """
    wanted = set(stations)
    known = dict(campaign.stations.values_list("charge_point_id", "state"))
    settled = [pk for pk, state in known.items() if state in FINAL and pk in wanted]
    for start in range(0, len(settled), _BATCH):
        rows = campaign.stations.filter(charge_point__in=settled[start : start + _BATCH], state__in=FINAL)
        stepping.put(rows, Result(State.WAITING), now=now, not_before=at, attempts=0)
    # A station that waits for another attempt has its attempts again: this is about another change.
    waiting = campaign.stations.filter(~Q(reason=""), state=State.WAITING)
    stepping.put(waiting, Result(State.WAITING), now=now, not_before=at, attempts=0)
    planning.add(campaign, sorted(wanted - known.keys()), now=now, not_before=at)
