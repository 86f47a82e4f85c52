"""Secrets in the database, encrypted with keys that are derived from SECRET_KEY.

The first key encrypts; those of SECRET_KEY_FALLBACKS only decrypt. An app registers its encrypted columns, so
that `manage.py encrypt_again` can encrypt them with the first key; then a fallback may be removed.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac

# Rows of one query.
_AT_ONCE: Final = 200  # equivalent: the other rows follow in the next query


@dataclass(frozen=True, slots=True)
class Cipher:
    """Encrypts the texts of one purpose: the purpose is part of the key, so no text can stand for another."""

    purpose: str

    def seal(self, text: str) -> str:
        """The encrypted text."""
        return self._keys().encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """The text; None if it was encrypted with a key that is no longer set."""
        try:
            return self._keys().decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None

    def seal_again(self, sealed: str) -> str | None:
        """The text encrypted with the first key, or as it is if it was already; None as in `unseal`."""
        try:
            self._key(settings.SECRET_KEY).decrypt(sealed.encode())
            return sealed
        except InvalidToken:
            text = self.unseal(sealed)
            return None if text is None else self.seal(text)

    def _keys(self) -> MultiFernet:
        # Made at each use: the texts are rare, and the settings of a test may change.
        return MultiFernet(
            [self._key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
        )

    def _key(self, secret: str | bytes) -> Fernet:
        digest = salted_hmac(self.purpose, "", secret=secret, algorithm="sha256").digest()
        return Fernet(urlsafe_b64encode(digest))


@dataclass(frozen=True, slots=True)
class Column:
    """A text column with encrypted values; an empty text is not encrypted."""

    model: type[models.Model]
    name: str
    cipher: Cipher

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"


@dataclass(slots=True)
class Counts:
    """The rows of a column: encrypted again, with the first key already, and with a key that is not set."""

    changed: int = 0
    unchanged: int = 0
    unreadable: int = 0


_columns: list[Column] = []


def register(*columns: Column) -> None:
    """Add encrypted columns; for `AppConfig.ready`."""
    _columns.extend(column for column in columns if column not in _columns)


def registered() -> tuple[Column, ...]:
    return tuple(_columns)


def encrypt_again(column: Column) -> Counts:
    """Encrypt the values of a column with the first key. A row that changes meanwhile is left alone."""
    counts, last = Counts(), None
    rows: Any = column.model._default_manager.exclude(**{column.name: ""}).order_by("pk")
    while True:
        page = rows if last is None else rows.filter(pk__gt=last)
        found = list(page.values_list("pk", column.name)[:_AT_ONCE])
        for pk, sealed in found:
            again = column.cipher.seal_again(sealed)
            if again is None:
                counts.unreadable += 1
            elif again == sealed:
                counts.unchanged += 1
            else:
                counts.changed += column.model._default_manager.filter(pk=pk, **{column.name: sealed}).update(
                    **{column.name: again}
                )
        if len(found) < _AT_ONCE:
            return counts
        last = found[-1][0]
