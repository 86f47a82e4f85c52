"""The state of stations in the list, its filter, the dashboard and the REST API: one rule for all."""

from __future__ import annotations

import html
import re
from itertools import product

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chargepoints.models import ChargePoint, Connector, Evse
from chargepoints.models.station_state import WORST_FIRST

LIST = "/admin/chargepoints/chargepoint/"


def online(identity: str, *statuses: str, own: str = "", is_online: bool = True) -> ChargePoint:
    station = ChargePoint.objects.create(identity=identity, is_online=is_online, status=own)
    for number, status in enumerate(statuses, 1):
        evse = Evse.objects.create(charge_point=station, number=number)
        Connector.objects.create(charge_point=station, evse=evse, number=number, status=status)
    return station


def states(page: str) -> list[str]:
    column = re.findall(r'<td class="field-state[^>]*>(.*?)</td>', page, re.DOTALL)
    return [" ".join(html.unescape(re.sub("<[^>]*>", " ", cell)).split()) for cell in column]


def test_the_list_shows_the_worst_connector_with_its_count(viewer: Client) -> None:
    online("A", "Available", "Faulted", own="Available")
    online("B", "Charging", "Available")
    online("C")
    online("D", "Faulted", "Available", is_online=False)
    online("E", "Available", own="Unavailable")

    page = viewer.get(LIST).content.decode()

    assert states(page) == [
        "Faulted · 1 of 2",
        "Charging · 1 of 2",
        "Online",
        "Offline (last: Faulted · 1 of 2)",
        "Unavailable",
    ]


def test_the_filter_in_the_database_follows_the_same_rule(db: None) -> None:
    words = (*WORST_FIRST, "Other:X")
    combinations = list(product(("", "Available", "Unavailable", "Faulted", "Other:Y"), words, words))
    ChargePoint.objects.bulk_create(
        ChargePoint(identity=f"S{number}", identity_key=f"s{number}", is_online=True, status=own)
        for number, (own, _, _) in enumerate(combinations)
    )
    stations = list(ChargePoint.objects.order_by("pk"))
    Evse.objects.bulk_create(Evse(charge_point=station, number=1) for station in stations)
    Connector.objects.bulk_create(
        Connector(charge_point=evse.charge_point, evse=evse, number=number, status=status)
        for evse, (_, *statuses) in zip(
            Evse.objects.select_related("charge_point").order_by("charge_point"), combinations, strict=True
        )
        for number, status in enumerate(statuses, 1)
    )

    by_rule = {one.pk: one.state.status for one in ChargePoint.objects.with_statuses()}

    for status in filter(None, Connector.Status.values):
        found = set(ChargePoint.objects.in_state(status).values_list("pk", flat=True))
        assert found and found == {pk for pk, state in by_rule.items() if state == status}, status


def test_the_filter_of_the_list_finds_only_stations_online(viewer: Client) -> None:
    online("ON", "Available", "Faulted")
    online("OFF", "Faulted", is_online=False)
    online("GOOD", "Available")

    page = viewer.get(f"{LIST}?state=Faulted").content.decode()

    assert states(page) == ["Faulted · 1 of 2"]
    assert viewer.get(f"{LIST}?state=nonsense").status_code == 200


def test_the_statuses_of_all_rows_cost_one_query(viewer: Client) -> None:
    for number in range(5):
        online(f"S{number}", "Available", "Faulted")

    with CaptureQueriesContext(connection) as queries:
        viewer.get(LIST)

    assert len([row for row in queries if "chargepoints_connector" in row["sql"]]) == 1


def test_the_dashboard_counts_the_stations_of_its_link_and_names_a_station_as_a_whole(viewer: Client) -> None:
    online("WHOLE", "Available", own="Faulted")
    online("PART", "Available", "Faulted")
    online("OFF", "Faulted", is_online=False)

    snapshot = viewer.get("/admin/live/").json()

    assert snapshot["values"]["faults"]["text"] == "2"
    assert [row[0]["text"] for row in snapshot["tables"]["faults"]] == ["WHOLE", "PART"]
    assert snapshot["tables"]["faults"][0][0]["note"] == "The station as a whole"
    assert f'href="{LIST}?state=Faulted"' in viewer.get("/admin/").content.decode()


def test_the_station_page_shows_the_same_state(viewer: Client) -> None:
    station = online("A", "Available", "Faulted", own="Available")

    values = viewer.get(reverse("admin:station-live", args=[station.pk])).json()["values"]

    assert values["status"]["text"] == "Faulted · 1 of 2" and values["status"]["tone"] == "danger"
