"""Descriptions of variables in reports, whose fields are those of a hostile station."""

from __future__ import annotations

from typing import Any

import pytest

from configuration.services.variables import described
from configuration.services.variables.described import MOST_BYTES, Description, bounded, of

PLACE = {"component": {"name": "C"}, "variable": {"name": "V"}}


def described_as(*attributes: dict[str, Any], **characteristics: Any) -> Description:
    more = {"variableCharacteristics": characteristics} if characteristics else {}
    return of(PLACE | {"variableAttribute": list(attributes)} | more)


def test_a_variable_has_its_mutability_its_characteristics_and_its_other_attributes() -> None:
    found = described_as(
        {"value": "1", "mutability": "ReadOnly", "persistent": True},
        {"type": "MinSet", "value": "6"},
        {"type": "MaxSet", "value": "32", "mutability": "ReadOnly"},
        dataType="decimal",
        unit="A",
        minLimit=0,
        maxLimit=32.5,
        supportsMonitoring=True,
    )

    assert found == Description(
        "ReadOnly",
        {"dataType": "decimal", "unit": "A", "minLimit": 0, "maxLimit": 32.5, "supportsMonitoring": True},
        {
            "MinSet": {"value": "6", "mutability": "ReadWrite"},
            "MaxSet": {"value": "32", "mutability": "ReadOnly"},
        },
    )


def test_a_variable_without_an_actual_value_has_no_mutability() -> None:
    assert described_as({"type": "Target", "value": "1"}).mutability is None
    assert described_as({}) == Description("ReadWrite", None, None)


def test_fields_of_another_type_are_left_out() -> None:
    found = described_as(
        {}, dataType=5, unit="u" * 60, minLimit="1", maxLimit=True, valuesList=["A"], supportsMonitoring="no"
    )

    assert found.characteristics == {"unit": "u" * 50}


def test_a_list_of_values_that_is_too_long_is_left_out() -> None:
    longest = "v" * MOST_BYTES

    assert described_as({}, valuesList=longest).characteristics == {"valuesList": longest}
    assert described_as({}, valuesList=f"{longest}v").characteristics is None
    assert described_as({}, maxLimit=float("inf")).characteristics is None


def test_the_value_of_a_write_only_attribute_is_not_kept() -> None:
    found = described_as({"type": "Target", "value": "secret", "mutability": "WriteOnly"})

    assert found.attributes == {"Target": {"value": None, "mutability": "WriteOnly"}}
    assert described.value_of({"value": "secret", "mutability": "WriteOnly"}) is None
    assert described.value_of({"value": "1"}) == "1"


def test_secrets_inside_of_an_attribute_are_masked() -> None:
    found = described_as({"type": "Target", "value": "wss://ann:hunter2@host/"})

    assert found.attributes is not None
    assert "hunter2" not in found.attributes["Target"]["value"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        ("", ""),
        ("x" * MOST_BYTES, "x" * MOST_BYTES),
        ("x" * (MOST_BYTES + 1), "x" * MOST_BYTES),
        ("é" * MOST_BYTES, "é" * (MOST_BYTES // 2)),
        ("x" + "é" * MOST_BYTES, "x" + "é" * (MOST_BYTES // 2 - 1)),
    ],
    ids=["none", "empty", "longest", "longer", "of two bytes", "cut within a character"],
)
def test_a_value_is_cut_to_64_kib(value: str | None, kept: str | None) -> None:
    assert bounded(value) == kept
