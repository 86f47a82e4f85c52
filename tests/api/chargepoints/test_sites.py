"""Sites over REST: added, changed, removed, and their stations."""

from __future__ import annotations

import pytest

from accounts.models import Token
from chargepoints.models import ChargePoint, Site
from tests.api.conftest import Caller
from transactions.models import AccessRule

SITES = "/api/v1/sites"
GARAGE = "/api/v1/chargepoints/GARAGE%201"


@pytest.fixture
def depot(db: None) -> Site:
    return Site.objects.create(name="Depot", city="Wien", country="AUT")


def test_a_site_is_added_shown_changed_and_removed(administrator: Caller) -> None:
    made = administrator.post(
        SITES,
        {
            "name": "Car park",
            "address": "Ring 1",
            "postalCode": "1010",
            "city": "Wien",
            "country": "AUT",
        },
    )
    path = f"{SITES}/{made.info['id']}"

    changed = administrator.patch(path, {"name": "Car park north"})

    assert (made.status_code, changed.status_code) == (201, 200)
    assert made.info["postalCode"] == "1010"
    shown = administrator.get(path).info
    assert (shown["name"], shown["city"], shown["chargePointCount"]) == ("Car park north", "Wien", 0)
    assert administrator.delete(path).status_code == 200
    assert administrator.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "A", "country": "at"}, "country"),
        ({"name": "A", "rating": 5}, "rating"),
        ({"name": "A" * 101}, "name"),
    ],
)
def test_a_bad_site_is_400_with_its_field(administrator: Caller, body: dict[str, object], field: str) -> None:
    response = administrator.post(SITES, body)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


def test_a_name_is_unique_regardless_of_its_case(administrator: Caller, depot: Site) -> None:
    other = Site.objects.create(name="Other")

    assert administrator.post(SITES, {"name": "DEPOT "}).status_code == 409
    assert administrator.patch(f"{SITES}/{other.pk}", {"name": "depot"}).status_code == 409


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=dep", ["Depot"]),
        ("city=wien", ["Depot"]),
        ("country=DEU", ["Yard"]),
        ("ordering=-name", ["Yard", "Depot"]),
        ("limit=1", ["Depot"]),
    ],
)
def test_the_list_is_filtered_and_ordered(viewer: Caller, depot: Site, query: str, found: list[str]) -> None:
    Site.objects.create(name="Yard", city="Ulm", country="DEU")

    response = viewer.get(f"{SITES}?{query}")

    assert [row["name"] for row in response.info["sites"]] == found


def test_a_station_is_assigned_to_a_site_filtered_by_it_and_removed_from_it(
    administrator: Caller, garage: ChargePoint, depot: Site
) -> None:
    ChargePoint.objects.create(identity="ELSEWHERE")

    moved = administrator.patch(GARAGE, {"siteId": depot.pk})

    assert moved.info["siteId"] == depot.pk
    listed = administrator.get(f"/api/v1/chargepoints?siteId={depot.pk}").info
    assert [row["clientId"] for row in listed["chargePoints"]] == ["GARAGE 1"]
    assert administrator.get(f"{SITES}/{depot.pk}").info["chargePointCount"] == 1
    assert administrator.patch(GARAGE, {"siteId": None}).info["siteId"] is None
    missing = administrator.patch(GARAGE, {"siteId": 999})
    assert (missing.status_code, missing.info["errors"][0]["field"]) == (400, "siteId")


def test_a_station_is_added_at_a_site(administrator: Caller, depot: Site) -> None:
    made = administrator.post("/api/v1/chargepoints", {"clientId": "NEW 1", "siteId": depot.pk})

    assert (made.status_code, made.info["siteId"]) == (201, depot.pk)


def test_a_site_with_stations_or_rules_stays(administrator: Caller, garage: ChargePoint, depot: Site) -> None:
    """Without the rules of a site, a token that was allowed only there would be allowed everywhere."""
    garage.site = depot
    garage.save()
    with_station = administrator.delete(f"{SITES}/{depot.pk}")
    garage.site = None
    garage.save()
    AccessRule.objects.create(token=Token.objects.create(uid="A"), site=depot)

    with_rule = administrator.delete(f"{SITES}/{depot.pk}")

    assert (with_station.status_code, with_rule.status_code) == (409, 409)
    assert Site.objects.filter(pk=depot.pk).exists()


def test_a_change_of_an_old_state_is_refused(administrator: Caller, depot: Site) -> None:
    path = f"{SITES}/{depot.pk}"
    etag = administrator.get(path)["ETag"]
    administrator.patch(path, {"city": "Graz"}, If_Match=etag)

    assert administrator.patch(path, {"city": "Linz"}, If_Match=etag).status_code == 412
    assert administrator.delete(path, If_Match=etag).status_code == 412


@pytest.mark.parametrize("number", ["0", "x", "9999999999999999999999"])
def test_a_bad_number_is_400(viewer: Caller, number: str) -> None:
    assert viewer.get(f"{SITES}/{number}").status_code == 400


def test_viewers_read_and_operators_do_not_delete(viewer: Caller, operator: Caller, depot: Site) -> None:
    path = f"{SITES}/{depot.pk}"

    for caller, status in ((viewer, 403), (operator, 200)):
        assert caller.get(path).status_code == 200
        assert caller.post(SITES, {"name": "X"}).status_code == (201 if status == 200 else 403)
        assert caller.patch(path, {"name": "Y"}).status_code == status
        assert caller.delete(path).status_code == 403
