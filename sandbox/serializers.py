"""The shapes of virtual stations over REST, and the bodies of requests."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.api.fields import (
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from sandbox.models import VirtualStation
from sandbox.models.station import FASTEST, MOST_CONNECTORS, MOST_POWER_W
from sandbox.models.step import FAILURES

_SPEED = "Seconds of charging in each real second. Timestamps stay real."


class VirtualConnectorSerializer(ReadSerializer):
    connectorId = serializers.IntegerField(help_text="In OCPP 2.x the number of the EVSE.")
    status = serializers.CharField(help_text="One of the nine statuses of OCPP 1.6.")
    isPlugged = serializers.BooleanField()
    token = serializers.CharField(help_text="The token that was tapped last; empty without one.")
    tokenStatus = serializers.CharField(
        help_text="The server's verdict about it, such as Accepted or Invalid."
    )
    transactionId = serializers.IntegerField(allow_null=True, help_text="The session of this token.")
    isCharging = serializers.BooleanField(help_text="Whether this session is running.")
    energyWh = serializers.IntegerField(help_text="Of this session.")
    meterWh = serializers.IntegerField(help_text="The energy register, which never falls.")


class FailureSerializer(ReadSerializer):
    action = serializers.CharField(help_text="Empty for any action.")
    answer = serializers.ChoiceField(choices=FAILURES)


class VirtualStationSerializer(ReadSerializer):
    """`context["prepared"]` maps pairs of charge point and the station's id of a session to its number."""

    clientId = serializers.CharField(source="charge_point.identity")
    ocppVersion = serializers.ChoiceField(source="ocpp_version", choices=VirtualStation.Version.values)
    isOnline = serializers.BooleanField(source="charge_point.is_online")
    problem = serializers.CharField(help_text="Why it is not connected; empty while it is.")
    connectors = serializers.SerializerMethodField()
    failures = serializers.SerializerMethodField(help_text="How the next commands will fail.")
    acceptsUnknownTokens = serializers.BooleanField(source="charge_point.accepts_unknown_tokens")
    powerW = serializers.IntegerField(source="power_w")
    speed = serializers.IntegerField(help_text=_SPEED)
    isEnding = serializers.BooleanField(source="is_ending", help_text="Whether it is being deleted.")
    createdAt = TimeField(source="created_at")
    lastUsedAt = TimeField(source="last_used_at")
    endsAt = TimeField(source="ends_at", help_text="When it is deleted, unless it is used again.")

    @extend_schema_field(VirtualConnectorSerializer(many=True))
    def get_connectors(self, row: VirtualStation) -> list[dict[str, Any]]:
        known = {one["number"]: one for one in row.state.get("connectors", ())}
        return [self._connector(row, number, known.get(number)) for number in range(1, row.connectors + 1)]

    def _connector(self, row: VirtualStation, number: int, state: dict[str, Any] | None) -> dict[str, Any]:
        session = (state or {}).get("session") or {}
        sessions: dict[tuple[int, str], int] = self.context["prepared"]
        return {
            "connectorId": number,
            "status": state["status"] if state else "",
            "isPlugged": bool(state and state["isPlugged"]),
            "token": session.get("token", ""),
            "tokenStatus": session.get("tokenStatus", ""),
            "transactionId": sessions.get((row.charge_point_id, str(session.get("transactionId")))),
            "isCharging": bool(session.get("transactionId")) and not session["isOver"],
            "energyWh": session.get("energyWh", 0),
            "meterWh": state["meterWh"] if state else 0,
        }

    @extend_schema_field(FailureSerializer(many=True))
    def get_failures(self, row: VirtualStation) -> list[dict[str, str]]:
        found: list[dict[str, str]] = row.state.get("failures", [])
        return found


class VirtualStationBody(StrictSerializer):
    clientId = TextField(
        source="client_id",
        required=False,
        max_length=48,
        help_text="The identity, which begins with TEST-. Without it the server invents one.",
    )
    ocppVersion = serializers.ChoiceField(
        source="ocpp_version",
        choices=VirtualStation.Version.values,
        required=False,
        help_text="1.6 unless given.",
    )
    connectors = WholeField(
        required=False, min_value=1, max_value=MOST_CONNECTORS, help_text="1 unless given."
    )
    powerW = WholeField(
        source="power_w",
        required=False,
        min_value=1000,
        max_value=MOST_POWER_W,
        help_text="Of each connector; 11000 unless given.",
    )
    speed = WholeField(required=False, min_value=1, max_value=FASTEST, help_text=f"{_SPEED} 60 unless given.")
    acceptsUnknownTokens = FlagField(
        source="accepts_unknown_tokens",
        required=False,
        help_text="true, unless given: every token may charge. false: only tokens that were added, as usual.",
    )


class ConnectorBody(StrictSerializer):
    connectorId = WholeField(
        source="connector",
        required=False,
        min_value=1,
        max_value=MOST_CONNECTORS,
        help_text="1 unless given.",
    )


class TapBody(ConnectorBody):
    token = TextField(max_length=20, help_text="The id that the reader shows to the server.")


class FailNextBody(StrictSerializer):
    action = TextField(
        required=False,
        max_length=64,
        help_text="The action of OCPP that fails, such as RemoteStartTransaction; any without it.",
    )
    answer = serializers.ChoiceField(
        choices=FAILURES,
        help_text="Rejected: the station's own word for a refusal. NoAnswer: the command runs into its "
        "timeout. The others are errors of OCPP.",
    )
