"""Lists: pages, cursors, orderings and filters from allow-lists, and periods of whole days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from chargepoints.models import ChargePoint, Note
from ocpp_server.api import lists
from ocpp_server.api.fields import ReadSerializer, TextField
from ocpp_server.api.lists import (
    ChangedQuery,
    ListQuery,
    MomentField,
    midnight,
    ordering,
    page,
    query,
    search,
)


@pytest.fixture(autouse=True)
def vienna(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Vienna"


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc, arg-type]  # its parts in order


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2026, 1, 5), utc(2026, 1, 4, 23)),
        (date(2026, 3, 29), utc(2026, 3, 28, 23)),
        (date(2026, 3, 30), utc(2026, 3, 29, 22)),
        (date(2026, 10, 25), utc(2026, 10, 24, 22)),
        (date(2026, 10, 26), utc(2026, 10, 25, 23)),
    ],
)
def test_a_day_begins_at_midnight_of_the_servers_time_zone(day: date, begins: datetime) -> None:
    assert midnight(day) == begins
    assert midnight(day).tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "first", "end"),
    [
        ("2026-01-05", utc(2026, 1, 4, 23), utc(2026, 1, 5, 23)),
        ("2026-03-29", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
        ("2026-01-05T10:00:00Z", utc(2026, 1, 5, 10), utc(2026, 1, 5, 10)),
    ],
)
def test_a_date_is_a_whole_day_and_a_time_is_itself(given: str, first: datetime, end: datetime) -> None:
    assert MomentField().run_validation(given) == first
    assert MomentField(ends=True).run_validation(given) == end


@pytest.mark.parametrize("given", ["2026-02-30", "9999-12-31", "yesterday", "2026-1-5", 5])
def test_neither_a_date_nor_a_time_is_refused(given: object) -> None:
    with pytest.raises(ValidationError, match="Must be a date"):
        MomentField(ends=True).run_validation(given)


class Stations(ListQuery):
    orderings = {"name": "name", "id": "pk"}
    exact = {"name": "name", "version": "ocpp_version"}
    moment = "last_boot_at"
    ordering = ordering(orderings)
    name = TextField(required=False)
    version = TextField(required=False)
    search = search("A part of the name.")

    def containing(self, text: str) -> Q:
        return Q(identity__contains=text)


def asked(kind: type[ListQuery] = Stations, **given: str) -> Any:
    return query(kind, Request(APIRequestFactory().get("/", given)))


def wrong(kind: type[ListQuery] = Stations, **given: str) -> set[str]:
    with pytest.raises(ValidationError) as caught:
        asked(kind, **given)
    assert isinstance(caught.value.detail, dict)
    return set(caught.value.detail)


def test_a_list_has_50_rows_a_page_from_its_beginning() -> None:
    data = asked().validated_data

    assert (data["limit"], data["offset"], asked().cursor) == (50, 0, "")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("limit", ["1", "200"], ["0", "201", "x"]),
        ("offset", ["0", "2147483647"], ["-1", "2147483648"]),
        ("search", ["a" * 100], ["a" * 101]),
        ("cursor", ["", "a" * 1000], ["a" * 1001]),
        ("ordering", ["name", "-name", "id", "-id"], ["identity", "--name", "pk"]),
        ("from", ["2026-01-05"], ["x"]),
        ("to", ["2026-01-05"], ["x"]),
    ],
)
def test_each_parameter_has_its_limits(name: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        asked(**{name: value})
    for value in bad:
        assert wrong(**{name: value}) == {name}


def test_a_cursor_has_no_offset() -> None:
    assert wrong(cursor="c", offset="1") == {"offset"}
    assert asked(cursor="c", offset="0").cursor == "c"
    assert asked(offset="1").validated_data["offset"] == 1


def test_a_list_without_a_time_has_no_period() -> None:
    assert wrong(ListQuery, **{"from": "2026-01-05"}) == {"from"}


def test_an_order_may_be_descending_and_left_out() -> None:
    field = ordering(["name", "id"])

    assert list(field.choices) == ["name", "-name", "id", "-id"]
    assert field.required is False
    assert field.help_text == "'-' in front: descending."


def test_a_list_may_filter_its_period_itself(rows: QuerySet[ChargePoint]) -> None:
    class Own(ListQuery):
        def get_fields(self) -> dict[str, Any]:
            return super().get_fields() | {"from": TextField(required=False)}

    assert names(asked(Own, **{"from": "Vienna"}).filtered(rows)) == "abc"


def test_every_parameter_of_a_list_but_its_page_is_explained() -> None:
    class Mirror(Stations, ChangedQuery):
        """A list with all parameters that lists share."""

    shared = Mirror().get_fields()

    explained = {name: field.help_text for name, field in shared.items() if field.help_text}
    assert search("A part of the name.").help_text == "A part of the name."
    assert "the page before" in explained["cursor"]
    assert explained["from"].startswith("At this time or later")
    assert explained["to"].startswith("Before this time")
    assert explained["updated_from"].startswith("Changed at this time or later")
    assert explained["updated_to"].startswith("Changed before this time")


def test_the_last_value_of_a_repeated_parameter_counts() -> None:
    request = Request(APIRequestFactory().get("/?limit=5&limit=7"))

    assert query(Stations, request).validated_data["limit"] == 7


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ({}, []),
        ({"ordering": "name"}, ["name", "pk"]),
        ({"ordering": "-name"}, ["-name", "-pk"]),
        ({"ordering": "id"}, ["pk"]),
        ({"ordering": "-id"}, ["-pk"]),
    ],
)
def test_the_key_comes_last_in_every_order(given: dict[str, str], order: list[str]) -> None:
    assert asked(**given).order() == order


@pytest.fixture
def rows(db: None) -> QuerySet[ChargePoint]:
    for number, identity in enumerate("abc", 1):
        ChargePoint.objects.create(
            identity=identity, name=f"N{number}", ocpp_version="1.6", last_boot_at=utc(2026, 1, number)
        )
    ChargePoint.objects.filter(identity="c").update(ocpp_version="2.1")
    return ChargePoint.objects.order_by("pk")


def names(found: QuerySet[ChargePoint]) -> str:
    return "".join(found.values_list("identity", flat=True))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "abc"),
        ({"version": "1.6"}, "ab"),
        ({"version": "1.6", "name": "N1"}, "a"),
        ({"search": "b"}, "b"),
        ({"from": "2026-01-02T00:00:00Z"}, "bc"),
        ({"from": "2026-01-02T00:00:01Z"}, "c"),
        ({"to": "2026-01-02T00:00:00Z"}, "a"),
        ({"to": "2026-01-02T00:00:01Z"}, "ab"),
        ({"to": "2026-01-02"}, "ab"),
        ({"to": "2026-01-01"}, "a"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-03T00:00:00Z"}, "b"),
    ],
)
def test_the_filters_of_a_list(rows: QuerySet[ChargePoint], given: dict[str, str], found: str) -> None:
    assert names(asked(**given).filtered(rows)) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"updated_from": "2026-02-02T00:00:00Z"}, "bc"),
        ({"updated_to": "2026-02-02T00:00:00Z"}, "a"),
        ({"updated_from": "2026-02-02T00:00:00Z", "updated_to": "2026-02-03"}, "bc"),
        ({}, "abc"),
        ({"updated_from": "2026-02-02T00:00:00Z", "updated_to": "2026-02-02"}, "b"),
    ],
)
def test_a_mirror_reads_what_has_changed(db: None, given: dict[str, str], found: str) -> None:
    station = ChargePoint.objects.create(identity="a")
    for number, text in enumerate("abc", 1):
        note = Note.objects.create(charge_point=station, text=text)
        Note.objects.filter(pk=note.pk).update(updated_at=utc(2026, 2, number))

    kept = asked(ChangedQuery, **given).filtered(Note.objects.order_by("pk"))

    assert "".join(kept.values_list("text", flat=True)) == found


def test_a_filter_may_have_the_name_of_its_column(rows: QuerySet[ChargePoint]) -> None:
    class Named(ListQuery):
        exact = ("name",)
        name = TextField(required=False)
        q = search("A part of the identity.")

        def containing(self, text: str) -> Q:
            return Q(identity=text)

    assert names(asked(Named, name="N2").filtered(rows)) == "b"
    assert names(asked(Named, q="c").filtered(rows)) == "c"


class Shape(ReadSerializer):
    identity = serializers.CharField()
    note = serializers.SerializerMethodField()

    def get_note(self, row: ChargePoint) -> str:
        prepared = self.context["prepared"] or {}
        return str(prepared.get(row.pk, self.context["request"].query_params.get("limit", "")))


def shown(rows: QuerySet[ChargePoint], prepare: Any = None, **given: str) -> dict[str, Any]:
    request = Request(APIRequestFactory().get("/", given))
    response = page(
        request, kind=Stations, rows=rows, name="stations", noun="stations", shape=Shape, prepare=prepare
    )
    data: dict[str, Any] = response.data["data"]
    data["names"] = "".join(row["identity"] for row in data["stations"])
    data["message"] = response.data["message"]
    return data


@pytest.mark.parametrize(
    ("given", "names", "has_next"),
    [
        ({}, "abc", False),
        ({"limit": "3"}, "abc", False),
        ({"limit": "2"}, "ab", True),
        ({"limit": "1", "offset": "1"}, "b", True),
        ({"limit": "1", "offset": "2"}, "c", False),
        ({"offset": "3"}, "", False),
        ({"limit": "2", "ordering": "-name"}, "cb", True),
    ],
)
def test_a_page_has_its_rows_the_total_and_whether_more_follow(
    rows: QuerySet[ChargePoint], given: dict[str, str], names: str, has_next: bool
) -> None:
    data = shown(rows, **given)

    assert (data["names"], data["count"], data["total"]) == (names, len(names), 3)
    assert (data["next"] is not None) is has_next
    assert data["message"] == f"{len(names)} of 3 stations."


def test_an_offset_beyond_the_total_reads_no_rows(
    rows: QuerySet[ChargePoint], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert shown(rows, offset="3")["names"] == ""


def test_the_pages_of_cursors_are_the_whole_list_with_the_first_total(rows: QuerySet[ChargePoint]) -> None:
    first = shown(rows, limit="1")
    ChargePoint.objects.create(identity="d", ocpp_version="1.6")

    second = shown(rows, limit="1", cursor=first["next"])
    third = shown(rows, limit="2", cursor=second["next"])

    assert first["names"] + second["names"] + third["names"] == "abcd"
    assert (second["total"], third["total"], third["next"]) == (3, 3, None)


@pytest.mark.parametrize("given", [{"cursor": "x"}, {"ordering": "name"}])
def test_a_cursor_of_another_list_is_an_invalid_parameter(
    rows: QuerySet[ChargePoint], given: dict[str, str]
) -> None:
    following = shown(rows, limit="1")["next"]

    with pytest.raises(ValidationError) as caught:
        shown(rows, **{"cursor": following} | given)
    assert isinstance(caught.value.detail, dict)
    reason = "Not a cursor of this list in this order. Start again without a cursor."
    assert caught.value.detail == {"cursor": [reason]}


def test_what_is_prepared_for_a_page_reaches_its_rows(rows: QuerySet[ChargePoint]) -> None:
    prepared = shown(rows, lambda found: {row.pk: f"<{row.identity}>" for row in found})
    plain = shown(rows, limit="3")

    assert [row["note"] for row in prepared["stations"]] == ["<a>", "<b>", "<c>"]
    assert [row["note"] for row in plain["stations"]] == ["3", "3", "3"]


def test_a_list_without_a_search_has_none() -> None:
    with pytest.raises(NotImplementedError):
        ListQuery().containing("x")
    assert lists.search("x").max_length == 100
