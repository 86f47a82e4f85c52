"""Shapes of maintenance windows, outages and aggregates over REST. camelCase: they are about stations."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from aggregates.models import MaintenanceWindow, Outage
from ocpp_server.api.fields import (
    AmountField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from ocpp_server.protocol.translate.energy import wh_of

_FROM = "The first moment of the window."
_UNTIL = "The first moment after the window."


class MaintenanceWindowSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(
        source="charge_point.identity",
        default=None,
        allow_null=True,
        help_text="Null for a window of a site.",
    )
    siteId = serializers.IntegerField(
        source="site_id", allow_null=True, help_text="Null for a window of a station."
    )
    until = TimeField(source="ends_at", help_text=_UNTIL)
    reason = serializers.ChoiceField(choices=MaintenanceWindow.Reason.values)
    note = serializers.CharField()
    author = serializers.CharField(help_text="The operator or the API key that added it.")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")

    def get_fields(self) -> dict[str, Any]:
        # In a dictionary, because `from` is a keyword of Python.
        return {**super().get_fields(), "from": TimeField(source="begins_at", help_text=_FROM)}


class MaintenanceWindowChanges(StrictSerializer):
    reason = serializers.ChoiceField(
        choices=MaintenanceWindow.Reason.values,
        required=False,
        help_text="Why outages in this time are not the operator's. Default: maintenance.",
    )
    note = TextField(required=False, allow_blank=True, max_length=200)

    def get_fields(self) -> dict[str, Any]:
        times = {
            "from": TimeField(source="begins_at", required=self.needs_times, help_text=_FROM),
            "until": TimeField(source="ends_at", required=self.needs_times, help_text=_UNTIL),
        }
        return {**super().get_fields(), **times}

    needs_times = False


class MaintenanceWindowBody(MaintenanceWindowChanges):
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    siteId = WholeField(required=False, min_value=1, help_text="The number of a site: all of its stations.")

    needs_times = True


class OutageSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    evseId = serializers.IntegerField(source="evse_number", help_text="0: the station as a whole.")
    connectorId = serializers.IntegerField(source="connector_number", help_text="0: the station as a whole.")
    cause = serializers.ChoiceField(choices=Outage.Cause.values)
    errorCode = serializers.CharField(source="error_code", help_text="The station's; may be empty.")
    until = TimeField(source="ended_at", allow_null=True, help_text="Null while it lasts.")
    updatedAt = TimeField(source="updated_at")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": TimeField(source="began_at")}


# -- aggregates ----------------------------------------------------------------------------------------------


class _MilliField(AmountField):
    """Thousandths of a Wh, as Wh."""

    def to_representation(self, value: Any) -> float | int | None:  # type: ignore[override]
        return super().to_representation(wh_of(value))


class ConsumptionSerializer(ReadSerializer):
    energyWh = _MilliField(source="sums.energy_mwh", help_text="Consumed in the period.")
    sessions = serializers.IntegerField(
        source="sums.sessions", help_text="Sessions that began in the period."
    )
    occupiedS = serializers.IntegerField(
        source="sums.occupied_s", help_text="Seconds with a running session, of all connectors together."
    )

    def get_fields(self) -> dict[str, Any]:
        # In a dictionary, because `from` is a keyword of Python.
        times = {
            "from": TimeField(source="begin", help_text="The first moment of the period."),
            "until": TimeField(source="end", help_text="The first moment after the period."),
        }
        return {**times, **super().get_fields()}


class FiguresSerializer(ConsumptionSerializer):
    knownS = serializers.IntegerField(
        source="known_s",
        help_text="Seconds, until now, in which the server knew the connectors, of all together.",
    )
    downS = serializers.IntegerField(
        source="sums.down_s", help_text="Seconds of outages, of all connectors together."
    )
    excludedS = serializers.IntegerField(
        source="sums.excluded_s", help_text="Seconds of outages that were in maintenance windows."
    )
    utilisation = AmountField(
        allow_null=True, help_text="occupiedS / knownS, from 0 to 1; null without known connectors."
    )
    uptime = AmountField(
        allow_null=True,
        help_text="(knownS - (downS - excludedS)) / knownS, from 0 to 1; null without known connectors.",
    )


class _Reported(ReadSerializer):
    """A row with its `report` and the name of its `report_zone`, which the view attaches."""

    figures: ClassVar[type[ConsumptionSerializer]] = FiguresSerializer

    timeZone = serializers.CharField(source="report_zone", help_text="The time zone of its days.")

    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "total": self.figures(source="report.total", help_text="All periods together."),
            "periods": self.figures(source="report.periods", many=True),
        }


class SiteAggregateSerializer(_Reported):
    siteId = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class StationAggregateSerializer(_Reported):
    clientId = serializers.CharField(source="identity")
    siteId = serializers.IntegerField(source="site_id", allow_null=True)


class ConnectorAggregateSerializer(_Reported):
    clientId = serializers.CharField(source="charge_point.identity")
    siteId = serializers.IntegerField(source="charge_point.site_id", allow_null=True)
    evseId = serializers.IntegerField(source="evse_number")
    connectorId = serializers.IntegerField(source="connector_number")
    knownSince = TimeField(source="since", help_text="The first status that the server has of it.")


class ContractAggregateSerializer(_Reported):
    contractId = serializers.CharField(source="contract_id")
    name = serializers.CharField()

    figures = ConsumptionSerializer


class UptimeSerializer(ReadSerializer):
    """An EVSE with its `uptime`, which the view attaches."""

    clientId = serializers.CharField(source="charge_point.identity")
    siteId = serializers.IntegerField(source="charge_point.site_id", allow_null=True)
    evseId = serializers.IntegerField(source="number")
    until = TimeField(source="uptime.end", help_text="The end of the twelve months.")
    isWhole = serializers.BooleanField(
        source="uptime.is_whole", help_text="Whether the server knew the EVSE for all of the twelve months."
    )
    knownMinutes = AmountField(source="uptime.known_minutes")
    outageMinutes = AmountField(source="uptime.outage_minutes", help_text="T_outage of NEVI.")
    excludedMinutes = AmountField(
        source="uptime.excluded_minutes", help_text="T_excluded of NEVI: outages in maintenance windows."
    )
    neviUptimePercent = AmountField(
        source="uptime.nevi",
        allow_null=True,
        help_text="(525600 - (outageMinutes - excludedMinutes)) / 525600 * 100, as in 23 CFR 680.116; with "
        "knownMinutes instead of 525600 unless isWhole.",
    )
    afirOperationalPercent = AmountField(
        source="uptime.afir",
        allow_null=True,
        help_text="The part of the known time in which the recharging point was operational (Regulation (EU) "
        "2023/1804, Article 20): nothing is excluded.",
    )

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": TimeField(source="uptime.begin")}
