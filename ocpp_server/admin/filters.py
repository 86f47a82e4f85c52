"""Filters that many lists share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter, TextFilter
from unfold.contrib.filters.forms import RangeDateTimeForm
from unfold.utils import parse_datetime_str

from ocpp_server.admin.base import name_parts, station_key
from ocpp_server.protocol.versions import VERSIONS, label


class StationFilter(TextFilter):
    """Filters by a station's identity in a text field: a list of choices could have ten thousand stations."""

    title = _("Station")
    parameter_name = "station"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        identity = (self.value() or "").strip()
        if not identity:
            return queryset
        # The key is queried first, so that the list uses its index on the station.
        station = station_key(queryset.model, identity)
        return queryset.none() if station is None else self.of_station(queryset, station)

    def of_station(self, queryset: QuerySet[Any], station: int) -> QuerySet[Any]:
        return queryset.filter(charge_point_id=station)


class MomentForm(RangeDateTimeForm):
    """The inputs of a range of time, with names."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        name_parts(self.fields[f"{name}_from"], gettext("From"))
        name_parts(self.fields[f"{name}_to"], gettext("To"))


class MomentFilter(RangeDateTimeFilter):
    """Filters by a range of time, in the time zone of the pages. A date without a time is the whole day."""

    form_class = MomentForm

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for side in ("from", "to"):
            day, clock = (self.used_parameters.get(f"{self.parameter_name}_{side}_{part}") for part in "01")
            moment = parse_datetime_str(f"{day} {clock or '00:00:00'}") if day else None
            if moment is None:
                continue
            includes_day = side == "to" and not clock
            limit = timezone.make_aware(moment + timedelta(days=int(includes_day)))
            lookup = "gte" if side == "from" else "lt" if includes_day else "lte"
            queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": limit})
        return queryset


class VersionFilter(DropdownFilter):
    title = _("OCPP version")
    parameter_name = "version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(version, label(version)) for version in VERSIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(ocpp_version=self.value()) if self.value() else queryset
