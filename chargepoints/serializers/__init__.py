"""Serializers of stations, connectors, commands and messages: camelCase, as in OCPP."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.models import (
    ChargePoint,
    Command,
    Connector,
    FollowUp,
    Message,
    ReportAssembly,
    Site,
)
from chargepoints.models.tag import MOST_CHARACTERS, MOST_TAGS
from chargepoints.services.provisioning.stations import MAX_PASSWORD, MIN_PASSWORD
from ocpp_server.api import extensions
from ocpp_server.api.extensions import ExtendedSerializer
from ocpp_server.api.fields import (
    ANYTHING,
    AmountField,
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
    parsed,
)
from ocpp_server.observability.masking import masked, masked_text
from ocpp_server.protocol import identities

OWN_STATUS = "Offline, Online, or the status of the station as a whole."


# -- connectors ----------------------------------------------------------------------------------------------


class ConnectorSerializer(ExtendedSerializer):
    extended = "connectors"

    connectorId = serializers.IntegerField(source="number")
    evseId = serializers.IntegerField(source="evse.number")
    status = serializers.CharField(help_text="As last reported by the station; Unknown before that.")
    errorCode = serializers.CharField(source="error_code")
    info = serializers.CharField()
    vendorId = serializers.CharField(source="vendor_id")
    vendorErrorCode = serializers.CharField(source="vendor_error_code")
    availability = serializers.CharField(help_text="Operative or Inoperative, as set by an operator.")
    lastUpdate = TimeField(source="status_received_at", allow_null=True)

    def to_representation(self, instance: Connector) -> dict[str, Any]:
        shown = super().to_representation(instance)
        shown["status"] = shown["status"] or "Unknown"
        return shown


@extend_schema_field(ConnectorSerializer(many=True))
class ConnectorsField(serializers.Field[Any, Any, Any, Any]):
    """The connectors of a station, with the fields that other apps add."""

    def to_representation(self, value: Any) -> Any:
        rows = list(value.select_related("evse"))
        extensions.attach("connectors", rows)
        return ConnectorSerializer(rows, many=True).data


# -- stations ------------------------------------------------------------------------------------------------


class StationStateSerializer(ReadSerializer):
    """The worst status of the station as a whole and of its connectors."""

    status = serializers.CharField(
        help_text="Offline, Online before any status is known, or the worst status."
    )
    count = serializers.IntegerField(help_text="How many connectors have it; all, if the whole station does.")
    total = serializers.IntegerField(help_text="How many connectors the station has reported.")


class ChargePointSerializer(ExtendedSerializer):
    extended = "chargePoints"

    clientId = serializers.CharField(source="identity")
    name = serializers.CharField()
    isOnline = serializers.BooleanField(source="is_online")
    lastSeen = TimeField(source="last_seen_at", allow_null=True)
    status = serializers.CharField(source="overall_status", help_text=OWN_STATUS)
    state = StationStateSerializer(source="shown_state")
    vendor = serializers.CharField()
    model = serializers.CharField()
    serialNumber = serializers.CharField(source="serial_number")
    firmwareVersion = serializers.CharField(source="firmware_version")
    ocppVersion = serializers.CharField(source="version_label", help_text="1.6, 2.0.1 or 2.1.")
    siteId = serializers.IntegerField(source="site_id", allow_null=True)
    tags = serializers.ListField(source="tag_names", child=serializers.CharField())
    registrationStatus = serializers.CharField(source="registration_status")
    securityProfile = serializers.IntegerField(source="security_profile")
    hasPassword = serializers.BooleanField(source="has_password")
    validation = serializers.CharField()
    unknownTokens = serializers.CharField(source="unknown_tokens")
    assumedTimezone = serializers.CharField(source="assumed_timezone")
    checksUsername = serializers.BooleanField(source="checks_username")
    errorCode = serializers.CharField(source="error_code")
    iccid = serializers.CharField()
    imsi = serializers.CharField()
    meterType = serializers.CharField(source="meter_type")
    meterSerialNumber = serializers.CharField(source="meter_serial_number")
    firmwareStatus = serializers.CharField(source="firmware_status")
    diagnosticsStatus = serializers.CharField(source="diagnostics_status")
    bootReason = serializers.CharField(source="boot_reason")
    clockSkewS = AmountField(source="clock_skew_s", allow_null=True)
    remoteAddress = serializers.CharField(source="remote_address")
    lastBoot = TimeField(
        source="last_boot_at",
        allow_null=True,
        help_text="The last BootNotification; null for a station that has never sent one to this server.",
    )
    connectedAt = TimeField(source="connected_at", allow_null=True)
    disconnectedAt = TimeField(source="disconnected_at", allow_null=True)
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at", help_text="Messages and configuration do not move it.")


class DuplicateIdentitySerializer(ReadSerializer):
    since = TimeField()
    addresses = serializers.ListField(
        child=serializers.CharField(), help_text="The addresses of the older and the newer connection."
    )


class ChargePointDetailSerializer(ChargePointSerializer):
    connectors = ConnectorsField(read_only=True)
    duplicateIdentity = DuplicateIdentitySerializer(
        source="duplicate",
        allow_null=True,
        help_text="While two devices use this identity: since when, and from where. Otherwise null.",
    )
    hasUnprovedPassword = serializers.BooleanField(
        source="has_unproved_password",
        help_text="The station was sent a new password and has not logged on with it yet: both are accepted.",
    )
    nextSecurityProfile = serializers.IntegerField(
        source="next_security_profile",
        allow_null=True,
        help_text="While the profile is being changed: the next one, admitted beside `securityProfile`.",
    )


class ChargePointStatusSerializer(ReadSerializer):
    clientId = serializers.CharField(source="identity")
    online = serializers.BooleanField(source="is_online")
    isOnline = serializers.BooleanField(source="is_online")
    lastSeen = TimeField(source="last_seen_at", allow_null=True)
    status = serializers.CharField(source="overall_status", help_text=OWN_STATUS)
    state = StationStateSerializer(source="shown_state")
    connectors = ConnectorsField(read_only=True)


class RemovedSerializer(ReadSerializer):
    clientId = serializers.CharField(source="identity")


class ProvisioningSerializer(StrictSerializer):
    """The settings of a station. The password is write-only."""

    name = TextField(required=False, allow_blank=True, max_length=100)
    siteId = WholeField(source="site", required=False, allow_null=True, min_value=1)
    tags = serializers.ListField(
        child=TextField(max_length=MOST_CHARACTERS), max_length=MOST_TAGS, required=False
    )
    password = TextField(
        required=False,
        allow_blank=True,
        write_only=True,
        max_length=MAX_PASSWORD,
        help_text=f"{MIN_PASSWORD} to {MAX_PASSWORD} characters; empty removes it.",
    )
    securityProfile = WholeField(source="security_profile", required=False, min_value=0, max_value=3)
    # The name (CN) in its client certificate. Each boot of the station replaces it.
    serialNumber = TextField(source="serial_number", required=False, allow_blank=True, max_length=255)
    registrationStatus = serializers.ChoiceField(
        source="registration_status", choices=ChargePoint.Registration.values, required=False
    )
    validation = serializers.ChoiceField(
        choices=[value for value in ChargePoint.Validation.values if value], required=False, allow_blank=True
    )
    unknownTokens = serializers.ChoiceField(
        source="unknown_tokens",
        choices=[value for value in ChargePoint.UnknownTokens.values if value],
        required=False,
        allow_blank=True,
    )
    assumedTimezone = TextField(source="assumed_timezone", required=False, allow_blank=True, max_length=64)
    checksUsername = FlagField(source="checks_username", required=False)


class NewChargePointSerializer(ProvisioningSerializer):
    clientId = TextField(source="identity", max_length=identities.MAX_NEW)


# -- sites ---------------------------------------------------------------------------------------------------


class SiteSerializer(ReadSerializer):
    """`context["prepared"]` maps a site's number to its number of stations."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField(help_text="Street and number.")
    postalCode = serializers.CharField(source="postal_code")
    city = serializers.CharField()
    country = serializers.CharField(help_text="ISO 3166-1, such as AUT.")
    timeZone = serializers.CharField(source="time_zone", help_text="Of its days; empty: that of the server.")
    isTest = serializers.BooleanField(source="is_test", help_text="The site of test keys: docs/sandbox.md.")
    chargePointCount = serializers.SerializerMethodField()
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    def get_chargePointCount(self, site: Site) -> int:
        prepared: dict[int, int] = self.context["prepared"]
        return prepared.get(site.pk, 0)


class SiteChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    address = TextField(required=False, allow_blank=True, max_length=150)
    postalCode = TextField(source="postal_code", required=False, allow_blank=True, max_length=10)
    city = TextField(required=False, allow_blank=True, max_length=45)
    country = TextField(
        required=False,
        allow_blank=True,
        validators=[RegexValidator(r"^(?:[A-Z]{3})?\Z", "Must be three capital letters, ISO 3166-1.")],
    )
    timeZone = TextField(
        source="time_zone",
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="Such as Europe/Vienna: the days of reports about the site.",
    )


class SiteBody(SiteChanges):
    name = TextField(max_length=100)


# -- commands ------------------------------------------------------------------------------------------------


class EffectSerializer(ReadSerializer):
    """The effect of a command: the boot of a Reset, the message of a trigger."""

    name = serializers.SerializerMethodField(help_text="station-booted, or message-received.")
    state = serializers.ChoiceField(choices=Command.Effect.values, source="effect")
    until = TimeField(
        source="effect_until", allow_null=True, help_text="The end of the wait for it; null afterwards."
    )

    def get_name(self, command: Command) -> str:
        return command.effect_name


class CommandSerializer(ExtendedSerializer):
    extended = "commands"

    requestId = serializers.CharField(source="id")
    clientId = serializers.CharField(source="charge_point.identity")
    action = serializers.CharField()
    payload = serializers.SerializerMethodField(help_text="As sent, secrets masked.")
    actor = serializers.CharField()
    campaignId = serializers.IntegerField(
        source="campaign_number", allow_null=True, help_text="The campaign that has sent it, if any."
    )
    state = serializers.ChoiceField(choices=Command.State.values)
    status = serializers.CharField()
    response = serializers.SerializerMethodField()
    reasonCode = serializers.CharField(
        source="outcome.reason_code", help_text="The station's reason (2.x); empty if it gave none."
    )
    additionalInfo = serializers.CharField(
        source="outcome.additional_info", help_text="The station's explanation (2.x); empty if it gave none."
    )
    items = serializers.IntegerField(
        source="outcome.items", help_text="The number of results in an answer with several; else 0."
    )
    accepted = serializers.IntegerField(source="outcome.done", help_text="The number of accepted items.")
    errorCode = serializers.CharField(source="error_code")
    errorDescription = serializers.CharField(source="error_description")
    errorDetails = serializers.JSONField(source="error_details", allow_null=True)
    effect = serializers.SerializerMethodField(help_text="What the command leads to; null without anything.")
    createdAt = TimeField(source="created_at")
    sentAt = TimeField(source="sent_at", allow_null=True)
    deadlineAt = TimeField(source="deadline_at")
    finishedAt = TimeField(source="finished_at", allow_null=True)

    @extend_schema_field(EffectSerializer(allow_null=True))
    def get_effect(self, command: Command) -> Any:
        return EffectSerializer(command).data if command.effect else None

    @extend_schema_field(ANYTHING)
    def get_payload(self, command: Command) -> Any:
        return masked(command.payload, command.action)

    @extend_schema_field(ANYTHING)
    def get_response(self, command: Command) -> Any:
        return masked(command.response, command.action)


class MessageSerializer(ReadSerializer):
    id = serializers.IntegerField()
    direction = serializers.ChoiceField(choices=Message.Direction.values)
    messageId = serializers.CharField(source="message_id")
    action = serializers.CharField()
    request = serializers.SerializerMethodField()
    response = serializers.SerializerMethodField()
    errorCode = serializers.CharField(source="error_code")
    errorDescription = serializers.CharField(source="error_description")
    size = serializers.IntegerField(help_text="Bytes of the request's frame.")
    durationMs = AmountField(source="duration_ms", allow_null=True)
    time = TimeField(source="at")

    @extend_schema_field(ANYTHING)
    def get_request(self, message: Message) -> Any:
        return parsed(masked_text(message.request, message.action))

    @extend_schema_field(ANYTHING)
    def get_response(self, message: Message) -> Any:
        return parsed(masked_text(message.response, message.action)) if message.response else None


class FollowUpSerializer(ReadSerializer):
    id = serializers.IntegerField()
    action = serializers.CharField()
    requestId = serializers.IntegerField(
        source="request_id",
        allow_null=True,
        help_text="The number in the message; of a ReservationStatusUpdate, the reservation's ID.",
    )
    commandId = serializers.CharField(
        source="command_id",
        allow_null=True,
        help_text="The command that it follows: the requestId from the answer to sending it.",
    )
    reference = serializers.CharField(help_text="What a message without a requestId is about.")
    seqNo = serializers.IntegerField(source="seq_no", allow_null=True)
    isLast = serializers.BooleanField(source="is_last", help_text="False when the station announced more.")
    status = serializers.CharField()
    payload = serializers.SerializerMethodField(
        help_text="As received; secrets and customers' data are masked."
    )
    receivedAt = TimeField(source="received_at")

    @extend_schema_field(ANYTHING)
    def get_payload(self, follow_up: FollowUp) -> Any:
        return parsed(masked_text(follow_up.payload, follow_up.action))


class ReportSerializer(ReadSerializer):
    id = serializers.IntegerField()
    action = serializers.CharField(help_text="The message of its parts, such as NotifyReport.")
    requestId = serializers.IntegerField(source="request_id", help_text="The number in the parts.")
    commandId = serializers.CharField(
        source="command_id",
        allow_null=True,
        help_text="The command that asked for it: the requestId from the answer to sending it.",
    )
    state = serializers.ChoiceField(choices=ReportAssembly.State.values)
    parts = serializers.IntegerField()
    doubles = serializers.IntegerField(help_text="Parts with a number that another part has too.")
    missing = serializers.IntegerField(help_text="Parts missing between those received.")
    highestSeqNo = serializers.IntegerField(source="highest_seq_no", allow_null=True)
    hasLast = serializers.BooleanField(source="has_last")
    startedAt = TimeField(source="started_at", help_text="Of the command, or of the first part without one.")
    lastAt = TimeField(source="last_at")


class SecurityEventSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(
        source="charge_point.identity", default=None, allow_null=True, help_text="null: no station's event."
    )
    type = serializers.CharField(help_text="As sent by the station.")
    critical = serializers.BooleanField(source="is_critical", help_text="By OCPP's list for the version.")
    techInfo = serializers.CharField(source="tech_info")
    fromStation = serializers.BooleanField(source="from_station")
    time = TimeField(source="at", help_text="The station's time where it is plausible.")
    receivedAt = TimeField(source="received_at")
