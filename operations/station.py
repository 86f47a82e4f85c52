"""The station page: the state of the station, its logs, and the buttons that send commands."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chargepoints.models import ChargePoint, Command, Connector, Message, RefusedConnection
from chargepoints.services.provisioning import stations
from ocpp_server.admin import access, cells, tones
from ocpp_server.admin.polling import staff_json
from ocpp_server.protocol.versions import VERSIONS, label
from operations import buttons, follow_ups
from transactions.models import Transaction

LATEST = 20
FEW = 10
# The states of a command in a word or two; the list of commands has the full sentences.
SHORT: dict[str, Promise] = {
    Command.State.QUEUED: _("Queued"),
    Command.State.SENT: _("Sent"),
    Command.State.ACCEPTED: _("Accepted"),
    Command.State.REJECTED: _("Rejected"),
    Command.State.ERROR: _("Error"),
    Command.State.TIMEOUT: _("No answer"),
    Command.State.DISCONNECTED: _("Connection lost"),
    Command.State.INVALID: _("Invalid answer"),
    Command.State.LATE: _("Too late"),
}


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("<int:pk>/station/", site.admin_view(page), name="station"),
        path("<int:pk>/station/live/", live, name="station-live"),
        path("<int:pk>/station/send/<slug:name>/", site.admin_view(send), name="station-send"),
        path("<int:pk>/station/accept/", site.admin_view(accept), name="station-accept"),
    ]


@never_cache
@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    charge_point = _station(pk)
    may_command = access.may_command(request.user)
    context = {
        **admin.site.each_context(request),
        "title": charge_point.identity,
        "original": charge_point,
        "charge_point": charge_point,
        "opts": ChargePoint._meta,
        "snapshot": snapshot(charge_point, may_command=may_command),
        "buttons": buttons.of(charge_point) if may_command else [],
        "may_command": may_command,
        "may_provide": access.may_provide(request.user),
        "identity_query": quote(charge_point.identity, safe=""),
    }
    return TemplateResponse(request, "operator/station.html", context)


@staff_json
def live(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(snapshot(_station(pk), may_command=access.may_command(request.user)))


@never_cache
@require_POST
def send(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Send one command. The page's own script gets JSON, a browser without it a redirect."""
    if not access.may_command(request.user):
        raise PermissionDenied
    charge_point = _station(pk)
    pressed = buttons.BY_NAME.get(name)
    if pressed is None:
        raise Http404
    outcome = buttons.press(pressed, charge_point, request.POST, actor=request.user.get_username())
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(outcome.as_json(), status=200 if outcome.sent else 400)
    (messages.success if outcome.sent else messages.error)(request, outcome.sentence)
    return redirect("admin:station", pk)


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    if not access.may_provide(request.user):
        raise PermissionDenied
    charge_point = _station(pk)
    stations.accept(charge_point)
    messages.success(request, gettext("Station %(station)s accepted.") % {"station": charge_point.identity})
    return redirect("admin:station", pk)


def _station(pk: int) -> ChargePoint:
    return get_object_or_404(ChargePoint, pk=pk)


def snapshot(charge_point: ChargePoint, *, may_command: bool) -> dict[str, Any]:
    """Everything on the page that changes; a dozen indexed queries, whatever the length of the logs."""
    running = list(charge_point.transactions.active().order_by("-id")[:FEW])
    commands = list(charge_point.commands.order_by("-created_at")[:LATEST])
    return {
        "values": _header(charge_point),
        "tables": {
            "connectors": _connectors(charge_point, running),
            "sessions": [_session(session) for session in charge_point.transactions.order_by("-id")[:FEW]],
            "commands": [_command(command) for command in commands],
            "messages": _messages(charge_point),
            "follow_ups": follow_ups.rows(charge_point),
            "refused": _refused(charge_point),
            "deviations": _deviations(charge_point),
            "security": _security(charge_point),
        },
        "choices": buttons.choices(charge_point) if may_command else {},
        # The line under the buttons shows the state of the command that was just sent.
        "states": {
            command.pk: {
                "text": f"{command.action}: {outcome_of(command)}",
                "tone": tones.COMMAND.get(command.state, ""),
                "finished": command.is_finished,
            }
            for command in commands
        },
    }


def outcome_of(command: Command) -> str:
    """The state in a few words, with the station's own status or error."""
    detail = command.status or " ".join(filter(None, (command.error_code, command.error_description)))
    words = str(SHORT[command.state])
    return words if words.casefold().startswith(detail.casefold()) else f"{words} ({detail})"


def _header(charge_point: ChargePoint) -> dict[str, cells.Cell]:
    online = charge_point.is_online
    words, tone = tones.station_status(charge_point.status, online)
    version = charge_point.ocpp_version
    skew = charge_point.clock_skew_s
    off = skew is not None and abs(skew) > 60  # noqa: PLR2004 - times of sessions tolerate a minute
    return {
        "online": cells.label(gettext("Online"), tones.SUCCESS)
        if online
        else cells.label(gettext("Offline")),
        # Many stations report the status of their connectors alone.
        "status": cells.label(words, tone, title=charge_point.status_info)
        if charge_point.status
        else cells.text("–"),
        "registration": cells.label(
            charge_point.get_registration_status_display(),
            tones.REGISTRATION.get(charge_point.registration_status, ""),
        ),
        "version": cells.text(label(version) if version in VERSIONS else version or "–"),
        "make": cells.text(f"{charge_point.vendor} {charge_point.model}".strip() or "–"),
        "serial": cells.text(charge_point.serial_number or "–"),
        "firmware": cells.text(charge_point.firmware_version or "–", note=charge_point.firmware_status),
        "seen": cells.moment(charge_point.last_seen_at),
        "connected": cells.moment(charge_point.connected_at if online else charge_point.disconnected_at),
        "connected_name": cells.text(gettext("Online since") if online else gettext("Offline since")),
        "boot": cells.moment(charge_point.last_boot_at, note=charge_point.boot_reason),
        "skew": cells.label(f"{skew:+.0f}{cells.NBSP}s", tones.WARNING) if off else cells.text(_skew(skew)),
        "address": cells.text(charge_point.remote_address or "–"),
        "error": cells.text("" if charge_point.error_code in {"", "NoError"} else charge_point.error_code),
    }


def _skew(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:+.1f}{cells.NBSP}s"


def _connectors(charge_point: ChargePoint, running: list[Transaction]) -> list[cells.Row]:
    rows = []
    by_place = {(session.evse_number, session.connector_number): session for session in running}
    by_evse = {session.evse_number: session for session in running}
    connectors = list(
        Connector.objects.filter(charge_point=charge_point)
        .select_related("evse")
        .order_by("evse__number", "number")
    )
    plugs = Counter(connector.evse.number for connector in connectors)
    for connector in connectors:
        words, tone = tones.station_status(connector.status, charge_point.is_online)
        evse = connector.evse.number
        session = by_place.get((evse, connector.number)) or by_evse.get(evse)
        problem = "" if connector.error_code in {"", "NoError"} else connector.error_code
        rows.append([
            cells.text(evse if plugs[evse] == 1 else f"{evse} / {connector.number}"),
            cells.label(words, tone, title=connector.info),
            cells.text(problem or "–", note=f"{connector.vendor_error_code} {connector.info}".strip()),
            cells.text(
                session.pk if session else "–",
                href=reverse("admin:transactions_transaction_change", args=[session.pk]) if session else "",
            ),
            cells.text(cells.kilowatts(session.power_w) if session else "–"),
            cells.text(connector.get_availability_display()),
            cells.moment(connector.status_received_at),
        ])  # fmt: skip
    return rows


def _session(session: Transaction) -> cells.Row:
    state = cells.label(session.get_status_display(), tones.SESSION.get(session.status, ""))
    return [
        cells.text(session.pk, href=reverse("admin:transactions_transaction_change", args=[session.pk])),
        cells.text("–" if session.evse_number is None else session.evse_number),
        cells.text(session.id_token or "–"),
        cells.text(cells.kilowatt_hours(session.energy_wh)),
        cells.text(cells.span(session.started_at, session.stopped_at or timezone.now())),
        cells.moment(session.started_at),
        cells.label(gettext("suspect"), tones.DANGER) if session.suspect else state,
    ]


def _command(command: Command) -> cells.Row:
    took = "–"
    if command.finished_at and command.sent_at:
        took = f"{(command.finished_at - command.sent_at).total_seconds() * 1000:,.0f}{cells.NBSP}ms"
    return [
        cells.text(command.action, href=reverse("admin:chargepoints_command_change", args=[command.pk])),
        cells.label(outcome_of(command), tones.COMMAND.get(command.state, "")),
        cells.text(took),
        cells.text(command.actor or "–"),
        cells.moment(command.created_at),
    ]


def _messages(charge_point: ChargePoint) -> list[cells.Row]:
    return [
        [
            cells.text(_direction(message)),
            cells.text(message.action, href=reverse("admin:chargepoints_message_change", args=[message.pk])),
            cells.label(message.error_code, tones.DANGER)
            if message.error_code
            else cells.label(gettext("ok"), tones.SUCCESS),
            cells.text("–" if message.duration_ms is None else f"{message.duration_ms:.1f}{cells.NBSP}ms"),
            cells.text(f"{message.size:,}{cells.NBSP}B"),
            cells.moment(message.at),
        ]
        for message in charge_point.messages.order_by("-id")[:LATEST]
    ]


def _direction(message: Message) -> str:
    if message.direction == Message.Direction.OUT:
        return gettext("out") + f"{cells.NBSP}→"
    return f"←{cells.NBSP}" + gettext("in")


def _times(count: int) -> str:
    return gettext("%(count)s times") % {"count": count} if count > 1 else ""


def _refused(charge_point: ChargePoint) -> list[cells.Row]:
    refused_here = RefusedConnection.objects.filter(identity=charge_point.identity).order_by("-at")
    return [
        [
            cells.text(refused.reason, note=_times(refused.count)),
            cells.text(refused.code),
            cells.text(refused.remote_address or "–"),
            cells.moment(refused.at),
        ]
        for refused in refused_here[:FEW]
    ]


def _deviations(charge_point: ChargePoint) -> list[cells.Row]:
    return [
        [
            cells.text(
                deviation.kind, href=reverse("admin:chargepoints_deviation_change", args=[deviation.pk])
            ),
            cells.text(f"{deviation.action} {deviation.path}".strip(), note=deviation.detail),
            cells.text(f"{deviation.count:,}×"),
            cells.moment(deviation.last_at),
        ]
        for deviation in charge_point.deviations.order_by("-last_at")[:FEW]
    ]


def _security(charge_point: ChargePoint) -> list[cells.Row]:
    return [
        [
            cells.text(event.type, href=reverse("admin:chargepoints_securityevent_change", args=[event.pk])),
            cells.text(event.tech_info or "–", note="" if event.from_station else gettext("by the server")),
            cells.moment(event.received_at),
        ]
        for event in charge_point.security_events.order_by("-received_at")[:FEW]
    ]
