"""The erasure of a person: its fields, tokens, memberships, history and events, and its conditions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenGroup, UnknownToken, User
from chargepoints.models import ChargePoint
from events.models import Event
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from tests.direct.accounts import a_contract, a_person, a_token
from tests.direct.reservations import a_reservation
from tests.unit.transactions.authorization.personal_data.sessions import NOON, UID, a_session
from transactions.services import privacy

pytestmark = pytest.mark.django_db


def test_every_field_of_the_person_is_emptied(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="Alice", last_name="Example", password="pbkdf2$x")  # noqa: S106 - no secret
    alice.refresh_from_db()

    privacy.erase(alice)

    row = User.objects.get()
    fields = ("name", "first_name", "last_name", "email", "phone", "language")
    assert {name: getattr(row, name) for name in fields} == dict.fromkeys(fields, "")
    assert (row.username, row.status, row.is_active) == (f"erased-{row.pk}", "closed", False)
    assert not row.has_usable_password()
    assert row.erased_at is not None and timezone.now() - row.erased_at < timedelta(minutes=5)


def test_every_token_of_the_person_is_emptied_and_leaves_the_inbox(alice: User) -> None:
    other = a_token("OTHER", name="Bob's")
    for uid in (UID, "OTHER"):
        UnknownToken.objects.create(uid=uid, uid_key=uid.lower(), first_seen_at=NOON, last_seen_at=NOON)

    privacy.erase(alice)

    token = Token.objects.exclude(pk=other.pk).get()
    assert (token.name, token.visual_number, token.status, token.valid) == ("", "", "invalid", False)
    assert token.uid_key == token.uid
    other.refresh_from_db()
    assert (other.uid, other.name, other.valid) == ("OTHER", "Bob's", True)
    assert UnknownToken.objects.get().uid == "OTHER"


def test_memberships_end_and_an_ended_contract_loses_its_name(alice: User) -> None:
    ended = a_contract("ENDED", owner=alice, status="terminated")
    left, joined = [a_contract(name) for name in ("LEFT", "JOINED")]
    Contract.objects.update(name="Home")
    Member.objects.create(contract=left, user=alice, status="removed")
    Member.objects.create(contract=joined, user=alice, role="viewer")
    Member.objects.filter(contract=left).update(updated_at=NOON)

    privacy.erase(alice)

    members = {member.contract.contract_id: member for member in Member.objects.select_related("contract")}
    assert {name: (one.role, one.status) for name, one in members.items()} == {
        "ENDED": ("owner", "active"),
        "LEFT": ("member", "removed"),
        "JOINED": ("viewer", "removed"),
    }
    assert members["LEFT"].updated_at == NOON
    ended.refresh_from_db()
    assert (ended.name, ended.contract_id) == ("", "ENDED")
    assert set(Contract.objects.exclude(pk=ended.pk).values_list("name", flat=True)) == {"Home"}


def test_the_history_of_the_person_its_tokens_and_memberships_is_emptied(alice: User) -> None:
    contract = a_contract(owner=a_person("Bob"))
    member = Member.objects.create(contract=contract, user=alice)
    token = Token.objects.get()
    mine = [(User, alice.pk), (Token, token.pk), (Member, member.pk)]
    others = [(User, alice.pk + 99), (Token, token.pk + 99), (Member, member.pk + 99), (TokenGroup, token.pk)]
    operator = a_person("Operator", is_staff=True)
    for model, pk in mine + others:
        LogEntry.objects.create(
            user=operator,
            content_type=ContentType.objects.get_for_model(model),
            object_id=str(pk),
            object_repr="Alice",
            action_flag=CHANGE,
            change_message="changed",
        )

    privacy.erase(alice)

    found = list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))
    assert found == [("erased", "")] * 3 + [("Alice", "changed")] * 4


def test_the_events_about_the_person_and_its_tokens_name_neither(alice: User) -> None:
    token = Token.objects.get()
    for user, uid in ((alice.pk, token.pk), (alice.pk + 99, token.pk + 99)):
        outbox.emit(
            charging.TOKEN_CREATED,
            token_id=uid, uid="04:a••••", type="RFID", status="active", contract_id=None, user_id=user,
        )  # fmt: skip

    privacy.erase(alice)

    erased, kept = [json.loads(row.data) for row in Event.objects.order_by("pk")]
    assert (erased["user_id"], erased["uid"]) == (None, outbox.MASKED)
    assert (kept["user_id"], kept["uid"]) == (alice.pk + 99, "04:a••••")


def test_a_person_without_tokens_is_erased(db: None) -> None:
    person = a_person("Carol")

    assert privacy.erase(person) == (0, 0, 0)
    assert User.objects.get().is_erased


# -- the conditions of an erasure ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (
            lambda alice, charger: User.objects.filter(pk=alice.pk).update(is_superuser=True),
            Code.STATE_CONFLICT,
        ),
        (
            lambda alice, charger: a_reservation(charger, token=alice.tokens.get(), state="unanswered"),
            Code.STATE_CONFLICT,
        ),
        (
            lambda alice, charger: a_session(charger, token=alice.tokens.get(), status="active"),
            Code.TRANSACTION_RUNNING,
        ),
    ],
)
def test_an_erasure_must_wait_for_a_step(alice: User, charger: ChargePoint, given: Any, code: Code) -> None:
    given(alice, charger)

    with pytest.raises(Conflict) as refused:
        privacy.erase(User.objects.get(pk=alice.pk))

    assert refused.value.code == code
    assert Token.objects.get().uid == UID


def test_the_session_of_another_person_and_a_suspended_contract_block_no_other(
    alice: User, charger: ChargePoint
) -> None:
    a_session(charger, token=a_token("OTHER"), status="active")
    a_contract("C-2", owner=alice, status="suspended")

    privacy.erase(alice)

    assert User.objects.get().is_erased
