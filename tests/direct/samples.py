"""The samples of stored readings, as rows. Needs no models: tests read the database of a running server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ocpp_server.storage.compression import decompressed
from transactions.services.metering.samples import read

KIND = ("measurand", "phase", "location", "context", "unit", "raw_unit")
SAMPLE = (*KIND, "value", "raw", "signed_data")


def decoded(text: str) -> list[dict[str, Any]]:
    """The samples of the text of a reading."""
    return [
        dict(zip(KIND, kind, strict=False)) | {"value": value, "raw": raw, "signed_data": signed_data}
        for _, kind, value, raw, signed_data in read(text)
    ]


def expanded(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The samples of rows of the table of readings, each with the columns of its reading."""
    return [dict(row) | sample for row in rows for sample in decoded(decompressed(row["samples"]).decode())]


def ordinary(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The samples that belong to no start and no end of a session."""
    return [row for row in expanded(rows) if not row["context"].startswith("Transaction")]
