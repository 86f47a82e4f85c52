"""Columns that keep texts compressed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db import models

from ocpp_server.storage.compression import compressed, decompressed


class CompressedTextField(models.TextField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A text in a binary column (BLOB, bytea), compressed by `compression`.

    The database sees bytes, so the only lookup is `isnull`: a search reads the rows and decompresses them.
    """

    def get_internal_type(self) -> str:
        return "BinaryField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        """The text of a stored value. Raises compression.Unreadable."""
        return None if value is None else decompressed(value).decode()

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        text = super().get_db_prep_value(value, connection, prepared)
        return None if text is None else connection.Database.Binary(packed(text))

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(
                f"{self} is compressed: no {lookup_name!r} in the database; read its rows instead."
            )
        return super().get_lookup(lookup_name)


def packed(text: str) -> bytes:
    """The stored form of a text."""
    return compressed(text.encode())
