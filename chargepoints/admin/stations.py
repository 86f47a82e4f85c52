"""Stations, what was said to them and by them, and what went wrong, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from chargepoints.admin.provisioning_form import ProvisioningForm
from chargepoints.models import (
    ChargePoint,
    Command,
    Connector,
    Deviation,
    DeviceEvent,
    Evse,
    Message,
    RefusedConnection,
    SecurityEvent,
    Site,
)
from chargepoints.services.provisioning import stations
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin, back, link, post_button
from ocpp_server.admin.filters import MomentFilter, StationFilter, VersionFilter
from ocpp_server.domain import DomainError
from ocpp_server.protocol.versions import VERSIONS, label
from operations import station

REPORTED = (
    "ocpp_version", "vendor", "model", "serial_number", "firmware_version", "iccid", "imsi", "meter_type",
    "meter_serial_number", "boot_reason", "firmware_status", "diagnostics_status", "heartbeat_interval",
    "clock_skew_s", "remote_address", "last_boot_at", "last_seen_at", "created_at",
)  # fmt: skip


@admin.register(ChargePoint)
class ChargePointAdmin(OperatorAdmin):
    """The list leads to the station page; the form here is what an administrator decides about a station."""

    form = ProvisioningForm
    list_display = ["page", "state", "version", "make", "firmware_version", "registration", "last_seen_at"]
    list_display_links = None
    list_filter = ["is_online", ("registration_status", ChoicesDropdownFilter), VersionFilter]
    search_fields = ["identity", "name", "vendor", "model", "serial_number"]
    search_help_text = "A part of identity, name, vendor, model or serial number."
    ordering = ["identity_key"]
    sortable_by = ["page", "registration", "last_seen_at"]
    actions = ["accept_selected"]
    autocomplete_fields = ["site"]
    change_form_outer_before_template = "operator/station_back.html"
    readonly_fields = REPORTED
    fieldsets = (
        (None, {"fields": (("identity", "name"), ("site", "registration_status"))}),
        ("Access", {"fields": (("security_profile", "password"), ("checks_username", "remove_password"))}),
        ("Behaviour", {"fields": (("validation", "unknown_tokens"), "assumed_timezone")}),
        ("What the station says", {"classes": ["collapse"], "fields": REPORTED}),
    )
    empty_sentence = (
        "No station has connected yet. Point one at this address, with an identity of your choice:"
    )

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.fieldsets[:-1]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # Everything that happened hangs on the identity; another identity is another station.
        return ("identity", *REPORTED) if obj else REPORTED

    def save_model(
        self, request: HttpRequest, obj: ChargePoint, form: ProvisioningForm, change: bool
    ) -> None:
        if change:
            # Only what the form changed: the other columns belong to the live state, which moves meanwhile.
            stations.update(obj, password=form.new_password(), **form.changed_settings())
            return
        made = stations.create(
            identity=obj.identity, password=form.new_password() or "", **form.changed_settings()
        )
        obj.pk, obj._state.adding = made.pk, False

    def response_add(
        self, request: HttpRequest, obj: ChargePoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"The station {obj.identity} is entered. It may connect now.")
        return redirect("admin:station", obj.pk)

    def get_urls(self) -> list[Any]:
        return [*station.urls(self.admin_site), *super().get_urls()]

    @admin.action(description="Accept the selected stations", permissions=["change"])
    def accept_selected(self, request: HttpRequest, queryset: Any) -> None:
        pending = list(queryset.exclude(registration_status=ChargePoint.Registration.ACCEPTED))
        for charge_point in pending:
            stations.accept(charge_point)
        messages.success(request, f"{len(pending)} accepted.")

    @admin.display(description="Station", ordering="identity_key")
    def page(self, charge_point: ChargePoint) -> str:
        words = (
            f"{charge_point.identity} · {charge_point.name}" if charge_point.name else charge_point.identity
        )
        return link(reverse("admin:station", args=[charge_point.pk]), words)

    @display(description="State", label=tones.CONNECTOR | tones.ONLINE)
    def state(self, charge_point: ChargePoint) -> tuple[str, str]:
        if not charge_point.is_online:
            return "Offline", tones.station_status(charge_point.status, is_online=False)[0]
        return charge_point.status or "Online", charge_point.status or "Online"

    @admin.display(description="OCPP")
    def version(self, charge_point: ChargePoint) -> str:
        known = charge_point.ocpp_version in VERSIONS
        return label(charge_point.ocpp_version) if known else charge_point.ocpp_version or "–"

    @admin.display(description="Vendor and model")
    def make(self, charge_point: ChargePoint) -> str:
        return f"{charge_point.vendor} {charge_point.model}".strip() or "–"

    @display(description="Registration", ordering="registration_status", label=tones.REGISTRATION)
    def registration(self, charge_point: ChargePoint) -> str:
        return charge_point.registration_status


@admin.register(Site)
class SiteAdmin(OperatorAdmin):
    list_display = ["name", "city", "country", "station_count"]
    search_fields = ["name", "city", "address"]
    search_help_text = "A part of name, city or address."
    sortable_by = ["name", "city"]
    ordering = ["name_key"]
    fieldsets = ((None, {"fields": ("name", "address", ("postal_code", "city"), "country")}),)
    empty_sentence = "A site gathers stations, so that one access rule holds for all of them."

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(stations=Count("charge_points"))

    @admin.display(description="Stations")
    def station_count(self, site: Any) -> int:
        return int(site.stations)


@admin.register(Evse)
class EvseAdmin(EvidenceAdmin):
    list_display = ["number", "station"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["charge_point__identity_key"]
    exact_search = ("charge_point",)
    search_help_text = "A station's identity."
    sortable_by = ["number"]
    ordering = ["-id"]
    empty_sentence = "EVSEs appear when a station reports the status of its connectors."


@admin.register(Connector)
class ConnectorAdmin(EvidenceAdmin):
    list_display = ["place", "station", "state", "availability", "error_code", "status_received_at"]
    list_filter = [StationFilter, ("availability", ChoicesDropdownFilter), "is_provisional"]
    list_select_related = ["charge_point", "evse"]
    search_fields = ["status"]
    exact_search = ("status", "charge_point")
    search_help_text = "A whole status such as Faulted, or a station's identity."
    sortable_by = ["station"]
    ordering = ["-id"]
    empty_sentence = "Connectors appear when a station reports their status."

    @admin.display(description="EVSE / connector")
    def place(self, connector: Connector) -> str:
        return f"{connector.evse.number} / {connector.number}"

    @display(description="Status", label=tones.CONNECTOR | tones.ONLINE)
    def state(self, connector: Connector) -> tuple[str, str]:
        online = connector.charge_point.is_online
        words, _ = tones.station_status(connector.status, is_online=online)
        return (connector.status if online else "Offline"), words


@admin.register(Command)
class CommandAdmin(EvidenceAdmin):
    json_fields = ("payload", "response", "error_details")
    list_display = ["action", "station", "state_label", "status", "actor", "created_at", "finished_at"]
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter), ("created_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id"]
    exact_search = ("id", "action", "charge_point")
    search_help_text = "A message id, an action, or a station's identity."
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = "Nothing was sent yet. Send the first command from a station's page."

    @display(description="State", label=tones.COMMAND)
    def state_label(self, command: Command) -> tuple[str, str]:
        return command.state, command.get_state_display()


@admin.register(Message)
class MessageAdmin(EvidenceAdmin):
    json_fields = ("request", "response")
    list_display = ["action", "station", "way", "outcome", "duration", "size", "at"]
    list_filter = [StationFilter, ("direction", ChoicesDropdownFilter), ("at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["message_id"]
    exact_search = ("charge_point", "message_id", "action")
    search_help_text = "A station's identity, a message id, or an action."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = "The log fills as soon as a station connects (OCPP_MESSAGE_LOG=on)."

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        return ["duration" if name == "duration_ms" else name for name in super().get_fields(request, obj)]

    @display(description="Direction", label={"in": tones.INFO, "out": tones.WARNING})
    def way(self, message: Message) -> tuple[str, str]:
        return (
            message.direction,
            "from station" if message.direction == Message.Direction.IN else "to station",
        )

    @display(description="Answer", label={"ok": tones.SUCCESS, "error": tones.DANGER})
    def outcome(self, message: Message) -> tuple[str, str]:
        return ("error", message.error_code) if message.error_code else ("ok", "ok")

    @admin.display(description="Milliseconds")
    def duration(self, message: Message) -> str:
        return "–" if message.duration_ms is None else f"{message.duration_ms:.1f}"


@admin.register(RefusedConnection)
class RefusedConnectionAdmin(EvidenceAdmin):
    list_display = ["who", "reason", "code", "remote_address", "subprotocols", "count", "at", "decide"]
    list_filter = ["can_be_accepted", ("at", MomentFilter)]
    search_fields = ["identity"]
    exact_search = ("identity", "remote_address")
    search_help_text = "A whole identity, or an address."
    sortable_by = ["at"]
    ordering = ["-at"]
    empty_sentence = "Every handshake was accepted so far. A refused one is listed here with its reason."

    def get_urls(self) -> list[Any]:
        accept = path(
            "<int:pk>/accept/", self.admin_site.admin_view(require_POST(self.accept)), name="refused-accept"
        )
        return [accept, *super().get_urls()]

    @admin.display(description="Identity")
    def who(self, refused: RefusedConnection) -> str:
        return refused.identity or refused.path

    @admin.display(description="Decide")
    def decide(self, refused: RefusedConnection) -> str:
        if not (refused.can_be_accepted and refused.identity):
            return "–"
        return post_button(reverse("admin:refused-accept", args=[refused.pk]), "Accept")

    def accept(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make the unknown identity a charge point; it comes back by itself and is let in."""
        if not access.may_provide(request.user):
            raise PermissionDenied
        refused = get_object_or_404(RefusedConnection, pk=pk, can_be_accepted=True)
        try:
            accept_refused(refused)
        except DomainError as error:
            messages.error(request, error.sentence)
        else:
            messages.success(
                request, f"{refused.identity} is accepted and will be let in when it tries again."
            )
        return redirect(back(request, "admin:chargepoints_refusedconnection_changelist"))


def accept_refused(refused: RefusedConnection) -> ChargePoint:
    """The charge point of a refused identity, accepted. Its rows in the handshake log lose their button."""
    known = ChargePoint.objects.by_identity(refused.identity).first()
    charge_point = stations.accept(known) if known else stations.create(identity=refused.identity)
    RefusedConnection.objects.filter(identity=refused.identity).update(can_be_accepted=False)
    return charge_point


@admin.register(Deviation)
class DeviationAdmin(EvidenceAdmin):
    json_fields = ("example",)
    list_display = ["kind", "station", "action", "path", "detail", "count", "last_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["kind"]
    exact_search = ("kind", "action", "charge_point")
    search_help_text = "A whole kind, an action, or a station's identity."
    sortable_by = ["last_at"]
    empty_sentence = "Every station follows the specification so far."


@admin.register(SecurityEvent)
class SecurityEventAdmin(EvidenceAdmin):
    list_display = ["type", "station", "tech_info", "source", "at", "received_at"]
    list_filter = [StationFilter, "from_station", ("received_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["type"]
    exact_search = ("type", "charge_point")
    search_help_text = "A whole type, or a station's identity."
    sortable_by = ["received_at"]
    empty_sentence = "No station reported a security event, and the server noticed none."

    @display(description="Told by", label={"station": tones.INFO, "server": tones.WARNING})
    def source(self, event: SecurityEvent) -> tuple[str, str]:
        return ("station", "station") if event.from_station else ("server", "this server")


@admin.register(DeviceEvent)
class DeviceEventAdmin(EvidenceAdmin):
    list_display = [
        "component",
        "variable",
        "actual_value",
        "station",
        "evse_number",
        "trigger",
        "is_cleared",
        "at",
    ]
    list_filter = [StationFilter, "is_cleared", ("received_at", MomentFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["component"]
    exact_search = ("component", "variable", "charge_point")
    search_help_text = "A whole component or variable, or a station's identity."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-received_at"]
    empty_sentence = "OCPP 2.x stations report their components here (NotifyEvent)."
