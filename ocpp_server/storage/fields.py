"""Columns that keep texts compressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from ocpp_server.storage.compression import compressed, compressed_all, decompressed

# The stored forms of the latest texts, some megabytes at most.
_recent: dict[str, bytes | None] = {}
_MOST_RECENT = 4096  # equivalent: only quicker
_LONGEST_RECENT = 4096  # equivalent: only quicker


class _Value(DeferredAttribute):
    """The attribute of a row: the text of the column `before` while its own column is NULL."""

    field: CompressedTextField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        before = self.field.before
        return value if instance is None or value is not None or not before else getattr(instance, before)

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class CompressedTextField(models.TextField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A text in a binary column (BLOB, bytea), compressed by `compression`.

    The database sees bytes, so the only lookup is `isnull`: a search reads the rows and decompresses them.
    `before` names the text column that rows of an earlier release have instead. A row of the model has the
    text of either, `values` and `values_list` have None for such a row.
    """

    descriptor_class = _Value

    def __init__(self, *args: Any, before: str = "", **kwargs: Any) -> None:
        # Not in `deconstruct`: the models of migrations see each column as it is.
        self.before = before
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "BinaryField"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        """The text of a stored value. Raises compression.Unreadable."""
        return None if value is None else decompressed(value).decode()

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return model_instance.__dict__.get(self.attname)  # not the text of `before`

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


def packed_all(texts: Sequence[str | None]) -> list[bytes | None]:
    """The stored forms of the texts of a column. A text that comes again soon, as a payload does that is both
    an event and a message, is compressed once.
    """
    found = {text: _recent.get(text) for text in texts if text is not None}
    new = [text for text, value in found.items() if value is None]
    if new:
        found.update(zip(new, compressed_all([text.encode() for text in new]), strict=True))
        if len(_recent) > _MOST_RECENT:
            _recent.clear()
        _recent.update((text, found[text]) for text in new if len(text) <= _LONGEST_RECENT)
    return [None if text is None else found[text] for text in texts]
