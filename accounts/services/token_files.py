"""Tables of tokens: CSV and XLSX in, rows of texts out; and the same columns back again."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import openpyxl
from django.db.models import QuerySet

from accounts.models import Token
from ocpp_server.domain import Invalid

# While a file is written nobody else writes on SQLite: seconds, which the journal waits for.
MAX_ROWS: Final = 20_000
_MAX_UNPACKED: Final = 200 * 1024 * 1024
_MAX_COLUMNS: Final = 60
_CHUNK: Final = 1000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

# What a file may say of a token; the header names them, in any order.
COLUMNS: Final = (
    "uid",
    "type",
    "user_id",
    "contract_id",
    "status",
    "valid",
    "group_id",
    "name",
    "visual_number",
    "issuer",
    "country_code",
    "party_id",
    "language",
    "whitelist",
    "default_profile_type",
    "is_master",
    "valid_from",
    "expires_at",
    "energy_wh_per_day",
    "energy_wh_per_month",
    "cost_per_day",
    "cost_per_month",
)
# In exports for the reader; ignored when the file comes back.
READ_ONLY: Final = ("id", "last_used_at", "created_at", "updated_at")
EXPORTED: Final = (*COLUMNS, *READ_ONLY)

Row = tuple[int, dict[str, str]]


def read(file: BinaryIO) -> list[Row]:
    """The rows of a file with their numbers as a spreadsheet shows them; empty cells are left out.

    Raises Invalid, field `file`, for what is no table, has unknown columns or is too large.
    """
    lines = _sheet(file) if file.read(2) == b"PK" else _text(file)
    header = next(lines, None)
    if header is None:
        raise Invalid("The file is empty.", field="file")
    names = [cell.strip().lower() for cell in header]
    while names and not names[-1]:
        names.pop()
    _require_columns(names)
    rows: list[Row] = []
    for number, cells in enumerate(lines, start=2):
        if number > MAX_ROWS + 1:
            raise Invalid(f"The file has more than {MAX_ROWS} rows.", field="file")
        given = {
            name: harmed(cell)
            for name, cell in zip(names, cells, strict=False)
            if cell.strip() and name not in READ_ONLY
        }
        if given:
            rows.append((number, given))
    return rows


def harmed(cell: str) -> str:
    """Without the apostrophe that an export puts before what a spreadsheet would run as a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _require_columns(names: list[str]) -> None:
    if "uid" not in names:
        raise Invalid("The first row must name the columns, and one of them is uid.", field="file")
    if unknown := sorted(set(names) - set(EXPORTED)):
        known = ", ".join(COLUMNS)
        raise Invalid(f"Unknown columns: {', '.join(map(repr, unknown))}; known are {known}.", field="file")
    if len(set(names)) < len(names):
        raise Invalid("A column is named twice.", field="file")


def _text(file: BinaryIO) -> Iterator[list[str]]:
    file.seek(0)
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("The file is neither XLSX nor text in UTF-8.", field="file") from None
    if "\0" in text:
        raise Invalid("The file is no text.", field="file")
    first = text.partition("\n")[0]
    # Spreadsheets of half of Europe write semicolons.
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise Invalid(f"The file is no CSV: {error}.", field="file") from None


def _sheet(file: BinaryIO) -> Iterator[list[str]]:
    """The first sheet. What it unpacks to is looked at before anything is unpacked."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED:
                raise Invalid("The file unpacks to more than 200 MB.", field="file")
        file.seek(0)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        for cells in sheet.iter_rows(max_col=_MAX_COLUMNS, values_only=True):
            yield [_cell(cell) for cell in cells]
    except Invalid:
        raise
    except Exception as error:  # a broken file makes the reader stumble over anything
        raise Invalid(
            f"The file is no XLSX that can be read ({type(error).__name__}).", field="file"
        ) from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()  # a sheet has no zones: UTC, as everywhere
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def exported(tokens: QuerySet[Token]) -> Iterator[list[Sequence[Any]]]:
    """All tokens in the order of their numbers, a query for every thousand."""
    last = 0
    rows = tokens.select_related("contract")
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:_CHUNK]):
        yield [[_value(token, name) for name in EXPORTED] for token in found]
        last = found[-1].pk


def _value(token: Token, name: str) -> Any:
    if name == "contract_id":
        return token.contract.contract_id if token.contract else None
    value = getattr(token, name)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    return float(value) if name.startswith("cost_") and value is not None else value
