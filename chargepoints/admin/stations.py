"""Stations in the admin: the list, and the form for their settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from chargepoints.admin.provisioning_form import DailyForm, ProvisioningForm
from chargepoints.models import ChargePoint, Connector
from chargepoints.services.provisioning import stations, tags
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import OperatorAdmin, link
from ocpp_server.admin.filters import VersionFilter
from ocpp_server.protocol.versions import VERSIONS, label
from ocpp_server.rights import Right

REPORTED = (
    "ocpp_version", "vendor", "model", "serial_number", "firmware_version", "iccid", "imsi", "meter_type",
    "meter_serial_number", "boot_reason", "firmware_status", "diagnostics_status", "heartbeat_interval",
    "clock_skew_s", "remote_address", "last_boot_at", "last_seen_at", "created_at",
)  # fmt: skip

ACCESS = _("Access")


def station_url(request: HttpRequest, identity: str) -> str:
    """The URL to set in the station, with the host name that this browser uses."""
    scheme = "wss" if request.is_secure() else "ws"
    return f"{scheme}://{request.get_host()}/ocpp/{quote(identity, safe='')}"


class StateFilter(DropdownFilter):
    """The stations online whose state has a status."""

    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(status, words) for status, words in Connector.Status.choices if status]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.in_state(self.value()) if self.value() in Connector.Status.values else queryset


class TagFilter(DropdownFilter):
    """The stations with a tag."""

    title = _("Tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(tags.all_of_them().items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return tags.with_tag(queryset, self.value()) if self.value() else queryset


class BootFilter(DropdownFilter):
    """The stations that have connected and never sent a BootNotification."""

    title = _("BootNotification")
    parameter_name = "boot"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("never", _("Never sent"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.never_booted() if self.value() == "never" else queryset


@admin.register(ChargePoint)
class ChargePointAdmin(OperatorAdmin):
    """The list leads to the station page; the form here is for the settings."""

    right = Right.STATIONS
    form = ProvisioningForm
    list_display = ["page", "state", "version", "make", "firmware_version", "registration", "last_seen_at"]
    list_display_links = None
    list_filter = [
        "is_online",
        StateFilter,
        ("registration_status", ChoicesDropdownFilter),
        VersionFilter,
        TagFilter,
        BootFilter,
    ]
    search_fields = ["identity", "name", "vendor", "model", "serial_number"]
    search_help_text = _("Search by identity, name, vendor, model or serial number")
    ordering = ["identity_key"]
    sortable_by = ["page", "registration", "last_seen_at"]
    actions = ["accept_selected"]
    autocomplete_fields = ["site"]
    change_form_outer_before_template = "operator/station_back.html"
    readonly_fields = REPORTED
    fieldsets = (
        (None, {"fields": (("identity", "name"), ("site", "registration_status"), "tags")}),
        (ACCESS, {"fields": (("security_profile", "password"), ("checks_username", "remove_password"))}),
        (_("Behaviour"), {"fields": (("validation", "unknown_tokens"), "assumed_timezone")}),
        (_("Reported by the station"), {"classes": ["collapse"], "fields": REPORTED}),
    )
    empty_sentence = _(
        "No stations yet. Set a station's URL to this address, with an identity of your choice:"
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        # Only the rows that are shown are read with the statuses of their connectors.
        return super().get_queryset(request).with_statuses()

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        shown = super().get_fieldsets(request, obj) if obj else self.fieldsets[:-1]
        if obj is not None and not self.has_change_permission(request, obj):
            # Of a page without a form, Django asks the station for the values: its tags are rows.
            (title, options), *rest = shown
            fields = tuple("tag_list" if name == "tags" else name for name in options["fields"])
            shown = [(title, {**options, "fields": fields}), *rest]
        if obj is None or access.may(request.user, Right.STATION_ACCESS):
            return shown
        return [
            (title, {"fields": (("security_profile", "checks_username"),)} if title == ACCESS else options)
            for title, options in shown
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and not access.may(request.user, Right.STATION_ACCESS):
            kwargs["form"] = DailyForm  # without fields for the password: hidden ones could be posted
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # All records belong to the identity: another identity is another station.
        fields = ("identity", *REPORTED) if obj else REPORTED
        if access.may(request.user, Right.STATION_ACCESS):
            return fields
        reserved = stations.FREE | (stations.ACCESS if obj else frozenset())
        return (*fields, *sorted(reserved - {"password"}))

    @admin.display(description=_("Tags"))
    def tag_list(self, row: ChargePoint) -> str:
        return f"{tags.SEPARATOR} ".join(row.tag_names) or "–"

    def save_model(self, request: HttpRequest, obj: ChargePoint, form: DailyForm, change: bool) -> None:
        if change:
            # Only the changed fields: the live state writes the other columns meanwhile.
            actor = request.user.get_username()
            stations.update(obj, actor=actor, password=form.new_password(), **form.changed_settings())
            return
        # All settings: a choice that equals the first value of the form is a choice too.
        made = stations.create(identity=obj.identity, password=form.new_password() or "", **form.settings())
        obj.pk, obj._state.adding = made.pk, False

    def response_add(
        self, request: HttpRequest, obj: ChargePoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        sentence = gettext("Station %(identity)s added. Set its URL to %(url)s")
        url = station_url(request, obj.identity)
        messages.success(request, sentence % {"identity": obj.identity, "url": url})
        return redirect("admin:station", obj.pk)

    @admin.action(description=_("Accept the selected stations"), permissions=["change"])
    def accept_selected(self, request: HttpRequest, queryset: Any) -> None:
        pending = list(queryset.exclude(registration_status=ChargePoint.Registration.ACCEPTED))
        for charge_point in pending:
            stations.accept(charge_point, actor=request.user.get_username())
        messages.success(request, gettext("%(count)s stations accepted.") % {"count": len(pending)})

    @admin.display(description=_("Station"), ordering="identity_key")
    def page(self, charge_point: ChargePoint) -> str:
        words = (
            f"{charge_point.identity} · {charge_point.name}" if charge_point.name else charge_point.identity
        )
        return link(reverse("admin:station", args=[charge_point.pk]), words)

    @display(description=_("State"), label=tones.CONNECTOR | tones.ONLINE)
    def state(self, charge_point: ChargePoint) -> tuple[str, str]:
        state = charge_point.state
        if not charge_point.is_online:
            return "Offline", tones.station_status(state.status, is_online=False, words=str(state))[0]
        return state.status or "Online", str(state) or gettext("Online")

    @admin.display(description="OCPP")
    def version(self, charge_point: ChargePoint) -> str:
        known = charge_point.ocpp_version in VERSIONS
        return label(charge_point.ocpp_version) if known else charge_point.ocpp_version or "–"

    @admin.display(description=_("Vendor and model"))
    def make(self, charge_point: ChargePoint) -> str:
        words = f"{charge_point.vendor} {charge_point.model}".strip()
        return words or (gettext("No BootNotification yet") if charge_point.has_never_booted else "–")

    @display(description=_("Registration"), ordering="registration_status", label=tones.REGISTRATION)
    def registration(self, charge_point: ChargePoint) -> tuple[str, str]:
        return charge_point.registration_status, charge_point.get_registration_status_display()
