"""The rights of each role in a contract, as a table; and the rules that keep a contract consistent."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Contract, Member, Token, User
from accounts.services import contracts, membership, people, tokens
from accounts.services.membership import Action, may
from ocpp_server.domain import Conflict, DomainError, Invalid, Refused

# The actions that each role may take; every other action is refused.
MATRIX = {
    "owner": {
        "see_contract",
        "see_own_sessions",
        "see_all_sessions",
        "charge",
        "manage_own_tokens",
        "manage_tokens",
        "manage_members",
        "change_contract",
        "transfer",
        "terminate",
    },
    "member": {"see_contract", "see_own_sessions", "charge", "manage_own_tokens"},
    "viewer": {"see_contract", "see_own_sessions", "see_all_sessions"},
}


@pytest.mark.parametrize("status", Member.Status.values)
@pytest.mark.parametrize("role", Member.Role.values)
@pytest.mark.parametrize("action", [action.value for action in Action])
def test_the_role_matrix(role: str, status: str, action: str) -> None:
    member = Member(role=role, status=status)

    assert may(member, action) == (status == "active" and action in MATRIX[role])


def test_a_user_who_is_no_member_has_no_rights_and_an_unknown_action_is_an_error() -> None:
    assert not any(may(None, action) for action in Action)
    with pytest.raises(ValueError, match="fly"):
        may(Member(role="owner"), "fly")


@pytest.mark.parametrize(
    ("change", "keeps"),
    [
        ({"role": "viewer"}, False),
        ({"status": "removed"}, False),
        ({"status": "invited"}, False),
        ({"role": "member"}, True),
        ({"status": "active"}, True),
        ({}, True),
    ],
)
def test_a_member_who_may_no_longer_charge_loses_the_tokens_of_this_contract_alone(
    family: Contract, bob: User, change: dict[str, str], keeps: bool
) -> None:
    held = tokens.create(uid="BOB-1", user=bob, contract=family)
    own = tokens.create(uid="BOB-2", user=bob)

    membership.change(Member.objects.get(user=bob), **change)

    held.refresh_from_db()
    own.refresh_from_db()
    assert (held.valid, own.valid) == (keeps, True)


def test_an_owner_is_neither_demoted_nor_removed(family: Contract, alice: User) -> None:
    owner = Member.objects.get(user=alice)

    for attempt in ({"role": "member"}, {"role": "viewer"}, {"status": "removed"}, {"status": "invited"}):
        with pytest.raises(Conflict) as refused:
            membership.change(owner, **attempt)
        assert refused.value.field == next(iter(attempt))
    with pytest.raises(Conflict):
        membership.remove(owner)


def test_the_former_owner_stays_as_a_member_and_keeps_charging(
    family: Contract, alice: User, bob: User
) -> None:
    card = tokens.create(uid="ALICE", user=alice, contract=family)

    membership.transfer(owner=Member.objects.get(user=alice), to=bob)

    roles = dict(Member.objects.values_list("user__name", "role"))
    assert roles == {"Alice": "member", "Bob": "owner", "Vera": "viewer"}
    card.refresh_from_db()
    assert card.valid


def test_a_contract_may_be_transferred_to_a_user_who_is_no_member(
    family: Contract, alice: User, max_: User
) -> None:
    membership.transfer(owner=Member.objects.get(user=alice), to=max_)

    family.refresh_from_db()
    assert family.member_count == 4
    assert Member.objects.get(role="owner").user == max_


def test_a_member_who_left_returns_on_the_same_row(family: Contract, bob: User) -> None:
    row = membership.remove(Member.objects.get(user=bob))
    back = membership.add(family, user=bob, role="viewer")

    assert (back.pk, back.role, back.status) == (row.pk, "viewer", "active")


def test_the_limit_counts_owner_and_invited_members_but_not_members_who_left(
    family: Contract, bob: User, max_: User
) -> None:
    contracts.update(family, max_members=3)
    with pytest.raises(Conflict) as refused:
        membership.add(family, user=max_, status="invited")

    membership.remove(Member.objects.get(user=bob))
    membership.add(family, user=max_, status="invited")

    assert refused.value.field == "max_members"
    with pytest.raises(Conflict):
        membership.add(family, user=bob)
    with pytest.raises(Conflict) as too_low:
        contracts.update(family, max_members=2)
    assert too_low.value.field == "max_members"


@pytest.mark.parametrize(
    "broken",
    [
        lambda contract, user: Member(contract=contract, user=user, role="owner").save(),
        lambda contract, user: Member.objects.filter(role="owner").update(status="removed"),
        lambda contract, user: Member.objects.bulk_create(
            [Member(contract=contract, user=Member.objects.first().user)]
        ),
        lambda contract, user: Contract.objects.update(max_members=1),
        lambda contract, user: Contract.objects.update(
            valid_from="2026-02-01T00:00Z", valid_until="2026-01-01T00:00Z"
        ),
        lambda contract, user: Contract(contract_id="de8aa001234567").save(),
        lambda contract, user: User.objects.create(username="x", email="ALICE@example.com"),
        lambda contract, user: Token.objects.bulk_create(
            [Token(uid="a", uid_key="a"), Token(uid="A", uid_key="a")]
        ),
    ],
)
def test_the_database_itself_keeps_the_rules(family: Contract, max_: User, broken: object) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        broken(family, max_)  # type: ignore[operator]


def test_an_owner_of_an_active_contract_can_not_be_closed(family: Contract, alice: User) -> None:
    with pytest.raises(Refused) as refused:
        people.close(alice)
    contracts.terminate(family)
    people.close(alice)

    assert refused.value.field == "status"
    with pytest.raises(Conflict) as revived:
        contracts.update(family, status="active")
    assert revived.value.field == "status"


def test_a_viewer_a_stranger_and_a_closed_user_get_no_working_token(
    family: Contract, vera: User, max_: User
) -> None:
    people.close(max_)
    for user, contract in ((vera, family), (max_, family), (max_, None)):
        with pytest.raises(Invalid) as refused:
            tokens.create(uid="X", user=user, contract=contract)
        assert refused.value.field == "user_id"

    assert not tokens.create(uid="X", user=vera, contract=family, valid=False).valid


def test_a_closed_user_joins_no_contract_and_a_terminated_contract_takes_no_member(
    family: Contract, max_: User, bob: User, alice: User
) -> None:
    owner = Member.objects.get(user=alice)
    people.close(max_)
    attempts = [
        lambda: membership.add(family, user=max_),
        lambda: membership.transfer(owner=owner, to=max_),
        lambda: contracts.create(contract_id="C", owner=max_),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid):
            attempt()

    contracts.terminate(family)
    for late in (lambda: membership.add(family, user=bob), lambda: membership.transfer(owner=owner, to=bob)):
        with pytest.raises(DomainError):
            late()


@pytest.mark.parametrize("status", ["active", "blocked", "lost"])
def test_the_token_of_a_demoted_member_is_invalid_in_each_field(db: None, status: str) -> None:
    anna, vera = User.objects.create(username="anna"), User.objects.create(username="vera")
    contract = contracts.create(contract_id="C-9", owner=anna)
    member = membership.add(contract, user=vera)
    token = tokens.create(uid="V-1", user=vera, contract=contract, status=status)

    membership.change(member, role=Member.Role.VIEWER)

    token.refresh_from_db()
    assert (token.valid, token.status) == (False, "invalid" if status == "active" else status)
    if status == "active":
        with pytest.raises(DomainError):
            tokens.update(token, status="active")
    else:
        assert tokens.update(token, status="active").status == "invalid"


@pytest.mark.parametrize(
    ("change", "valid", "status"),
    [
        ({"valid": False}, False, "invalid"),
        ({"status": "invalid"}, False, "invalid"),
        ({"status": "active", "valid": False}, False, "invalid"),
        ({"status": "lost", "valid": False}, False, "lost"),
        ({"status": "blocked"}, True, "blocked"),
    ],
)
def test_status_and_valid_agree(db: None, change: dict[str, object], valid: bool, status: str) -> None:
    token = tokens.create(uid="V-1")

    tokens.update(token, **change)

    assert (token.valid, token.status) == (valid, status)
    assert (tokens.update(token, valid=True, status="active").valid, token.status) == (True, "active")


@pytest.mark.parametrize("change", [{"valid": True}, {"status": "active"}])
def test_one_field_makes_an_invalid_token_valid_again(db: None, change: dict[str, object]) -> None:
    token = tokens.create(uid="V-1", valid=False)

    tokens.update(token, **change)

    assert (token.valid, token.status) == (True, "active")
