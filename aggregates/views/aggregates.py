"""Aggregates over REST: the figures of sites, stations, connectors and contracts, outages, and uptime."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, tzinfo
from typing import Any, ClassVar

from django.utils import timezone

from accounts.models import Contract
from aggregates.filters import (
    AggregateQuery,
    ConnectorAggregateQuery,
    ContractAggregateQuery,
    OutageQuery,
    SiteAggregateQuery,
    StationAggregateQuery,
    UptimeQuery,
)
from aggregates.models import ObservedConnector, Outage
from aggregates.serializers import (
    ConnectorAggregateSerializer,
    ContractAggregateSerializer,
    OutageSerializer,
    SiteAggregateSerializer,
    StationAggregateSerializer,
    UptimeSerializer,
)
from aggregates.services import composing, uptime
from aggregates.services.composing import Key
from chargepoints.models import ChargePoint, Evse, Site
from ocpp_server.api.lists import query
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet

_PERIODS = (
    "In hours of UTC, or in days or months of the time zone of the site; a day has 23 or 25 hours when the "
    "clocks change. Changes are in the figures after some minutes, energy of running sessions after a "
    "quarter of an hour. A station's past belongs to the site that it has now."
)


class _AggregateViewSet(ResourceViewSet):
    """Rows with the figures of their hours: `columns` of an hour name the row."""

    tag, has_etag = "Aggregates", False
    asks: ClassVar[type[AggregateQuery]]
    columns: ClassVar[tuple[str, ...]]

    def key_of(self, row: Any) -> Key:
        return (row.pk,)

    def zone_of(self, row: Any) -> tzinfo:
        raise NotImplementedError

    def prepare(self, rows: list[Any]) -> None:
        zones = {self.key_of(row): self.zone_of(row) for row in rows}
        asked = query(self.asks, self.request).asked
        reports = composing.reports(zones, self.columns, asked)
        for row in rows:
            row.report = reports[self.key_of(row)]
            row.report_zone = str(zones[self.key_of(row)])


def _zone(site: Site | None) -> tzinfo:
    return timezone.get_default_timezone() if site is None else site.zone


class SiteAggregateViewSet(_AggregateViewSet):
    noun, key, component = "site aggregate", "sites", "SiteAggregate"
    queryset = Site.objects.order_by("name_key", "pk")
    serializer_class = SiteAggregateSerializer
    asks, columns = SiteAggregateQuery, composing.SITE
    operations = (
        List(SiteAggregateQuery, summary="Get energy, sessions and uptime by site", description=_PERIODS),
    )

    def zone_of(self, row: Site) -> tzinfo:
        return row.zone


class StationAggregateViewSet(_AggregateViewSet):
    noun, key, component = "station aggregate", "stations", "StationAggregate"
    queryset = ChargePoint.objects.select_related("site").order_by("identity_key", "pk")
    serializer_class = StationAggregateSerializer
    asks, columns = StationAggregateQuery, composing.STATION
    operations = (
        List(
            StationAggregateQuery, summary="Get energy, sessions and uptime by station", description=_PERIODS
        ),
    )

    def zone_of(self, row: ChargePoint) -> tzinfo:
        return _zone(row.site)


class ConnectorAggregateViewSet(_AggregateViewSet):
    noun, key, component = "connector aggregate", "connectors", "ConnectorAggregate"
    queryset = ObservedConnector.objects.select_related("charge_point__site").order_by("pk")
    serializer_class = ConnectorAggregateSerializer
    asks, columns = ConnectorAggregateQuery, composing.CONNECTOR
    operations = (
        List(
            ConnectorAggregateQuery,
            summary="Get energy, sessions and uptime by connector",
            description=f"{_PERIODS} The connectors that have reported a status.",
        ),
    )

    def key_of(self, row: ObservedConnector) -> Key:
        return row.charge_point_id, row.evse_number, row.connector_number

    def zone_of(self, row: ObservedConnector) -> tzinfo:
        return _zone(row.charge_point.site)


class ContractAggregateViewSet(_AggregateViewSet):
    noun, key, component = "contract aggregate", "contracts", "ContractAggregate"
    personal = ("name",)
    queryset = Contract.objects.order_by("pk")
    serializer_class = ContractAggregateSerializer
    asks, columns = ContractAggregateQuery, composing.CONTRACT
    operations = (
        List(
            ContractAggregateQuery,
            summary="Get energy and sessions by contract",
            description="The sessions with tokens that belong to the contract now. In hours of UTC, or in "
            "days or months of the server's time zone. Sessions at two connectors at once count both times.",
        ),
    )

    def zone_of(self, row: Contract) -> tzinfo:
        return timezone.get_default_timezone()


class UptimeViewSet(ResourceViewSet):
    tag, noun, key, has_etag = "Aggregates", "EVSE", "evses", False
    component = "Uptime"
    queryset = Evse.objects.select_related("charge_point__site").order_by("pk")
    serializer_class = UptimeSerializer
    operations = (
        List(
            UptimeQuery,
            summary="Get the uptime of EVSEs in twelve months, as NEVI and AFIR count it",
            description="A charging port of NEVI and a recharging point of AFIR are an EVSE. It is down "
            "while all of its connectors are Faulted or Unavailable, and while the station is offline and no "
            "session runs at it.",
        ),
    )

    def prepare(self, rows: list[Evse]) -> None:
        now, month = datetime.now(UTC), query(UptimeQuery, self.request).validated_data.get("month")
        by_station: dict[int, list[Evse]] = defaultdict(list)
        for row in rows:
            by_station[row.charge_point_id].append(row)
        for station, evses in by_station.items():
            zone = _zone(evses[0].charge_point.site)
            last: date = month or uptime.last_month(now, zone)
            span = uptime.year_until(last, zone)
            found = uptime.of_evses(station, [row.number for row in evses], span, now)
            for row in evses:
                row.uptime = found[row.number]  # type: ignore[attr-defined]


class OutageViewSet(ResourceViewSet):
    tag, noun, has_etag = "Aggregates", "outage", False
    queryset = Outage.objects.select_related("charge_point").order_by("-pk")
    serializer_class = OutageSerializer
    lookup = Lookup("outage_id", "The number of the outage.")
    operations = (
        List(
            OutageQuery,
            summary="List outages, newest first",
            description="Stations that were offline for longer than EVENT_OFFLINE_AFTER, and connectors that "
            "were Faulted or Unavailable, with the times of each.",
        ),
        Get(),
    )
