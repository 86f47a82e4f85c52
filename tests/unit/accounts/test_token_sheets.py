"""XLSX files of tokens as they are packed: their size, formulas, links, and sheets that are too long."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.packaging.relationship import Relationship
from openpyxl.workbook.external_link.external import ExternalBook, ExternalLink

from accounts.services import token_files
from ocpp_server.domain import Invalid

SHEET = "xl/worksheets/sheet1.xml"


def packed(*rows: list[Any], link: str = "") -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if link:
        external = ExternalLink(externalBook=ExternalBook(id="rId1"))
        external.file_link = Relationship(type="externalLinkPath", Target=link, TargetMode="External")
        book._external_links.append(external)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def changed(content: bytes, part: str, was: bytes, now: bytes) -> bytes:
    """The same file with a text of one part replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == part:
                assert was in text
                text = text.replace(was, now)
            new.writestr(name, text)
    return file.getvalue()


def unpacking_to(size: int) -> bytes:
    """A file with one more part, whose entry in the table of contents claims the rest of this size."""
    file = io.BytesIO(packed(["uid"], ["A"]))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("filler", b"")
        others = sum(part.file_size for part in archive.infolist())
    content = bytearray(file.getvalue())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (size - others).to_bytes(4, "little")
    return bytes(content)


def read(content: bytes) -> list[token_files.Row]:
    return token_files.read(io.BytesIO(content))


def refusal(content: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        read(content)
    assert refused.value.field == "file"
    return refused.value.sentence


def test_a_file_may_unpack_to_200_mb_and_to_no_byte_more() -> None:
    most = 200 * 1024 * 1024

    assert read(unpacking_to(most)) == [(2, {"uid": "A"})]
    assert refusal(unpacking_to(most + 1)) == "The file unpacks to more than 200 MB."


def test_a_formula_is_read_as_its_last_result() -> None:
    content = packed(["uid", "name"], ["A", "=1+1"])

    calculated = changed(content, SHEET, b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")

    assert read(calculated) == [(2, {"uid": "A", "name": "2"})]
    assert read(content) == [(2, {"uid": "A"})]  # never calculated


@pytest.mark.parametrize(
    ("number", "text"),
    [("4711.0", "4711"), ("1.234567890123E+15", "1234567890123000"), ("1.5", "1.5"), ("-2.50E1", "-25")],
)
def test_a_whole_number_is_read_without_its_point_and_exponent(number: str, text: str) -> None:
    content = packed(["uid"], [12345])

    assert read(changed(content, SHEET, b"<v>12345</v>", f"<v>{number}</v>".encode())) == [(2, {"uid": text})]


def test_a_sheet_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_files, "MAX_ROWS", 2)
    content = packed(["uid"], *[[f"T{number}"] for number in range(800)])
    broken_at_the_end = changed(content, SHEET, b"</sheetData>", b"</broken>")

    assert "more than 2 rows" in refusal(broken_at_the_end)
    monkeypatch.undo()
    assert "cannot be read" in refusal(broken_at_the_end)


def test_the_links_of_a_sheet_to_other_files_are_not_read() -> None:
    content = packed(["uid"], ["A"], link="prices.xlsx")
    broken_link = changed(content, "xl/externalLinks/externalLink1.xml", b"</externalLink>", b"</broken>")

    assert read(broken_link) == [(2, {"uid": "A"})]
