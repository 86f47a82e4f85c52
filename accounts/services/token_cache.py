"""Signal receivers: drop cached tokens when a row that authorization depends on is saved."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import Token
from ocpp_server import live

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


def forget_tokens(sender: object, instance: object, **kwargs: Any) -> None:
    """Drop all cached tokens after a save that affects many of them, in this app or another."""
    fields = kwargs.get("update_fields")
    if fields and set(fields) <= _IRRELEVANT:
        return
    transaction.on_commit(lambda: live.state().forget_tokens())
