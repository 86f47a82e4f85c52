"""Campaigns in the admin: the list. It leads to the campaign's page; the station list starts new ones."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.models import Campaign
from chargepoints.models.campaign import FINAL
from chargepoints.services.campaigns import kinds
from ocpp_server.admin import tones
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter


@admin.register(Campaign)
class CampaignAdmin(EvidenceAdmin):
    json_fields = ("arguments",)
    list_display = [
        "name",
        "kind_title",
        "state_label",
        "progress",
        "failures",
        "actor",
        "created_at",
        "deadline_at",
    ]
    list_filter = [("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    search_fields = ["name", "actor"]
    search_help_text = _("Search by name or person")
    sortable_by = ["created_at"]
    ordering = ["-id"]
    empty_sentence = _(
        "No campaigns yet. Select stations in their list and send them a command as a campaign."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                total=Count("stations"),
                settled=Count("stations", Q(stations__state__in=FINAL)),
                failed=Count("stations", Q(stations__state="failed")),
            )
        )

    @admin.display(description=_("Kind"))
    def kind_title(self, campaign: Campaign) -> str:
        kind = kinds.find(campaign.kind)
        return str(kind.title) if kind is not None else campaign.kind

    @display(description=_("State"), label=tones.CAMPAIGN)
    def state_label(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state, campaign.get_state_display()

    @admin.display(description=_("Progress"))
    def progress(self, campaign: Any) -> str:
        return gettext("%(done)s of %(all)s") % {"done": campaign.settled, "all": campaign.total}

    @admin.display(description=_("Failed"))
    def failures(self, campaign: Any) -> int:
        return int(campaign.failed)
