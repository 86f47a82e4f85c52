"""Changed keys of a station: the rows that stay as they are, and the news for its process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Evse
from configuration.models import StoredKey
from configuration.services.variables import catalogue, rules
from ocpp_server import live

pytestmark = pytest.mark.django_db

KEY = "HeartbeatInterval"
Commit = Callable[..., Any]


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE")


class News:
    """The changed keys that the processes get. One that fails cannot be reached."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str | None]] = []
        self.fails = False

    def stored_key_changed(self, identity: str, key: str, value: str | None) -> None:
        if self.fails:
            raise RuntimeError
        self.found.append((identity, key, value))


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> News:
    made = News()
    monkeypatch.setattr(live, "state", lambda: made)
    return made


@pytest.mark.parametrize(
    ("before", "key", "value", "found"),
    [
        ({}, "heartbeatinterval", "007", [("GARAGE", KEY, "7")]),
        ({KEY: "7"}, KEY, "8", [("GARAGE", KEY, "8")]),
        ({KEY: "7"}, KEY, "300", [("GARAGE", KEY, None)]),
        ({KEY: "7"}, KEY, "7", []),
        ({}, KEY, "300", []),
        ({}, KEY, "-1", []),
        ({}, "Model", "x", []),
        ({}, "Nothing", "x", []),
        ({}, "AuthorizationKey", "0aF1" * 8, []),
    ],
)
def test_a_changed_value_is_news_after_the_commit_with_nothing_for_the_default(  # noqa: PLR0917 - a table
    garage: ChargePoint,
    news: News,
    django_capture_on_commit_callbacks: Commit,
    before: dict[str, str],
    key: str,
    value: str,
    found: list[Any],
) -> None:
    for name, stored in before.items():
        StoredKey.objects.create(charge_point=garage, key=name, value=stored)

    with django_capture_on_commit_callbacks(execute=True):
        catalogue.change(garage, key, value)
        assert news.found == []

    assert news.found == found


def test_news_that_cannot_be_sent_leave_the_change_as_it_is(
    garage: ChargePoint, news: News, django_capture_on_commit_callbacks: Commit
) -> None:
    news.fails = True

    with django_capture_on_commit_callbacks(execute=True):
        assert catalogue.change(garage, KEY, "7") == "Accepted"

    assert catalogue.stored(garage)[KEY]["value"] == "7"


@pytest.mark.parametrize("value", ["8", "300"])
def test_only_the_key_of_this_station_changes(garage: ChargePoint, news: News, value: str) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    for row in (garage, other):
        StoredKey.objects.create(charge_point=row, key=KEY, value="7")
        StoredKey.objects.create(charge_point=row, key="BlinkRepeat", value="7")

    catalogue.change(garage, KEY, value)

    rows = StoredKey.objects.order_by("charge_point", "key").values_list("charge_point", "key", "value")
    kept = [(garage.pk, "BlinkRepeat", "7"), (other.pk, "BlinkRepeat", "7"), (other.pk, KEY, "7")]
    assert [row for row in rows if row != (garage.pk, KEY, value)] == kept
    assert len(rows) == (3 if value == "300" else 4)


def test_a_secret_is_stored_as_a_mark_and_set_again(garage: ChargePoint, news: News) -> None:
    for secret in ("0aF1" * 8, "0aF2" * 8):
        assert catalogue.change(garage, "authorizationkey", secret) == "Accepted"
        assert list(StoredKey.objects.values_list("key", "value")) == [("AuthorizationKey", "***")]

    found, unknown = catalogue.stored_sync(garage.pk, ["AuthorizationKey"])
    assert (found, unknown) == ({"AuthorizationKey": {"value": None, "readonly": False}}, [])
    assert "AuthorizationKey" not in catalogue.stored(garage)
    assert "AuthorizationKey" not in catalogue.names()


def test_a_station_has_as_many_connectors_as_it_has_reported(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    assert catalogue.stored(garage)["NumberOfConnectors"] == {"value": "1", "readonly": True}

    for number in (1, 2, 3):
        Evse.objects.create(charge_point=garage, number=number)

    assert catalogue.stored(garage)["NumberOfConnectors"]["value"] == "3"
    assert catalogue.values(garage)["NumberOfConnectors"] == "3"
    assert catalogue.values(other)["NumberOfConnectors"] == "1"


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("AuthorizationKey", True),
        ("authorizationkey", True),
        ("CpoName", False),
        ("VendorPassword", True),
        ("VendorColour", False),
    ],
)
def test_a_key_is_a_secret_by_the_table_or_by_its_name(name: str, is_secret: bool) -> None:
    assert catalogue.is_secret(name) is is_secret


def test_a_value_of_an_unknown_key_is_not_shown(garage: ChargePoint) -> None:
    StoredKey.objects.create(charge_point=garage, key="Unknown", value="x")

    assert "Unknown" not in catalogue.values(garage)
    assert "Unknown" not in catalogue.stored(garage)


@pytest.mark.parametrize(
    ("name", "flags", "is_secret"),
    [("Pin", "W", True), ("VendorPassword", "", True), ("Colour", "W", True), ("Colour", "R", False)],
)
def test_a_row_of_the_table_is_a_secret_by_its_flag_or_its_name(
    name: str, flags: str, is_secret: bool
) -> None:
    row = catalogue.Key(name, "", rules.text, flags)

    assert (row.is_secret, row.is_readonly) == (is_secret, flags == "R")


def test_the_value_of_another_station_does_not_count(garage: ChargePoint, news: News) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    StoredKey.objects.create(charge_point=other, key=KEY, value="7")

    assert catalogue.change(garage, KEY, "7") == catalogue.ACCEPTED

    assert StoredKey.objects.get(charge_point=garage).value == "7"
