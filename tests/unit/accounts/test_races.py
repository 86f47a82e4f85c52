"""Two changes at once: one succeeds, the other gets 409. Real threads on a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Contract, Member, Token, User
from accounts.services import contracts, membership, people, token_groups, tokens
from ocpp_server.domain import Conflict, DomainError, Invalid, Refused

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Start all functions at the same moment; return the result or the exception of each."""
    barrier = threading.Barrier(len(functions))
    results: list[Any] = [None] * len(functions)

    def run(place: int) -> None:
        try:
            barrier.wait(60)
            results[place] = functions[place]()
        except DomainError as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def conflicts(results: list[Any]) -> int:
    return sum(isinstance(result, Conflict) for result in results)


@pytest.fixture
def users() -> list[User]:
    return [people.create(name=f"P{number}") for number in range(6)]


@pytest.fixture
def contract(users: list[User]) -> Contract:
    return contracts.create(contract_id="C-1", owner=users[0])


def test_two_equal_tokens() -> None:
    results = at_once(*[lambda uid=uid: tokens.create(uid=uid) for uid in ("Card", "CARD", "card", " card ")])

    assert conflicts(results) == 3
    assert Token.objects.count() == 1


def test_two_contracts_of_one_id(users: list[User]) -> None:
    spellings = ("DE8AA001234567", "de-8aa-001234567-0", "DE*8AA*001234567")
    results = at_once(
        *[lambda text=text: contracts.create(contract_id=text, owner=users[0]) for text in spellings]
    )

    assert conflicts(results) == 2
    assert (Contract.objects.count(), Member.objects.count()) == (1, 1)


def test_two_people_of_one_email() -> None:
    results = at_once(
        *[lambda email=email: people.create(name="A", email=email) for email in ("a@x.org", "A@x.org")]
    )

    assert conflicts(results) == 1
    assert User.objects.count() == 1


def test_two_transfers_end_with_one_owner(users: list[User], contract: Contract) -> None:
    owner = Member.objects.get(role="owner")

    results = at_once(*[lambda to=to: membership.transfer(owner=owner, to=to) for to in users[1:4]])

    assert conflicts(results) == 2
    winner = next(result for result in results if isinstance(result, Member))
    assert Member.objects.get(role="owner") == winner
    assert Member.objects.count() == 2


def test_two_users_who_join_the_last_place(users: list[User], contract: Contract) -> None:
    contracts.update(contract, max_members=3)

    results = at_once(*[lambda user=user: membership.add(contract, user=user) for user in users[1:]])

    assert conflicts(results) == 3
    contract.refresh_from_db()
    assert (contract.member_count, Member.objects.count()) == (3, 3)


def test_the_same_person_joins_twice(users: list[User], contract: Contract) -> None:
    results = at_once(*[lambda: membership.add(contract, user=users[1])] * 3)

    assert conflicts(results) == 2


def test_two_groups_of_one_id(contract: Contract) -> None:
    results = at_once(
        *[lambda name=name: token_groups.create(contract=contract, group_id=name) for name in ("G", "g")]
    )

    assert conflicts(results) == 1


def test_a_token_for_a_member_who_is_leaving_never_works(users: list[User], contract: Contract) -> None:
    member = membership.add(contract, user=users[1])

    results = at_once(
        lambda: tokens.create(uid="A", user=users[1], contract=contract), lambda: membership.remove(member)
    )

    assert isinstance(results[0], (Token, Invalid))
    assert not Token.objects.filter(valid=True).exists()


def test_a_user_who_closes_never_becomes_an_owner(users: list[User]) -> None:
    results = at_once(
        lambda: people.close(users[1]), lambda: contracts.create(contract_id="NEW", owner=users[1])
    )

    is_closed = User.objects.get(pk=users[1].pk).status == "closed"
    assert is_closed != Contract.objects.filter(contract_id="NEW").exists()
    assert sum(isinstance(result, (Refused, Invalid)) for result in results) == 1
