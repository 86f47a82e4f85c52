"""Filters, search and ordering of this app's lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from chargepoints.models import (
    BatterySwap,
    Campaign,
    CampaignStation,
    ChargePoint,
    Connector,
    DisplayMessage,
    FirmwareDownload,
    FirmwareUpdate,
    LogUpload,
    PublishedFirmware,
    ReportAssembly,
    SecurityProfileChange,
    SwappedBattery,
)
from chargepoints.models.tag import MOST_CHARACTERS
from chargepoints.services.provisioning import tags
from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import FlagField, TextField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering, search
from ocpp_server.protocol.versions import VERSIONS, label

_INT64 = 2**63 - 1
_BY_LABEL = {label(version): version for version in VERSIONS}


class VersionField(serializers.ChoiceField):
    """1.6, 2.0.1 or 2.1, as the version that is stored."""

    def to_internal_value(self, data: Any) -> str:
        return _BY_LABEL[super().to_internal_value(data)]


class ChargePointQuery(ChangedQuery):
    orderings = {
        "clientId": "identity_key",
        "isOnline": "is_online",
        "lastSeen": "last_seen_at",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "vendor": "vendor",
        "model": "model",
    }

    ordering = ordering(orderings)
    search = search("A part of clientId, name, vendor, model or serial number.")
    isOnline = FlagField(required=False)
    hasBooted = FlagField(
        required=False, help_text="false: stations that have never sent a BootNotification to this server."
    )
    registrationStatus = serializers.ChoiceField(choices=ChargePoint.Registration.values, required=False)
    ocppVersion = VersionField(choices=list(_BY_LABEL), required=False)
    vendor = TextField(required=False, max_length=255)
    model = TextField(required=False, max_length=255)
    siteId = WholeField(required=False, min_value=1)
    tag = TextField(required=False, max_length=MOST_CHARACTERS, help_text="Case makes no difference.")
    state = serializers.ChoiceField(
        choices=[status for status in Connector.Status.values if status],
        required=False,
        help_text="Stations online whose worst status is this one.",
    )

    exact = {
        "isOnline": "is_online",
        "registrationStatus": "registration_status",
        "ocppVersion": "ocpp_version",
        "vendor": "vendor",
        "model": "model",
        "siteId": "site_id",
    }

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        has_booted, state = self.validated_data.get("hasBooted"), self.validated_data.get("state")
        if has_booted is not None:
            rows = rows.filter(last_boot_at__isnull=not has_booted)
        if "tag" in self.validated_data:
            rows = tags.with_tag(rows, self.validated_data["tag"])
        return rows.in_state(state) if state else rows  # type: ignore[attr-defined]

    def containing(self, text: str) -> Q:
        return (
            Q(identity_key__contains=text.casefold())
            | Q(name__icontains=text)
            | Q(vendor__icontains=text)
            | Q(model__icontains=text)
            | Q(serial_number__icontains=text)
        )


class SiteQuery(ChangedQuery):
    orderings = {"id": "pk", "name": "name_key", "createdAt": "created_at", "updatedAt": "updated_at"}

    ordering = ordering(orderings)
    search = search("A part of name, address or city.")
    country = TextField(required=False, max_length=3)
    city = TextField(required=False, max_length=45, help_text="Case makes no difference.")
    exact = {"country": "country", "city": "city__iexact"}

    def containing(self, text: str) -> Q:
        return Q(name_key__contains=text.casefold()) | Q(address__icontains=text) | Q(city__icontains=text)


class NoteQuery(ChangedQuery):
    orderings = {"createdAt": "pk", "updatedAt": "updated_at"}
    exact = ("author",)

    ordering = ordering(orderings)
    search = search("A part of the text.")
    author = TextField(required=False, max_length=150)

    def containing(self, text: str) -> Q:
        return Q(text__icontains=text)


class SecurityEventQuery(ListQuery):
    orderings = {"receivedAt": "received_at"}
    exact = {"type": "type__iexact", "critical": "is_critical", "fromStation": "from_station"}
    moment = "received_at"

    ordering = ordering(orderings)
    search = search("A part of the type or of techInfo.")
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    type = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    critical = FlagField(required=False)
    fromStation = FlagField(required=False, help_text="false: the events that the server detected.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, identity = super().filtered(rows), self.validated_data.get("clientId")
        if identity is None:
            return rows
        # The key is queried first, so that the list uses its index on the station.
        key = ChargePoint.objects.by_identity(identity).values_list("pk", flat=True).first()
        return rows.none() if key is None else rows.filter(charge_point=key)

    def containing(self, text: str) -> Q:
        return Q(type__icontains=text) | Q(tech_info__icontains=text)


class DeviceEventQuery(ListQuery):
    orderings = {"receivedAt": "pk"}
    exact = {
        "eventId": "event_id",
        "component": "component__iexact",
        "variable": "variable__iexact",
        "trigger": "trigger",
        "cleared": "is_cleared",
        "monitorId": "monitor_id",
        "severity": "severity",
    }
    moment = "received_at"

    ordering = ordering(orderings)
    eventId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)
    component = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    variable = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    trigger = TextField(required=False, max_length=64)
    cleared = FlagField(required=False)
    monitorId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)
    severity = WholeField(required=False, min_value=0, max_value=9)


class FollowUpQuery(ListQuery):
    orderings = {"time": "pk"}
    exact = {"action": "action", "requestId": "request_id"}
    moment = "received_at"

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    requestId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)


class ReportQuery(ListQuery):
    orderings = {"startedAt": "started_at"}
    exact = {"action": "action", "requestId": "request_id", "state": "state"}

    ordering = ordering(orderings)
    action = TextField(required=False, max_length=64)
    requestId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)
    state = serializers.ChoiceField(choices=ReportAssembly.State.values, required=False)


class LogQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = {"kind": "kind", "state": "state", "commandId": "command_id"}
    moment = "created_at"

    ordering = ordering(orderings)
    kind = serializers.ChoiceField(choices=LogUpload.Kind.values, required=False)
    state = serializers.ChoiceField(choices=LogUpload.State.values, required=False)
    commandId = TextField(required=False, max_length=36)


class FirmwareUpdateQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = {
        "state": "state",
        "version": "version",
        "firmwareId": "firmware",
        "campaignId": "campaign",
        "commandId": "command",
    }
    moment = "created_at"

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255)
    state = serializers.ChoiceField(choices=FirmwareUpdate.State.values, required=False)
    version = TextField(required=False, max_length=255)
    firmwareId = WholeField(required=False, min_value=1, max_value=_INT64)
    campaignId = WholeField(required=False, min_value=1, max_value=_INT64)
    commandId = TextField(required=False, max_length=36)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, station = super().filtered(rows), self.validated_data.get("clientId")
        return rows.filter(charge_point__identity_key=station.casefold()) if station else rows


class DisplayMessageQuery(ListQuery):
    orderings = {"createdAt": "created_at"}
    exact = {"messageId": "number", "state": "state", "isForeign": "is_foreign"}
    moment = "created_at"

    ordering = ordering(orderings)
    isCurrent = FlagField(required=False, help_text="Whether the station has it, or may have it.")
    isForeign = FlagField(required=False)
    state = serializers.ChoiceField(choices=DisplayMessage.State.values, required=False)
    messageId = WholeField(required=False, min_value=0, max_value=_INT64)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, is_current = super().filtered(rows), self.validated_data.get("isCurrent")
        return rows if is_current is None else rows.filter(ended_at__isnull=is_current)


class BatterySwapQuery(ListQuery):
    orderings = {"createdAt": "created_at"}
    exact = {"state": "state", "swapRequestId": "number", "idTag": "id_token__iexact"}
    moment = "created_at"

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=BatterySwap.State.values, required=False)
    swapRequestId = WholeField(required=False, min_value=-_INT64, max_value=_INT64)
    idTag = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    serialNumber = TextField(required=False, max_length=50, help_text="Of a battery in the swap.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, serial = super().filtered(rows), self.validated_data.get("serialNumber")
        if serial is None:
            return rows
        swaps = SwappedBattery.objects.filter(serial_number=serial).values("swap")
        return rows.filter(pk__in=swaps)


class PublishedFirmwareQuery(ListQuery):
    orderings = {"createdAt": "created_at"}
    exact = {"state": "state", "checksum": "checksum", "firmwareId": "firmware"}
    moment = "created_at"

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=PublishedFirmware.State.values, required=False)
    checksum = TextField(required=False, max_length=32)
    firmwareId = WholeField(required=False, min_value=1, max_value=_INT64)


class SecurityProfileChangeQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = ("state",)

    ordering = ordering(orderings)
    state = serializers.ChoiceField(choices=SecurityProfileChange.State.values, required=False)


class CampaignQuery(ChangedQuery):
    orderings = {"createdAt": "pk", "updatedAt": "updated_at"}
    exact = ("state", "kind")

    ordering = ordering(orderings)
    search = search("A part of the name.")
    state = serializers.ChoiceField(choices=Campaign.State.values, required=False)
    kind = TextField(required=False, max_length=32)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text)


class CampaignStationQuery(ChangedQuery):
    exact = ("state", "reason")

    search = search("A part of clientId.")
    state = serializers.ChoiceField(choices=CampaignStation.State.values, required=False)
    reason = serializers.ChoiceField(choices=CampaignStation.Reason.values, required=False)

    def containing(self, text: str) -> Q:
        return Q(charge_point__identity_key__contains=text.casefold())


class FirmwareQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = ("vendor", "model", "version")
    moment = "created_at"

    ordering = ordering(orderings)
    search = search("A part of the name or version.")
    vendor = TextField(required=False, max_length=255)
    model = TextField(required=False, max_length=255)
    version = TextField(required=False, max_length=255)

    def containing(self, text: str) -> Q:
        return Q(name__icontains=text) | Q(version__icontains=text)


class FirmwareDownloadQuery(ListQuery):
    orderings = {"createdAt": "pk"}
    exact = {"campaignId": "campaign_id"}

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    campaignId = WholeField(required=False, min_value=1)
    isComplete = FlagField(required=False)

    def filtered(self, rows: QuerySet[FirmwareDownload]) -> QuerySet[FirmwareDownload]:
        found, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            found = of_station(found, asked["clientId"])
        if "isComplete" in asked:
            found = found.filter(completed_at__isnull=not asked["isComplete"])
        return found
