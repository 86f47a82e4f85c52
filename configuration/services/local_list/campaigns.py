"""Campaigns of the kind "local-list", and the one that follows a change of tokens or rules (decision 0085).

A campaign asks each station for the version of its list and makes the list due. The job that updates lists
goes on with it: it sends in the name of the campaign.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.models.campaign import UNDER_WAY
from chargepoints.services.campaigns import automatic
from chargepoints.services.campaigns.command import declared, deleted, failure_of, sent_for, validated
from chargepoints.services.campaigns.kinds import Arguments, Result
from configuration.models import LocalList
from ocpp_server.credentials import Role

NAME: Final = "local-list"
_COMMAND: Final = "sync-local-list"
State, Reason = CampaignStation.State, CampaignStation.Reason
_List = LocalList.State
# The campaign after a change: offline stations have this long to come. Later ones are compared when they do.
AUTOMATIC_TIME: Final = timedelta(days=1)
# A campaign that ends sooner does not take a further change.
_LEAST_TIME: Final = timedelta(hours=1)
# The version in a station's answer is believed for this long.
_ANSWER_KEPT: Final = timedelta(minutes=1)
_ATTEMPTS: Final = 3
_RETRY_PAUSE_S: Final = 300


class LocalListKind:
    """Its arguments are the body of the endpoint `sync-local-list`. A station without a list is skipped."""

    name = NAME
    title = _("Local list")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        asked = validated(declared(_COMMAND), dict(arguments), below="arguments")
        return {"full": bool(asked.get("full", False))}

    def role(self, arguments: Arguments) -> Role:
        return declared(_COMMAND).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(arguments)

    def sentence(self, arguments: Arguments) -> str:
        return (
            gettext("Replace the local list") if arguments.get("full") else gettext("Update the local list")
        )

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        is_full = bool(arguments.get("full"))
        await declared(_COMMAND).perform(charge_point, actor=actor, wait=False, full=is_full)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        keys = [row.charge_point_id for row in rows]
        lists = {one.charge_point_id: one for one in LocalList.objects.filter(charge_point__in=keys)}
        online = set(ChargePoint.objects.online().filter(pk__in=keys).values_list("pk", flat=True))
        sent, found = sent_for(rows), {}
        for row in rows:
            result = _result(
                sent.get(row.pk, []),
                lists.get(row.charge_point_id),
                is_online=row.charge_point_id in online,
            )
            if result is not None:
                found[row.pk] = result
        return found


LOCAL_LIST: Final = LocalListKind()


def _result(commands: Sequence[Command], row: LocalList | None, *, is_online: bool) -> Result | None:
    """The end of one update; None while it runs, and while the job has not begun it."""
    if not commands or row is None:
        return deleted(gettext("The update was deleted before its result was read."))
    if not commands[0].is_finished or row.state == _List.SENDING:
        return None
    is_due = row.state in (_List.DUE, _List.UNKNOWN)
    if is_due and is_online and row.due_at is not None and not row.reason:
        return None
    if is_due:
        sentence = row.reason or gettext("The station went offline.")
        return Result(State.FAILED, Reason.CONNECTION_LOST, sentence)
    if row.state == _List.UNSUPPORTED:
        return Result(State.SKIPPED, Reason.NOT_SUPPORTED, row.reason)
    if row.state == _List.FAILED:
        failures = [one for one in map(failure_of, commands) if one is not None]
        return Result(State.FAILED, failures[-1].reason if failures else Reason.REJECTED, row.reason)
    words = gettext("Version %(version)s, %(entries)s entries")
    return Result(State.DONE, detail=words % {"version": row.version, "entries": row.listed_count})


# -- the updates that the job carries out --------------------------------------------------------------------


class Order(NamedTuple):
    """A campaign has ordered the update of a station's list. `asked` is its GetLocalListVersion, unless the
    list has been updated since the answer, or the answer is old.
    """

    actor: str
    asked: Command | None


def orders(stations: Iterable[ChargePoint], now: datetime) -> dict[int, Order]:
    """The orders for these stations, by the key of the station; the oldest one of each."""
    rows = CampaignStation.objects.filter(
        charge_point__in=[one.pk for one in stations], state=State.SENT, campaign__kind=NAME
    ).select_related("campaign", "command", "charge_point__local_list")
    found: dict[int, Order] = {}
    for row in rows.order_by("pk"):
        claimed_at = row.charge_point.local_list.claimed_at
        asked, answered_at = row.command, row.command.finished_at if row.command else None
        is_new = answered_at is not None and (claimed_at is None or answered_at > claimed_at)
        if answered_at is None or not is_new or now - answered_at > _ANSWER_KEPT:
            asked = None
        found.setdefault(row.charge_point_id, Order(row.campaign.sender, asked))
    return found


def holds() -> Exists:
    """A condition on lists: a campaign has claimed the station and waits for its version, or will take it
    soon. The job leaves such a list to the campaign.

    After an attempt that failed, the next one of the campaign may be minutes away, and the station is often
    back in seconds, such as after a restart. The job updates the list then, by its own waits (`due`), and the
    campaign finds it in sync. A paused campaign sends nothing to its stations until it goes on.
    """
    is_asked = Q(state=State.CLAIMED) | Q(state=State.SENT, command__finished_at__isnull=True)
    is_first = Q(attempts=0, campaign__state=Campaign.State.RUNNING) | Q(
        campaign__state=Campaign.State.PAUSED
    )
    is_next = is_first & Q(state=State.WAITING, campaign__actor=automatic.ACTOR)
    rows = CampaignStation.objects.filter(charge_point=OuterRef("charge_point"), campaign__kind=NAME)
    return Exists(rows.filter(is_asked | is_next))


def is_ordered() -> Exists:
    """A condition on lists: a campaign has sent to the station, and its row has no result yet."""
    rows = CampaignStation.objects.filter(charge_point=OuterRef("charge_point"), campaign__kind=NAME)
    return Exists(rows.filter(state__in=UNDER_WAY))


# -- after a change ------------------------------------------------------------------------------------------


def follow_change(stations: Collection[int], *, now: datetime, at: datetime) -> None:
    """Update the lists of these stations, by key, in one campaign that begins at `at`.

    An open campaign of an earlier change takes the stations again, from `at` on. A station that it is sending
    to is left: its list has become due again, and the row has its result after that.
    """
    if not stations:
        return
    with transaction.atomic():
        campaign = automatic.open_one(NAME, until=at + _LEAST_TIME)
        if campaign is None:
            automatic.create(
                NAME,
                LOCAL_LIST.check({}),
                stations,
                now=now,
                name="Local lists after a change",
                starts_at=at,
                deadline_at=at + AUTOMATIC_TIME,
                attempts=_ATTEMPTS,
                retry_pause_s=_RETRY_PAUSE_S,
            )
        else:
            automatic.take_again(campaign, stations, now=now, at=at)
