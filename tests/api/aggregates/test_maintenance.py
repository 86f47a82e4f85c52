"""Maintenance windows over REST, and the question whether a station is in one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from aggregates.models import MaintenanceWindow
from aggregates.services import maintenance
from chargepoints.models import ChargePoint, Site
from tests.api.conftest import NOON, Caller

WINDOWS = "/api/v1/maintenance-windows"
FROM, UNTIL = "2026-11-28T10:00:00.000Z", "2026-11-28T12:00:00.000Z"
BODY = {"clientId": "garage 1", "from": FROM, "until": UNTIL, "note": " New cable. "}


def test_a_window_is_added_with_its_location_changed_and_deleted(
    operator: Caller, garage: ChargePoint
) -> None:
    made = operator.post(WINDOWS, BODY)

    path = made["Location"]
    assert (made.status_code, path) == (201, f"{WINDOWS}/{made.info['id']}")
    assert {name: made.info[name] for name in ("clientId", "siteId", "from", "until", "reason", "note")} == {
        "clientId": "GARAGE 1", "siteId": None, "from": FROM, "until": UNTIL, "reason": "maintenance",
        "note": "New cable.",
    }  # fmt: skip
    assert made.info["author"] == "key operator"
    changed = operator.patch(path, {"until": "2026-11-28T14:00:00Z", "reason": "vandalism"})
    assert (changed.info["from"], changed.info["until"]) == (FROM, "2026-11-28T14:00:00.000Z")
    assert operator.delete(path).status_code == 200
    assert operator.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"clientId": None}, "clientId"),
        ({"siteId": 1}, "siteId"),
        ({"clientId": "NOBODY"}, "clientId"),
        ({"until": FROM}, "until"),
        ({"from": "today"}, "from"),
        ({"until": None}, "until"),
        ({"reason": "rain"}, "reason"),
        ({"note": "x" * 201}, "note"),
    ],
)
def test_a_bad_body_is_400_with_its_field(
    operator: Caller, garage: ChargePoint, body: dict[str, object], field: str
) -> None:
    given = {name: value for name, value in {**BODY, **body}.items() if value is not None}

    response = operator.post(WINDOWS, given)

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == [field]


def test_a_station_and_a_site_are_not_given_together(operator: Caller, garage: ChargePoint) -> None:
    site = Site.objects.create(name="Yard")

    assert operator.post(WINDOWS, {**BODY, "siteId": site.pk}).status_code == 400


def test_viewers_read_only(viewer: Caller, garage: ChargePoint) -> None:
    window = a_window(charge_point=garage)

    assert viewer.get(f"{WINDOWS}/{window.pk}").info["clientId"] == "GARAGE 1"
    assert viewer.post(WINDOWS, BODY).status_code == 403
    assert viewer.delete(f"{WINDOWS}/{window.pk}").status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("clientId=GARAGE%201", 1),
        ("clientId=NOBODY", 0),
        ("reason=utility", 1),
        (f"at={NOON:%Y-%m-%dT%H:%M:%SZ}", 2),
        (f"at={NOON + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}", 0),
    ],
)
def test_the_list_is_filtered(viewer: Caller, garage: ChargePoint, query: str, found: int) -> None:
    a_window(charge_point=garage)
    a_window(site=Site.objects.create(name="Yard"), reason="utility")

    assert viewer.get(f"{WINDOWS}?{query}").info["count"] == found


def a_window(**columns: object) -> MaintenanceWindow:
    times = {"begins_at": NOON, "ends_at": NOON + timedelta(hours=1), "author": "anna"}
    return MaintenanceWindow.objects.create(**{**times, **columns})


def test_a_station_is_in_its_own_windows_and_in_those_of_its_site(db: None) -> None:
    site = Site.objects.create(name="Yard")
    own, of_site, other = (ChargePoint.objects.create(identity=name) for name in "ABC")
    ChargePoint.objects.filter(pk=of_site.pk).update(site=site)
    of_site.refresh_from_db()
    a_window(charge_point=own)
    a_window(site=site)

    def found(at: object) -> list[bool]:
        return [maintenance.is_in_maintenance(one, at) for one in (own, of_site, other)]  # type: ignore[arg-type]

    assert found(NOON) == [True, True, False]
    assert found(NOON + timedelta(hours=1)) == found(NOON - timedelta(seconds=1)) == [False] * 3
    assert maintenance.in_maintenance(NOON) == {own.pk, of_site.pk}
    assert maintenance.in_maintenance(NOON + timedelta(hours=1)) == set()


def test_the_database_refuses_a_window_without_a_place_and_one_that_ends_before_its_begin(
    garage: ChargePoint,
) -> None:
    for columns in ({}, {"charge_point": garage, "ends_at": NOON}):
        with pytest.raises(IntegrityError), transaction.atomic():
            a_window(**columns)
