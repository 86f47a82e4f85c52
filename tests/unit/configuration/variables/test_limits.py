"""Values compared with the limits that a station has reported for its variables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from configuration.models import DesiredValue, ReportedKey
from configuration.services.variables import desired, limits
from ocpp_server.domain import Invalid

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("characteristics", "value", "sentence"),
    [
        (None, "anything", ""),
        ({}, "anything", ""),
        ({"dataType": "integer"}, "-3", ""),
        ({"dataType": "integer"}, "3.0", ""),
        ({"dataType": "integer"}, "3.5", "V must be a whole number."),
        ({"dataType": "integer"}, "", "V must be a whole number."),
        ({"dataType": "integer"}, "NaN", "V must be a whole number."),
        ({"dataType": "integer", "minLimit": 1}, "1", ""),
        ({"dataType": "integer", "minLimit": 1}, "0", "V must be at least 1."),
        ({"dataType": "integer", "maxLimit": 10.0}, "10", ""),
        ({"dataType": "integer", "maxLimit": 10.0}, "11", "V must be at most 10."),
        ({"dataType": "decimal", "maxLimit": 0.3}, "0.3", ""),
        ({"dataType": "decimal", "maxLimit": 0.3}, "0.30001", "V must be at most 0.3."),
        ({"dataType": "decimal"}, "1e3", ""),
        ({"dataType": "decimal"}, "Infinity", "V must be a number."),
        ({"dataType": "boolean"}, "TRUE", ""),
        ({"dataType": "boolean"}, "1", "V must be true or false."),
        ({"dataType": "dateTime"}, "2026-05-04T12:00:00Z", ""),
        ({"dataType": "dateTime"}, "noon", "V must be a time such as 2026-11-28T15:00:00Z."),
        ({"dataType": "string", "maxLimit": 3, "valuesList": "a"}, "xyz", ""),
        ({"dataType": "string", "maxLimit": 3}, "wxyz", "V must have at most 3 characters."),
        ({"dataType": "OptionList", "valuesList": "A, B"}, "b", ""),
        ({"dataType": "OptionList", "valuesList": "A, B"}, "A,B", "V must be one of A, B."),
        ({"dataType": "MemberList", "valuesList": "A,B"}, "B , A", ""),
        ({"dataType": "MemberList", "valuesList": "A,B"}, "", ""),
        ({"dataType": "SequenceList", "valuesList": "A,B"}, "A,C", "V must have only values out of A, B."),
        ({"dataType": "SequenceList", "maxElements": 1}, "A,B", "V must have at most 1 values."),
        ({"dataType": "OptionList", "valuesList": ""}, "x", ""),
        ({"dataType": "Odd", "maxLimit": 1}, "5", ""),
        ({"dataType": "integer", "minLimit": "9", "maxLimit": None}, "5", ""),
    ],
)
def test_a_value_is_compared_with_the_characteristics(
    characteristics: dict[str, Any] | None, value: str, sentence: str
) -> None:
    assert limits.refusal("V", value, mutability="ReadWrite", characteristics=characteristics) == sentence


def test_a_sentence_names_the_first_twenty_allowed_values() -> None:
    allowed = ",".join(f"v{number}" for number in range(21))
    found = limits.refusal(
        "V", "x", mutability=None, characteristics={"dataType": "OptionList", "valuesList": allowed}
    )

    assert found.endswith("v19, ….")
    assert "v20" not in found


@pytest.mark.parametrize(
    ("mutability", "sentence"),
    [("ReadOnly", "V is read-only."), ("ReadWrite", ""), ("WriteOnly", ""), (None, "")],
)
def test_a_read_only_variable_takes_nothing(mutability: str | None, sentence: str) -> None:
    assert limits.refusal("V", "1", mutability=mutability, characteristics=None) == sentence


@pytest.mark.parametrize(
    ("characteristics", "words"),
    [
        (None, ""),
        ({"dataType": "integer", "unit": "s", "minLimit": 1, "maxLimit": 300.0}, "integer, s, 1 – 300"),
        ({"dataType": "decimal", "minLimit": 0.5}, "decimal, ≥ 0.5"),
        ({"maxLimit": 5}, "≤ 5"),
        ({"dataType": "OptionList", "valuesList": "A,B"}, "OptionList, A,B"),
    ],
)
def test_the_characteristics_in_words(characteristics: dict[str, Any] | None, words: str) -> None:
    assert limits.words(ReportedKey(key="V", characteristics=characteristics)) == words


# -- the rows ------------------------------------------------------------------------------------------------


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE", ocpp_version="ocpp2.0.1")


def described(garage: ChargePoint, key: str = "C.V", **columns: Any) -> ReportedKey:
    columns = {"mutability": "ReadWrite", "reported_at": NOON} | columns
    return ReportedKey.objects.create(charge_point=garage, key=key, **columns)


def test_a_variable_is_found_without_case_and_only_at_its_station(garage: ChargePoint) -> None:
    described(garage, mutability="ReadOnly")

    assert limits.to_set(garage.pk, "c.v", "1") == "c.v is read-only."
    assert limits.to_set(garage.pk + 1, "c.v", "1") == ""
    assert limits.to_set(garage.pk, "C.Other", "1") == ""


@pytest.mark.parametrize("columns", [{"mutability": None, "readonly": True}, {"gone_at": NOON}])
def test_a_key_without_a_description_and_a_gone_one_limit_nothing(
    garage: ChargePoint, columns: dict[str, Any]
) -> None:
    described(garage, **{"mutability": "ReadOnly"} | columns)

    assert limits.to_set(garage.pk, "C.V", "1") == ""


def test_another_attribute_has_a_mutability_of_its_own(garage: ChargePoint) -> None:
    row = described(garage, mutability="ReadOnly", attributes={"Target": {"mutability": "ReadWrite"}})

    assert limits.of_row(row, "C.V", "1", "Target") == ""
    assert limits.of_row(row, "C.V", "1") == "C.V is read-only."
    row.attributes = {"Target": {"mutability": "ReadOnly"}}
    assert limits.of_row(row, "C.V", "1", "Target") == "C.V is read-only."


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"mutability": "WriteOnly"}, "C.V is write-only: the station never reports its value"),
        ({"mutability": "ReadOnly"}, "C.V is read-only."),
        ({"characteristics": {"dataType": "integer", "maxLimit": 5}}, "C.V must be at most 5."),
    ],
)
def test_a_desired_value_that_the_station_does_not_take_is_refused(
    garage: ChargePoint, columns: dict[str, Any], sentence: str
) -> None:
    described(garage, **columns)

    with pytest.raises(Invalid) as refused:
        desired.add(garage, key="C.V", value="6")

    assert refused.value.errors[0]["field"] == "value"
    assert sentence in refused.value.errors[0]["reason"]
    assert not DesiredValue.objects.exists()


def test_a_changed_desired_value_is_compared_too(garage: ChargePoint) -> None:
    row = desired.add(garage, key="C.V", value="6")
    described(garage, characteristics={"dataType": "integer", "maxLimit": 5})

    with pytest.raises(Invalid):
        desired.change(row, value="7")
    desired.change(row, reapplies=True)
    desired.change(row, value="5")

    assert DesiredValue.objects.get().value == "5"
