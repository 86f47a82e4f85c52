"""Events about tokens that an operator adds and changes. Call in the transaction of the change."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from accounts.models import Token
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging


class Change(NamedTuple):
    """A changed token, with the names of the changed fields, and whether it could charge before."""

    token: Token
    fields: Collection[str]
    could_charge: bool


def can_charge(token: Token) -> bool:
    """Whether the token itself allows it; `transactions` decides about a session."""
    return token.valid and token.status == Token.Status.ACTIVE


def created(tokens: Iterable[Token]) -> None:
    """token.created of each."""
    outbox.emit_many(charging.TOKEN_CREATED, [("", None, _data(token)) for token in tokens])


def changed(changes: Iterable[Change]) -> None:
    """token.blocked of each that can charge no longer, token.updated of the others."""
    blocked: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    for token, fields, could_charge in changes:
        if could_charge and not can_charge(token):
            blocked.append(_data(token))
        else:
            updated.append(_data(token) | {"changed": sorted(fields)})
    outbox.emit_many(charging.TOKEN_BLOCKED, [("", None, data) for data in blocked])
    outbox.emit_many(charging.TOKEN_UPDATED, [("", None, data) for data in updated])


def _data(token: Token) -> dict[str, Any]:
    return {
        "token_id": token.pk,
        "uid": outbox.masked_token(token.uid),
        "type": token.type,
        "status": token.status,
        "contract_id": token.contract_id,
        "user_id": token.user_id,
    }
