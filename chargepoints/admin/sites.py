"""Sites in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from chargepoints.models import Site
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.rights import Right


@admin.register(Site)
class SiteAdmin(OperatorAdmin):
    right = Right.SITES
    list_display = ["name", "city", "country", "station_count"]
    search_fields = ["name", "city", "address"]
    search_help_text = _("Search by name, city or address")
    sortable_by = ["name", "city"]
    ordering = ["name_key"]
    fieldsets = ((None, {"fields": ("name", "address", ("postal_code", "city"), "country", "time_zone")}),)
    empty_sentence = _(
        "No sites yet. A site groups stations, so that one access rule applies to all of them."
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(stations=Count("charge_points"))

    @admin.display(description=_("Stations"))
    def station_count(self, site: Any) -> int:
        return int(site.stations)
