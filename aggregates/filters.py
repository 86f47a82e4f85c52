"""Query strings of the lists of maintenance windows and of aggregates."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from aggregates.models import MaintenanceWindow, Outage
from aggregates.services import periods
from aggregates.services.composing import Asked
from chargepoints.views.lookups import of_station
from ocpp_server.api.fields import FlagField, TextField, TimeField, WholeField
from ocpp_server.api.lists import ChangedQuery, ListQuery, ordering


class MaintenanceWindowQuery(ChangedQuery):
    orderings = {"id": "pk", "from": "begins_at", "until": "ends_at", "updatedAt": "updated_at"}
    exact = {"reason": "reason", "siteId": "site"}

    ordering = ordering(orderings)
    clientId = TextField(
        required=False, max_length=255, help_text="Windows of this station, without its site."
    )
    siteId = WholeField(required=False, min_value=1)
    reason = serializers.ChoiceField(choices=MaintenanceWindow.Reason.values, required=False)
    at = TimeField(required=False, help_text="Windows that cover this time.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        if "at" in asked:
            rows = rows.filter(begins_at__lte=asked["at"], ends_at__gt=asked["at"])
        return rows


class OutageQuery(ChangedQuery):
    orderings = {"id": "pk", "from": "began_at"}
    exact = {"cause": "cause", "evseId": "evse_number", "siteId": "charge_point__site"}
    moment = "began_at"

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255)
    siteId = WholeField(required=False, min_value=1)
    evseId = WholeField(required=False, min_value=0, help_text="0: of the station as a whole.")
    cause = serializers.ChoiceField(choices=Outage.Cause.values, required=False)
    isOpen = FlagField(required=False, help_text="Whether the outage lasts.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        if "isOpen" in asked:
            rows = rows.filter(ended_at__isnull=asked["isOpen"])
        return rows


# -- aggregates ----------------------------------------------------------------------------------------------

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH: Final = re.compile(r"\d{4}-\d\d")
# The days of a report without `from`, before the last one.
_USUAL: Final = {periods.HOUR: 0, periods.DAY: 29, periods.MONTH: 365}
# The most figures of a page: places times periods.
MOST_FIGURES: Final = 40_000
_EARLIEST, _LATEST = date(2000, 1, 1), date(2200, 1, 1)


@extend_schema_field({"type": "string", "format": "date"})
class DayField(TextField):
    default_error_messages = {"invalid": "Must be a date such as 2026-11-28."}

    def to_internal_value(self, data: Any) -> Any:
        try:
            found = date.fromisoformat(data) if isinstance(data, str) and _DAY.fullmatch(data) else None
        except ValueError:
            found = None
        if found is None or not _EARLIEST <= found < _LATEST:
            self.fail("invalid")
        return found


@extend_schema_field({"type": "string", "pattern": r"^\d{4}-\d\d$", "example": "2026-11"})
class MonthField(TextField):
    default_error_messages = {"invalid": "Must be a month such as 2026-11."}

    def to_internal_value(self, data: Any) -> Any:
        try:
            is_month = isinstance(data, str) and _MONTH.fullmatch(data)
            found = date.fromisoformat(f"{data}-01") if is_month else None
        except ValueError:
            found = None
        if found is None or not _EARLIEST <= found < _LATEST:
            self.fail("invalid")
        return found


class AggregateQuery(ListQuery):
    """Periods, in the time zone of each place."""

    unit = serializers.ChoiceField(choices=periods.UNITS, default=periods.DAY)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {
            "from": DayField(
                required=False,
                help_text="The first day. Default: 30 days; one day with unit=hour, a year with unit=month.",
            ),
            "to": DayField(required=False, help_text="The last day, which is included. Default: today."),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        unit = attrs["unit"]
        last = attrs.setdefault("to", timezone.localdate())
        first = attrs.setdefault("from", last - timedelta(days=_USUAL[unit]))
        if last < first:
            raise serializers.ValidationError({"to": ["Must not be before `from`."]})
        number = periods.count(first, last, unit)
        if number > periods.MOST[unit]:
            reason = f"These are {number} periods; at most {periods.MOST[unit]} with unit={unit}."
            raise serializers.ValidationError({"from": [reason]})
        if number * attrs["limit"] > MOST_FIGURES:
            most = MOST_FIGURES // number
            raise serializers.ValidationError({"limit": [f"At most {most} with {number} periods."]})
        return attrs

    @property
    def asked(self) -> Asked:
        given = self.validated_data
        return Asked(given["unit"], given["from"], given["to"], datetime.now(UTC))


class SiteAggregateQuery(AggregateQuery):
    orderings = {"name": "name_key"}
    exact = {"siteId": "pk"}

    ordering = ordering(orderings)
    siteId = WholeField(required=False, min_value=1)


class StationAggregateQuery(AggregateQuery):
    orderings = {"clientId": "identity_key"}
    exact = {"siteId": "site"}

    ordering = ordering(orderings)
    siteId = WholeField(required=False, min_value=1)
    clientId = TextField(required=False, max_length=255)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = rows.filter(identity_key=asked["clientId"].replace("\0", "").casefold())
        return rows


class ConnectorAggregateQuery(AggregateQuery):
    orderings = {"id": "pk"}
    exact = {"siteId": "charge_point__site"}

    ordering = ordering(orderings)
    siteId = WholeField(required=False, min_value=1)
    clientId = TextField(required=False, max_length=255)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        return of_station(rows, asked["clientId"]) if "clientId" in asked else rows


class ContractAggregateQuery(AggregateQuery):
    orderings = {"id": "pk"}
    exact = {"contractId": "contract_id"}

    ordering = ordering(orderings)
    contractId = TextField(required=False, max_length=36, help_text="The contract_id of a contract.")


class UptimeQuery(ListQuery):
    orderings = {"id": "pk"}
    exact = {"siteId": "charge_point__site", "evseId": "number"}

    ordering = ordering(orderings)
    month = MonthField(
        required=False, help_text="The last one of the twelve months. Default: the last complete month."
    )
    siteId = WholeField(required=False, min_value=1)
    clientId = TextField(required=False, max_length=255)
    evseId = WholeField(required=False, min_value=1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        return of_station(rows, asked["clientId"]) if "clientId" in asked else rows
