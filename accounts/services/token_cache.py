"""Signal receivers: drop cached tokens when a row that authorization depends on is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.dispatch import Signal

from accounts.models import Token
from ocpp_server import live

# Sent in the transaction of an import: it saves many tokens without the signals of their rows.
tokens_imported: Final = Signal()

# Columns of a user that change with every login and do not affect authorization.
_IRRELEVANT = {"last_login", "password"}


def remember_key(sender: object, instance: Token, **kwargs: Any) -> None:
    """Before a token is saved, remember its old key: after a changed uid the old key must be
    dropped as well.
    """
    before = (
        Token.objects.filter(pk=instance.pk).values_list("uid_key", flat=True).first()
        if instance.pk
        else None
    )
    instance._key_before = before  # type: ignore[attr-defined]


def forget_token(sender: object, instance: Token, **kwargs: Any) -> None:
    keys = {instance.uid_key, getattr(instance, "_key_before", None) or instance.uid_key}

    def forget() -> None:
        for key in keys:
            live.state().forget_token(key)

    transaction.on_commit(forget)


def is_irrelevant(signal: Mapping[str, Any]) -> bool:
    """Whether the arguments of a signal are those of a save that does not affect authorization."""
    fields = set(signal.get("update_fields") or ())
    return bool(fields) and fields <= _IRRELEVANT


def forget_tokens(sender: object, instance: object, **kwargs: Any) -> None:
    """Drop all cached tokens after a save that affects many of them, in this app or another."""
    if is_irrelevant(kwargs):
        return
    transaction.on_commit(lambda: live.state().forget_tokens())
