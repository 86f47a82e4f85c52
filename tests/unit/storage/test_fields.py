"""Compressed text columns: what the database gets, and which queries are refused."""

from __future__ import annotations

import pytest
from django.core.exceptions import FieldError
from django.db import connection

from chargepoints.models import Message
from ocpp_server.storage import fields
from ocpp_server.storage.compression import Unreadable, compressed
from ocpp_server.storage.fields import CompressedTextField, packed, packed_all
from tests.unit.storage.statements.samples import Kept


@pytest.mark.parametrize("lookup", ["exact", "contains", "icontains", "in", "gt", "regex", "unknown"])
def test_a_lookup_in_compressed_bytes_is_refused(lookup: str) -> None:
    with pytest.raises(FieldError, match=rf"Kept.packed is compressed: no '{lookup}' in the database"):
        str(Kept._default_manager.filter(**{f"packed__{lookup}": "a"}).query)
    with pytest.raises(FieldError, match="is compressed"):
        str(Kept._default_manager.exclude(**{f"packed__{lookup}": "a"}).query)


def test_equality_is_refused_too_and_null_is_asked_for_by_name() -> None:
    for value in ("{}", None):
        with pytest.raises(FieldError, match="is compressed"):
            Kept._default_manager.filter(packed=value)
    assert '"packed" IS NULL' in str(Kept._default_manager.filter(packed__isnull=True).query)
    assert 'NOT ("kept"."packed" IS NULL)' in str(Kept._default_manager.exclude(packed__isnull=True).query)


@pytest.mark.parametrize("text", ["", "{}", "ä\x00", "a" * 5000])
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    field = CompressedTextField()
    stored = field.get_db_prep_save(text, connection)

    assert bytes(stored) == compressed(text.encode())
    assert field.from_db_value(bytes(stored), None, connection) == text
    assert field.from_db_value(stored, None, connection) == text


def test_null_stays_null() -> None:
    field = CompressedTextField(null=True)

    assert field.get_db_prep_save(None, connection) is None
    assert field.from_db_value(None, None, connection) is None


def test_a_corrupt_value_is_an_error() -> None:
    with pytest.raises(Unreadable):
        CompressedTextField().from_db_value(b"\x09", None, connection)


def test_the_column_is_binary() -> None:
    from django.db.backends.postgresql.base import DatabaseWrapper

    postgresql = DatabaseWrapper({**connection.settings_dict, "OPTIONS": {}})
    field = Kept._meta.get_field("packed")

    assert field.db_type(connection) == "BLOB"
    assert field.db_type(postgresql) == "bytea"


def test_the_text_of_an_earlier_release_is_read_while_the_column_is_null() -> None:
    row = Kept(text="before")
    assert row.packed == "before"

    row.packed = ""
    assert row.packed == ""

    row.packed = None
    assert row.packed == "before"


def test_a_column_without_an_earlier_one_is_null() -> None:
    field = CompressedTextField(null=True)
    field.set_attributes_from_name("other")

    class Row:
        text = "before"

    row = Row()
    descriptor = field.descriptor_class(field)
    descriptor.__set__(row, None)
    assert descriptor.__get__(row) is None
    assert descriptor.__get__(None) is descriptor


def test_migrations_know_the_column_and_not_the_earlier_one() -> None:
    *_, arguments = CompressedTextField(null=True, before="text", db_column="x").deconstruct()

    assert arguments == {"null": True, "db_column": "x"}
    assert CompressedTextField(**arguments).editable is False


def test_a_text_that_comes_again_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bytes] = []

    def counted(values: list[bytes]) -> list[bytes]:
        done.extend(values)
        return [compressed(data) for data in values]

    monkeypatch.setattr(fields, "_recent", {})
    monkeypatch.setattr(fields, "compressed_all", counted)
    one, other = "a payload of some length", "another payload of some length"

    assert packed_all([one, None, one, other]) == [packed(one), None, packed(one), packed(other)]
    assert packed_all([None, other]) == [None, packed(other)]
    assert done == [one.encode(), other.encode()]


@pytest.mark.parametrize(("columns", "text"), [({"request_text": "old"}, "old"), ({"request": "new"}, "new")])
def test_a_row_of_either_release_has_its_text(columns: dict[str, str], text: str) -> None:
    assert Message(**columns).request == text
    assert CompressedTextField(before="request_text").before == "request_text"
