"""Files of tokens as rows of texts: every format, and every limit."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from typing import Any

import openpyxl
import pytest
from django.db.models import QuerySet

from accounts.models import Token
from accounts.services import contracts, people, token_files, tokens
from ocpp_server.domain import Invalid


def read(text: str | bytes) -> list[token_files.Row]:
    return token_files.read(io.BytesIO(text.encode() if isinstance(text, str) else text))


def refusal(text: str | bytes) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read(text)
    assert refused.value.field == "file"
    return refused.value


def sheet(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("Notes").append(["not", "read"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# -- text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_text_is_read_in_every_locale(separator: str, end: str, mark: str) -> None:
    lines = ["uid,name,issuer", "A,Ann,X", "B,,Y"]

    found = read(mark + end.join(line.replace(",", separator) for line in lines) + end)

    assert found == [(2, {"uid": "A", "name": "Ann", "issuer": "X"}), (3, {"uid": "B", "issuer": "Y"})]


def test_the_separator_is_the_one_of_the_header() -> None:
    assert read("uid;name\nA;1,2,3,4") == [(2, {"uid": "A", "name": "1,2,3,4"})]
    assert read("uid;name\nA;1,2,3\nB;4,5") == [
        (2, {"uid": "A", "name": "1,2,3"}),
        (3, {"uid": "B", "name": "4,5"}),
    ]
    assert read("uid\nA;B") == [(2, {"uid": "A;B"})]


def test_texts_are_read_as_they_are_and_rows_keep_their_numbers() -> None:
    text = 'uid,name\n"A, ""B""",two\n\n , \nC,"multi\nline"\n D ,x\n'

    assert read(text) == [
        (2, {"uid": 'A, "B"', "name": "two"}),
        (5, {"uid": "C", "name": "multi\nline"}),
        (6, {"uid": " D ", "name": "x"}),
    ]


def test_columns_have_any_order_and_case_and_may_end_in_blanks() -> None:
    assert read("Name , UID,,\nx,A,,\ny,B") == [
        (2, {"name": "x", "uid": "A"}),
        (3, {"name": "y", "uid": "B"}),
    ]


def test_a_row_may_be_shorter_or_longer_than_the_header() -> None:
    assert read("uid,name\nA\nB,x,more") == [(2, {"uid": "A"}), (3, {"uid": "B", "name": "x"})]


def test_every_column_of_an_export_is_known_and_its_own_columns_are_ignored() -> None:
    values = {name: f"v-{name}" for name in token_files.EXPORTED}

    [(_, found)] = read(",".join(values) + "\n" + ",".join(values.values()))

    assert found == {name: f"v-{name}" for name in token_files.COLUMNS}
    assert {"id", "last_used_at", "created_at", "updated_at"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        *[(f"'{sign}x", f"{sign}x") for sign in "=+-@\t\r"],
        ("'x", "'x"),
        ("'", "'"),
        ("''=x", "''=x"),
        ("=x", "=x"),
        ("x'=y", "x'=y"),
    ],
)
def test_only_the_apostrophe_of_an_export_is_removed(cell: str, text: str) -> None:
    assert token_files.without_formula_guard(cell) == text
    assert read(f'name,uid\n"{cell}",A')[0][1]["name"] == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"uid\nA\0", "not a text file"),
        (b'uid\n"A', "not valid CSV"),
        (b'uid\n"A"B', "not valid CSV"),
        (b"name\nA", "including uid"),
        (b"\nuid\nA", "including uid"),
        (b"uid,,name\nA", "Unknown columns: ''"),
        (b"uid,colour,Size\nA", "Unknown columns: 'colour', 'size'; allowed: uid, type"),
        (b"uid,name,NAME\nA", "twice"),
        (b"PK\x03\x04", "XLSX"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(text: bytes, words: str) -> None:
    assert words in refusal(text).sentence


def test_a_file_has_at_most_20_000_rows() -> None:
    text = "uid\n" + "A\n" * 20_000

    assert len(read(text)) == 20_000
    assert "20,000 rows" in refusal(text + "A\n").sentence


# -- sheets --------------------------------------------------------------------------------------------------


def test_a_sheet_is_read_as_the_texts_that_it_shows() -> None:
    content = sheet(
        ["uid", "name", "valid", "is_master", "expires_at", "energy_wh_per_day", "cost_per_day", "issuer"],
        [12345678, "Ann", True, False, datetime(2030, 1, 2, 3, 4), 1000.0, 2.5, None],
        [None, None],
        ["B", " ", None],
    )

    assert read(content) == [
        (
            2,
            {
                "uid": "12345678",
                "name": "Ann",
                "valid": "true",
                "is_master": "false",
                "expires_at": "2030-01-02T03:04:00",
                "energy_wh_per_day": "1000",
                "cost_per_day": "2.5",
            },
        ),
        (4, {"uid": "B"}),
    ]


def test_notes_far_to_the_right_of_a_sheet_are_not_read() -> None:
    def with_note(column: int) -> bytes:
        return sheet(["uid", *[None] * (column - 2), "note"], ["A"])

    assert read(with_note(61)) == [(2, {"uid": "A"})]
    assert "Unknown columns" in refusal(with_note(60)).sentence


def test_a_value_of_a_sheet_that_is_no_whole_number_stays() -> None:
    assert read(sheet(["uid", "name"], [1.5, 10.0**15])) == [(2, {"uid": "1.5", "name": "1000000000000000"})]


# -- the export ----------------------------------------------------------------------------------------------


def test_every_column_is_exported_in_the_texts_of_an_import(db: None) -> None:
    owner = people.create(name="Ann")
    contract = contracts.create(contract_id="C-1", owner=owner)
    vienna = timezone(timedelta(hours=2))
    token = tokens.create(
        uid="A", user=owner, contract=contract, name="n", is_master=True, cost_per_day="2.500",
        energy_wh_per_day=5, valid_from=datetime(2026, 5, 4, 14, 0, 0, 1500, tzinfo=vienna),
    )  # fmt: skip
    Token.objects.update(updated_at=datetime(2026, 5, 4, 12, 0, tzinfo=UTC))
    tokens.create(uid="B", valid=False)

    first, second = chain(*token_files.exported(Token.objects.all()))

    row = dict(zip(token_files.EXPORTED, first, strict=True))
    assert row == row | {
        "uid": "A", "type": "RFID", "user_id": owner.pk, "contract_id": "C-1", "valid": "true",
        "is_master": "true", "cost_per_day": 2.5, "cost_per_month": None, "energy_wh_per_day": 5,
        "energy_wh_per_month": None, "id": token.pk, "last_used_at": None, "name": "n", "group_id": "",
        "valid_from": "2026-05-04T12:00:00.001Z", "updated_at": "2026-05-04T12:00:00.000Z",
    }  # fmt: skip
    assert isinstance(row["cost_per_day"], float)
    other = dict(zip(token_files.EXPORTED, second, strict=True))
    assert (other["valid"], other["is_master"], other["contract_id"]) == ("false", "false", None)


def test_an_export_has_each_token_once_in_the_order_of_its_number(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_files, "_CHUNK", 2)
    made = [tokens.create(uid=f"T{number}").pk for number in range(5)]
    place = token_files.EXPORTED.index("id")

    def numbers(found: QuerySet[Token]) -> list[list[int]]:
        return [[row[place] for row in rows] for rows in token_files.exported(found)]

    assert numbers(Token.objects.order_by("-uid")) == [made[:2], made[2:4], made[4:]]
    assert numbers(Token.objects.filter(uid="T3")) == [[made[3]]]
    assert numbers(Token.objects.none()) == []
