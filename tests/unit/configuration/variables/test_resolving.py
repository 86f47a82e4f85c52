"""The desired values of a station by its templates: which ones are for it, which one wins, what changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from configuration.models import (
    ConfigurationState,
    ConfigurationTemplate,
    DesiredValue,
    ReportedKey,
    TemplateAssignment,
)
from configuration.services.variables import desired
from ocpp_server.protocol.versions import V16, V201

pytestmark = pytest.mark.django_db

State = DesiredValue.State
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def depot() -> Site:
    return Site.objects.create(name="Depot")


@pytest.fixture
def garage(depot: Site) -> ChargePoint:
    return ChargePoint.objects.create(
        identity="GARAGE", ocpp_version=V16, vendor="ACME", model="W22", site=depot
    )


def template(name: str, *, dialect: str = "1.6", reapplies: bool = False, **values: str) -> Any:
    return ConfigurationTemplate.objects.create(
        name=name, dialect=dialect, values=values or {"A": name}, reapplies=reapplies
    )


def assign(name: str, **target: Any) -> TemplateAssignment:
    return TemplateAssignment.objects.create(template=template(name), **target)


def report(garage: ChargePoint, key: str, value: str) -> None:
    ReportedKey.objects.create(charge_point=garage, key=key, value=value, reported_at=NOON)


def stored() -> list[tuple[str, str, str | None]]:
    rows = DesiredValue.objects.order_by("key", "pk")
    return list(rows.values_list("key", "value", "template__name"))


# -- which templates are for a station -----------------------------------------------------------------------


def test_the_closest_assignment_is_the_last_one(garage: ChargePoint, depot: Site) -> None:
    assign("Station", charge_point=garage)
    assign("Site", site=depot)
    assign("Vendor", vendor="ACME", model="W22")
    assign("Model", model="W22")

    assert [str(one.template) for one in desired.assigned(garage)] == ["Model", "Vendor", "Site", "Station"]


def test_among_equals_the_later_assignment_is_the_last_one(garage: ChargePoint) -> None:
    for name in ("B", "A", "C"):
        assign(name, charge_point=garage)

    assert [str(one.template) for one in desired.assigned(garage)] == ["B", "A", "C"]


def test_other_targets_are_not_for_a_station(garage: ChargePoint, depot: Site) -> None:
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    assign("Station", charge_point=elsewhere)
    assign("Site", site=Site.objects.create(name="Other"))
    assign("Model", model="W23")
    assign("Model of another vendor", vendor="Other", model="W22")
    newer = template("2.x", dialect="2.x", values="1")
    TemplateAssignment.objects.create(template=newer, charge_point=garage)

    assert desired.assigned(garage) == []


@pytest.mark.parametrize("version", ["", V201])
def test_a_template_is_for_stations_of_its_dialect(garage: ChargePoint, version: str) -> None:
    assign("1.6", charge_point=garage)
    newer = template("2.x", dialect="2.x")
    TemplateAssignment.objects.create(template=newer, model="W22")
    garage.ocpp_version = version

    assert [str(one.template) for one in desired.assigned(garage)] == (["2.x"] if version else [])


def test_a_station_without_a_site_or_a_model_gets_only_its_own_templates(depot: Site) -> None:
    plain = ChargePoint.objects.create(identity="PLAIN", ocpp_version=V16)
    assign("Station", charge_point=plain)
    assign("Site", site=depot)
    assign("Other", charge_point=ChargePoint.objects.create(identity="OTHER", ocpp_version=V16))

    assert [str(one.template) for one in desired.assigned(plain)] == ["Station"]


def test_an_assignment_is_for_one_station_a_site_or_a_model(garage: ChargePoint, depot: Site) -> None:
    usual: dict[str, Any] = {"ocpp_version": V16}
    for identity, more in {
        "SITE": {"site": depot},
        "MODEL": {"vendor": "Other", "model": "W22"},
        "VENDOR": {"vendor": "ACME", "model": "W23"},
        "PLAIN": {},
    }.items():
        ChargePoint.objects.create(identity=identity, **usual, **more)

    def found(*assignments: TemplateAssignment) -> set[str]:
        return set(desired.targets(assignments).values_list("identity", flat=True))

    station = assign("Station", charge_point=garage)
    model = assign("Model", model="W22")
    assert found() == set()
    assert found(station) == {"GARAGE"}
    assert found(assign("Site", site=depot)) == {"GARAGE", "SITE"}
    assert found(model) == {"GARAGE", "MODEL"}
    assert found(assign("Vendor", vendor="ACME", model="W22")) == {"GARAGE"}
    other, site = assign("Other", vendor="ACME", model="W23"), TemplateAssignment.objects.get(site=depot)
    assert found(other, station) == {"GARAGE", "VENDOR"}
    assert found(station, other) == {"GARAGE", "VENDOR"}
    assert found(other, site) == {"GARAGE", "SITE", "VENDOR"}


# -- the rows of a station -----------------------------------------------------------------------------------


def test_the_values_of_the_closest_template_become_rows(garage: ChargePoint, depot: Site) -> None:
    far, near = template("Far", A="far", B="far"), template("Near", reapplies=True, a="near", C="near")
    TemplateAssignment.objects.create(template=near, charge_point=garage)
    TemplateAssignment.objects.create(template=far, site=depot)
    ConfigurationState.objects.create(charge_point=garage, is_stale=True)
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    ConfigurationState.objects.create(charge_point=elsewhere, is_stale=True)
    report(garage, "C", "near")

    desired.resolve(garage)

    assert stored() == [("B", "far", "Far"), ("C", "near", "Near"), ("a", "near", "Near")]
    rows = {row.key: row for row in DesiredValue.objects.all()}
    assert [rows[key].reapplies for key in "BCa"] == [False, True, True]
    assert [rows[key].state for key in "BCa"] == [State.NOT_REPORTED, State.SAME, State.NOT_REPORTED]
    assert {row.charge_point for row in rows.values()} == {garage}
    stale = ConfigurationState.objects.filter(is_stale=True)
    assert [state.charge_point for state in stale] == [elsewhere]


def test_a_value_of_the_station_stays_before_that_of_a_template(garage: ChargePoint) -> None:
    desired.add(garage, key="a", value="own")
    assign("Base", charge_point=garage)

    desired.resolve(garage)

    assert stored() == [("a", "own", None)]


def test_a_value_of_the_station_and_a_removed_one_do_not_end_the_update_of_the_others(
    garage: ChargePoint,
) -> None:
    base = template("Base", A="1", B="1", C="1")
    TemplateAssignment.objects.create(template=base, charge_point=garage)
    desired.add(garage, key="A", value="own")
    desired.resolve(garage)
    base.values = {"A": "2", "C": "2"}
    base.save()

    desired.resolve(garage)

    assert stored() == [("A", "own", None), ("C", "2", "Base")]


def test_a_value_that_no_template_has_any_more_is_gone(garage: ChargePoint) -> None:
    base = template("Base", A="1", B="2")
    assignment = TemplateAssignment.objects.create(template=base, charge_point=garage)
    desired.resolve(garage)
    desired.add(garage, key="Own", value="1")
    base.values = {"A": "1", "C": "3"}
    base.save()

    desired.resolve(garage)
    after_change = stored()
    assignment.delete()
    desired.resolve(garage)

    assert after_change == [("A", "1", "Base"), ("C", "3", "Base"), ("Own", "1", None)]
    assert stored() == [("Own", "1", None)]


@pytest.fixture
def refused(garage: ChargePoint) -> DesiredValue:
    """A value of the template Base that the station has refused."""
    base = assign("Base", charge_point=garage).template
    report(garage, "A", "5")
    return DesiredValue.objects.create(
        charge_point=garage,
        key="A",
        value="Base",
        template=base,
        state=State.REFUSED,
        reason="Why",
        answered_at=NOON,
    )


def test_a_row_with_the_same_value_keeps_its_answer(garage: ChargePoint, refused: DesiredValue) -> None:
    updated_at = refused.updated_at

    desired.resolve(garage)

    refused.refresh_from_db()
    assert (refused.state, refused.reason, refused.answered_at) == (State.REFUSED, "Why", NOON)
    assert refused.updated_at == updated_at


@pytest.mark.parametrize("values", [{"a": "Base"}, {"A": "Base"}])
def test_the_same_value_of_another_template_keeps_the_answer(
    garage: ChargePoint, refused: DesiredValue, values: dict[str, str]
) -> None:
    near = template("Near", reapplies=True, **values)
    TemplateAssignment.objects.create(template=near, charge_point=garage)

    desired.resolve(garage)

    row = DesiredValue.objects.get()
    assert (row.pk, row.key, row.value, row.template) == (refused.pk, *values.popitem(), near)
    assert (row.reapplies, row.state, row.reason, row.answered_at) == (True, State.REFUSED, "Why", NOON)


def test_whether_a_template_applies_after_boots_is_updated_alone(
    garage: ChargePoint, refused: DesiredValue
) -> None:
    ConfigurationTemplate.objects.update(reapplies=True)

    desired.resolve(garage)

    refused.refresh_from_db()
    assert (refused.reapplies, refused.state) == (True, State.REFUSED)


def test_the_same_values_of_a_closer_template_come_from_that_one(
    garage: ChargePoint, refused: DesiredValue
) -> None:
    near = template("Near", A="Base")
    TemplateAssignment.objects.create(template=near, charge_point=garage)

    desired.resolve(garage)

    refused.refresh_from_db()
    assert (refused.template, refused.state) == (near, State.REFUSED)


def test_another_spelling_of_a_key_is_updated_alone(garage: ChargePoint, refused: DesiredValue) -> None:
    ConfigurationTemplate.objects.update(values={"a": "Base"})

    desired.resolve(garage)

    refused.refresh_from_db()
    assert (refused.key, refused.state) == ("a", State.REFUSED)


@pytest.mark.parametrize(("value", "state"), [("7", State.DIFFERS), ("5", State.SAME)])
def test_another_value_of_a_template_forgets_the_answer(
    garage: ChargePoint, refused: DesiredValue, value: str, state: State
) -> None:
    ConfigurationTemplate.objects.update(values={"A": value})

    desired.resolve(garage)

    refused.refresh_from_db()
    assert (refused.value, refused.state, refused.reason, refused.answered_at) == (value, state, "", None)


def test_differences_are_by_the_templates_of_now_those_that_differ_first(garage: ChargePoint) -> None:
    base = template("Base", B="1", a="1", D="1", c="1")
    TemplateAssignment.objects.create(template=base, charge_point=garage)
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    DesiredValue.objects.create(charge_point=elsewhere, key="A", value="1")
    report(garage, "a", "1")
    report(garage, "B", "1")

    assert [(row.key, row.state) for row in desired.differences(garage)] == [
        ("c", State.NOT_REPORTED),
        ("D", State.NOT_REPORTED),
        ("a", State.SAME),
        ("B", State.SAME),
    ]


# -- the job -------------------------------------------------------------------------------------------------


def stale() -> list[str]:
    found = ConfigurationState.objects.filter(is_stale=True).order_by("charge_point__identity")
    return list(found.values_list("charge_point__identity", flat=True))


def test_a_stale_station_is_marked_whether_it_has_a_state_or_not(garage: ChargePoint) -> None:
    for identity in ("OTHER", "UNMARKED"):
        ChargePoint.objects.create(identity=identity)
    ConfigurationState.objects.create(charge_point=garage, problem="Why")

    desired.mark_stale(ChargePoint.objects.filter(identity__in=["GARAGE", "OTHER"]))

    assert stale() == ["GARAGE", "OTHER"]
    assert ConfigurationState.objects.get(pk=garage.pk).problem == "Why"


def test_stations_with_values_of_templates_and_those_of_sites_are_computed_again(
    garage: ChargePoint, depot: Site
) -> None:
    for identity, more in {"AT SITE": {"site": depot}, "OWN": {}, "PLAIN": {}}.items():
        ChargePoint.objects.create(identity=identity, ocpp_version=V16, **more)
    elsewhere = ChargePoint.objects.create(identity="TEMPLATE")
    for key in ("A", "B"):
        DesiredValue.objects.create(charge_point=elsewhere, key=key, value="1", template=template(key))
    DesiredValue.objects.create(
        charge_point=ChargePoint.objects.get(identity="OWN"), key="A", value="1", template=None
    )
    assign("Site", site=depot)
    assign("Model", model="W22")

    desired.mark_all_stale()

    assert stale() == ["AT SITE", "GARAGE", "TEMPLATE"]


def test_some_stale_stations_are_computed_at_a_time(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desired.AT_ONCE == 100
    monkeypatch.setattr(desired, "AT_ONCE", 2)
    assign("Model", model="W22")
    for identity in ("B", "C", "D"):
        ChargePoint.objects.create(identity=identity, ocpp_version=V16, vendor="ACME", model="W22")
    desired.mark_stale(ChargePoint.objects.exclude(identity="D"))

    assert (desired.resolve_stale(), stale()) == (True, ["C"])
    assert (desired.resolve_stale(), stale()) == (False, [])
    assert list(DesiredValue.objects.order_by("pk").values_list("charge_point__identity", flat=True)) == [
        "GARAGE",
        "B",
        "C",
    ]
    assert not desired.resolve_stale()
