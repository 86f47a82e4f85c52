"""Templates: their rules, the stations that a change concerns, and the use for one station."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from configuration.models import ConfigurationState, ConfigurationTemplate, DesiredValue, TemplateAssignment
from configuration.services.variables import templates
from ocpp_server.domain import Conflict, Invalid, Missing
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V201

pytestmark = pytest.mark.django_db


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE", ocpp_version=V16, vendor="ACME", model="W22")


def made(name: str = "Base", **settings: Any) -> ConfigurationTemplate:
    return templates.create(**({"name": name, "dialect": "1.6", "values": {"A": "1"}} | settings))


def stale() -> list[str]:
    """The stations whose desired values are computed again; all of them are up to date afterwards."""
    found = ConfigurationState.objects.filter(is_stale=True)
    identities = list(found.order_by("pk").values_list("charge_point__identity", flat=True))
    found.update(is_stale=False)
    return identities


# -- create, change, delete ----------------------------------------------------------------------------------


def test_a_template_has_trimmed_names_and_untouched_values() -> None:
    one = made(" Base ", description=" For all ", values={" A ": " 1 ", "B": ""}, reapplies=True)

    row = ConfigurationTemplate.objects.get()
    assert row == one
    assert (row.name, row.name_key, row.description, row.dialect) == ("Base", "base", "For all", "1.6")
    assert row.values == {"A": " 1 ", "B": ""}
    assert row.reapplies


@pytest.mark.parametrize(
    ("settings", "field", "sentence"),
    [
        ({"name": " "}, "name", "Must not be blank."),
        ({"values": {}}, "values", "Must have 1 to 100 values."),
        ({"values": {f"K{n}": "1" for n in range(101)}}, "values", "Must have 1 to 100 values."),
        ({"values": {"A": "1", " a": "2"}}, "values", " a is there twice; case makes no difference."),
        ({"values": {"A": "1", "B": "v" * 501}}, "values", "B: Must have at most 500 characters."),
        ({"values": {"Secret": "hush"}}, "values", "Secret: Secret is a secret, which is not stored."),
        ({"dialect": "2.x"}, "values", "A: 'A' must be Component.Variable or Component[instance].Variable."),
    ],
)  # fmt: skip
def test_an_invalid_template_is_not_stored(settings: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        made(**settings)

    assert (refused.value.field, refused.value.sentence) == (field, sentence)
    assert not ConfigurationTemplate.objects.exists()


def test_a_template_has_up_to_100_values() -> None:
    assert len(made(values={f"K{number}": "1" for number in range(100)}).values) == 100


def test_a_name_is_there_once_in_any_case() -> None:
    made("Base")

    with pytest.raises(Conflict) as refused:
        made(" BASE", values={"A": "2"})

    assert (refused.value.field, refused.value.code) == ("name", Code.DUPLICATE)
    assert refused.value.sentence == "A template BASE already exists."
    assert ConfigurationTemplate.objects.get().values == {"A": "1"}


def test_a_change_concerns_the_stations_of_the_template(garage: ChargePoint) -> None:
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE", ocpp_version=V16)
    one, other = made(), made("Other")
    templates.assign(one, charge_point=garage)
    templates.assign(other, charge_point=elsewhere)
    assert stale() == ["GARAGE", "ELSEWHERE"]

    templates.change(one, values={"A": "2"})
    assert stale() == ["GARAGE"]
    templates.change(one, dialect="1.6", description=" New ", reapplies=True)

    assert stale() == ["GARAGE"]
    row = ConfigurationTemplate.objects.get(pk=one.pk)
    assert (row.name, row.values, row.description, row.reapplies) == ("Base", {"A": "2"}, "New", True)


def test_an_invalid_change_is_not_stored(garage: ChargePoint) -> None:
    one = made()
    templates.assign(one, charge_point=garage)
    stale()

    with pytest.raises(Invalid, match=r"^Must have 1 to 100 values\.$"):
        templates.change(one, values={})

    assert ConfigurationTemplate.objects.get().values == {"A": "1"}
    assert stale() == []


def test_the_dialect_stays() -> None:
    one = made(values={"A.B": "1"})

    with pytest.raises(Invalid) as refused:
        templates.change(one, dialect="2.x", name="New")

    assert refused.value.field == "dialect"
    assert refused.value.sentence == "The dialect of a template can't be changed."
    row = ConfigurationTemplate.objects.get()
    assert (row.dialect, row.name) == ("1.6", "Base")


def test_a_deleted_template_concerns_its_stations(garage: ChargePoint) -> None:
    one = made()
    made("Other")
    templates.assign(one, model="W22")
    stale()

    templates.delete(one)

    assert stale() == ["GARAGE"]
    assert [row.name for row in ConfigurationTemplate.objects.all()] == ["Other"]
    assert not TemplateAssignment.objects.exists()


def test_a_template_is_found_by_its_number() -> None:
    one = made()

    assert templates.template_of(one.pk) == one
    with pytest.raises(Missing, match=rf"^Template {one.pk + 1} not found\.$"):
        templates.template_of(one.pk + 1)


# -- assignments ---------------------------------------------------------------------------------------------


def test_a_template_is_assigned_to_a_station_a_site_or_a_model(garage: ChargePoint) -> None:
    one, site = made(), Site.objects.create(name="Depot")
    for target in ({"charge_point": garage}, {"site": site}, {"model": "W22"}):
        templates.assign(one, **target)  # type: ignore[arg-type]
    last = templates.assign(one, vendor="ACME", model="W22")

    rows = TemplateAssignment.objects.order_by("pk").values_list("charge_point", "site", "vendor", "model")
    assert list(rows) == [
        (garage.pk, None, "", ""),
        (None, site.pk, "", ""),
        (None, None, "", "W22"),
        (None, None, "ACME", "W22"),
    ]
    assert last == TemplateAssignment.objects.last()
    assert {row.template for row in TemplateAssignment.objects.all()} == {one}


@pytest.mark.parametrize(
    "targets",
    [
        [],
        ["charge_point", "site"],
        ["charge_point", "model"],
        ["site", "model"],
        ["charge_point", "site", "model"],
        ["vendor"],
        ["charge_point", "vendor"],
        ["site", "vendor"],
    ],
)
def test_an_assignment_names_exactly_one_target(garage: ChargePoint, targets: list[str]) -> None:
    every: dict[str, Any] = {
        "charge_point": garage,
        "site": Site.objects.create(name="Depot"),
        "vendor": "ACME",
        "model": "W22",
    }

    with pytest.raises(Invalid) as refused:
        templates.assign(made(), **{name: every[name] for name in targets})

    assert refused.value.field == "model"
    assert refused.value.sentence == "Name one station, one site, or one model."
    assert not TemplateAssignment.objects.exists()


def test_an_assignment_is_there_once(garage: ChargePoint) -> None:
    one = made()
    templates.assign(one, model="W22")
    stale()

    with pytest.raises(Conflict) as refused:
        templates.assign(one, model="W22")

    assert refused.value.code == Code.DUPLICATE
    assert refused.value.sentence == "The template is assigned to it already."
    assert stale() == []


def test_an_assignment_and_its_end_concern_its_stations_alone(garage: ChargePoint) -> None:
    one = made()
    ChargePoint.objects.create(identity="ELSEWHERE")

    assignment = templates.assign(one, model="W22")
    after_begin = stale()
    templates.unassign(assignment)

    assert (after_begin, stale()) == (["GARAGE"], ["GARAGE"])
    assert not TemplateAssignment.objects.exists()
    assert ConfigurationTemplate.objects.exists()


# -- the use for one station ---------------------------------------------------------------------------------


def test_the_values_of_a_used_template_are_the_desired_ones(garage: ChargePoint) -> None:
    one = made()
    templates.assign(made("Other"), model="W22")

    templates.use(garage, one)
    templates.use(garage, one)

    assert list(TemplateAssignment.objects.values_list("template__name", "charge_point")) == [
        ("Other", None),
        ("Base", garage.pk),
    ]
    row = DesiredValue.objects.get()
    assert (row.charge_point, row.key, row.value, row.template) == (garage, "A", "1", one)


def test_a_template_that_the_station_has_by_its_model_is_not_assigned_again(garage: ChargePoint) -> None:
    one = made()
    templates.assign(one, model="W22")

    templates.use(garage, one)

    assert TemplateAssignment.objects.count() == 1
    assert DesiredValue.objects.get().template == one


@pytest.mark.parametrize("version", ["", V201])
def test_a_template_is_not_used_for_a_station_of_the_other_dialect(garage: ChargePoint, version: str) -> None:
    garage.ocpp_version = version

    with pytest.raises(Conflict) as refused:
        templates.use(garage, made())

    assert refused.value.code == Code.NOT_SUPPORTED
    assert refused.value.sentence == "The template Base is for OCPP 1.6."
    assert not TemplateAssignment.objects.exists()
