"""Exports of tables as CSV, XLSX or JSON. They are streamed, so memory does not grow with the number of rows.

A source yields rows in chunks, each by its own query, so that no database cursor stays open while a slow
client reads.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from typing import Any

import orjson
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import escape
from django.utils.http import content_disposition_header

from ocpp_server.api import personal

Row = Sequence[Any]
Chunks = Iterator[Sequence[Row]]
Writer = Callable[[Sequence[str], Chunks], Iterator[bytes]]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Characters that XML 1.0 can't contain, not even escaped.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
SHEET_ROWS = 1_000_000  # equivalent: any number below 1,048,576, the limit of the format


def escape_formula(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run as a formula; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def as_csv(columns: Sequence[str], chunks: Chunks) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    # Spreadsheets recognise UTF-8 by the byte order mark.
    yield b"\xef\xbb\xbf" + _taken(buffer)
    for chunk in chunks:
        writer.writerows([[escape_formula(value) for value in row] for row in chunk])
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def as_json(name: str) -> Writer:
    """The rows as objects under `name`, in the envelope."""

    def write(columns: Sequence[str], chunks: Chunks) -> Iterator[bytes]:
        yield b'{"success":true,"message":"All rows.","data":{' + orjson.dumps(name) + b":["
        count = 0
        for chunk in chunks:
            items = b",".join(orjson.dumps(dict(zip(columns, row, strict=True))) for row in chunk)
            yield (b"," if count else b"") + items
            count += len(chunk)
        yield b'],"count":%d}}' % count

    return write


class _Pipe(io.RawIOBase):
    """A file for the zip writer that collects its output until `take`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def as_xlsx(columns: Sequence[str], chunks: Chunks) -> Iterator[bytes]:
    """Office Open XML with the texts inside the cells. The usual table of shared texts cannot be streamed: it
    needs all rows first.
    """
    pipe = _Pipe()
    sheets = 0
    rest: Sequence[Row] = []  # equivalent: None is as empty
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:  # equivalent: pace
        while sheets == 0 or rest:
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{_cells(columns)}'.encode())
                room = SHEET_ROWS
                while room and (chunk := rest or next(chunks, [])):
                    fitting, rest = chunk[:room], chunk[room:]
                    sheet.write("".join(map(_cells, fitting)).encode())
                    room -= len(fitting)
                    yield pipe.take()
                sheet.write(b"</sheetData></worksheet>")
            if not rest:
                rest = next(chunks, [])
        for name, text in _parts(sheets):
            archive.writestr(name, _XML + text)
    yield pipe.take()


def _cells(row: Row) -> str:
    return f"<row>{''.join(map(_cell, row))}</row>"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c><v>{value!r}</v></c>"
    text = escape(_NOT_XML.sub("\ufffd", str(escape_formula(value))))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _parts(sheets: int) -> Iterator[tuple[str, str]]:
    """The parts that list the sheets. They are written last, when the number of sheets is known."""
    numbers = range(1, sheets + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>',
    )
    yield (
        "_rels/.rels",
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    named = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    yield (
        "xl/workbook.xml",
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets>{named}</sheets></workbook>',
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>',
    )


CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


def stream(
    request: HttpRequest,
    *,
    form: str,
    name: str,
    columns: Sequence[str],
    chunks: Chunks,
    personal_columns: Collection[str] = (),
) -> StreamingHttpResponse:
    """The download `name`.`form`, streamed. `personal_columns`: those beside `personal.NAMES`."""
    if personal.is_hidden():
        chunks = personal.masked_columns(columns, chunks, personal_columns)
    writers: dict[str, Writer] = {"csv": as_csv, "xlsx": as_xlsx, "json": as_json(name)}
    response = _streamed(request, writers[form](columns, chunks), CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def attachment(
    request: HttpRequest, parts: Iterator[bytes], *, name: str, size: int
) -> StreamingHttpResponse:
    """The download of a file from outside. No browser shows or runs it, whatever is in it."""
    response = _streamed(request, parts, "application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Length"] = str(size)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _streamed(request: HttpRequest, parts: Iterator[bytes], content_type: str) -> StreamingHttpResponse:
    # An asynchronous iterator under ASGI: Django would read a plain one to its end before the first byte.
    content: Any = _stepwise(parts) if isinstance(request, ASGIRequest) else parts
    return StreamingHttpResponse(content, content_type=content_type)


def _next(parts: Iterator[bytes]) -> bytes | None:
    return next(parts, None)


async def _stepwise(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    step = sync_to_async(_next)
    while (part := await step(parts)) is not None:
        if part:
            yield part
