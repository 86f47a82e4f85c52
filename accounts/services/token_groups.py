"""Token groups of a contract. Each token stores the group id, so renaming a group also updates its tokens."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction

from accounts.models import Contract, Token, TokenGroup
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code


def create(*, contract: Contract, group_id: str = "", name: str = "") -> TokenGroup:
    """Create a group of this contract's tokens; an empty group id is generated. Raises Conflict, Invalid."""
    group_id = group_id.strip() or f"G-{secrets.token_hex(8).upper()}"
    with transaction.atomic():
        _require_tokens_of(contract, group_id)
        return _save(TokenGroup(contract=contract, group_id=group_id, name=name))


def update(group: TokenGroup, *, group_id: str | None = None, name: str | None = None) -> TokenGroup:
    """Rename a group and update its tokens. Raises Conflict, Invalid."""
    with transaction.atomic():
        locked = TokenGroup.objects.select_for_update().get(pk=group.pk)
        former = locked.group_id
        if name is not None:
            locked.name = name
        if group_id is not None and group_id.strip() != former:
            _require_tokens_of(locked.contract, group_id.strip())
            locked.group_id = group_id
        _save(locked)
        _update_tokens(former, locked.group_id)
    return locked


def delete(group: TokenGroup) -> None:
    """Delete a group; its tokens stay, without a group id."""
    with transaction.atomic():
        _update_tokens(group.group_id, "")
        group.delete()


def find(group_id: str) -> TokenGroup | None:
    return TokenGroup.objects.filter(group_key=group_id.strip().casefold()).select_related("contract").first()


def contract_in(group: TokenGroup | None, contract: Contract | None) -> Contract | None:
    """Return the contract of a token in this group: the group's contract, also for a token that has none yet.

    Raises Invalid for a token of another contract.
    """
    if group is None:
        return contract
    if contract is not None and contract.pk != group.contract_id:
        raise Invalid(f"Group {group.group_id} belongs to contract {group.contract}.", field="group_id")
    return group.contract


def _require_tokens_of(contract: Contract, group_id: str) -> None:
    """Raise Invalid when tokens of another contract carry this group id. Tokens may carry it before the group
    exists.
    """
    foreign = Token.objects.filter(group_id__iexact=group_id, contract__isnull=False).exclude(
        contract=contract
    )
    if foreign.exists():
        raise Invalid(f"Tokens of another contract already use the group id {group_id}.", field="group_id")


def _update_tokens(former: str, group_id: str) -> None:
    if former == group_id:
        return
    for token in Token.objects.filter(group_id__iexact=former).select_for_update():
        token.group_id = group_id
        token.save(update_fields=["group_id", "updated_at"])


def _save(group: TokenGroup) -> TokenGroup:
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError:
        raise Conflict(
            f"Group {group.group_id} already exists.", field="group_id", code=Code.DUPLICATE
        ) from None
    return group
