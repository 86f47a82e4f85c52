"""Rows and events of the account services when they succeed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenGroup, UnknownToken, User
from accounts.services import contracts, membership, people, reversed_uids, token_groups, tokens
from events.models import Event

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def events() -> list[tuple[str, dict[str, Any]]]:
    """The events since the last call."""
    found = [(row.type, orjson.loads(row.data)) for row in Event.objects.order_by("pk")]
    Event.objects.all().delete()
    return found


# -- tokens --------------------------------------------------------------------------------------------------


def test_a_new_token_is_an_event_with_its_owners_and_leaves_the_inbox(family: Contract, bob: User) -> None:
    for uid in ("card-4711", "other"):
        UnknownToken.objects.create(uid=uid, uid_key=uid, first_seen_at=NOON, last_seen_at=NOON)

    token = tokens.create(uid="CARD-4711", user=bob, contract=family)

    assert events() == [
        (
            "token.created",
            {
                "token_id": token.pk,
                "uid": "CARD••••",
                "type": "RFID",
                "status": "active",
                "contract_id": family.pk,
                "user_id": bob.pk,
            },
        )
    ]
    assert UnknownToken.objects.get().uid == "other"


@pytest.mark.parametrize(
    ("given", "change", "event"),
    [
        ({}, {"name": "x"}, "token.updated"),
        ({}, {"status": "blocked"}, "token.blocked"),
        ({}, {"status": "lost"}, "token.blocked"),
        ({}, {"valid": False}, "token.blocked"),
        ({}, {"status": "invalid", "name": "x"}, "token.blocked"),
        ({"status": "blocked"}, {"status": "active"}, "token.updated"),
        ({"status": "blocked"}, {"status": "lost"}, "token.updated"),
        ({"valid": False}, {"name": "x"}, "token.updated"),
        ({"valid": False}, {"valid": True}, "token.updated"),
    ],
)
def test_a_change_is_an_event_and_another_one_when_the_token_can_no_longer_charge(
    db: None, given: dict[str, Any], change: dict[str, Any], event: str
) -> None:
    token = tokens.create(uid="CARD", **given)
    events()

    tokens.update(token, **change)

    [(name, data)] = events()
    assert (name, data["token_id"], data["status"]) == (event, token.pk, token.status)
    assert data.get("changed") == (sorted(change) if event == "token.updated" else None)


def test_every_field_of_a_token_is_stored_when_it_is_added_and_when_it_is_changed(
    family: Contract, bob: User
) -> None:
    values: dict[str, Any] = {
        "user": bob,
        "contract": family,
        "group_id": "G",
        "name": "n",
        "visual_number": "v",
        "issuer": "i",
        "country_code": "DE",
        "party_id": "ABC",
        "language": "de",
        "whitelist": "NEVER",
        "default_profile_type": "FAST",
        "energy_contract": {"supplier_name": "s"},
        "is_master": True,
        "status": "lost",
        "valid": False,
        "valid_from": NOON,
        "expires_at": NOON + timedelta(days=1),
        "energy_wh_per_day": 1,
        "energy_wh_per_month": 2,
        "cost_per_day": 3,
        "cost_per_month": 4,
    }
    token = tokens.create(uid="A")

    tokens.update(token, uid="B", type="APP", **values)
    made = tokens.create(uid="C", **values)

    for row in (token, made):
        row.refresh_from_db()
        assert {name: getattr(row, name) for name in values} == values
    assert {*values, "uid", "type"} == tokens.FIELDS


def test_changed_fields_are_named_in_their_order(db: None) -> None:
    token = tokens.create(uid="CARD")
    events()

    tokens.update(token, name="x", issuer="y", cost_per_day=1)

    assert events()[0][1]["changed"] == ["cost_per_day", "issuer", "name"]


def test_a_token_is_blocked_unblocked_and_invalidated(db: None) -> None:
    token = tokens.create(uid="CARD")
    steps: list[Any] = [tokens.block, tokens.block, tokens.unblock, tokens.unblock, tokens.invalidate]

    found = []
    for step in steps:
        assert step(token) is token
        token.refresh_from_db()
        found.append((token.status, token.valid))

    assert found == [
        ("blocked", True), ("blocked", True), ("active", True), ("active", True), ("invalid", False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("uid", "type", "stored"),
    [
        (" 04A2 ", "RFID", "04A2"),
        (" aa:bb:cc:00:11:22 ", "OTHER", "aa:bb:cc:00:11:22"),
        *[(text, "VEHICLE", "VID:AABBCC001122") for text in (
            "aa:bb:cc:00:11:22", "AA-BB-CC-00-11-22", "aabb.cc00.1122", "aa bb cc 00 11 22",
            "VID:AABBCC001122", " vid:aa:bb:cc:00:11:22",
        )],
        ("aabbcc001122", "AUTOCHARGE", "VID:AABBCC001122"),
    ],
)  # fmt: skip
def test_a_vehicle_is_stored_by_its_address_and_other_tokens_as_they_are(
    db: None, uid: str, type: str, stored: str
) -> None:
    token = tokens.create(uid=uid, type=type)

    assert (token.uid, token.type) == (stored, tokens.INPUT_TYPES[type])


def test_uid_and_type_are_changed_by_the_rules_of_their_type(db: None) -> None:
    token = tokens.create(uid="AABBCC001122")

    tokens.update(token, type="VEHICLE")
    assert (token.uid, token.type) == ("VID:AABBCC001122", "OTHER")
    tokens.update(token, uid=" plain ")
    assert (token.uid, token.type) == ("plain", "OTHER")
    tokens.update(token, uid="aa:bb:cc:00:11:33", type="AUTOCHARGE")
    assert (token.uid, token.type) == ("VID:AABBCC001133", "OTHER")
    tokens.update(token, type="APP")
    assert (token.uid, token.type) == ("VID:AABBCC001133", "APP_USER")


@pytest.mark.parametrize(
    ("uid", "type"),
    [("04A2", "RFID"), ("VID:AABBCC001122", "OTHER"), ("vid:aabbcc001122", "OTHER"), ("XVID:1", "RFID")],
)
def test_a_token_from_the_inbox_is_a_card_or_a_vehicle(db: None, uid: str, type: str) -> None:
    unknown = UnknownToken.objects.create(uid=uid, uid_key=uid.lower(), first_seen_at=NOON, last_seen_at=NOON)

    token = tokens.add_unknown(unknown, name="Found")

    assert (token.uid, token.type, token.name, token.valid) == (uid, type, "Found", True)
    assert not UnknownToken.objects.exists()


def test_a_token_in_a_group_belongs_to_the_contract_of_the_group(family: Contract) -> None:
    token_groups.create(contract=family, group_id="FAMILY")

    grouped, free = tokens.create(uid="A", group_id="family "), tokens.create(uid="B", group_id="FREE")

    assert (grouped.contract, free.contract) == (family, None)


@pytest.mark.parametrize(
    ("uid", "back"),
    [
        ("04A2B3", "B3A204"),
        (" 04:a2-b3 C4 ", "C4b3a204"),
        ("0102030405060708090A", "0A090807060504030201"),
        ("0102030405060708090A0B", ""),
        ("04A2", ""),
        ("04A2B", ""),
        ("04A2G3", ""),
        ("010201", ""),
    ],
)
def test_the_bytes_of_a_card_are_reversed(uid: str, back: str) -> None:
    assert reversed_uids.reversed_uid(uid) == back


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
