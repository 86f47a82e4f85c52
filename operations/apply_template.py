"""A template for selected stations: choose it, see the changes at each station, and start the campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from chargepoints.models import ChargePoint
from chargepoints.services.campaigns import planning
from configuration.models import ConfigurationTemplate
from configuration.services.variables import preview
from ocpp_server import rights
from ocpp_server.admin import access
from ocpp_server.admin.pages import Action
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right
from ocpp_server.storage.row_numbers import row_number
from operations import many_stations
from operations.campaign_form import CampaignForm

# The stations whose changes are on the page.
_PREVIEWED = 50


def urls(site: admin.AdminSite) -> list[Any]:
    return [path("apply-template/", site.admin_view(compose), name="stations-apply-template")]


def _choose(request: HttpRequest, rows: QuerySet[ChargePoint]) -> HttpResponse | None:
    chosen = many_stations.selected(request, rows)
    if not chosen:
        return None
    templates = list(ConfigurationTemplate.objects.order_by("name_key"))
    if not templates:
        messages.error(request, gettext("There is no template yet."))
        return None
    return _page(request, "operator/choose_template.html", chosen, {"templates": templates})


APPLY_A_TEMPLATE = Action(
    "apply_a_template", _("Apply a template"), rights.role_for(Right.CAMPAIGNS), _choose
)


@require_POST
def compose(request: HttpRequest) -> HttpResponse:
    """The changes at the posted stations with the form of the campaign; with that form, start it."""
    access.require(request.user, Right.CAMPAIGNS)
    template = ConfigurationTemplate.objects.filter(
        pk=row_number(request.POST.get("template", "")) or 0
    ).first()
    if template is None:
        raise Http404
    chosen = many_stations.posted(request)
    if not chosen:
        return many_stations.back(request)
    if not CampaignForm.is_in(request.POST):
        return _preview(request, template, chosen, CampaignForm(initial={"name": template.name}))
    course = CampaignForm(request.POST)
    if not course.is_valid():
        return _preview(request, template, chosen, course)
    try:
        made = planning.create(
            kind="configuration",
            arguments={"templateId": template.pk},
            stations={"client_ids": [one.identity for one in chosen]},
            actor=request.user.get_username(),
            **course.options,
        )
    except Invalid as error:
        for wrong in error.errors:
            course.refuse(wrong["field"], wrong["reason"])
        return _preview(request, template, chosen, course)
    return redirect("admin:chargepoints_campaign_change", made.pk)


def _preview(
    request: HttpRequest,
    template: ConfigurationTemplate,
    chosen: Sequence[ChargePoint],
    course: CampaignForm,
) -> HttpResponse:
    more = {
        "template": template,
        "previews": preview.of(template, chosen[:_PREVIEWED]),
        "unshown_count": max(0, len(chosen) - _PREVIEWED),
        "course": course,
    }
    return _page(request, "operator/apply_template.html", chosen, more)


def _page(
    request: HttpRequest, template: str, chosen: Sequence[ChargePoint], more: dict[str, Any]
) -> HttpResponse:
    return many_stations.page(request, template, chosen, {"title": APPLY_A_TEMPLATE.title, **more})
