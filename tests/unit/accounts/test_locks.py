"""The rows that a change locks, and their order, which is the same for all so that none waits in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Contract, Member, Token, User
from accounts.services import contracts, membership, people, token_import, tokens
from ocpp_server.domain import Conflict
from tests.unit.accounts.test_imports import plan


def user(name: str) -> User:
    return User.objects.get(name=name)


def card() -> Token:
    return Token.objects.get(uid="CARD")


@pytest.mark.parametrize(
    ("change", "locked"),
    [
        (lambda home: contracts.update(home, name="House"), ["contract"]),
        (lambda home: tokens.create(uid="NEW", user=user("Bob"), contract=home), ["contract", "user"]),
        (lambda home: tokens.create(uid="NEW", user=user("Max")), ["user"]),
        (lambda home: tokens.create(uid="NEW"), []),
        (lambda home: tokens.update(card(), name="Blue"), ["contract"]),
        (lambda home: people.update(user("Max"), name="Maximilian"), ["user"]),
    ],
)
def test_a_change_locks_the_contract_before_the_holder(
    family: Contract, max_: User, locks: list[str], change: Callable[[Contract], Any], locked: list[str]
) -> None:
    tokens.create(uid="CARD", user=user("Bob"), contract=family)
    locks.clear()

    change(family)

    assert locks == locked


def test_a_member_is_changed_from_its_state_after_the_wait_for_the_lock(
    family: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = Member.objects.get(user__name="Bob")
    others = [lambda: transferred_to(bob)]

    def waiting(execute: Any, sql: str, *rest: Any) -> Any:
        statement, is_locking, _ = sql.partition(" FOR UPDATE")
        if is_locking and others:
            others.pop()()
        return execute(statement, *rest)

    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    with connection.execute_wrapper(waiting), pytest.raises(Conflict) as refused:
        membership.change(bob, role="viewer")

    assert refused.value.field == "role"


def transferred_to(member: Member) -> None:
    """The rows that another request has written."""
    Member.objects.filter(role="owner").update(role="member")
    Member.objects.filter(pk=member.pk).update(role="owner")


@pytest.mark.parametrize(("valid", "locked"), [("true", ["contract", "token"]), ("false", ["token"])])
def test_an_import_locks_the_contracts_of_valid_tokens_and_then_the_changed_tokens(
    family: Contract, bob: User, locks: list[str], valid: str, locked: list[str]
) -> None:
    tokens.create(uid="OLD")
    planned = plan(
        f"uid,user_id,contract_id,valid,name\nNEW,{bob.pk},{family.contract_id},{valid},\nOLD,,,,x"
    )
    locks.clear()

    token_import.write(planned)

    assert locks == locked
