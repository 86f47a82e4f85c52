"""Linked means of one contract. The tokens carry the group's id, so renaming it renames it there too."""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction

from accounts.models import Contract, Token, TokenGroup
from ocpp_server.domain import Conflict, Invalid


def create(*, contract: Contract, group_id: str = "", name: str = "") -> TokenGroup:
    """Link means of this contract; without a group id it gets one of its own. Raises Conflict, Invalid."""
    group_id = group_id.strip() or f"G-{secrets.token_hex(8).upper()}"
    with transaction.atomic():
        _require_means_of(contract, group_id)
        return _save(TokenGroup(contract=contract, group_id=group_id, name=name))


def update(group: TokenGroup, *, group_id: str | None = None, name: str | None = None) -> TokenGroup:
    """Rename a group, and its tokens with it. Raises Conflict, Invalid."""
    with transaction.atomic():
        held = TokenGroup.objects.select_for_update().get(pk=group.pk)
        former = held.group_id
        if name is not None:
            held.name = name
        if group_id is not None and group_id.strip() != former:
            _require_means_of(held.contract, group_id.strip())
            held.group_id = group_id
        _save(held)
        _relabel(former, held.group_id)
    return held


def dissolve(group: TokenGroup) -> None:
    """Each of its tokens stands for itself again."""
    with transaction.atomic():
        _relabel(group.group_id, "")
        group.delete()


def find(group_id: str) -> TokenGroup | None:
    return TokenGroup.objects.filter(group_key=group_id.strip().casefold()).select_related("contract").first()


def contract_in(group: TokenGroup | None, contract: Contract | None) -> Contract | None:
    """The contract of a token in this group: the group's, which a token without a contract takes on.

    Raises Invalid for a token of another contract.
    """
    if group is None:
        return contract
    if contract is not None and contract.pk != group.contract_id:
        raise Invalid(
            f"The group {group.group_id} belongs to the contract {group.contract}.", field="group_id"
        )
    return group.contract


def _require_means_of(contract: Contract, group_id: str) -> None:
    """A group id may be on tokens before the group is entered; they must not be another contract's."""
    foreign = Token.objects.filter(group_id__iexact=group_id, contract__isnull=False).exclude(
        contract=contract
    )
    if foreign.exists():
        raise Invalid(f"Tokens of another contract carry the group id {group_id}.", field="group_id")


def _relabel(former: str, group_id: str) -> None:
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
        raise Conflict(f"There is a group {group.group_id} already.", field="group_id") from None
    return group
