"""The pages of people, contracts with their members, tokens, rules and the inbox of unknown tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contract, Member, Person, Token, UnknownToken, User
from chargepoints.models import ChargePoint, Site
from tests.admin.rows import NOON, a_session
from transactions.models import AccessRule, Refusal


@pytest.fixture
def alice(station: ChargePoint) -> User:
    """A person who owns a contract, has a token, and charged once."""
    alice = User.objects.create(username="alice", name="Alice", email="alice@example.com")
    contract = Contract.objects.create(contract_id="C-1", name="Adler")
    Member.objects.create(contract=contract, user=alice, role="owner")
    token = Token.objects.create(uid="04A2B3C4", user=alice, contract=contract, name="Blue card")
    a_session(station, 1000, token=token, id_token=token.uid, status="ended")
    Refusal.objects.create(
        charge_point=station, token=token, id_token=token.uid, purpose="start", status="NoCredit",
        reason="The budget is used up.", at=NOON,
    )  # fmt: skip
    return alice


def page(alice: User) -> str:
    return reverse("admin:accounts_person_change", args=[alice.pk])


def members(*rows: tuple[User, str], initial: list[Member] | None = None) -> dict[str, Any]:
    """The fields of the members in the form of a contract."""
    known = {member.user_id: member.pk for member in initial or []}
    sent: dict[str, Any] = {
        "members-TOTAL_FORMS": len(rows),
        "members-INITIAL_FORMS": len(known),
        "members-MIN_NUM_FORMS": 1,
        "members-MAX_NUM_FORMS": 1000,
    }
    for number, (user, role) in enumerate(rows):
        sent |= {f"members-{number}-user": user.pk, f"members-{number}-role": role}
        sent |= {f"members-{number}-status": "active", f"members-{number}-id": known.get(user.pk, "")}
    return sent


def test_a_persons_page_shows_contracts_tokens_sessions_energy_and_refusals(
    operator: Client, alice: User
) -> None:
    text = operator.get(page(alice)).content.decode()

    for words in ("C-1", "04A2B3C4", "1000", "5.00", "The budget is used up.", "CP-1"):
        assert words in text
    assert "Erase" not in text


def test_people_and_operators_have_a_list_each(superuser: Client, alice: User) -> None:
    people = superuser.get(reverse("admin:accounts_person_changelist")).content.decode()
    operators = superuser.get(reverse("admin:accounts_user_changelist")).content.decode()

    assert "alice@example.com" in people and "alice@example.com" not in operators
    assert "root" in operators


def test_more_people_cost_no_more_queries(superuser: Client, alice: User) -> None:
    address = reverse("admin:accounts_person_changelist")
    superuser.get(address)
    with CaptureQueriesContext(connection) as few:
        superuser.get(address)
    for number in range(10):
        Token.objects.create(uid=f"T{number}", user=User.objects.create(username=f"p{number}", name="P"))

    with CaptureQueriesContext(connection) as more:
        superuser.get(address)

    assert len(more) == len(few)


def test_a_person_is_added_and_cannot_sign_in(administrator: Client) -> None:
    form = {"name": "Bob", "email": "bob@example.com", "phone": "", "language": "", "status": "active"}

    answer = administrator.post(reverse("admin:accounts_person_add"), form)

    assert answer.status_code == 302
    bob = Person.objects.get(name="Bob")
    assert (bob.has_usable_password(), bob.is_staff) == (False, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "BOB@example.com"}, "Another person already uses this email"),
        ({"status": "closed"}, "owns an active contract"),
    ],
)
def test_an_invalid_change_of_a_person_is_reported_at_its_field(
    administrator: Client, alice: User, changes: dict[str, str], message: str
) -> None:
    User.objects.create(username="bob", email="bob@example.com")
    form = {"name": "Alice", "email": "alice@example.com", "phone": "", "language": "", "status": "active"}

    answer = administrator.post(page(alice), form | changes)

    assert message in answer.content.decode()
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"


def test_a_person_is_exported_as_a_file_by_administrators_only(
    administrator: Client, operator: Client, alice: User
) -> None:
    address = reverse("admin:person-export", args=[alice.pk])

    answer = administrator.get(address)

    assert answer["Content-Disposition"] == f'attachment; filename="person-{alice.pk}.json"'
    assert json.loads(answer.content)["sessions"][0]["energy_wh"] == 5000
    assert operator.get(address).status_code == 403


def test_a_person_is_erased_after_a_confirmation_that_lists_obstacles(
    administrator: Client, operator: Client, alice: User
) -> None:
    address = reverse("admin:person-erase", args=[alice.pk])

    asked = administrator.get(address).content.decode()
    hindered = administrator.post(address, follow=True).content.decode()
    Contract.objects.update(status="terminated")
    refused = operator.post(address)
    done = administrator.post(address, follow=True).content.decode()

    assert "Erase permanently" in asked
    assert "transfer or terminate it first" in hindered
    assert refused.status_code == 403
    assert "Person erased. 1 tokens, 1 sessions" in done
    assert "alice" not in administrator.get(page(alice)).content.decode()


def test_a_contract_is_added_with_its_members(administrator: Client, alice: User) -> None:
    bob = User.objects.create(username="bob", name="Bob")
    form = {
        "contract_id": "C-2",
        "type": "family",
        "status": "active",
        **members((alice, "owner"), (bob, "viewer")),
    }

    answer = administrator.post(reverse("admin:accounts_contract_add"), form)

    assert answer.status_code == 302
    roles = Member.objects.filter(contract__contract_id="C-2").values_list("user__name", "role")
    assert dict(roles) == {"Alice": "owner", "Bob": "viewer"}


def test_a_contract_is_transferred_in_its_form(administrator: Client, alice: User) -> None:
    bob = User.objects.create(username="bob", name="Bob")
    contract = Contract.objects.get()
    rows = members((alice, "viewer"), (bob, "owner"), initial=list(contract.members.all()))
    form = {"contract_id": "C-1", "type": "family", "status": "active", **rows}

    answer = administrator.post(reverse("admin:accounts_contract_change", args=[contract.pk]), form)

    assert answer.status_code == 302
    assert dict(contract.members.values_list("user__name", "role")) == {"Alice": "viewer", "Bob": "owner"}
    assert Token.objects.get().valid is False


@pytest.mark.parametrize("roles", [("owner", "owner"), ("member", "viewer")])
def test_a_contract_has_exactly_one_owner(administrator: Client, alice: User, roles: tuple[str, str]) -> None:
    bob = User.objects.create(username="bob", name="Bob")
    rows = members((alice, roles[0]), (bob, roles[1]))
    form = {"contract_id": "C-2", "type": "family", "status": "active", **rows}

    answer = administrator.post(reverse("admin:accounts_contract_add"), form)

    assert "A contract must have exactly one owner." in answer.content.decode()
    assert not Contract.objects.filter(contract_id="C-2").exists()


def test_a_rule_names_one_subject_and_one_place(administrator: Client, alice: User) -> None:
    site = Site.objects.create(name="Depot")
    address, token = reverse("admin:transactions_accessrule_add"), Token.objects.get().pk

    wrong = administrator.post(
        address, {"effect": "refuse", "token": token, "contract": Contract.objects.get().pk}
    )
    right = administrator.post(address, {"effect": "refuse", "token": token, "site": site.pk})

    text = wrong.content.decode()
    assert (
        "Choose exactly one: a token, a group or a contract." in text
        and "Choose exactly one: a station or a site." in text
    )
    assert right.status_code == 302
    assert str(AccessRule.objects.get()) == "04A2B3C4 at Depot: refuse"


def test_a_second_token_of_a_uid_is_refused_at_its_field(administrator: Client, alice: User) -> None:
    form = {"uid": "04a2b3c4", "type": "RFID", "status": "active", "valid": "on", "whitelist": "ALLOWED"}

    answer = administrator.post(reverse("admin:accounts_token_add"), form)

    assert "A token with this uid and type already exists." in answer.content.decode()


def test_the_inbox_suggests_the_token_with_its_bytes_in_the_other_order(
    superuser: Client, alice: User
) -> None:
    for uid in ("C4B3A204", "NOHEX", "11223344"):
        UnknownToken.objects.create(uid=uid, uid_key=uid.lower(), first_seen_at=NOON, last_seen_at=NOON)

    text = superuser.get(reverse("admin:accounts_unknowntoken_changelist")).content.decode()

    assert text.count("with reversed bytes") == 1 and "Blue card" in text
    assert not Token.objects.filter(uid="C4B3A204").exists()
