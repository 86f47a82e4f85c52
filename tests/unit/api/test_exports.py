"""Exports: CSV, XLSX and JSON of the same rows, formulas as text, and as many sheets as the format needs."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import AsyncRequestFactory, RequestFactory

from ocpp_server.api import exports
from ocpp_server.api.exports import Row

COLUMNS = ("name", "energy_wh", "is_open")
ROWS: list[Row] = [("Ann", 5, True), (None, 1.5, False), ("", None, None)]
_CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def chunks(*sizes: int, rows: Sequence[Row] = ROWS) -> Iterator[Sequence[Row]]:
    left = list(rows)
    for size in sizes:
        yield left[:size]
        left = left[size:]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\ta", "'\ta"),
        ("\ra", "'\ra"),
        ("a=1", "a=1"),
        ("", ""),
        (-1, -1),
        (None, None),
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(value: Any, shown: Any) -> None:
    assert exports.escape_formula(value) == shown


def test_csv_begins_with_its_byte_order_mark_and_the_names_of_the_columns() -> None:
    parts = list(exports.as_csv(COLUMNS, chunks(2, 1)))

    assert [part.startswith(b"\xef\xbb\xbf") for part in parts] == [True, False, False]
    assert list(csv.reader(io.StringIO(b"".join(parts).decode("utf-8-sig")))) == [
        ["name", "energy_wh", "is_open"],
        ["Ann", "5", "True"],
        ["", "1.5", "False"],
        ["", "", ""],
    ]


def test_csv_escapes_formulas_and_replaces_what_utf_8_can_not_hold() -> None:
    text = b"".join(exports.as_csv(["a"], chunks(2, rows=[("=1",), ("x\ud800y",)]))).decode("utf-8-sig")

    assert text.splitlines() == ["a", "'=1", "x?y"]


@pytest.mark.parametrize("sizes", [(3,), (2, 1), (1, 1, 1)])
def test_json_has_the_rows_as_objects_and_their_number(sizes: tuple[int, ...]) -> None:
    shown = orjson.loads(b"".join(exports.as_json("sessions")(COLUMNS, chunks(*sizes))))

    assert shown["success"] is True
    assert shown["data"]["count"] == 3
    assert shown["data"]["sessions"] == [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]


def test_json_without_rows_is_an_empty_list() -> None:
    shown = orjson.loads(b"".join(exports.as_json("sessions")(COLUMNS, chunks())))

    assert shown["data"] == {"sessions": [], "count": 0}


@pytest.mark.parametrize("row", [("Ann", 5), ("Ann", 5, True, "more")])
def test_json_refuses_a_row_that_does_not_fit_the_columns(row: Row) -> None:
    with pytest.raises(ValueError, match="zip"):
        b"".join(exports.as_json("sessions")(COLUMNS, chunks(1, rows=[row])))


def test_json_streams_a_part_for_each_chunk() -> None:
    assert len(list(exports.as_json("sessions")(COLUMNS, chunks(1, 1, 1)))) == 5


def sheets(content: bytes) -> list[list[list[tuple[str | None, str]]]]:
    """The type and the text of each cell, of each row, of each sheet that the workbook lists."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.infolist()[0].header_offset == 0  # nothing is written twice
        listed = [
            part.attrib["PartName"].lstrip("/")
            for part in ElementTree.fromstring(archive.read("[Content_Types].xml"))  # noqa: S314 - our own
            if part.attrib.get("ContentType", "").endswith("worksheet+xml")
        ]
        related = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - our own
        assert [f"xl/{each.attrib['Target']}" for each in related] == listed
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - our own
        numbers = range(1, len(listed) + 1)
        assert [sheet.attrib["name"] for sheet in workbook.iter(f"{_CELL}sheet")] == [
            f"Sheet{number}" for number in numbers
        ]
        assert [each.attrib["Id"] for each in related] == [f"rId{number}" for number in numbers]
        assert ElementTree.fromstring(archive.read("_rels/.rels"))[0].attrib["Target"] == "xl/workbook.xml"  # noqa: S314
        return [
            [
                [(cell.get("t"), "".join(cell.itertext()) + (cell.tail or "")) for cell in row]
                for row in ElementTree.fromstring(archive.read(name)).iter(f"{_CELL}row")  # noqa: S314
            ]
            for name in listed
        ]


HEAD = [("inlineStr", name) for name in COLUMNS]
_OFFICE = "http://schemas.openxmlformats.org"
_SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def test_xlsx_has_the_parts_of_its_format_with_their_namespaces() -> None:
    content = b"".join(exports.as_xlsx(COLUMNS, chunks(3)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}  # noqa: S314

    assert {name: part.tag for name, part in parts.items()} == {
        "xl/worksheets/sheet1.xml": f"{_CELL}worksheet",
        "[Content_Types].xml": f"{{{_OFFICE}/package/2006/content-types}}Types",
        "_rels/.rels": f"{{{_OFFICE}/package/2006/relationships}}Relationships",
        "xl/workbook.xml": f"{_CELL}workbook",
        "xl/_rels/workbook.xml.rels": f"{{{_OFFICE}/package/2006/relationships}}Relationships",
    }
    relation = f"{_OFFICE}/officeDocument/2006/relationships"
    (workbook,), (sheet,) = parts["_rels/.rels"], parts["xl/_rels/workbook.xml.rels"]
    assert (workbook.get("Type"), sheet.get("Type")) == (
        f"{relation}/officeDocument",
        f"{relation}/worksheet",
    )
    (named,) = parts["xl/workbook.xml"].iter(f"{_CELL}sheet")
    assert (named.get("sheetId"), named.get(f"{{{relation}}}id")) == ("1", sheet.get("Id"))
    types = {part.get("PartName"): part.get("ContentType") for part in parts["[Content_Types].xml"]}
    assert types["/xl/worksheets/sheet1.xml"] == f"{_SHEETS}.worksheet+xml"
    assert types["/xl/workbook.xml"] == f"{_SHEETS}.sheet.main+xml"


def test_a_sheet_may_be_larger_than_the_zip_format_allowed_at_first() -> None:
    content = b"".join(exports.as_xlsx(COLUMNS, chunks(3)))

    assert content[:4] == b"PK\x03\x04"
    assert int.from_bytes(content[4:6], "little") == 45  # the version that a reader needs for ZIP64


@pytest.mark.parametrize("sizes", [(3,), (2, 1), (1, 1, 1)])
def test_xlsx_keeps_texts_numbers_and_booleans_apart(sizes: tuple[int, ...]) -> None:
    content = b"".join(exports.as_xlsx(COLUMNS, chunks(*sizes)))

    assert sheets(content) == [
        [
            HEAD,
            [("inlineStr", "Ann"), (None, "5"), ("b", "1")],
            [(None, ""), (None, "1.5"), ("b", "0")],
            [(None, ""), (None, ""), (None, "")],
        ]
    ]


def test_xlsx_without_rows_has_the_names_of_the_columns() -> None:
    assert sheets(b"".join(exports.as_xlsx(COLUMNS, chunks()))) == [[HEAD]]


def test_xlsx_escapes_formulas_markup_and_what_xml_can_not_contain() -> None:
    rows: list[Row] = [("=1",), ("<a> & b",), ("x\x00y\x1f\ud800",)]

    (found,) = sheets(b"".join(exports.as_xlsx(["a"], chunks(3, rows=rows))))

    assert [row[0][1] for row in found] == ["a", "'=1", "<a> & b", "x\ufffdy\ufffd\ufffd"]


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ((2,), [2]),
        ((1, 1), [2]),
        ((3,), [2, 1]),
        ((1, 2), [2, 1]),
        ((4,), [2, 2]),
        ((5,), [2, 2, 1]),
        ((2, 2, 1), [2, 2, 1]),
    ],
)
def test_a_full_sheet_is_continued_on_the_next_with_the_columns_again(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], counts: list[int]
) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 2)
    rows: list[Row] = [(number,) for number in range(sum(sizes))]

    found = sheets(b"".join(exports.as_xlsx(["a"], chunks(*sizes, rows=rows))))

    assert [len(sheet) - 1 for sheet in found] == counts
    assert [cell[1] for sheet in found for row in sheet[1:] for cell in row] == [str(row[0]) for row in rows]
    assert all(sheet[0] == [("inlineStr", "a")] for sheet in found)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("json", "application/json"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_a_download_has_the_name_and_the_type_of_its_form(form: str, kind: str) -> None:
    request = RequestFactory().get("/")

    response = exports.stream(request, form=form, name="sessions", columns=COLUMNS, chunks=chunks(3))

    assert response["Content-Type"] == kind
    assert response["Content-Disposition"] == f'attachment; filename="sessions.{form}"'
    assert b"".join(response).startswith({"csv": b"\xef\xbb\xbf", "json": b"{", "xlsx": b"PK"}[form])


async def test_a_download_is_read_step_by_step_under_asgi() -> None:
    request = AsyncRequestFactory().get("/")
    assert isinstance(request, ASGIRequest)
    taken: list[int] = []

    def rows() -> Iterator[Sequence[Row]]:
        for number in range(3):
            taken.append(number)
            yield [(number,)]

    response = exports.stream(request, form="json", name="a", columns=["n"], chunks=rows())
    assert response.is_async

    parts: list[bytes] = []
    async for part in response:
        parts.append(part)
        assert len(taken) <= len(parts)
    assert orjson.loads(b"".join(parts))["data"]["count"] == 3
