"""Cursors: the rows after a place, in every order and on databases that sort NULL first or last."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.core import signing
from django.db import connections
from django.db.models import QuerySet

from chargepoints.models import ChargePoint
from ocpp_server.api import cursors
from ocpp_server.api.cursors import BadCursor, Cursor

# The last boot of each station; two are equal, two have none.
BOOTED = {"a": 1, "b": 2, "c": 2, "d": None, "e": None, "f": 3}
AT = "2026-01-0{}T00:00:00+00:00"


@pytest.fixture
def rows(db: None) -> QuerySet[ChargePoint]:
    for name, day in BOOTED.items():
        ChargePoint.objects.create(identity=name, last_boot_at=None if day is None else AT.format(day))
    return ChargePoint.objects.order_by()


def names(rows: QuerySet[Any]) -> str:
    return "".join(row.identity for row in rows)


@pytest.mark.parametrize(
    "order",
    [
        ["pk"],
        ["-pk"],
        ["identity", "pk"],
        ["-identity", "-pk"],
        ["last_boot_at", "pk"],
        ["-last_boot_at", "-pk"],
    ],
)
def test_a_cursor_continues_after_every_row_of_every_order(
    rows: QuerySet[ChargePoint], order: list[str]
) -> None:
    ordered = rows.order_by(*order)
    everything = list(ordered)
    assert len(everything) == len(BOOTED)

    for place, row in enumerate(everything, 1):
        cursor = Cursor.decode(cursors.after(row, order, 6))
        assert list(cursor.rest(ordered, order)) == everything[place:]


@pytest.mark.parametrize(
    ("order", "nulls_first", "last", "rest"),
    [
        (["last_boot_at", "pk"], True, "d", "abcef"),
        (["last_boot_at", "pk"], True, "b", "cf"),
        (["last_boot_at", "pk"], False, "d", "e"),
        (["last_boot_at", "pk"], False, "b", "cdef"),
        # Descending reverses where NULL is.
        (["-last_boot_at", "-pk"], True, "e", "d"),
        (["-last_boot_at", "-pk"], True, "c", "abde"),
        (["-last_boot_at", "-pk"], False, "e", "abcdf"),
        (["-last_boot_at", "-pk"], False, "c", "ab"),
    ],
)
def test_null_is_where_the_database_sorts_it(  # noqa: PLR0917 - a table's columns
    rows: QuerySet[ChargePoint],
    monkeypatch: pytest.MonkeyPatch,
    order: list[str],
    nulls_first: bool,
    last: str,
    rest: str,
) -> None:
    monkeypatch.setattr(connections["default"].features, "order_by_nulls_first", nulls_first)
    cursor = Cursor.decode(cursors.after(rows.get(identity=last), order, 6))

    found = cursor.rest(rows, order).order_by("identity")

    assert names(found) == rest


def test_a_cursor_keeps_the_total_and_the_order() -> None:
    text = Cursor(["-name", "-pk"], ["a", None], 70).encode()

    assert Cursor.decode(text) == Cursor(["-name", "-pk"], ["a", None], 70)


def test_a_cursor_is_compressed() -> None:
    """A long value must fit into the limit of the parameter."""
    assert len(Cursor(["name", "pk"], ["a" * 3000, "1"], 1).encode()) < 1000


def test_a_text_that_this_server_did_not_sign_is_no_cursor() -> None:
    text = Cursor(["pk"], ["1"], 7).encode()
    other = signing.dumps((["pk"], ["1"], 7), salt="another", compress=True)
    too_short = signing.dumps((["pk"],), salt=cursors.SALT)
    plain = base64.b64encode(b'[["pk"],["1"],7]').decode()

    for wrong in (f"{text[:-1]}{'a' if text[-1] != 'a' else 'b'}", other, too_short, plain, ""):
        with pytest.raises(BadCursor):
            Cursor.decode(wrong)


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        (Cursor(["pk"], ["1"], 1), ["-pk"]),
        (Cursor(["identity", "pk"], ["a", "1"], 1), ["pk"]),
        (Cursor(["identity", "pk"], ["a"], 1), ["identity", "pk"]),
    ],
)
def test_a_cursor_of_another_order_is_refused(made: Cursor, asked: list[str]) -> None:
    with pytest.raises(BadCursor):
        made.rest(ChargePoint.objects.all(), asked)


@pytest.mark.parametrize("order", [["pk"], ["-id"], ["identity", "pk"], ["-identity", "-id"]])
def test_an_order_ends_with_the_key_in_the_same_direction(order: list[str]) -> None:
    assert cursors.order_of(ChargePoint.objects.order_by(*order)) == order


@pytest.mark.parametrize(
    "order", [[], ["identity"], ["identity", "-pk"], ["-identity", "pk"], ["name", "identity", "pk"]]
)
def test_an_order_in_which_rows_may_share_a_place_is_refused(order: list[str]) -> None:
    with pytest.raises(TypeError, match="no cursor"):
        cursors.order_of(ChargePoint.objects.order_by(*order))
