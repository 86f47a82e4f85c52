"""Strict fields: what each accepts, one below, at and one above its limits, and no other type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from ocpp_server.api.fields import (
    AmountField,
    EnergyField,
    FlagField,
    ReadSerializer,
    SecondsField,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
    amount,
    rfc3339,
)
from ocpp_server.error_codes import Code

LARGEST = 2**63 - 1
REFUSED = object()


def read(field: serializers.Field[Any, Any, Any, Any], given: object) -> object:
    try:
        return field.run_validation(given)
    except ValidationError:
        return REFUSED


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (5, 5),
        ("5", 5),
        ("-5", -5),
        (LARGEST, LARGEST),
        (LARGEST + 1, REFUSED),
        (True, REFUSED),
        (1.0, REFUSED),
        ("1.0", REFUSED),
        (" 1", REFUSED),
        ("+1", REFUSED),
        ("", REFUSED),
        ("0" * 19 + "7", 7),
        ("0" * 20 + "7", REFUSED),
        ("²", REFUSED),
        ([], REFUSED),
    ],
)
def test_a_whole_number_is_an_integer_or_its_digits(given: object, value: object) -> None:
    assert read(WholeField(), given) == value


def test_a_whole_number_has_the_limit_of_its_declaration() -> None:
    field = WholeField(max_value=9)

    assert [read(field, 9), read(field, 10)] == [9, REFUSED]


@pytest.mark.parametrize(
    ("given", "value"), [(" a ", " a "), (5, REFUSED), (True, REFUSED), ("", REFUSED), (None, REFUSED)]
)
def test_a_text_keeps_its_blanks_and_is_no_other_type(given: object, value: object) -> None:
    assert read(TextField(), given) == value


def test_a_text_of_another_type_is_explained() -> None:
    with pytest.raises(ValidationError, match=r"Must be a string\."):
        TextField().run_validation(5)


def test_a_text_loses_its_blanks_where_the_field_asks_for_it() -> None:
    assert read(TextField(trim_whitespace=True), " a ") == "a"


@pytest.mark.parametrize(
    ("given", "value"),
    [(1, 1.0), (120, 120.0), ("30", 30.0), (0.9, REFUSED), (120.1, REFUSED), (True, REFUSED)],
)
def test_a_request_waits_1_to_120_seconds(given: object, value: object) -> None:
    assert read(SecondsField(), given) == value


def test_the_seconds_may_be_left_out() -> None:
    class Body(StrictSerializer):
        timeout = SecondsField()

    body = Body(data={})

    assert body.is_valid()
    assert body.validated_data == {}


@pytest.mark.parametrize(
    ("given", "value"), [(1, 1.0), (1.5, 1.5), ("1", REFUSED), (True, REFUSED), (None, REFUSED)]
)
def test_energy_is_a_number_and_no_text(given: object, value: object) -> None:
    assert read(EnergyField(), given) == value


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("TRUE", True),
        ("1", True),
        ("false", False),
        ("False", False),
        ("0", False),
        ("yes", REFUSED),
        (1, REFUSED),
        (0, REFUSED),
    ],
)
def test_a_flag_is_a_boolean_or_its_word(given: object, value: object) -> None:
    assert read(FlagField(), given) is value


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("2026-11-28T10:00:00Z", datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28T10:00:00", datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28T10:00:00+02:00", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        # The + of an unescaped query string.
        ("2026-11-28T10:00:00 02:00", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        ("2026-11-28T10:00:00 0200", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        # A blank between date and time is no offset.
        ("2026-11-28 10:00", datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("noon", REFUSED),
        (5, REFUSED),
    ],
)
def test_a_time_without_a_zone_is_utc(settings: Any, given: object, value: object) -> None:
    settings.TIME_ZONE = "Europe/Vienna"

    assert read(TimeField(), given) == value


def test_a_time_is_shown_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 28, 10, 0, 1, 234_567, tzinfo=timezone(timedelta(hours=2)))

    assert rfc3339(at) == TimeField().to_representation(at) == "2026-11-28T08:00:01.234Z"
    assert rfc3339(None) is TimeField().to_representation(None) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5.0, "5"),
        (5, "5"),
        (0.5, "0.5"),
        (139.6199999999999, "139.62"),
        (0.0000005, "0"),
        (0.000001, "1e-06"),
        (None, "None"),
    ],
)
def test_an_amount_has_no_rounding_error_and_no_empty_decimal(value: float | None, shown: str) -> None:
    assert str(amount(value)) == str(AmountField().to_representation(value)) == shown


class Body(StrictSerializer):
    name = TextField()
    number = WholeField(required=False, read_only=True)


def test_the_seconds_to_wait_are_explained() -> None:
    assert SecondsField().help_text == "Seconds to wait for the station."


def test_each_unknown_field_is_named_with_the_known_ones() -> None:
    body = Body(data={"name": "a", "colour": 1, "number": 5})

    assert not body.is_valid()
    assert set(body.errors) == {"colour", "number"}
    (reason,) = body.errors["colour"]
    assert isinstance(reason, ErrorDetail)
    assert (reason.code, str(reason)) == (Code.UNKNOWN_FIELD, "Unknown; known are name.")


def test_a_body_without_fields_says_that_none_is_known() -> None:
    body = StrictSerializer(data={"colour": 1})

    assert not body.is_valid()
    assert body.errors == {"colour": ["Unknown; known are none."]}


def test_one_answer_names_a_limited_number_of_unknown_fields() -> None:
    names = [f"n{number}" for number in range(21)]
    body = Body(data=dict.fromkeys(names, 1))

    assert not body.is_valid()
    assert list(body.errors) == names[:20]


def test_the_fields_of_an_answer_are_read_only() -> None:
    assert ReadSerializer().read_only
    assert not ReadSerializer(read_only=False).read_only
