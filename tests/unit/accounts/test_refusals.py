"""Each refusal of the account services: its class, field and code, and that nothing was changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.core import serializers
from django.db.models.signals import pre_save

from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.services import contracts, membership, people, token_groups, tokens
from ocpp_server.domain import Conflict, DomainError, Invalid, Refused
from ocpp_server.error_codes import Code

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def user(name: str) -> User:
    return User.objects.get(name=name)


def member(name: str) -> Member:
    return Member.objects.get(user__name=name)


def home() -> Contract:
    return Contract.objects.get(name="Home")


def card() -> Token:
    return Token.objects.get(uid="CARD")


def a_group(group_id: str = "FAMILY") -> TokenGroup:
    return token_groups.create(contract=home(), group_id=group_id)


def another_contract() -> Contract:
    return contracts.create(contract_id="C-2", owner=user("Max"), name="Other")


class Case(NamedTuple):
    """The rows besides the family and a card, the attempted change, and the refusal."""

    name: str
    given: Callable[[], Any]
    attempt: Callable[[], Any]
    kind: type[DomainError]
    field: str
    code: Code


def nothing() -> None:
    pass


PERIOD = {"valid_from": NOON, "valid_until": NOON}
STATE = Code.STATE_CONFLICT
INVALID = Code.VALIDATION_FAILED

CASES = [
    # -- members
    Case("a-second-owner", nothing, lambda: membership.add(home(), user=user("Max"), role="owner"),
         Conflict, "role", STATE),
    Case("an-added-member-who-is-removed", nothing,
         lambda: membership.add(home(), user=user("Max"), status="removed"), Invalid, "status", INVALID),
    Case("a-member-of-a-terminated-contract", lambda: contracts.terminate(home()),
         lambda: membership.add(home(), user=user("Max")), Conflict, "contract_id", STATE),
    Case("a-closed-member", lambda: people.close(user("Max")),
         lambda: membership.add(home(), user=user("Max")), Invalid, "user_id", INVALID),
    Case("an-active-member-again", nothing, lambda: membership.add(home(), user=user("Bob")),
         Conflict, "user_id", Code.DUPLICATE),
    Case("an-invited-member-again", lambda: membership.change(member("Bob"), status="invited"),
         lambda: membership.add(home(), user=user("Bob")), Conflict, "user_id", Code.DUPLICATE),
    Case("more-members-than-allowed", lambda: contracts.update(home(), max_members=3),
         lambda: membership.add(home(), user=user("Max")), Conflict, "max_members", Code.LIMIT_REACHED),
    Case("a-member-back-in-a-full-contract",
         lambda: [membership.remove(member("Bob")), contracts.update(home(), max_members=2)],
         lambda: membership.change(member("Bob"), status="active"),
         Conflict, "max_members", Code.LIMIT_REACHED),
    Case("a-member-who-makes-itself-owner", nothing, lambda: membership.change(member("Bob"), role="owner"),
         Conflict, "role", STATE),
    Case("an-owner-demoted", nothing, lambda: membership.change(member("Alice"), role="viewer"),
         Conflict, "role", STATE),
    Case("an-owner-removed", nothing, lambda: membership.remove(member("Alice")),
         Conflict, "status", STATE),
    Case("a-transfer-to-the-owner", nothing,
         lambda: membership.transfer(owner=member("Alice"), to=user("Alice")),
         Conflict, "user_id", STATE),
    Case("a-transfer-to-a-closed-user", lambda: people.close(user("Max")),
         lambda: membership.transfer(owner=member("Alice"), to=user("Max")), Invalid, "user_id", INVALID),
    Case("a-transfer-of-a-terminated-contract", lambda: contracts.terminate(home()),
         lambda: membership.transfer(owner=member("Alice"), to=user("Bob")),
         Conflict, "contract_id", STATE),
    Case("a-transfer-by-a-member-who-is-no-owner", nothing,
         lambda: membership.transfer(owner=member("Bob"), to=user("Max")), Conflict, "user_id", STATE),
    Case("a-transfer-to-a-full-contract", lambda: contracts.update(home(), max_members=3),
         lambda: membership.transfer(owner=member("Alice"), to=user("Max")),
         Conflict, "max_members", Code.LIMIT_REACHED),
    # -- contracts
    Case("a-contract-of-a-closed-owner", lambda: people.close(user("Max")),
         lambda: contracts.create(contract_id="C-2", owner=user("Max")), Invalid, "owner", INVALID),
    Case("a-contract-twice", nothing,
         lambda: contracts.create(contract_id="de-8aa-001234567", owner=user("Max")),
         Conflict, "contract_id", Code.DUPLICATE),
    Case("a-contract-with-a-wrong-check-character", nothing,
         lambda: contracts.create(contract_id="DE8AA0012345671", owner=user("Max")),
         Invalid, "contract_id", INVALID),
    Case("a-contract-that-ends-when-it-begins", nothing,
         lambda: contracts.create(contract_id="C-2", owner=user("Max"), **PERIOD),
         Invalid, "valid_until", INVALID),
    Case("a-contract-renamed-to-another", another_contract,
         lambda: contracts.update(home(), contract_id="c-2"), Conflict, "contract_id", Code.DUPLICATE),
    Case("a-contract-renamed-to-a-wrong-check-character", nothing,
         lambda: contracts.update(home(), contract_id="DE8AA0012345671"), Invalid, "contract_id", INVALID),
    Case("fewer-members-than-there-are", nothing, lambda: contracts.update(home(), max_members=2),
         Conflict, "max_members", Code.LIMIT_REACHED),
    Case("a-contract-revived-without-its-owner",
         lambda: [contracts.terminate(home()), people.close(user("Alice"))],
         lambda: contracts.update(home(), status="active"), Conflict, "status", STATE),
    # -- people
    Case("a-person-with-an-email-in-use", nothing, lambda: people.create(name="A", email="BOB@example.com"),
         Conflict, "email", Code.DUPLICATE),
    Case("a-person-who-takes-an-email-in-use", nothing,
         lambda: people.update(user("Alice"), email="bob@EXAMPLE.com"), Conflict, "email", Code.DUPLICATE),
    Case("a-closed-owner", nothing, lambda: people.close(user("Alice")),
         Refused, "status", Code.RULE_REFUSED),
    Case("an-erased-person", lambda: User.objects.filter(name="Max").update(erased_at=NOON),
         lambda: people.update(user("Max"), language="de"), Conflict, "status", STATE),
    # -- tokens
    Case("a-token-twice", nothing, lambda: tokens.create(uid=" card"), Conflict, "uid", Code.DUPLICATE),
    Case("a-token-that-takes-a-uid", lambda: tokens.create(uid="B"),
         lambda: tokens.update(Token.objects.get(uid="B"), uid="CARD"), Conflict, "uid", Code.DUPLICATE),
    Case("a-vehicle-without-an-address", nothing, lambda: tokens.create(uid="AABB", type="VEHICLE"),
         Invalid, "uid", INVALID),
    Case("a-token-that-expires-when-it-begins", nothing,
         lambda: tokens.update(card(), valid_from=NOON, expires_at=NOON), Invalid, "expires_at", INVALID),
    Case("a-uid-that-is-too-long-as-it-is-compared", nothing, lambda: tokens.create(uid="ß" * 128),
         Invalid, "uid", INVALID),
    Case("a-token-of-a-viewer", nothing, lambda: tokens.update(card(), user=user("Vera"), contract=home()),
         Invalid, "user_id", INVALID),
    Case("a-token-of-no-member", nothing, lambda: tokens.update(card(), user=user("Max"), contract=home()),
         Invalid, "user_id", INVALID),
    Case("a-token-of-a-member-who-left", lambda: membership.remove(member("Bob")),
         lambda: tokens.update(card(), user=user("Bob"), contract=home()), Invalid, "user_id", INVALID),
    Case("a-token-of-a-closed-user", lambda: people.close(user("Max")),
         lambda: tokens.update(card(), user=user("Max")), Invalid, "user_id", INVALID),
    Case("a-token-that-becomes-valid-after-its-holder-left",
         lambda: [tokens.update(card(), user=user("Bob"), contract=home()), membership.remove(member("Bob"))],
         lambda: tokens.update(card(), status="active"), Invalid, "user_id", INVALID),
    Case("a-token-in-a-group-of-another-contract",
         lambda: [a_group(), tokens.update(card(), contract=another_contract())],
         lambda: tokens.update(card(), group_id="family"), Invalid, "group_id", INVALID),
    Case("a-token-whose-group-brings-its-contract", a_group,
         lambda: tokens.update(card(), user=user("Max"), group_id="FAMILY"), Invalid, "user_id", INVALID),
    *[Case(f"a-{status}-token-{action.__name__}ed", lambda s=status: tokens.update(card(), status=s),  # type: ignore[misc]
           lambda a=action: a(card()), Conflict, "status", STATE)  # type: ignore[misc]
      for status in ("lost", "expired", "invalid") for action in (tokens.block, tokens.unblock)],
    # -- groups
    Case("a-group-twice", a_group, lambda: a_group("family"), Conflict, "group_id", Code.DUPLICATE),
    Case("a-group-renamed-to-another", lambda: [a_group(), a_group("B")],
         lambda: token_groups.update(TokenGroup.objects.get(group_id="B"), group_id="family"),
         Conflict, "group_id", Code.DUPLICATE),
    Case("a-group-of-tokens-of-another-contract",
         lambda: tokens.update(card(), contract=another_contract(), group_id="FAMILY"),
         lambda: a_group("family"), Invalid, "group_id", INVALID),
    Case("a-group-renamed-to-tokens-of-another-contract",
         lambda: [a_group("A"), tokens.update(card(), contract=another_contract(), group_id="FAMILY")],
         lambda: token_groups.update(TokenGroup.objects.get(), group_id=" family "),
         Invalid, "group_id", INVALID),
]  # fmt: skip


def stored() -> str:
    models = (User, Contract, Member, Token, TokenGroup)
    return serializers.serialize("json", [row for model in models for row in model.objects.order_by("pk")])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_refusal_names_field_and_code_and_changes_nothing(family: Contract, max_: User, case: Case) -> None:
    tokens.create(uid="CARD")
    case.given()
    before = stored()

    with pytest.raises(DomainError) as refused:
        case.attempt()

    assert type(refused.value) is case.kind
    assert (refused.value.field, refused.value.code) == (case.field, case.code)
    assert stored() == before


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: contracts.create(contract_id="C-2", owner=user("Max"), colour="red"),
        lambda: contracts.update(home(), colour="red"),
        lambda: tokens.create(uid="NEW", colour="red"),
        lambda: tokens.update(card(), colour="red"),
        lambda: people.update(user("Max"), colour="red"),
        # Columns that a service alone may set.
        lambda: contracts.create(contract_id="C-2", owner=user("Max"), member_count=9),
        lambda: contracts.update(home(), member_count=9),
        lambda: tokens.create(uid="NEW", last_used_at=NOON),
        lambda: tokens.update(card(), last_used_at=NOON),
        *[lambda name=name: people.update(user("Max"), **{name: True})  # type: ignore[misc]
          for name in ("is_staff", "is_superuser", "role", "password", "username", "erased_at")],
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_set_is_a_fault_of_the_caller(
    family: Contract, max_: User, attempt: Callable[[], Any]
) -> None:
    tokens.create(uid="CARD")
    before = stored()

    with pytest.raises(TypeError, match="has no field"):
        attempt()

    assert stored() == before


def test_a_member_whom_another_request_added_at_the_same_moment_is_a_conflict(
    family: Contract, max_: User
) -> None:
    def other_request(instance: Member, **kwargs: Any) -> None:
        Member.objects.bulk_create([Member(contract=family, user=max_)])

    pre_save.connect(other_request, sender=Member)
    try:
        with pytest.raises(Conflict) as refused:
            membership.add(family, user=max_)
    finally:
        pre_save.disconnect(other_request, sender=Member)

    assert (refused.value.field, refused.value.code) == ("user_id", Code.STATE_CONFLICT)


# -- what is not refused -------------------------------------------------------------------------------------


def test_a_period_may_be_open_and_end_a_moment_after_it_begins(family: Contract) -> None:
    tick = timedelta(microseconds=1)

    for period in ((NOON, NOON + tick), (None, NOON), (NOON, None)):
        contract = contracts.update(family, valid_from=period[0], valid_until=period[1])
        token = tokens.create(uid=str(period), valid_from=period[0], expires_at=period[1])
        assert (contract.valid_from, contract.valid_until) == period
        assert (token.valid_from, token.expires_at) == period


def test_a_contract_may_be_as_full_as_its_limit(family: Contract, max_: User) -> None:
    contracts.update(family, max_members=4)

    membership.add(family, user=max_)

    family.refresh_from_db()
    assert (family.member_count, contracts.update(family, max_members=4).max_members) == (4, 4)


def test_a_uid_may_be_as_long_as_its_column(db: None) -> None:
    assert len(tokens.create(uid="x" * 255).uid) == 255


def test_an_owner_may_be_confirmed_and_a_suspended_user_stays_a_member(family: Contract, bob: User) -> None:
    owner = membership.change(member("Alice"), role="owner", status="active")
    people.update(bob, status="suspended")

    assert (owner.role, owner.status) == ("owner", "active")
    assert tokens.create(uid="BOB", user=bob, contract=family).valid
    assert contracts.update(family, status="suspended").status == "suspended"
    assert contracts.update(family, status="active").status == "active"


def test_an_invalid_token_may_have_any_holder(family: Contract, vera: User) -> None:
    token = tokens.create(uid="V", valid=False)

    assert tokens.update(token, user=vera, contract=family).user == vera


def test_other_fields_of_a_token_change_although_its_holder_left(family: Contract, bob: User) -> None:
    """The rule is applied when the holder changes; a decision checks the membership anyway."""
    token = tokens.create(uid="B", user=bob, contract=family)
    Member.objects.filter(user=bob).update(status="removed")

    assert tokens.update(token, name="Blue").name == "Blue"
    with pytest.raises(Invalid):
        tokens.update(token, group_id="G")


def test_a_terminated_contract_may_be_closed_by_its_owner_and_revived_before(family: Contract) -> None:
    contracts.terminate(family)
    contracts.update(family, status="active")

    assert Contract.objects.get().status == "active"
    with pytest.raises(Refused):
        people.close(user("Alice"))


def test_a_closed_owner_of_a_suspended_contract_is_named_at_its_revival(family: Contract) -> None:
    """Only an active contract keeps its owner open."""
    contracts.update(family, status="suspended")
    people.close(user("Alice"))

    assert contracts.update(family, name="House").name == "House"
    with pytest.raises(Conflict):
        contracts.update(family, status="active")
