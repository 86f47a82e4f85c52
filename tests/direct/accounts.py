"""Rows of people, contracts and tokens."""

from __future__ import annotations

from typing import Any

from accounts.models import Contract, Member, Token, User


def a_person(name: str = "Alice", **more: Any) -> User:
    return User.objects.create(username=name.lower(), name=name, **more)


def a_contract(name: str = "C-1", owner: User | None = None, **more: Any) -> Contract:
    contract = Contract.objects.create(contract_id=name, **more)
    if owner is not None:
        Member.objects.create(contract=contract, user=owner, role=Member.Role.OWNER)
    return contract


def a_token(uid: str = "CARD", **more: Any) -> Token:
    return Token.objects.create(uid=uid, **more)
