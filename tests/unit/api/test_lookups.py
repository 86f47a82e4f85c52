"""How a URL names a row: by a number, by a text, or by the function of its parameter."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from chargepoints.models import Site
from ocpp_server.api.lookups import TEXT, Lookup, by_number, by_number_or, locked_if, required
from ocpp_server.domain import Invalid, Missing


class Finder:
    """A function that finds a row, and notes how it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __call__(self, text: str, **more: Any) -> str:
        self.asked.append((text, more))
        return f"<{text}>"


class Named:
    pk = 7
    name = "Car park/1?"


def test_a_parameter_is_a_positive_number_unless_it_says_otherwise() -> None:
    assert Lookup("place_id", "The number.").path == {
        "place_id": ({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "The number.")
    }
    assert Lookup("name", "The name.", TEXT).path == {
        "name": ({"type": "string", "minLength": 1, "maxLength": 255}, "The name.")
    }


def test_a_row_is_locked_only_where_it_is_changed() -> None:
    find = Finder()
    lookup = Lookup("name", "", TEXT, find)

    assert (lookup.found("a", lock=False), lookup.found("b", lock=True)) == ("<a>", "<b>")
    assert find.asked == [("a", {}), ("b", {"lock": True})]


def test_a_parameter_without_a_function_finds_nothing_by_itself() -> None:
    with pytest.raises(TypeError, match="the parameter name needs a function"):
        Lookup("name", "").found("a", lock=False)


def test_the_url_of_a_row_has_its_key_in_quotes() -> None:
    row: Any = Named()

    assert Lookup("place_id", "").segment(row) == "7"
    assert Lookup("name", "", key="name").segment(row) == "Car%20park%2F1%3F"


@pytest.fixture
def places(db: None) -> QuerySet[Site]:
    for number, name in ((5, "Depot"), (6, "7")):
        Site.objects.create(pk=number, name=name)
    return Site.objects.order_by("pk")


def test_a_row_is_found_by_its_number(places: QuerySet[Site]) -> None:
    assert by_number(places, "5", noun="place").name == "Depot"
    with pytest.raises(Missing, match=r"Place 7 not found\."):
        by_number(places, "7", noun="place")


@pytest.mark.parametrize("text", ["x", "", "-1", "0", "99999999999999999999"])
def test_a_text_that_is_no_number_of_a_row_names_its_parameter(places: QuerySet[Site], text: str) -> None:
    with pytest.raises(Invalid) as caught:
        by_number(places, text, noun="place", field="place_id")
    assert caught.value.sentence == f"{text!r} is not a valid place id."
    assert caught.value.field == "place_id"

    with pytest.raises(Invalid) as caught:
        by_number(places, text, noun="place")
    assert caught.value.field == "id"


@pytest.mark.parametrize(("text", "pk"), [("5", 5), ("Depot", 5), ("7", 6), ("6", 6)])
def test_a_number_comes_before_a_name(places: QuerySet[Site], text: str, pk: int) -> None:
    assert by_number_or(places, text, noun="place", name=text).pk == pk


def test_a_row_with_neither_number_nor_name_is_missing(places: QuerySet[Site]) -> None:
    for text in ("8", "Yard"):
        with pytest.raises(Missing, match=f"Place {text} not found"):
            by_number_or(places, text, noun="place", name=text)


def test_a_row_that_is_there_is_required_without_an_error() -> None:
    row = Site(name="Depot")

    assert required(row, "1", "place") is row


@pytest.mark.parametrize("lock", [True, False])
def test_rows_are_locked_alone_and_only_if_asked(places: QuerySet[Site], lock: bool) -> None:
    """SQLite has no row locks, so the query says whether it asks for them, and for which table."""

    rows = locked_if(places, lock)
    assert rows.query.select_for_update is lock
    assert rows.query.select_for_update_of == (("self",) if lock else ())


@pytest.mark.parametrize("lock", [True, False])
def test_both_ways_to_a_row_can_lock_it(
    places: QuerySet[Site], monkeypatch: pytest.MonkeyPatch, lock: bool
) -> None:
    locked: list[bool] = []
    monkeypatch.setattr(
        "ocpp_server.api.lookups.locked_if", lambda rows, lock: (locked.append(lock), rows)[1]
    )

    by_number(places, "5", noun="place", lock=lock)
    by_number_or(places, "5", noun="place", lock=lock, name="5")

    assert locked == [lock, lock]


def test_a_row_is_not_locked_unless_it_is_asked_for(places: QuerySet[Site]) -> None:
    with CaptureQueriesContext(connection) as queries:
        by_number(places, "5", noun="place")
        by_number_or(places, "Depot", noun="place", name="Depot")

    assert len(queries) == 2  # a text that is no number is not searched as one
