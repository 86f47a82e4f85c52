"""Stations, connectors and commands of the whole fleet, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command, Connector
from ocpp_server import live
from ocpp_server.observability.fleet import Family, Figures, Part
from ocpp_server.protocol.versions import VERSIONS

# Only commands of this period are counted: a scrape must not read the whole log.
RECENT = timedelta(hours=1)


class ConnectedCollector(Collector):
    """The connected stations, counted in the live state without a query."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "ocpp_stations_connected",
            "Stations connected now, by the live state.",
            len(live.state().connected()),
        )


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    online = dict.fromkeys(map(str, VERSIONS), 0)
    for version, count in (
        ChargePoint.objects.online().order_by().values_list("ocpp_version").annotate(count=Count("pk"))
    ):
        online[version if version in online else "other"] = count

    connectors: dict[str, int] = {}
    reported = Connector.objects.filter(charge_point__is_online=True).order_by()
    for status, count in reported.values_list("status").annotate(count=Count("pk")):
        # A status that is not in OCPP would create an unlimited number of labels.
        label = status if status and status in Connector.Status.values else "Other"
        connectors[label] = connectors.get(label, 0) + count

    commands = dict.fromkeys(Command.State.values, 0)
    recent = Command.objects.filter(created_at__gte=timezone.now() - RECENT).order_by()
    commands |= dict(recent.values_list("state").annotate(count=Count("pk")))
    campaigns = dict.fromkeys((Campaign.State.RUNNING.value, Campaign.State.PAUSED.value), 0)
    stations = dict.fromkeys(CampaignStation.State.values, 0)
    unfinished = Campaign.objects.open().order_by()
    campaigns |= dict(unfinished.filter(state__in=campaigns).values_list("state").annotate(count=Count("pk")))
    rows = CampaignStation.objects.filter(campaign__in=unfinished).order_by()
    stations |= dict(rows.values_list("state").annotate(count=Count("pk")))
    return {
        "campaigns": [((state,), count) for state, count in campaigns.items()],
        "campaign_stations": [((state,), count) for state, count in stations.items()],
        "known": [((), ChargePoint.objects.count())],
        "online": [((version,), count) for version, count in online.items()],
        "connectors": [((status,), count) for status, count in connectors.items()],
        "commands": [((state,), count) for state, count in commands.items()],
    }


FLEET: Final = Part(
    figures,
    (
        Family("known", "ocpp_stations_known", "Stations ever added or seen."),
        Family(
            "online", "ocpp_stations_online", "Stations online over all processes, by version.", ("version",)
        ),
        Family(
            "connectors", "ocpp_connectors", "Connectors of stations online, by reported status.", ("status",)
        ),
        Family("commands", "ocpp_commands_recent", "Commands of the last hour, by state.", ("state",)),
        Family("campaigns", "ocpp_campaigns", "Campaigns that are running or paused.", ("state",)),
        Family(
            "campaign_stations",
            "ocpp_campaign_stations",
            "Stations of campaigns that have not ended, by their state in the campaign.",
            ("state",),
        ),
    ),
)
