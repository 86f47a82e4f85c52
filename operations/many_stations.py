"""One command for several stations: choose it, fill in its form, and watch the result of each station."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chargepoints.models import ChargePoint
from chargepoints.services.campaigns import kinds, planning
from ocpp_server import commanding, rights
from ocpp_server.admin import access
from ocpp_server.admin.pages import Action
from ocpp_server.admin.polling import staff_json
from ocpp_server.commanding import OperatorCommand
from ocpp_server.domain import Invalid
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.rights import Right
from ocpp_server.storage.row_numbers import row_number
from operations import batches, buttons
from operations.batches import Batch
from operations.campaign_form import CampaignForm
from operations.command_forms import CommandForm
from operations.common_fields import form_of_many
from operations.sending import Attempt, Kind, attempt

log = structlog.get_logger(__name__)

MOST_STATIONS = 500
_AT_ONCE = 20
_NAMED = 30  # identities on the form page
_LIST = "admin:chargepoints_chargepoint_changelist"


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("send/", site.admin_view(compose), name="stations-command"),
        path("send/<slug:name>/", site.admin_view(send), name="stations-send"),
        path("campaign/<slug:name>/", site.admin_view(campaign), name="stations-campaign"),
        path("sent/<uuid:number>/", site.admin_view(sent), name="stations-sent"),
        path("sent/<uuid:number>/live/", live, name="stations-sent-live"),
    ]


# -- choose --------------------------------------------------------------------------------------------------


def selected(request: HttpRequest, rows: QuerySet[ChargePoint]) -> list[ChargePoint]:
    """The selected stations; none, with a message, when there are more than MOST_STATIONS."""
    chosen = list(rows.order_by("identity_key")[: MOST_STATIONS + 1])
    if len(chosen) > MOST_STATIONS:
        sentence = gettext("Select at most %(limit)s stations at a time.")
        messages.error(request, sentence % {"limit": MOST_STATIONS})
        return []
    return chosen


def _choose(request: HttpRequest, rows: QuerySet[ChargePoint]) -> HttpResponse | None:
    chosen = selected(request, rows)
    if not chosen:
        return None
    declared = [one for one in buttons.allowed(request.user) if one.fits_many]
    return page(request, "operator/many_stations.html", chosen, {"declared": declared})


SEND_A_COMMAND = Action("send_a_command", _("Send a command"), rights.role_for(Right.COMMANDS), _choose)


@require_POST
def compose(request: HttpRequest) -> HttpResponse:
    """The form of the chosen command for the posted stations."""
    command = _command_of(request, request.POST.get("command", ""))
    chosen = posted(request)
    if not chosen:
        return back(request)
    return _form_page(request, command, chosen, form_of_many(command, chosen))


# -- send ----------------------------------------------------------------------------------------------------


@require_POST
def send(request: HttpRequest, name: str) -> HttpResponse:
    """Send to the posted stations, without waiting for their answers. The batch's number is claimed first, so
    that a form which is posted twice is sent once.
    """
    command, chosen = _command_of(request, name), posted(request)
    number = _number(request.POST.get("batch", ""))
    if Batch.load(request, number) is not None:
        return redirect("admin:stations-sent", number)
    if not chosen:
        return back(request)
    form = form_of_many(command, chosen, request.POST)
    if not form.is_valid():
        return _form_page(request, command, chosen, form)
    danger = _danger(command, chosen, form.arguments)
    if danger and danger != request.POST.get(buttons.CONFIRMED, ""):
        return _form_page(request, command, chosen, form, confirm=danger)
    batch = Batch(command.name, tuple((one.pk, one.identity) for one in chosen))
    batch.store(request, number)
    request.session.save()
    actor = request.user.get_username()
    attempts = async_to_sync(_send_all)(command, chosen, form.arguments, actor)
    replace(batch, sent=tuple(attempts)).store(request, number)
    return redirect("admin:stations-sent", number)


@require_POST
def campaign(request: HttpRequest, name: str) -> HttpResponse:
    """Create a campaign that sends the command to the posted stations; first, its form without a course
    shows the form of the course.
    """
    command, chosen = _command_of(request, name), posted(request)
    access.require(request.user, Right.CAMPAIGNS)
    if not chosen:
        return back(request)
    form = form_of_many(command, chosen, request.POST)
    if not CampaignForm.is_in(request.POST):
        course = CampaignForm(initial={"name": command.title})
        return _form_page(request, command, chosen, form, course=course)
    course = CampaignForm(request.POST)
    if not (form.is_valid() & course.is_valid()):
        return _form_page(request, command, chosen, form, course=course)
    danger = _danger(command, chosen, form.arguments)
    if danger and danger != request.POST.get(buttons.CONFIRMED, ""):
        return _form_page(request, command, chosen, form, confirm=danger, course=course)
    names = {field.argument: field.name for field in command.fields}
    fields = {names[argument]: value for argument, value in form.arguments.items()}
    kind, arguments = kinds.of_command(command.name, fields)
    try:
        made = planning.create(
            kind=kind,
            arguments=arguments,
            stations={"client_ids": [one.identity for one in chosen]},
            actor=request.user.get_username(),
            **course.options,
        )
    except Invalid as error:
        for wrong in error.errors:
            course.refuse(wrong["field"], wrong["reason"])
        return _form_page(request, command, chosen, form, course=course)
    return redirect("admin:chargepoints_campaign_change", made.pk)


async def _send_all(
    command: OperatorCommand, chosen: Sequence[ChargePoint], arguments: Mapping[str, Any], actor: str
) -> list[Attempt]:
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(charge_point: ChargePoint) -> Attempt:
        async with limit:
            try:
                return await attempt(command, charge_point, arguments, actor=actor)
            except Exception as error:
                # The others may have the command already: their results must be shown.
                log.exception("command.not_sent", station=charge_point.identity, command=command.name)
                sentence = gettext("The server could not send it (%(error)s).")
                return Attempt(Kind.REFUSED, sentence % {"error": type(error).__name__})

    return await asyncio.gather(*(one(charge_point) for charge_point in chosen))


def _danger(command: OperatorCommand, chosen: Sequence[ChargePoint], arguments: Mapping[str, Any]) -> str:
    """The sentences to confirm, each with the number of its stations; empty if nothing is dangerous."""
    counts: dict[str, int] = {}
    for charge_point in chosen:
        # A station that has never connected has no version, and gets nothing.
        is_known = charge_point.ocpp_version in VERSIONS
        sentence = command.confirmation(charge_point, arguments) if is_known else ""
        if sentence:
            counts[sentence] = counts.get(sentence, 0) + 1
    return " ".join(
        ngettext("%(count)s station: %(danger)s", "%(count)s stations: %(danger)s", count)
        % {"count": count, "danger": sentence}
        for sentence, count in counts.items()
    )


# -- results -------------------------------------------------------------------------------------------------


@never_cache
@require_GET
def sent(request: HttpRequest, number: uuid.UUID) -> HttpResponse:
    batch = Batch.load(request, str(number))
    command = commanding.find(batch.command) if batch else None
    if batch is None or command is None:
        messages.info(
            request, gettext("These results are not kept any longer. Every command is listed here.")
        )
        return redirect("admin:chargepoints_command_changelist")
    context = {"command": command, "snapshot": batches.snapshot(batch), "number": number, "batch": batch}
    return page(request, "operator/many_stations_sent.html", [], context)


@staff_json
def live(request: HttpRequest, number: uuid.UUID) -> HttpResponse:
    batch = Batch.load(request, str(number))
    if batch is None:
        raise Http404
    return JsonResponse(batches.snapshot(batch))


# -- requests ------------------------------------------------------------------------------------------------


def _command_of(request: HttpRequest, name: str) -> OperatorCommand:
    command = commanding.find(name)
    access.require_role(request.user, command.role if command else rights.role_for(Right.COMMANDS))
    if command is None or not command.fits_many:
        raise Http404
    return command


def posted(request: HttpRequest) -> list[ChargePoint]:
    """The posted stations. Those that were deleted since they were selected are reported, not sent."""
    texts = set(request.POST.getlist("station")[:MOST_STATIONS])
    numbers = {number for number in map(row_number, texts) if number is not None}
    chosen = list(ChargePoint.objects.filter(pk__in=numbers).order_by("identity_key"))
    if len(chosen) < len(texts):
        gone = len(texts) - len(chosen)
        sentence = ngettext(
            "%(count)s selected station does not exist any longer.",
            "%(count)s selected stations do not exist any longer.",
            gone,
        )
        messages.warning(request, sentence % {"count": gone})
    return chosen


def _number(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid4())


def back(request: HttpRequest) -> HttpResponse:
    """The list of stations, where none was selected."""
    messages.error(request, gettext("No station was selected."))
    return redirect(_LIST)


def _form_page(
    request: HttpRequest,
    command: OperatorCommand,
    chosen: Sequence[ChargePoint],
    form: CommandForm,
    *,
    confirm: str = "",
    course: CampaignForm | None = None,
) -> HttpResponse:
    number = _number(request.POST.get("batch", ""))
    context = {
        "command": command,
        "form": form,
        "confirm": confirm,
        "number": number,
        "course": course,
        "may_start": access.may(request.user, Right.CAMPAIGNS),
    }
    return page(request, "operator/many_stations_form.html", chosen, context)


def page(
    request: HttpRequest, template: str, chosen: Sequence[ChargePoint], more: dict[str, Any]
) -> HttpResponse:
    """A page about the chosen stations."""
    command = more.get("command")
    context = {
        **admin.site.each_context(request),
        "title": command.title if command else SEND_A_COMMAND.title,
        "opts": ChargePoint._meta,
        "chosen": chosen,
        "named": chosen[:_NAMED],
        "unnamed_count": max(0, len(chosen) - _NAMED),
        **more,
    }
    return TemplateResponse(request, template, context)
