"""Serializers of campaigns and their stations."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chargepoints.filters import VersionField
from chargepoints.models import Campaign, CampaignStation
from chargepoints.models.campaign import MOST_AT_ONCE, MOST_ATTEMPTS, MOST_PER_MINUTE, MOST_STATIONS
from chargepoints.models.tag import MOST_CHARACTERS
from chargepoints.services.campaigns import kinds
from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from ocpp_server.protocol.versions import VERSIONS, label

_WEEK_S = 7 * 24 * 3600
_LOCAL = "HH:MM in the station's assumedTimezone, or in the server's TIME_ZONE."


class ClockField(serializers.TimeField):
    """A time of the day: 22:30."""

    default_error_messages = {"invalid": "Must be a time of the day such as 22:30."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%H:%M", input_formats=["%H:%M"], **kwargs)


# -- bodies --------------------------------------------------------------------------------------------------


class ChosenStationsBody(StrictSerializer):
    """The stations that meet all of these conditions when the campaign is created."""

    clientIds = serializers.ListField(
        source="client_ids", child=TextField(max_length=255), max_length=MOST_STATIONS, required=False
    )
    siteId = WholeField(source="site", required=False, min_value=1)
    tag = TextField(required=False, max_length=MOST_CHARACTERS, help_text="Case makes no difference.")
    vendor = TextField(required=False, max_length=255)
    model = TextField(required=False, max_length=255)
    firmwareVersion = TextField(source="firmware_version", required=False, max_length=255)
    ocppVersion = VersionField(
        source="ocpp_version", choices=[label(version) for version in VERSIONS], required=False
    )
    all = FlagField(
        source="everything", required=False, help_text="Needed where there is no other condition."
    )


class CampaignBody(StrictSerializer):
    name = TextField(max_length=100)
    kind = TextField(
        max_length=32,
        help_text="The kind of the campaign: command, logs (done when the files have arrived), local-list "
        "(done when the stations have the list), charging-profile (stations that have it are skipped) or "
        "configuration (the values of a template).",
    )
    arguments = serializers.DictField(
        help_text="Of the kind command: `command`, its name in docs/commands.md, and `fields`, the body of "
        "its endpoint. Of logs, local-list and charging-profile: the body of get-log, sync-local-list and "
        "set-charging-profile. Of configuration: `templateId`, and `awaitReboot`, whether a station "
        "that takes values with its next boot has its result after that (true unless given)."
    )
    stations = ChosenStationsBody()
    atOnce = WholeField(
        source="at_once",
        default=20,
        min_value=1,
        max_value=MOST_AT_ONCE,
        help_text="The most stations that are sent to and have no result yet.",
    )
    perMinute = WholeField(
        source="per_minute",
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_PER_MINUTE,
        help_text="The most stations that are sent to within any 60 seconds; no limit unless given.",
    )
    canary = FlagField(
        source="has_canary",
        default=True,
        help_text="Begin with one station, then 10 % of them, then all; each step when the one before has "
        "its results.",
    )
    failureLimitPercent = WholeField(
        source="failure_limit_percent",
        default=20,
        min_value=0,
        max_value=100,
        help_text="The campaign pauses when more of a step's stations have failed.",
    )
    attempts = WholeField(
        default=1,
        min_value=1,
        max_value=MOST_ATTEMPTS,
        help_text="The most attempts for each station, where the station refuses or does not answer.",
    )
    retryPauseS = WholeField(
        source="retry_pause_s",
        default=300,
        min_value=0,
        max_value=_WEEK_S,
        help_text="Seconds before another attempt.",
    )
    offline = serializers.ChoiceField(
        choices=Campaign.Offline.values,
        default=Campaign.Offline.WAIT.value,
        help_text="wait: an offline station may come until the deadline. skip: it is left out in its turn.",
    )
    windowFrom = ClockField(source="window_from", required=False, allow_null=True, help_text=_LOCAL)
    windowTo = ClockField(
        source="window_to",
        required=False,
        allow_null=True,
        help_text="Nothing is sent from then on; before windowFrom: on the next day.",
    )
    startsAt = TimeField(
        source="starts_at", required=False, allow_null=True, help_text="At once unless given."
    )
    deadlineAt = TimeField(
        source="deadline_at",
        required=False,
        allow_null=True,
        help_text="The campaign ends then. A week after the start unless given.",
    )


class CampaignChanges(StrictSerializer):
    name = TextField(required=False, max_length=100)
    atOnce = WholeField(source="at_once", required=False, min_value=1, max_value=MOST_AT_ONCE)
    perMinute = WholeField(
        source="per_minute", required=False, allow_null=True, min_value=1, max_value=MOST_PER_MINUTE
    )
    failureLimitPercent = WholeField(
        source="failure_limit_percent", required=False, min_value=0, max_value=100
    )
    windowFrom = ClockField(source="window_from", required=False, allow_null=True, help_text=_LOCAL)
    windowTo = ClockField(source="window_to", required=False, allow_null=True)
    deadlineAt = TimeField(source="deadline_at", required=False)


class RetryBody(StrictSerializer):
    deadlineAt = TimeField(
        source="deadline_at", required=False, help_text="A new deadline; needed after the present one."
    )


# -- answers -------------------------------------------------------------------------------------------------


@extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
class CountsField(serializers.Field[Any, Any, Any, Any]):
    """The number of a campaign's stations in each state. `context["prepared"]` has those of all campaigns."""

    def get_attribute(self, instance: Campaign) -> Any:
        return self.context["prepared"][instance.pk]

    def to_representation(self, value: dict[str, int]) -> dict[str, int]:
        return value


class CampaignSerializer(ReadSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.CharField()
    arguments = serializers.DictField(help_text="Secrets masked.")
    sentence = serializers.SerializerMethodField(help_text="The kind with its arguments, in words.")
    actor = serializers.CharField(help_text="Who created it.")
    state = serializers.ChoiceField(choices=Campaign.State.values)
    pauseReason = serializers.CharField(source="pause_reason", help_text="Why it is paused; empty otherwise.")
    step = serializers.SerializerMethodField(help_text="The stations that may begin: canary, tenth or all.")
    counts = CountsField(help_text="The number of stations in each state.")
    atOnce = serializers.IntegerField(source="at_once")
    perMinute = serializers.IntegerField(source="per_minute", allow_null=True)
    canary = serializers.BooleanField(source="has_canary")
    failureLimitPercent = serializers.IntegerField(source="failure_limit_percent")
    attempts = serializers.IntegerField()
    retryPauseS = serializers.IntegerField(source="retry_pause_s")
    offline = serializers.ChoiceField(choices=Campaign.Offline.values)
    windowFrom = ClockField(source="window_from", allow_null=True)
    windowTo = ClockField(source="window_to", allow_null=True)
    startsAt = TimeField(source="starts_at", allow_null=True)
    deadlineAt = TimeField(source="deadline_at")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")
    finishedAt = TimeField(
        source="finished_at", allow_null=True, help_text="When the last station had its result."
    )

    def get_sentence(self, campaign: Campaign) -> str:
        kind = kinds.find(campaign.kind)
        return campaign.kind if kind is None else kind.sentence(campaign.arguments)

    def get_step(self, campaign: Campaign) -> str:
        return Campaign.Step(campaign.step).name.lower()


class CampaignStationSerializer(ReadSerializer):
    clientId = serializers.CharField(source="charge_point.identity")
    state = serializers.ChoiceField(choices=CampaignStation.State.values)
    reason = serializers.ChoiceField(
        choices=["", *CampaignStation.Reason.values],
        help_text="Why it failed, was skipped or waits for another attempt; otherwise empty.",
    )
    detail = serializers.CharField(help_text="The station's own words, or a sentence.")
    attempts = serializers.IntegerField()
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command of the last attempt."
    )
    notBefore = TimeField(source="not_before", help_text="A waiting station is not sent to earlier.")
    updatedAt = TimeField(source="updated_at")
