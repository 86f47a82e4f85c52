"""People with several contracts: a change of one contract leaves the others as they are."""

from __future__ import annotations

import pytest

from accounts.models import Contract, Member, Token, User
from accounts.services import contracts, membership, people, tokens
from events.models import Event
from ocpp_server.domain import Conflict, Invalid


@pytest.fixture
def other(family: Contract, max_: User) -> Contract:
    """A contract of Max, beside the family's."""
    return contracts.create(contract_id="C-2", owner=max_)


def roles(contract: Contract) -> dict[str, str]:
    members = Member.objects.filter(contract=contract).order_by("user__name")
    return {row.user.name: f"{row.role} {row.status}" for row in members.select_related("user")}


def test_a_member_of_one_contract_joins_another_one(family: Contract, other: Contract, bob: User) -> None:
    before = roles(family)

    membership.add(other, user=bob, role=Member.Role.VIEWER)

    assert roles(family) == before
    assert roles(other) == {"Max": "owner active", "Bob": "viewer active"}


def test_a_contract_goes_to_the_owner_of_another_one(family: Contract, other: Contract, max_: User) -> None:
    membership.transfer(owner=Member.objects.get(contract=family, role="owner"), to=max_)

    assert roles(family) == {
        "Alice": "member active",
        "Bob": "member active",
        "Max": "owner active",
        "Vera": "viewer active",
    }
    assert roles(other) == {"Max": "owner active"}


def test_the_second_of_two_transfers_says_that_it_was_the_second(
    family: Contract, alice: User, bob: User, max_: User
) -> None:
    owner = Member.objects.get(contract=family, user=alice)
    membership.transfer(owner=owner, to=bob)

    with pytest.raises(Conflict, match="was transferred by another request"):
        membership.transfer(owner=owner, to=max_)

    assert roles(family)["Alice"] == "member active"
    assert roles(family)["Bob"] == "owner active"


def test_the_closed_owner_of_another_contract_does_not_matter(
    family: Contract, other: Contract, max_: User
) -> None:
    for contract in (family, other):
        contracts.terminate(contract)
    people.close(max_)

    contracts.update(family, status=Contract.Status.ACTIVE)

    family.refresh_from_db()
    assert family.status == "active"


def test_a_closed_member_does_not_keep_a_contract_from_its_revival(family: Contract, bob: User) -> None:
    contracts.terminate(family)
    people.close(bob)

    contracts.update(family, status=Contract.Status.ACTIVE)

    family.refresh_from_db()
    assert family.status == "active"


def test_a_wrong_check_character_is_named_in_capitals(family: Contract, alice: User) -> None:
    with pytest.raises(Invalid, match=r"must be \w, not X\."):
        contracts.create(contract_id="de-8aa-001234567-x", owner=alice)


def test_a_member_who_leaves_makes_an_event_of_each_token_that_was_valid(
    family: Contract, other: Contract, bob: User
) -> None:
    membership.add(other, user=bob)
    valid = tokens.create(uid="A", user=bob, contract=family)
    tokens.create(uid="B", user=bob, contract=family, valid=False)
    tokens.create(uid="C", user=bob, contract=other)
    Event.objects.all().delete()

    membership.remove(Member.objects.get(contract=family, user=bob))

    assert [(row.type, row.content["token_id"]) for row in Event.objects.all()] == [
        ("token.blocked", valid.pk)
    ]
    assert list(Token.objects.filter(valid=True).values_list("uid", flat=True)) == ["C"]


def test_an_invalidated_token_that_was_blocked_before_names_both_changes(db: None) -> None:
    token = tokens.create(uid="A", status="blocked")
    Event.objects.all().delete()

    tokens.invalidate(token)

    (event,) = Event.objects.all()
    assert (event.type, event.content["changed"]) == ("token.updated", ["status", "valid"])


def test_the_owner_of_another_contract_holds_no_token_of_this_one(
    family: Contract, other: Contract, max_: User
) -> None:
    with pytest.raises(Invalid, match="Max is not a member of contract DE"):
        tokens.create(uid="A", user=max_, contract=family)

    assert tokens.create(uid="A", user=max_, contract=other).contract == other


def test_a_full_contract_names_its_limit(family: Contract, other: Contract, max_: User) -> None:
    contracts.update(family, max_members=3)
    contracts.update(other, max_members=1)

    with pytest.raises(Conflict, match=r"Member limit reached \(3\)\."):
        membership.add(family, user=max_)
