"""Erasure of a user deletes the answers kept for an Idempotency-Key that name the user, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import IdempotentRequest, User
from chargepoints.models import ChargePoint, Message
from tests.direct.accounts import a_person, a_token
from transactions.services import privacy

UID = "04:a2:B3:c4"
NAME = "Alice Example"


@pytest.fixture
def alice(db: None) -> User:
    alice = a_person(NAME, email="alice@example.com", phone="+43 1 234")
    a_token(UID, user=alice, name='Alice\'s "Käfer"', visual_number="NO-4711")
    return alice


def kept(answer: Any) -> int:
    return IdempotentRequest.objects.create(
        actor="key:1", key=f"k{IdempotentRequest.objects.count()}", fingerprint="f", answer=answer
    ).pk


ANSWERS: list[Any] = [
    {"data": {"name": NAME}},
    {"data": {"user": {"name": NAME.upper()}}},
    {"data": {"email": "alice@example.com"}},
    {"data": {"phone": "+43 1 234"}},
    {"data": {"uid": UID}},
    {"data": {"uid": UID.upper()}},
    {"data": {"uid": "04A2B3C4"}},
    {"data": {"idTag": "04-a2-b3-c4"}},
    {"data": {"visual_number": "NO-4711"}},
    {"data": {"name": 'Alice\'s "Käfer"'}},
    {"message": f"Token {UID} was blocked."},
]


def test_an_answer_that_names_the_user_or_a_token_is_deleted(alice: User) -> None:
    for answer in ANSWERS:
        kept(answer)

    privacy.erase(alice)

    assert list(IdempotentRequest.objects.values_list("answer", flat=True)) == []


def test_the_answers_about_others_stay(alice: User) -> None:
    answers = [None, {"data": {"name": "Bob"}}, {"data": {"uid": "04A2B3C5"}}, {"data": {"phone": ""}}]
    others = [kept(answer) for answer in answers]

    privacy.erase(alice)

    assert list(IdempotentRequest.objects.order_by("pk").values_list("pk", flat=True)) == others


def test_a_user_without_data_deletes_no_answers(db: None) -> None:
    nobody = User.objects.create(username="nobody")
    answer = kept({"data": {"name": ""}})

    privacy.erase(nobody)

    assert IdempotentRequest.objects.get().pk == answer


def test_a_user_with_hundreds_of_tokens_is_erased(alice: User) -> None:
    for number in range(200):
        a_token(f"{number:014X}", user=alice)
    kept({"data": {"uid": f"{199:014x}"}})
    station = ChargePoint.objects.create(identity="CP-1")
    for number in (0, 199):
        text = f'{{"idTag":"{number:014x}"}}'
        Message.objects.create(
            charge_point=station,
            direction="in",
            message_id="1",
            action="Authorize",
            request=text,
            size=1,
            at=timezone.now(),
        )

    erased = privacy.erase(alice)

    assert not IdempotentRequest.objects.exists()
    assert (erased.tokens, erased.messages) == (201, 2)
    assert all("erased-" in message.request for message in Message.objects.all())
