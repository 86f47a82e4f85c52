"""The users of the account tests: Alice owns a contract, Bob is a member, Vera a viewer, Max has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.models import Contract, Member, User
from accounts.services import contracts, membership, people
from tests.api.conftest import (
    Caller,
    _fresh_cache,
    administrator,
    anonymous,
    caller,
    operator,
    viewer,
)

__all__ = ["Caller", "_fresh_cache", "administrator", "anonymous", "caller", "operator", "viewer"]


@pytest.fixture
def alice(db: None) -> User:
    return people.create(name="Alice", email="alice@example.com")


@pytest.fixture
def bob(db: None) -> User:
    return people.create(name="Bob", email="bob@example.com")


@pytest.fixture
def vera(db: None) -> User:
    return people.create(name="Vera")


@pytest.fixture
def max_(db: None) -> User:
    return people.create(name="Max")


@pytest.fixture
def family(alice: User, bob: User, vera: User) -> Contract:
    """Alice's family plan with Bob as a member and Vera as a viewer."""
    contract = contracts.create(contract_id="DE-8AA-001234567-0", owner=alice, type="family", name="Home")
    membership.add(contract, user=bob)
    membership.add(contract, user=vera, role=Member.Role.VIEWER)
    contract.refresh_from_db()
    return contract


@pytest.fixture
def locks(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The models whose rows are locked by SELECT FOR UPDATE, in order. SQLite knows no such lock: the words
    are cut off before the statement runs.
    """
    found: list[str] = []

    def cut(execute: Any, sql: str, *rest: Any) -> Any:
        statement, locked, _ = sql.partition(" FOR UPDATE")
        if locked:
            found.append(re.findall(r' FROM "accounts_(\w+)"', statement)[0])
        return execute(statement, *rest)

    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    with connection.execute_wrapper(cut):
        yield found


def fields(response: Any) -> list[str]:
    return [error["field"] for error in response.info["errors"]]
