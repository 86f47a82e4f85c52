"""The station page: the state of the station, its logs, and the buttons that send commands."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chargepoints.admin.stations import station_url
from chargepoints.models import ChargePoint, Command, Connector, Message
from chargepoints.services.provisioning import stations
from ocpp_server import commanding
from ocpp_server.admin import access, cells, tones
from ocpp_server.admin.polling import staff_json
from ocpp_server.commanding import OperatorCommand
from ocpp_server.protocol.versions import VERSIONS, in_dialect, label
from ocpp_server.rights import Right
from operations import (
    alerts,
    buttons,
    certificates,
    changes,
    charging_profiles,
    command_log,
    configuration,
    display_messages,
    firmware,
    follow_ups,
    local_lists,
    logs,
    refusals,
    reservations,
    security_profiles,
    station_notices,
    tariffs,
    use,
)
from operations.command_forms import CommandForm
from transactions.models import Transaction

LATEST = 20
FEW = 10


def urls(site: admin.AdminSite) -> list[Any]:
    return [
        path("<int:pk>/station/", site.admin_view(page), name="station"),
        path("<int:pk>/station/live/", live, name="station-live"),
        path("<int:pk>/station/command/<slug:name>/", site.admin_view(compose), name="station-command"),
        path("<int:pk>/station/send/<slug:name>/", site.admin_view(send), name="station-send"),
        path("<int:pk>/station/accept/", site.admin_view(accept), name="station-accept"),
    ]


@never_cache
@require_GET
def page(request: HttpRequest, pk: int) -> HttpResponse:
    charge_point = _station(pk)
    shown = buttons.of(charge_point, request.user)
    context = {
        **_context(request, charge_point),
        "snapshot": snapshot(charge_point, request.user),
        "buttons": shown,
        "groups": buttons.grouped(shown),
        "has_2x_tables": in_dialect(charge_point.ocpp_version, False, True),
        # The same reason often applies to several commands.
        "unsupported": {
            reason: [button.command.title for button in shown if button.reason == reason]
            for reason in dict.fromkeys(button.reason for button in shown if button.reason)
        },
        "ocpp_url": station_url(request, charge_point.identity),
        "identity_query": quote(charge_point.identity, safe=""),
    }
    return TemplateResponse(request, "operator/station.html", context)


@staff_json
def live(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(snapshot(_station(pk), request.user))


@never_cache
@require_GET
def compose(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """The form of one command as a page, for browsers without the script of the dialogs."""
    command, charge_point = _command_of(request, name), _station(pk)
    return _form_page(request, charge_point, command, buttons.form_of(command, charge_point))


@never_cache
@require_POST
def send(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Send one command. The page's own script gets JSON, a browser without it a page."""
    command, charge_point = _command_of(request, name), _station(pk)
    form = buttons.form_of(command, charge_point, request.POST)
    confirmed, actor = request.POST.get(buttons.CONFIRMED, ""), request.user.get_username()
    outcome = buttons.press(command, charge_point, form, confirmed=confirmed, actor=actor)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(outcome.as_json(), status=200 if outcome.sent else 400)
    if outcome.confirm or form.errors:
        return _form_page(request, charge_point, command, form, confirm=outcome.confirm)
    if outcome.shown_once:  # a message of Django would be stored with the session
        context = {**_context(request, charge_point), "command": command, "outcome": outcome}
        return TemplateResponse(request, "operator/shown_once.html", context)
    (messages.success if outcome.sent else messages.error)(request, outcome.sentence)
    return redirect("admin:station", pk)


def _command_of(request: HttpRequest, name: str) -> OperatorCommand:
    command = commanding.find(name)
    if command is None:
        raise Http404
    access.require_role(request.user, command.role)
    return command


def _form_page(
    request: HttpRequest,
    charge_point: ChargePoint,
    command: OperatorCommand,
    form: CommandForm,
    *,
    confirm: str = "",
) -> HttpResponse:
    context = {
        **_context(request, charge_point),
        "command": command,
        "form": form,
        "confirm": confirm,
        "reason": commanding.unsupported([command], charge_point).get(command.name, ""),
    }
    return TemplateResponse(request, "operator/command.html", context)


def _context(request: HttpRequest, charge_point: ChargePoint) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": charge_point.identity,
        "original": charge_point,
        "charge_point": charge_point,
        "opts": ChargePoint._meta,
    }


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    access.require(request.user, Right.STATIONS)
    charge_point = _station(pk)
    stations.accept(charge_point, actor=request.user.get_username())
    messages.success(request, gettext("Station %(station)s accepted.") % {"station": charge_point.identity})
    return redirect("admin:station", pk)


def _station(pk: int) -> ChargePoint:
    return get_object_or_404(ChargePoint, pk=pk)


def snapshot(charge_point: ChargePoint, user: Any) -> dict[str, Any]:
    """Everything on the page that changes; a dozen indexed queries, whatever the length of the logs."""
    mark = changes.mark(charge_point.identity)
    charge_point.refresh_from_db()
    running = list(charge_point.transactions.active().order_by("-id")[:FEW])
    commands = list(charge_point.commands.order_by("-created_at")[:LATEST])
    return {
        "mark": mark,
        "values": _header(charge_point),
        "tables": {
            "connectors": _connectors(charge_point, running),
            "sessions": [_session(session) for session in charge_point.transactions.order_by("-id")[:FEW]],
            "reservations": reservations.rows(charge_point),
            "commands": [_command(command) for command in commands],
            "messages": _messages(charge_point),
            "configuration": configuration.rows(charge_point, user),
            "follow_ups": follow_ups.rows(charge_point),
            "logs": logs.rows(charge_point, user),
            "firmware": firmware.rows(charge_point),
            "security_profiles": security_profiles.rows(charge_point),
            "certificates": certificates.rows(charge_point),
            "profiles": charging_profiles.rows(charge_point),
            "display": display_messages.rows(charge_point),
            "tariffs": tariffs.rows(charge_point),
            "limits": charging_profiles.limits(charge_point),
            "alerts": alerts.rows(charge_point),
            "use": use.rows(charge_point),
            "outages": use.outages(charge_point),
            "notes": _notes(charge_point),
            "refused": refusals.rows(charge_point),
            "deviations": _deviations(charge_point),
            "security": _security(charge_point),
        },
        "choices": buttons.choices(charge_point, user),
        # The line under the buttons shows the state of the command that was just sent.
        "states": {
            command.pk: {
                "text": f"{command.action}: {command_log.outcome(command)}",
                "tone": tones.COMMAND.get(command.state, ""),
                "finished": command_log.is_settled(command),
            }
            for command in commands
        },
    }


def _header(charge_point: ChargePoint) -> dict[str, cells.Cell]:
    online = charge_point.is_online
    state = charge_point.state
    words, tone = tones.station_status(state.status, online, str(state))
    version = charge_point.ocpp_version
    skew = charge_point.clock_skew_s
    off = skew is not None and abs(skew) > 60  # noqa: PLR2004 - times of sessions tolerate a minute
    return {
        "online": cells.label(gettext("Online"), tones.SUCCESS)
        if online
        else cells.label(gettext("Offline")),
        "status": cells.label(words, tone, title=charge_point.status_info)
        if state.status
        else cells.text("–"),
        "registration": cells.label(
            charge_point.get_registration_status_display(),
            tones.REGISTRATION.get(charge_point.registration_status, ""),
        ),
        "profile": cells.text(charge_point.security_profile),
        "version": cells.text(label(version) if version in VERSIONS else version or "–"),
        "make": cells.text(f"{charge_point.vendor} {charge_point.model}".strip() or "–"),
        "serial": cells.text(charge_point.serial_number or "–"),
        "firmware": cells.text(charge_point.firmware_version or "–", note=charge_point.firmware_status),
        "seen": cells.moment(charge_point.last_seen_at),
        "connected": cells.moment(charge_point.connected_at if online else charge_point.disconnected_at),
        "connected_name": cells.text(gettext("Online since") if online else gettext("Offline since")),
        "boot": _boot(charge_point),
        "skew": cells.label(f"{skew:+.0f}{cells.NBSP}s", tones.WARNING) if off else cells.text(_skew(skew)),
        "address": cells.text(charge_point.remote_address or "–"),
        "local_list": local_lists.cell(charge_point),
        "duplicate": cells.text(station_notices.duplicate(charge_point)),
        "unread": cells.text(configuration.note(charge_point)),
        "unproved_password": cells.text(station_notices.unproved_password(charge_point)),
        "next_profile": cells.text(station_notices.next_profile(charge_point)),
        "error": cells.text("" if charge_point.error_code in {"", "NoError"} else charge_point.error_code),
    }


def _boot(charge_point: ChargePoint) -> cells.Cell:
    if charge_point.has_never_booted:
        note = gettext("This station has never sent a BootNotification: its vendor and model are unknown.")
        return cells.label(gettext("Never"), tones.WARNING, note=note)
    return cells.moment(charge_point.last_boot_at, note=charge_point.boot_reason)


def _skew(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:+z.1f}{cells.NBSP}s"  # z: no minus zero


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
            cells.live(cells.kilowatts(session.power_w), f"{session.pk}.power", is_running=True)
            if session
            else cells.text("–"),
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
        cells.live(
            cells.kilowatt_hours(session.energy_wh), f"{session.pk}.energy", is_running=session.is_active
        ),
        cells.live(
            cells.span(session.started_at, session.stopped_at or timezone.now()),
            f"{session.pk}.duration",
            is_running=session.is_active,
        ),
        cells.moment(session.started_at),
        cells.label(gettext("suspect"), tones.DANGER) if session.suspect else state,
    ]


def _command(command: Command) -> cells.Row:
    return [
        command_log.action(command),
        command_log.state(command),
        command_log.duration(command),
        cells.text(command.actor or "–"),
        cells.moment(command.created_at),
    ]


def _messages(charge_point: ChargePoint) -> list[cells.Row]:
    return [
        [
            cells.text(_direction(message)),
            cells.text(message.title, href=reverse("admin:chargepoints_message_change", args=[message.pk])),
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


def _notes(charge_point: ChargePoint) -> list[cells.Row]:
    return [
        [
            cells.text(note, href=reverse("admin:chargepoints_note_change", args=[note.pk])),
            cells.text(note.author),
            cells.moment(note.created_at),
        ]
        for note in charge_point.notes.order_by("-pk")[:FEW]
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
            cells.text(
                event.type,
                href=reverse("admin:chargepoints_securityevent_change", args=[event.pk]),
                note=gettext("critical") if event.is_critical else "",
            ),
            cells.text(event.tech_info or "–", note="" if event.from_station else gettext("by the server")),
            cells.moment(event.received_at),
        ]
        for event in charge_point.security_events.order_by("-received_at")[:FEW]
    ]
