"""The comparison of the reported keys of two stations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chargepoints.models import ChargePoint
from configuration.models import ReportedKey
from configuration.services.variables import drift
from configuration.services.variables.drift import Difference

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def station(identity: str, **values: str | None) -> ChargePoint:
    made = ChargePoint.objects.create(identity=identity)
    for key, value in values.items():
        ReportedKey.objects.create(charge_point=made, key=key, value=value, reported_at=NOON)
    return made


def test_keys_differ_by_their_values_or_are_at_one_station_alone() -> None:
    here = station("HERE", b="1", A="1", C="60", Mine="5")
    there = station("THERE", B="2", a="1", c="060", Its=None)

    assert drift.compare(here, there) == (
        [
            Difference("b", "1", "2", ""),
            Difference("Its", None, None, "there"),
            Difference("Mine", "5", None, "here"),
        ],
        2,
    )


@pytest.mark.parametrize(
    ("here", "there", "is_equal"),
    [
        (None, None, True),
        (None, "", True),
        ("", None, True),
        ("", "", True),
        (None, "1", False),
        ("1", None, False),
    ],
)
def test_a_key_without_a_value_is_one_with_an_empty_value(
    here: str | None, there: str | None, is_equal: bool
) -> None:
    found, same = drift.compare(station("HERE", A=here), station("THERE", A=there))

    assert same == is_equal
    assert found == ([] if is_equal else [Difference("A", here, there, "")])


def test_the_values_of_secrets_are_masked() -> None:
    here = station("HERE", AuthorizationKey="first", BasicAuthPassword="a")
    there = station("THERE", authorizationKey="second", BasicAuthPassword=None)

    assert drift.compare(here, there)[0] == [
        Difference("AuthorizationKey", "***", "***", ""),
        Difference("BasicAuthPassword", "***", None, ""),
    ]
