"""Changes of contracts, members, people and groups: what is stored, and which events tell of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.services import contracts, membership, people, token_groups, tokens
from tests.unit.accounts.emitted import events

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


# -- contracts and their members -----------------------------------------------------------------------------


def test_a_contract_begins_with_its_owner(alice: User) -> None:
    contract = contracts.create(contract_id=" Fleet 7 ", owner=alice, name="Fleet", type="fleet")

    owner = Member.objects.get()
    assert (contract.contract_id, contract.name, contract.type) == ("Fleet 7", "Fleet", "fleet")
    assert (owner.contract, owner.user, owner.role, owner.status) == (contract, alice, "owner", "active")
    assert contract.member_count == 1


def test_every_field_of_a_contract_is_stored_when_it_is_made_and_when_it_is_changed(
    family: Contract, alice: User
) -> None:
    values: dict[str, Any] = {
        "name": "n",
        "type": "fleet",
        "status": "suspended",
        "country_code": "AT",
        "party_id": "ABC",
        "issuer": "i",
        "valid_from": NOON,
        "valid_until": NOON + timedelta(days=1),
        "max_members": 9,
        "currency": "EUR",
        "energy_contract": {"supplier_name": "s"},
        "energy_wh_per_day": 1,
        "energy_wh_per_month": 2,
        "cost_per_day": 3,
        "cost_per_month": 4,
    }

    contracts.update(family, contract_id="C-3", **values)
    made = contracts.create(contract_id="C-4", owner=alice, **values)

    family.refresh_from_db()
    for row in (family, made):
        assert {name: getattr(row, name) for name in values} == values
    assert (family.contract_id, contracts.FIELDS) == ("C-3", {*values, "contract_id"})


def test_a_change_of_a_contract_is_stored_and_its_issuer_follows_its_number(family: Contract) -> None:
    contracts.update(family, name="House")
    family.refresh_from_db()
    kept = (family.name, family.contract_id, family.country_code, family.party_id)
    contracts.update(family, contract_id="FR-XYZ-123456789")
    family.refresh_from_db()

    assert kept == ("House", "DE8AA0012345670", "DE", "8AA")
    assert (family.country_code, family.party_id) == ("FR", "XYZ")
    assert contracts.terminate(family).status == "terminated"


def test_a_number_with_a_wrong_check_character_that_is_stored_stays_changeable(family: Contract) -> None:
    """Numbers of earlier releases were not checked."""
    Contract.objects.update(contract_id="DE8AA0012345671")

    assert contracts.update(family, contract_id="DE8AA0012345671", name="Old").name == "Old"


def test_a_member_is_added_with_role_and_status(family: Contract, max_: User) -> None:
    added = membership.add(family, user=max_)
    defaults = (added.contract, added.user, added.role, added.status)
    membership.remove(added)
    again = membership.add(family, user=max_, role="viewer", status="invited")

    assert defaults == (family, max_, "member", "active")
    assert (again.pk, again.role, again.status) == (added.pk, "viewer", "invited")


def test_role_and_status_of_a_member_change_alone(family: Contract, bob: User) -> None:
    row = Member.objects.get(user=bob)

    found = []
    for change in ({"status": "invited"}, {"role": "viewer"}, {}, {"status": "active"}, {"role": "member"}):
        membership.change(row, **change)
        found.append(Member.objects.values_list("role", "status").get(user=bob))

    assert found == [
        ("member", "invited"), ("viewer", "invited"), ("viewer", "invited"), ("viewer", "active"),
        ("member", "active"),
    ]  # fmt: skip


def test_a_change_starts_from_the_stored_member(family: Contract, bob: User) -> None:
    outdated = Member.objects.get(user=bob)
    membership.transfer(owner=Member.objects.get(role="owner"), to=bob)

    changed = membership.change(outdated)

    assert (changed.role, Member.objects.get(role="owner").user) == ("owner", bob)


@pytest.mark.parametrize("was", ["member", "viewer", "removed", "invited", "stranger"])
def test_a_new_owner_is_active_whatever_it_was(family: Contract, bob: User, max_: User, was: str) -> None:
    if was in ("removed", "invited"):
        membership.change(Member.objects.get(user=bob), status=was)
    elif was == "viewer":
        membership.change(Member.objects.get(user=bob), role=was)
    former = Member.objects.get(role="owner")
    Member.objects.update(updated_at=NOON)

    new = membership.transfer(owner=former, to=max_ if was == "stranger" else bob)

    former.refresh_from_db()
    assert (new.user, new.role, new.status) == (max_ if was == "stranger" else bob, "owner", "active")
    assert (former.role, former.status) == ("member", "active")
    assert timezone.now() - former.updated_at < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("status", "after"),
    [("active", "invalid"), ("blocked", "blocked"), ("lost", "lost"), ("expired", "expired")],
)
def test_only_the_valid_tokens_of_a_member_for_this_contract_become_invalid(
    family: Contract, bob: User, alice: User, status: str, after: str
) -> None:
    held = tokens.create(uid="A", user=bob, contract=family, status=status)
    others = [
        tokens.create(uid="B", user=bob),
        tokens.create(uid="C", contract=family),
        tokens.create(uid="D", user=alice, contract=family),
    ]
    Token.objects.update(updated_at=NOON)

    events()

    membership.remove(Member.objects.get(user=bob))

    held.refresh_from_db()
    assert (held.valid, held.status) == (False, after)
    [(name, data)] = events()
    assert (name, data["token_id"], data["status"]) == (
        "token.blocked" if status == "active" else "token.updated", held.pk, after
    )  # fmt: skip
    assert data.get("changed") == (None if status == "active" else ["valid"])
    assert timezone.now() - held.updated_at < timedelta(minutes=5)
    for token in others:
        token.refresh_from_db()
        assert (token.valid, token.updated_at) == (True, NOON)


# -- people --------------------------------------------------------------------------------------------------


def test_a_person_signs_in_nowhere_and_is_named_by_its_email(db: None) -> None:
    person = people.create(
        name="Ann", email="ann@example.com", phone="+43 1", language="de", status="suspended"
    )

    person.refresh_from_db()
    assert (person.name, person.email, person.phone) == ("Ann", "ann@example.com", "+43 1")
    assert (person.language, person.status, person.username) == ("de", "suspended", "ann@example.com")
    assert not person.has_usable_password()
    assert people.create(name="B").status == "active"


def test_a_username_is_the_email_where_it_can_be(db: None) -> None:
    longest = f"{'x' * 138}@example.com"
    root = User.objects.create(username="root@example.com")

    assert people.create(name="A", email=longest).username == longest
    assert people.create(name="B", email=f"x{longest}").username.startswith("person-")
    assert people.create(name="C", email=root.username).username.startswith("person-")
    assert len({people.create(name="D").username for _ in range(3)}) == 3
    assert len(longest) == 150


def test_a_username_follows_the_email_and_no_other_name(db: None) -> None:
    ann, root = (
        people.create(name="A", email="a@example.com"),
        User.objects.create(username="root", email="r@x.org"),
    )

    people.update(ann, name="Anna")
    ann.refresh_from_db()
    assert (ann.username, ann.name) == ("a@example.com", "Anna")
    people.update(ann, email="a@example.com")
    ann.refresh_from_db()
    assert ann.username == "a@example.com"
    people.update(ann, email="anna@example.com")
    people.update(root, email="s@x.org")
    for user in (ann, root):
        user.refresh_from_db()
    assert (ann.username, ann.email, root.username) == ("anna@example.com", "anna@example.com", "root")
    assert people.update(ann, email="").username.startswith("person-")


def test_a_person_is_closed_who_owns_no_active_contract(family: Contract, alice: User, bob: User) -> None:
    assert people.close(bob).status == "closed"
    contracts.terminate(family)
    assert people.close(alice).status == "closed"
    alice.refresh_from_db()
    assert alice.status == "closed"


# -- groups --------------------------------------------------------------------------------------------------


def test_a_group_is_created_with_its_texts(family: Contract) -> None:
    group = token_groups.create(contract=family, group_id=" FAMILY ", name="All")
    made = [token_groups.create(contract=family, group_id=text).group_id for text in ("", "  ")]

    group.refresh_from_db()
    assert (group.contract, group.group_id, group.name) == (family, "FAMILY", "All")
    assert len(set(made)) == 2
    for name in made:
        assert name.startswith("G-") and len(name) == 18 and name == name.upper()


def test_tokens_follow_the_name_of_their_group_and_others_do_not(family: Contract) -> None:
    group = token_groups.create(contract=family, group_id="FAMILY", name="All")
    held = [tokens.create(uid=uid, group_id=text) for uid, text in (("A", "FAMILY"), ("B", "family"))]
    other = tokens.create(uid="C", group_id="FAM")
    Token.objects.update(updated_at=NOON)

    def groups() -> list[str]:
        return list(Token.objects.order_by("uid").values_list("group_id", flat=True))

    token_groups.update(group, name="Family")
    assert groups() == ["FAMILY", "family", "FAM"]
    token_groups.update(group, group_id=" FAMILY ")
    assert set(Token.objects.values_list("updated_at", flat=True)) == {NOON}
    renamed = token_groups.update(group, group_id=" Home ")
    assert (groups(), renamed.group_id, renamed.name) == (["Home", "Home", "FAM"], "Home", "Family")
    assert TokenGroup.objects.get().group_id == "Home"
    assert timezone.now() - Token.objects.get(pk=held[0].pk).updated_at < timedelta(minutes=5)
    token_groups.delete(renamed)
    assert groups() == ["", "", "FAM"]
    other.refresh_from_db()
    assert other.updated_at == NOON and not TokenGroup.objects.exists()


def test_a_group_may_take_the_name_that_free_tokens_have(family: Contract) -> None:
    """Tokens may carry the id before the group exists; those of the same contract, too."""
    tokens.create(uid="A", group_id="FAMILY")
    tokens.create(uid="B", group_id="family", contract=family)

    group = token_groups.create(contract=family, group_id="Family")

    assert token_groups.find(" FAMILY") == group
    assert token_groups.find("NONE") is None
