"""The station page shows energy, sessions and uptime of 30 days, and outages."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aggregates.models import ConnectorHour, ObservedConnector, Outage
from chargepoints.models import ChargePoint

_HOUR_S = 3600


def _whole_hour(ago: timedelta) -> datetime:
    return (timezone.now() - ago).replace(minute=0, second=0, microsecond=0)


def test_a_connector_has_the_sums_of_30_days(viewer: Client, station: ChargePoint) -> None:
    # Known for ten whole days, one of them without service.
    ObservedConnector.objects.create(
        charge_point=station, evse_number=1, connector_number=1, since=timezone.now() - timedelta(days=10)
    )
    hours = [
        ConnectorHour(
            charge_point=station,
            evse_number=1,
            connector_number=1,
            hour=_whole_hour(timedelta(days=5)) + timedelta(hours=number),
            energy_mwh=1_000_000,
            sessions=1,
            occupied_s=_HOUR_S,
            down_s=_HOUR_S,
        )
        for number in range(24)
    ]
    too_old = ConnectorHour(
        charge_point=station,
        evse_number=1,
        connector_number=1,
        hour=_whole_hour(timedelta(days=40)),
        energy_mwh=5_000_000,
    )
    ConnectorHour.objects.bulk_create([*hours, too_old])

    (row,) = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["use"]

    words = [cell["text"].replace("\xa0", " ") for cell in row]
    assert words == ["1 / 1", "24.00 kWh", "24", "10 %", "90.00 %"]


def test_the_page_shows_lasting_outages_first(viewer: Client, station: ChargePoint) -> None:
    now = timezone.now()
    place = {"charge_point": station, "connector_number": 1}
    Outage.objects.create(
        **place, evse_number=1, cause="faulted", error_code="GroundFailure", began_at=now - timedelta(hours=2)
    )
    Outage.objects.create(
        **place,
        evse_number=0,
        cause="offline",
        began_at=now - timedelta(hours=1),
        ended_at=now - timedelta(minutes=30),
    )

    rows = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]["outages"]

    assert [row[0]["text"] for row in rows] == ["Faulted", "Offline"]
    assert [row[1]["text"] for row in rows] == ["1 / 1", "Station"]
    assert rows[0][1]["note"] == "GroundFailure"


def test_a_station_without_connectors_has_empty_tables(viewer: Client, station: ChargePoint) -> None:
    tables = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["tables"]

    assert tables["use"] == [] and tables["outages"] == []
