"""Row extensions: fields that one app adds to the rows of another app's list."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from rest_framework import serializers

from ocpp_server.api import extensions
from ocpp_server.api.extensions import ExtendedSerializer, RowExtension


@dataclass
class Row:
    name: str


class RowSerializer(ExtendedSerializer):
    extended = "rows"
    name = serializers.CharField()


@pytest.fixture(autouse=True)
def no_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extensions, "_announced", [])
    monkeypatch.setattr(extensions, "_extensions", {})


def letters(rows: Sequence[Any]) -> list[int]:
    return [len(row.name) for row in rows]


LENGTH = RowExtension("length", serializers.IntegerField, letters, ("site", "site__owner"))
SHOUTED = RowExtension("shouted", serializers.CharField, lambda rows: [row.name.upper() for row in rows])


def test_rows_show_the_values_of_every_extension_of_their_list() -> None:
    extensions.extend("rows", LENGTH)
    extensions.extend("rows", SHOUTED)
    rows = [Row("a"), Row("abc")]

    extensions.attach("rows", rows)

    shown = [dict(each) for each in RowSerializer(rows, many=True).data]
    assert shown == [
        {"name": "a", "length": 1, "shouted": "A"},
        {"name": "abc", "length": 3, "shouted": "ABC"},
    ]


def test_an_extension_belongs_to_one_list() -> None:
    extensions.extend("rows", LENGTH)
    extensions.extend("others", SHOUTED)
    extensions.extend("others", LENGTH)

    assert extensions.of("rows") == [LENGTH]
    assert extensions.of("others") == [SHOUTED, LENGTH]
    assert extensions.of("nothing") == []
    assert set(RowSerializer().fields) == {"name", "length"}


def test_a_list_has_each_field_once() -> None:
    extensions.extend("rows", LENGTH)

    with pytest.raises(ValueError, match="the list rows has the field length already"):
        extensions.extend("rows", RowExtension("length", serializers.CharField, letters))
    assert extensions.of("rows") == [LENGTH]


def test_the_query_of_a_list_selects_what_its_extensions_need() -> None:
    extensions.extend("rows", SHOUTED)
    extensions.extend("rows", LENGTH)

    assert extensions.joined("rows") == ["site", "site__owner"]
    assert extensions.joined("others") == []


def test_an_extension_must_have_a_value_for_every_row() -> None:
    extensions.extend("rows", RowExtension("length", serializers.IntegerField, lambda rows: [1]))

    with pytest.raises(ValueError, match="zip"):
        extensions.attach("rows", [Row("a"), Row("b")])


def test_an_announced_module_is_imported_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    module = ModuleType("extending_rows")
    monkeypatch.setitem(sys.modules, "extending_rows", module)
    monkeypatch.setattr(extensions, "import_module", imported.append)

    extensions.announce("extending_rows")
    extensions.announce("extending_rows")
    assert imported == []

    extensions.of("rows")
    assert imported == ["extending_rows"]
