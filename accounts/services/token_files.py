"""Read token files (CSV, XLSX) into rows of texts, and export tokens with the same columns."""

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

# On SQLite an import blocks all other writes. This many rows take seconds, which the journal can wait for.
MAX_ROWS: Final = 20_000
_MAX_UNPACKED: Final = 200 * 1024 * 1024
_MAX_COLUMNS: Final = 60
_CHUNK: Final = 1000  # equivalent: an export has the same rows at any size
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

# Columns of an import file; the header names them, in any order.
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
# Columns that only exports have; an import ignores them.
READ_ONLY: Final = ("id", "last_used_at", "created_at", "updated_at")
EXPORTED: Final = (*COLUMNS, *READ_ONLY)

Row = tuple[int, dict[str, str]]


def read(file: BinaryIO) -> list[Row]:
    """Return the rows of a file with their spreadsheet row numbers; empty cells are left out.

    Raises Invalid, field `file`, when the file is not a table, has unknown columns or is too large.
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
            raise Invalid(f"The file has more than {MAX_ROWS:,} rows.", field="file")
        given = {
            name: without_formula_guard(cell)
            for name, cell in zip(names, cells, strict=False)  # equivalent: False is the default
            if cell.strip() and name not in READ_ONLY
        }
        if given:
            rows.append((number, given))
    return rows


def without_formula_guard(cell: str) -> str:
    """Remove the apostrophe that an export puts before a value which a spreadsheet would run as a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _require_columns(names: list[str]) -> None:
    if "uid" not in names:
        raise Invalid("The first row must name the columns, including uid.", field="file")
    if unknown := sorted(set(names) - set(EXPORTED)):
        known = ", ".join(COLUMNS)
        raise Invalid(f"Unknown columns: {', '.join(map(repr, unknown))}; allowed: {known}.", field="file")
    if len(set(names)) < len(names):
        raise Invalid("The first row names a column twice.", field="file")


def _text(file: BinaryIO) -> Iterator[list[str]]:
    file.seek(0)
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("The file must be XLSX or UTF-8 text.", field="file") from None
    if "\0" in text:
        raise Invalid("The file is not a text file.", field="file")
    first = text.partition("\n")[0]
    # In many European locales spreadsheets write semicolons.
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise Invalid(f"The file is not valid CSV: {error}.", field="file") from None


def _sheet(file: BinaryIO) -> Iterator[list[str]]:
    """Yield the rows of the first sheet. The unpacked size is checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED:
                raise Invalid("The file unpacks to more than 200 MB.", field="file")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        for cells in sheet.iter_rows(max_col=_MAX_COLUMNS, values_only=True):
            yield [_cell(cell) for cell in cells]
    except Invalid:
        raise
    except Exception as error:  # openpyxl raises many kinds of errors for a broken file
        raise Invalid(f"The XLSX file cannot be read ({type(error).__name__}).", field="file") from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()  # a spreadsheet has no time zones; UTC is assumed
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def exported(tokens: QuerySet[Token]) -> Iterator[list[Sequence[Any]]]:
    """Yield all tokens in the order of their ids, with one query per thousand."""
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
