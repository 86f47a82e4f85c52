"""Desired values, templates and their assignments, drift and comparison over REST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from configuration.models import ConfigurationState, DesiredValue, ReportedKey
from configuration.services.variables import desired, templates
from tests.api.conftest import Caller

V1 = "/api/v1"
GARAGE = f"{V1}/chargepoints/GARAGE%201"
TEMPLATES = f"{V1}/configuration/templates"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def known(garage: ChargePoint) -> ChargePoint:
    garage.ocpp_version, garage.vendor, garage.model = "ocpp1.6", "ACME", "W22"
    garage.site = Site.objects.create(name="Depot of templates")
    garage.save()
    return garage


def report(charge_point: ChargePoint, **values: str) -> None:
    for key, value in values.items():
        ReportedKey.objects.create(charge_point=charge_point, key=key, value=value, reported_at=NOON)


def made(operator: Caller, name: str = "Base", **values: str) -> int:
    body = {"name": name, "dialect": "1.6", "values": values or {"A": "1"}}
    response = operator.post(TEMPLATES, body)
    assert response.status_code == 201, response.answer
    return int(response.info["id"])


def wanted(operator: Caller) -> dict[str, tuple[str, str]]:
    rows = operator.get(f"{GARAGE}/configuration/drift").info["desired"]
    return {row["key"]: (row["desired"], row["state"]) for row in rows}


def test_a_desired_value_is_created_changed_and_deleted(operator: Caller, known: ChargePoint) -> None:
    report(known, Interval="60")
    path = f"{GARAGE}/desired-values"

    created = operator.post(path, {"key": "interval", "value": "60"})
    assert (created.status_code, created.info["state"], created.info["reported"]) == (201, "same", "60")
    one = f"{path}/{created.info['id']}"
    changed = operator.patch(one, {"value": "5", "reapplies": True})
    assert (changed.info["state"], changed.info["reapplies"]) == ("differs", True)
    assert operator.get(f"{path}?differs=true").info["count"] == 1
    assert operator.get(f"{path}?differs=false").info["count"] == 0
    assert operator.delete(one).status_code == 200
    assert operator.get(path).info["desired"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "AuthorizationKey", "value": "x"}, "key"),
        ({"key": "VpnPassword", "value": "x"}, "key"),
        ({"key": " ", "value": "x"}, "key"),
        ({"key": "k" * 51, "value": "x"}, "key"),
        ({"key": "A", "value": "x" * 501}, "value"),
        ({"key": "A"}, "value"),
    ],
)
def test_a_secret_or_a_value_that_1_6_has_no_room_for_is_refused(
    operator: Caller, known: ChargePoint, body: dict[str, Any], field: str
) -> None:
    response = operator.post(f"{GARAGE}/desired-values", body)

    assert response.status_code == 400
    assert response.info["errors"][0]["field"] == field
    assert not DesiredValue.objects.exists()


def test_a_key_has_one_desired_value_in_any_case(operator: Caller, known: ChargePoint) -> None:
    path = f"{GARAGE}/desired-values"
    operator.post(path, {"key": "Interval", "value": "60"})

    assert operator.post(path, {"key": "INTERVAL", "value": "5"}).status_code == 409


def test_a_viewer_reads_and_does_not_write(viewer: Caller, known: ChargePoint) -> None:
    assert viewer.get(f"{GARAGE}/desired-values").status_code == 200
    assert viewer.post(f"{GARAGE}/desired-values", {"key": "A", "value": "1"}).status_code == 403
    assert viewer.post(TEMPLATES, {"name": "T", "dialect": "1.6", "values": {"A": "1"}}).status_code == 403


def test_a_template_wins_by_how_close_it_is_to_the_station(operator: Caller, known: ChargePoint) -> None:
    by_model = made(operator, "Model", A="model", B="model", C="model", D="model")
    by_site = made(operator, "Site", B="site", C="site", D="site")
    by_station = made(operator, "Station", C="station", D="station")
    targets = (
        (by_model, {"model": "W22"}),
        (by_site, {"siteId": known.site_id}),
        (by_station, {"clientId": "garage 1"}),
    )
    for number, target in targets:
        assert operator.post(f"{TEMPLATES}/{number}/assignments", target).status_code == 201
    operator.post(f"{GARAGE}/desired-values", {"key": "d", "value": "own"})

    assert {key: value for key, (value, _) in wanted(operator).items()} == {
        "A": "model",
        "B": "site",
        "C": "station",
        "d": "own",
    }


def test_another_model_and_another_dialect_get_nothing(operator: Caller, known: ChargePoint) -> None:
    other = made(operator, "Other", A="1")
    operator.post(f"{TEMPLATES}/{other}/assignments", {"model": "W23"})
    operator.post(f"{TEMPLATES}/{other}/assignments", {"model": "W22", "vendor": "Other"})
    body = {"name": "2.x", "dialect": "2.x", "values": {"C.V": "1"}}
    newer = operator.post(TEMPLATES, body).info["id"]
    operator.post(f"{TEMPLATES}/{newer}/assignments", {"clientId": "GARAGE 1"})

    assert wanted(operator) == {}


def test_a_changed_template_is_drift_and_a_deleted_one_wants_nothing(
    operator: Caller, known: ChargePoint
) -> None:
    report(known, A="1")
    number = made(operator, "Base", A="1", B="2")
    operator.post(f"{TEMPLATES}/{number}/assignments", {"clientId": "GARAGE 1"})
    assert ConfigurationState.objects.get().is_stale
    assert not desired.resolve_stale()
    assert wanted(operator) == {"A": ("1", "same"), "B": ("2", "not-reported")}

    operator.patch(f"{TEMPLATES}/{number}", {"values": {"A": "7"}})
    assert ConfigurationState.objects.get().is_stale
    desired.resolve_stale()
    listed = operator.get(f"{V1}/configuration/drift?state=differs&templateId={number}").info
    assert [(row["clientId"], row["key"]) for row in listed["desired"]] == [("GARAGE 1", "A")]
    row = listed["desired"][0]["id"]
    assert operator.patch(f"{GARAGE}/desired-values/{row}", {"value": "1"}).status_code == 409
    assert operator.delete(f"{GARAGE}/desired-values/{row}").status_code == 409

    operator.delete(f"{TEMPLATES}/{number}")
    desired.resolve_stale()
    assert wanted(operator) == {}


def test_the_drift_of_all_is_filtered_by_site_model_and_state(operator: Caller, known: ChargePoint) -> None:
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE", ocpp_version="ocpp1.6", model="M")
    for charge_point in (known, elsewhere):
        desired.add(charge_point, key="A", value="1")
    path = f"{V1}/configuration/drift"

    def stations(query: str) -> list[str]:
        return [row["clientId"] for row in operator.get(f"{path}{query}").info["desired"]]

    assert stations("") == ["GARAGE 1", "ELSEWHERE"]
    assert stations(f"?siteId={known.site_id}") == ["GARAGE 1"]
    assert stations("?model=M") == ["ELSEWHERE"]
    assert stations("?state=same") == []
    assert stations("?differs=true&key=a&ordering=-id") == ["ELSEWHERE", "GARAGE 1"]


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"clientId": "GARAGE 1", "model": "W22"},
        {"vendor": "ACME"},
        {"clientId": "NOBODY"},
        {"siteId": 99999},
    ],
)
def test_an_assignment_names_one_target_that_exists(
    operator: Caller, known: ChargePoint, target: dict[str, Any]
) -> None:
    number = made(operator)

    assert operator.post(f"{TEMPLATES}/{number}/assignments", target).status_code == 400


def test_an_assignment_is_there_once_and_can_be_ended(operator: Caller, known: ChargePoint) -> None:
    number = made(operator)
    path = f"{TEMPLATES}/{number}/assignments"
    first = operator.post(path, {"model": "W22"})
    assert operator.post(path, {"model": "W22"}).status_code == 409
    assert wanted(operator) == {"A": ("1", "not-reported")}

    assert operator.delete(f"{path}/{first.info['id']}").status_code == 200

    assert wanted(operator) == {}
    assert operator.get(path).info["assignments"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "base", "dialect": "1.6", "values": {"A": "1"}}, 409),
        ({"name": " ", "dialect": "1.6", "values": {"A": "1"}}, 400),
        ({"name": "T", "dialect": "1.6", "values": {}}, 400),
        ({"name": "T", "dialect": "1.6", "values": {"A": "1", "a": "2"}}, 400),
        ({"name": "T", "dialect": "1.6", "values": {"AuthorizationKey": "1"}}, 400),
        ({"name": "T", "dialect": "2.x", "values": {"A": "1"}}, 400),
        ({"name": "T", "dialect": "3", "values": {"A": "1"}}, 400),
        ({"name": "T", "dialect": "1.6", "values": {f"K{n}": "1" for n in range(101)}}, 400),
        ({"name": "T", "dialect": "2.x", "values": {"A.B": "1"}, "reapplies": True}, 201),
    ],
)
def test_a_template_is_checked(operator: Caller, db: None, body: dict[str, Any], status: int) -> None:
    made(operator)

    assert operator.post(TEMPLATES, body).status_code == status


def test_a_campaign_gives_a_template_to_one_station(operator: Caller, known: ChargePoint) -> None:
    number = made(operator)
    template = templates.template_of(number)

    templates.use(known, template)
    templates.use(known, template)

    assert wanted(operator) == {"A": ("1", "not-reported")}
    assert operator.get(f"{TEMPLATES}/{number}/assignments").info["count"] == 1


def test_two_stations_are_compared_by_their_differences(viewer: Caller, known: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    report(known, A="1", B="true", C="1")
    report(other, a="2", b="True", D="4")

    response = viewer.get(f"{GARAGE}/configuration/compare?with=other")

    assert response.info == {
        "clientId": "GARAGE 1",
        "otherId": "OTHER",
        "differences": [
            {"key": "A", "here": "1", "there": "2", "only": ""},
            {"key": "C", "here": "1", "there": None, "only": "here"},
            {"key": "D", "here": None, "there": "4", "only": "there"},
        ],
        "count": 3,
        "same": 1,
    }
    assert viewer.get(f"{GARAGE}/configuration/compare?with=NOBODY").status_code == 400
    assert viewer.get(f"{GARAGE}/configuration/compare").status_code == 400
