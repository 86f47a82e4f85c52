"""The desired values of one station: their limits, and what a change does to their state."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ConfigurationTemplate, DesiredValue, ReportedKey, TemplateAssignment
from configuration.services.variables import desired, drift
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.versions import V16, V21, V201

pytestmark = pytest.mark.django_db

State = DesiredValue.State
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE", ocpp_version=V16)


def stored() -> list[tuple[str, str, str]]:
    return list(DesiredValue.objects.order_by("pk").values_list("key", "value", "state"))


def report(garage: ChargePoint, key: str, value: str) -> None:
    ReportedKey.objects.create(charge_point=garage, key=key, value=value, reported_at=NOON)


# -- keys and values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "key", "value"),
    [
        ("1.6", "k", ""),
        ("1.6", "k" * 50, "v" * 500),
        ("1.6", "Alone", "1"),
        ("2.x", "C.V", ""),
        ("2.x", "C." + "v" * 253, "v" * 2500),
        ("", "k" * 255, "v" * 2500),
        ("", "Alone", "1"),
        ("1.6", f"  {'k' * 50} ", "1"),
    ],
)
def test_a_key_and_a_value_fit_the_dialect(dialect: str, key: str, value: str) -> None:
    desired.check(key, value, dialect=dialect)


@pytest.mark.parametrize(
    ("dialect", "key", "value", "field", "sentence"),
    [
        ("1.6", "", "1", "key", "Must have 1 to 50 characters."),
        ("1.6", "  ", "1", "key", "Must have 1 to 50 characters."),
        ("1.6", "k" * 51, "1", "key", "Must have 1 to 50 characters."),
        ("1.6", "k", "v" * 501, "value", "Must have at most 500 characters."),
        ("2.x", "C." + "v" * 254, "1", "key", "Must have 1 to 255 characters."),
        ("2.x", "C.V", "v" * 2501, "value", "Must have at most 2500 characters."),
        ("", "k" * 256, "1", "key", "Must have 1 to 255 characters."),
        ("", "k", "v" * 2501, "value", "Must have at most 2500 characters."),
        (
            "2.x",
            " Alone ",
            "1",
            "key",
            "'Alone' must be Component.Variable or Component[instance].Variable.",
        ),
    ],
)
def test_a_key_or_a_value_that_the_dialect_has_no_room_for_is_refused(
    dialect: str, key: str, value: str, field: str, sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        desired.check(key, value, dialect=dialect)

    assert (refused.value.field, refused.value.sentence) == (field, sentence)


@pytest.mark.parametrize(
    ("dialect", "key"),
    [
        ("1.6", " authorizationkey "),
        ("1.6", "VpnPassword"),
        ("2.x", "SecurityCtrlr.BasicAuthPassword"),
        ("", "AuthorizationKey"),
    ],
)
def test_a_secret_has_no_desired_value_and_is_not_in_the_answer(dialect: str, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        desired.check(key, "hush", dialect=dialect)

    assert refused.value.field == "key"
    assert refused.value.sentence == f"{key.strip()} is a secret, which is not stored."


@pytest.mark.parametrize(("version", "dialect"), [(V16, "1.6"), (V201, "2.x"), (V21, "2.x"), ("", "")])
def test_the_dialect_is_that_of_the_last_connection(version: str, dialect: str) -> None:
    assert desired.dialect_of(ChargePoint(ocpp_version=version)) == dialect


# -- add -----------------------------------------------------------------------------------------------------


def test_a_new_value_is_compared_with_the_report_at_once(garage: ChargePoint) -> None:
    report(garage, "interval", "60")
    report(garage, "Other", "1")

    row = desired.add(garage, key=" Interval ", value="60")
    other = desired.add(garage, key="Other", value=" 2", reapplies=True)

    assert (row.key, row.value, row.state, row.reapplies, row.template) == (
        "Interval",
        "60",
        State.SAME,
        False,
        None,
    )
    assert (other.value, other.state, other.reapplies) == (" 2", State.DIFFERS, True)


def test_a_new_value_decides_nothing_about_the_others(garage: ChargePoint) -> None:
    desired.add(garage, key="A", value="1")
    report(garage, "A", "1")

    desired.add(garage, key="B", value="1")

    assert stored() == [("A", "1", State.NOT_REPORTED), ("B", "1", State.NOT_REPORTED)]


def test_an_invalid_value_is_not_added(garage: ChargePoint) -> None:
    with pytest.raises(Invalid, match=r"Must have at most 500 characters\."):
        desired.add(garage, key="A", value="v" * 501)

    assert stored() == []


def test_a_value_of_the_station_takes_the_place_of_a_templates_one(garage: ChargePoint) -> None:
    base = ConfigurationTemplate.objects.create(name="Base", dialect="1.6", values={"A": "1"})
    for key in ("A", "B"):
        DesiredValue.objects.create(charge_point=garage, key=key, value="1", template=base)
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    DesiredValue.objects.create(charge_point=elsewhere, key="A", value="3", template=base)

    desired.add(garage, key=" a", value="2")

    assert [(key, value) for key, value, _ in stored()] == [("B", "1"), ("A", "3"), ("a", "2")]


def test_a_key_has_one_value_in_any_case(garage: ChargePoint) -> None:
    desired.add(garage, key="Interval", value="60")

    with pytest.raises(Conflict) as refused:
        desired.add(garage, key="INTERVAL", value="5")

    assert (refused.value.field, refused.value.code) == ("key", Code.DUPLICATE)
    assert refused.value.sentence == "GARAGE has a desired value of INTERVAL."
    assert stored() == [("Interval", "60", State.NOT_REPORTED)]


def test_a_station_has_at_most_200_values(garage: ChargePoint) -> None:
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    made = [DesiredValue(charge_point=garage, key=f"K{number}", value="") for number in range(199)]
    DesiredValue.objects.bulk_create([*made, DesiredValue(charge_point=elsewhere, key="A", value="")])

    desired.add(garage, key="A", value="1")
    with pytest.raises(Conflict, match=r"^A station has at most 200 desired values\.$"):
        desired.add(garage, key="B", value="1")

    assert DesiredValue.objects.filter(charge_point=garage).count() == 200


# -- change, remove ------------------------------------------------------------------------------------------


@pytest.fixture
def refused_row(garage: ChargePoint) -> DesiredValue:
    """A value that the station has refused."""
    report(garage, "A", "5")
    return DesiredValue.objects.create(
        charge_point=garage, key="A", value="1", state=State.REFUSED, reason="Why", answered_at=NOON
    )


def test_another_value_forgets_the_answer_about_the_one_before(refused_row: DesiredValue) -> None:
    desired.change(refused_row, value="2")

    row = DesiredValue.objects.get()
    assert (row.value, row.state, row.reason, row.answered_at) == ("2", State.DIFFERS, "", None)
    assert refused_row.state == State.DIFFERS


def test_a_changed_value_that_the_station_has_is_the_same(refused_row: DesiredValue) -> None:
    desired.change(refused_row, value="5")

    assert (refused_row.value, refused_row.state) == ("5", State.SAME)


def test_another_value_of_a_key_that_is_not_reported_waits_for_a_report(garage: ChargePoint) -> None:
    row = DesiredValue.objects.create(charge_point=garage, key="A", value="1", state=State.UNKNOWN_KEY)

    desired.change(row, value="2")

    assert row.state == State.NOT_REPORTED


@pytest.mark.parametrize("changes", [{}, {"value": "1"}, {"value": None, "reapplies": None}])
def test_the_same_value_keeps_the_answer(refused_row: DesiredValue, changes: dict[str, str | None]) -> None:
    desired.change(refused_row, **changes)  # type: ignore[arg-type]

    row = DesiredValue.objects.get()
    assert (row.value, row.state, row.reason, row.answered_at) == ("1", State.REFUSED, "Why", NOON)
    assert not row.reapplies


def test_whether_a_value_is_applied_after_boots_is_changed_alone(refused_row: DesiredValue) -> None:
    desired.change(refused_row, reapplies=True)
    first = DesiredValue.objects.get()
    desired.change(refused_row, reapplies=False)
    second = DesiredValue.objects.get()

    assert (first.reapplies, first.state, second.reapplies) == (True, State.REFUSED, False)


def test_a_changed_value_has_the_limits_of_the_dialect(garage: ChargePoint) -> None:
    row = desired.add(garage, key="A", value="1")

    with pytest.raises(Invalid, match=r"Must have at most 500 characters\."):
        desired.change(row, value="v" * 501)

    assert stored() == [("A", "1", State.NOT_REPORTED)]


def test_a_change_leaves_the_states_of_other_values(refused_row: DesiredValue) -> None:
    other = DesiredValue.objects.create(charge_point=refused_row.charge_point, key="B", value="1")
    report(refused_row.charge_point, "B", "1")

    desired.change(refused_row, value="2")

    other.refresh_from_db()
    assert other.state == State.NOT_REPORTED


def test_a_value_of_a_template_is_neither_changed_nor_removed(garage: ChargePoint) -> None:
    base = ConfigurationTemplate.objects.create(name="Base", dialect="1.6", values={"A": "1"})
    row = DesiredValue.objects.create(charge_point=garage, key="A", value="1", template=base)
    sentence = "A comes from the template Base. Change the template, or add a desired value of this station."

    with pytest.raises(Conflict) as changed:
        desired.change(row, value="2")
    with pytest.raises(Conflict) as removed:
        desired.remove(row)

    assert (changed.value.sentence, removed.value.sentence) == (sentence, sentence)
    assert stored() == [("A", "1", State.NOT_REPORTED)]


def test_the_value_of_a_template_takes_the_place_of_a_removed_one(garage: ChargePoint) -> None:
    report(garage, "A", "1")
    base = ConfigurationTemplate.objects.create(name="Base", dialect="1.6", values={"A": "1"})
    TemplateAssignment.objects.create(template=base, charge_point=garage)
    own = desired.add(garage, key="a", value="2")
    alone = desired.add(garage, key="B", value="2")

    desired.remove(own)
    desired.remove(alone)

    assert stored() == [("A", "1", State.SAME)]


# -- what is sent --------------------------------------------------------------------------------------------


def test_open_values_are_those_that_the_station_does_not_have_and_may_take(garage: ChargePoint) -> None:
    elsewhere = ChargePoint.objects.create(identity="ELSEWHERE")
    DesiredValue.objects.create(charge_point=elsewhere, key="elsewhere", value="1", state=State.DIFFERS)
    for state in reversed(State):
        DesiredValue.objects.create(charge_point=garage, key=state, value="1", state=state)
    DesiredValue.objects.create(
        charge_point=garage, key="again", value="1", state=State.DIFFERS, reapplies=True
    )

    def keys(rows: list[DesiredValue]) -> list[str]:
        return [row.key for row in rows]

    assert keys(desired.open_values(garage.pk)) == ["again", "differs", "not-reported"]
    assert keys(desired.open_values(garage.pk, states=[State.REFUSED])) == ["refused"]
    assert keys(desired.open_values(garage.pk, only={"reapplies": True})) == ["again"]
    assert drift.SETTLED == (State.SAME, State.PENDING_REBOOT)
    assert set(desired.names(garage.pk)) == {*State, "again"}
    assert desired.names(elsewhere.pk) == ["elsewhere"]
