"""Charging profiles, limits, plans and DER controls of a station over REST. All are read only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.views.lookups import STATION
from ocpp_server.api.lookups import Lookup, required
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from smart_charging.filters import (
    ChargingPlanQuery,
    DerAlarmQuery,
    DerControlQuery,
    ExternalLimitQuery,
    InstalledProfileQuery,
)
from smart_charging.models import InstalledProfile
from smart_charging.serializers import (
    ChargingPlanSerializer,
    DerAlarmSerializer,
    DerControlSerializer,
    ExternalLimitSerializer,
    InstalledProfileSerializer,
)


class InstalledProfileViewSet(ResourceViewSet):
    """Read only: the commands set-charging-profile and clear-charging-profile change what is installed."""

    tag, noun, key = "Smart charging", "charging profile", "chargingProfiles"
    component = "InstalledProfile"
    has_etag = False
    serializer_class = InstalledProfileSerializer
    parent = STATION
    lookup = Lookup("installed_id", "The server's id of the installed profile.", str)
    operations = (
        List(
            InstalledProfileQuery,
            summary="List the charging profiles that a station has accepted, newest first",
            description="What the station has now: `isCurrent=true`. It follows from the answers of the "
            "station and its reports; a profile that was lost or changed at the station itself shows when "
            "get-charging-profiles asks for a report, or when a command meets it.",
        ),
        Get(),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().installed_profiles.order_by("-installed_at", "-pk")
        return rows

    def find(self, *, lock: bool = False) -> InstalledProfile:
        key = self.kwargs[self.lookup.name]
        # PostgreSQL refuses a query for text with NUL.
        found = None if "\0" in key else self.get_queryset().filter(pk=key).first()
        profile: InstalledProfile = required(found, key, self.noun)
        return profile


class ExternalLimitViewSet(ResourceViewSet):
    """The station notifies them: NotifyChargingLimit and ClearedChargingLimit."""

    tag, noun, key = "Smart charging", "external limit", "chargingLimits"
    component = "ExternalLimit"
    has_etag = False
    serializer_class = ExternalLimitSerializer
    parent = STATION
    operations = (
        List(
            ExternalLimitQuery,
            summary="List the limits that others have set at a station, newest first",
            description="One for each source and EVSE: the next one replaces it.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().charging_limits.order_by("-set_at", "-pk")
        return rows


class ChargingPlanViewSet(ResourceViewSet):
    """The messages of vehicles and the commands about priority and V2X change them."""

    tag, noun, key = "Smart charging", "charging plan", "chargingPlans"
    component = "ChargingPlan"
    has_etag = False
    serializer_class = ChargingPlanSerializer
    parent = STATION
    operations = (
        List(
            ChargingPlanQuery,
            summary="List what vehicles asked for, their schedules, and the priority of sessions",
            description="One for each session about which the station or an operator has said anything.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().charging_plans.order_by("-updated_at", "-pk")
        return rows


class DerControlViewSet(ResourceViewSet):
    """The commands set-der-control and clear-der-control change them."""

    tag, noun, key = "Smart charging", "DER control", "derControls"
    component = "DerControl"
    has_etag = False
    serializer_class = DerControlSerializer
    parent = STATION
    operations = (
        List(DerControlQuery, summary="List the DER controls of a station, the last changed first"),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().der_controls.order_by("-updated_at", "-pk")
        return rows


class DerAlarmViewSet(ResourceViewSet):
    """The station notifies them: NotifyDERAlarm."""

    tag, noun, key = "Smart charging", "grid fault", "derAlarms"
    component = "DerAlarm"
    has_etag = False
    serializer_class = DerAlarmSerializer
    parent = STATION
    operations = (
        List(
            DerAlarmQuery,
            summary="List the faults of the grid that a station has seen, the last changed first",
            description="One for each type of control and kind of fault: the next one opens it again.",
        ),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().der_alarms.order_by("-updated_at", "-pk")
        return rows
