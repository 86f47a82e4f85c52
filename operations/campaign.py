"""Campaigns in the admin: a new one for selected stations, and the page with its live progress."""

from __future__ import annotations

from collections.abc import Callable
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
from chargepoints.models.campaign import FINAL
from chargepoints.services.campaigns import kinds, operating, stepping
from ocpp_server.admin import access, cells, tones
from ocpp_server.admin.polling import staff_json
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right
from ocpp_server.storage.row_numbers import row_number
from operations import changes, command_log

State = Campaign.State

# The rows on the page; the API has all of them.
_SHOWN = 200
# The failed ones first, then those under way, then the others.
_ORDER = ("failed", "sent", "claimed", "waiting", "offline", "skipped", "done")

_ACTIONS: dict[str, tuple[Any, str, Callable[..., Campaign], frozenset[str]]] = {
    "pause": (_("Pause"), "pause", operating.pause, frozenset({State.RUNNING})),
    "resume": (_("Resume"), "play_arrow", operating.resume, frozenset({State.PAUSED})),
    "retry-failed": (
        _("Retry failed stations"),
        "replay",
        operating.retry_failed,
        frozenset({State.RUNNING, State.PAUSED, State.FINISHED}),
    ),
    "cancel": (_("Cancel campaign"), "cancel", operating.cancel, frozenset({State.RUNNING, State.PAUSED})),
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
    context = {
        **admin.site.each_context(request),
        "title": campaign.name,
        "opts": Campaign._meta,
        "original": campaign,
        "campaign": campaign,
        "sentence": kind.sentence(campaign.arguments) if kind else campaign.kind,
        "snapshot": snapshot(campaign),
        "actions": [
            (name, title, icon)
            for name, (title, icon, _run, states) in _ACTIONS.items()
            if may_act and campaign.state in states
        ],
    }
    return TemplateResponse(request, "operator/campaign.html", context)


@require_POST
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Pause, resume or cancel the campaign, or let its failed stations try again."""
    access.require(request.user, Right.CAMPAIGNS)
    campaign = get_object_or_404(Campaign, pk=pk)
    if name not in _ACTIONS:
        raise Http404
    run = _ACTIONS[name][2]
    more = {"actor": request.user.get_username()} if run is operating.pause else {}
    try:
        run(campaign, **more)
    except DomainError as error:
        messages.error(request, error.sentence)
    return redirect("admin:chargepoints_campaign_change", pk)


@staff_json
def live(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(snapshot(get_object_or_404(Campaign, pk=pk)))


def snapshot(campaign: Campaign) -> dict[str, Any]:
    """The values of the page; three queries for any number of stations."""
    mark = changes.mark()
    counts = stepping.totals(campaign)
    settled, total = sum(counts[state] for state in FINAL), sum(counts.values())
    sentence = gettext("%(settled)s of %(all)s stations have a result")
    values = {
        "state": cells.label(campaign.get_state_display(), tones.CAMPAIGN.get(campaign.state, "")),
        "progress": cells.text(sentence % {"settled": settled, "all": total}),
        "reason": cells.text(campaign.pause_reason),
        "step": cells.text(campaign.get_step_display()),
    }
    return {
        "mark": mark,
        "values": values | {state: cells.count(number) for state, number in counts.items()},
        "tables": {"stations": [_row(row) for row in _shown(campaign, counts)]},
        "ended": campaign.finished_at is not None,
    }


def _shown(campaign: Campaign, counts: dict[str, int]) -> list[CampaignStation]:
    found: list[CampaignStation] = []
    rows = campaign.stations.select_related("charge_point", "command").order_by("pk")
    for state in _ORDER:
        if counts[state] and len(found) < _SHOWN:
            found += rows.filter(state=state)[: _SHOWN - len(found)]
    return found


def _row(row: CampaignStation) -> cells.Row:
    reason = str(CampaignStation.Reason(row.reason).label) if row.reason else ""
    note = ": ".join(filter(None, (reason, row.detail)))
    return [
        cells.text(row.charge_point.identity, href=reverse("admin:station", args=[row.charge_point_id])),
        cells.label(row.get_state_display(), tones.CAMPAIGN_STATION.get(row.state, ""), note=note),
        cells.text(row.attempts),
        command_log.action(row.command) if row.command else cells.text("–"),
        command_log.state(row.command) if row.command else cells.text("–"),
        cells.moment(row.updated_at),
    ]
