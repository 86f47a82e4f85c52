"""Signal receivers: what authorization remembers of tokens is forgotten when what it hangs on is saved."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import Token
from ocpp_server import live

# Columns of a user that change with every sign-in and decide nothing.
_IDLE = {"last_login", "password"}


def remember_key(sender: object, instance: Token, **kwargs: Any) -> None:
    """Before a token is saved: a changed uid is not known by the old key any more."""
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
    """For whatever many tokens hang on, here and in other apps."""
    fields = kwargs.get("update_fields")
    if fields and set(fields) <= _IDLE:
        return
    transaction.on_commit(lambda: live.state().forget_tokens())
