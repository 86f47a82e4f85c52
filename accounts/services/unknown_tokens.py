"""The inbox of unknown tokens: add or ignore one, and find the token that it may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import Token, UnknownToken
from accounts.models.token import normalise_uid
from accounts.services import tokens
from accounts.services.reversed_uids import reversed_uid


def add(unknown: UnknownToken, **settings: Any) -> Token:
    """Create a token from an unknown uid, with these fields. It can charge at once.

    Raises Conflict when the token exists by now, and Invalid as `tokens.create` does.
    """
    return tokens.create(uid=unknown.uid, **{"type": tokens.type_of(unknown.uid), **settings})


def ignore(unknown: UnknownToken) -> None:
    """Take it off the dashboard. It stays in the inbox, and refused."""
    unknown.is_ignored = True
    unknown.save(update_fields=["is_ignored"])


def with_reversed_bytes(rows: Sequence[UnknownToken]) -> dict[int, Token]:
    """By the key of an unknown token, the token with the same bytes in reverse order, as some readers report
    them. Only a hint: it is never used for authorization.
    """
    keys = {row.pk: normalise_uid(reversed_uid(row.uid)) for row in rows}
    known = Token.objects.filter(uid_key__in=[key for key in keys.values() if key])
    by_key = {token.uid_key: token for token in known}
    return {pk: by_key[key] for pk, key in keys.items() if key in by_key}
