"""Compressed columns of rows that a test reads without Django."""

from __future__ import annotations

from typing import Any

from ocpp_server.storage.compression import decompressed

_ENDING = "_packed"


def readable(row: dict[str, Any]) -> dict[str, Any]:
    """The row with its compressed columns as texts, under the names that the models show."""
    found = {name: value for name, value in row.items() if not name.endswith(_ENDING)}
    for name, value in row.items():
        if name.endswith(_ENDING) and value is not None:
            found[name.removesuffix(_ENDING)] = decompressed(value).decode()
    return found
