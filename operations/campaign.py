"""Campaigns in the admin: a new one for selected stations, and the page with its live progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from chargepoints.models import Campaign, CampaignStation
from chargepoints.models.campaign import FINAL, UNDER_WAY
from chargepoints.services.campaigns import kinds, operating, stepping
from ocpp_server.admin import access, cells, tones
from ocpp_server.admin.polling import staff_json
from ocpp_server.command_fields import Label
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right
from ocpp_server.storage.row_numbers import row_number
from operations import changes, command_log

State = Campaign.State

# The rows on the page; the API has all of them.
_SHOWN = 200
# The failed ones first, then those under way, then the others.
_ORDER = ("failed", "sent", "claimed", "waiting", "offline", "skipped", "done")


@dataclass(frozen=True)
class _Action:
    """A button of the page. `question` is what to confirm before. A pause has none: `resume` undoes it."""

    name: str
    title: Label
    icon: str
    run: Callable[..., Campaign | None]
    question: Label = ""
    is_danger: bool = False


_ACTIONS = {
    one.name: one
    for one in (
        _Action("pause", _("Pause"), "pause", operating.pause),
        _Action(
            "resume",
            _("Resume"),
            "play_arrow",
            operating.resume,
            _("Send to the waiting stations again? The failures so far do not pause it again."),
        ),
        _Action(
            "retry-failed",
            _("Retry failed stations"),
            "replay",
            operating.retry_failed,
            _("Send to the failed and offline stations again?"),
        ),
        _Action(
            "cancel",
            _("Cancel campaign"),
            "cancel",
            operating.cancel,
            _("Nothing more is sent, and the campaign can't be resumed. What was sent gets its result."),
            is_danger=True,
        ),
        _Action(
            "delete",
            _("Delete"),
            "delete",
            operating.delete,
            _("Delete the campaign and its results? Its commands stay in the list of commands."),
            is_danger=True,
        ),
    )
}


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("<int:pk>/live/", live, name="campaign-live"),
        path("<int:pk>/act/<slug:name>/", site.admin_view(act), name="campaign-act"),
    ]


def page(request: HttpRequest, object_id: str) -> HttpResponse:
    # Text that is not a number is an unknown campaign, not an error.
    campaign = get_object_or_404(Campaign, pk=row_number(object_id) or 0)
    kind = kinds.find(campaign.kind)
    may_act = access.may(request.user, Right.CAMPAIGNS)
    possible = _possible(campaign, stepping.totals(campaign))
    context = {
        **admin.site.each_context(request),
        "title": campaign.name,
        "opts": Campaign._meta,
        "original": campaign,
        "campaign": campaign,
        "sentence": kind.sentence(campaign.arguments) if kind else campaign.kind,
        "snapshot": snapshot(campaign),
        "actions": [(one, one.name in possible) for one in _ACTIONS.values()] if may_act else [],
    }
    return TemplateResponse(request, "operator/campaign.html", context)


@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Pause, resume, cancel or delete the campaign, or let its failed stations try again."""
    access.require(request.user, Right.CAMPAIGNS)
    campaign = get_object_or_404(Campaign, pk=pk)
    if name not in _ACTIONS:
        raise Http404
    run = _ACTIONS[name].run
    more = {"actor": request.user.get_username()} if run is operating.pause else {}
    try:
        run(campaign, **more)
    except DomainError as error:
        messages.error(request, error.sentence)
    else:
        if run is operating.delete:
            messages.success(request, gettext("Campaign %(name)s deleted.") % {"name": campaign.name})
            return redirect("admin:chargepoints_campaign_changelist")
    return redirect("admin:chargepoints_campaign_change", pk)


@staff_json
def live(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(snapshot(get_object_or_404(Campaign, pk=pk)))


def snapshot(campaign: Campaign) -> dict[str, Any]:
    """The values of the page; three queries for any number of stations."""
    mark = changes.mark()
    counts = stepping.totals(campaign)
    settled, total = sum(counts[state] for state in FINAL), sum(counts.values())
    under_way = sum(counts[state] for state in UNDER_WAY)
    possible = _possible(campaign, counts)
    sentence = gettext("%(settled)s of %(all)s stations have a result")
    values = {
        "state": cells.label(campaign.get_state_display(), tones.CAMPAIGN.get(campaign.state, "")),
        "progress": cells.text(sentence % {"settled": settled, "all": total}),
        "reason": cells.text(campaign.pause_reason),
        "step": cells.text(campaign.get_step_display()),
        "share": cells.share(settled, total),
        "under-way": cells.count(under_way),
        "more": cells.text(_more(total)),
        # The page shows a button while its value is not empty.
        **{f"may-{name}": cells.text(name if name in possible else "") for name in _ACTIONS},
    }
    return {
        "mark": mark,
        "values": values | {state: cells.count(number) for state, number in counts.items()},
        "tables": {"stations": [_row(row) for row in _shown(campaign, counts)]},
        "ended": campaign.finished_at is not None,
    }


def _possible(campaign: Campaign, counts: dict[str, int]) -> set[str]:
    """The names of the actions that fit the state of the campaign."""
    has_failed = counts["failed"] + counts["offline"] > 0
    by_state = {
        "pause": campaign.state == State.RUNNING,
        "resume": campaign.state == State.PAUSED,
        "retry-failed": campaign.state != State.CANCELLED and has_failed,
        "cancel": campaign.state in (State.RUNNING, State.PAUSED),
        "delete": campaign.finished_at is not None,
    }
    return {name for name, is_possible in by_state.items() if is_possible}


def _more(total: int) -> str:
    """The number of the stations on the page, if it does not have all of them."""
    if total <= _SHOWN:
        return ""
    words = gettext("%(shown)s of %(all)s stations, the failed ones first. The API lists all of them.")
    return words % {"shown": f"{_SHOWN:,}", "all": f"{total:,}"}


def _shown(campaign: Campaign, counts: dict[str, int]) -> list[CampaignStation]:
    found: list[CampaignStation] = []
    rows = campaign.stations.select_related("charge_point", "command").order_by("pk")
    for state in _ORDER:
        if counts[state] and len(found) < _SHOWN:
            found += rows.filter(state=state)[: _SHOWN - len(found)]
    return found


def _note(row: CampaignStation) -> str:
    """Why the row has its state, once: a skipped station's sentence has the reason, and a station may have
    answered with its very word.
    """
    reason = str(CampaignStation.Reason(row.reason).label) if row.reason else ""
    if row.state == CampaignStation.State.SKIPPED and row.detail:
        return row.detail
    if row.state == CampaignStation.State.WAITING and not reason and not row.charge_point.is_online:
        return gettext("Offline")
    detail = "" if row.detail.casefold() == row.reason else row.detail
    return ": ".join(filter(None, (reason, detail)))


def _row(row: CampaignStation) -> cells.Row:
    return [
        cells.text(row.charge_point.identity, href=reverse("admin:station", args=[row.charge_point_id])),
        cells.label(row.get_state_display(), tones.CAMPAIGN_STATION.get(row.state, ""), note=_note(row)),
        cells.text(row.attempts),
        command_log.action(row.command) if row.command else cells.text("–"),
        command_log.state(row.command) if row.command else cells.text("–"),
        cells.moment(row.updated_at),
    ]
