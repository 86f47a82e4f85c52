"""The rows of requests that carried an Idempotency-Key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import IdempotentRequest
from accounts.services import idempotent_requests as service

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def insert(actor: str = "ann", key: str = "k", at: datetime = NOON) -> IdempotentRequest:
    row = service.insert(actor=actor, key=key, fingerprint="f")
    assert row is not None
    IdempotentRequest.objects.filter(pk=row.pk).update(created_at=at)
    return row


def test_a_key_is_used_once_by_each_actor() -> None:
    first = insert("ann")

    assert service.insert(actor="ann", key="k", fingerprint="g") is None
    others = [insert("bob"), insert("ann", "l")]

    assert IdempotentRequest.objects.count() == 3
    assert service.find(actor="ann", key="k") == first
    assert [service.find(actor="bob", key="k"), service.find(actor="ann", key="l")] == others
    assert service.find(actor="bob", key="l") is None


def test_a_request_has_its_fingerprint_and_no_answer_yet() -> None:
    insert()

    row = service.find(actor="ann", key="k")
    assert row is not None
    assert (row.fingerprint, row.status_code, row.answer) == ("f", None, None)


def test_an_answer_is_stored_at_its_request_alone() -> None:
    row, other = insert(), insert(key="l")

    service.store_answer(row.pk, status_code=201, answer={"a": 1})

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.status_code, row.answer) == (201, {"a": 1})
    assert (other.status_code, other.answer) == (None, None)


def test_a_request_is_deleted_alone() -> None:
    row, other = insert(), insert(key="l")

    service.delete(row.pk)

    assert IdempotentRequest.objects.get() == other


def test_requests_from_before_a_time_are_deleted() -> None:
    insert("old", at=NOON - SECOND)
    kept = insert("new", at=NOON)

    service.delete_before(NOON)

    assert IdempotentRequest.objects.get() == kept


@pytest.mark.parametrize(
    ("age", "status_code", "is_claimed"),
    [(SECOND, None, True), (timedelta(0), None, False), (SECOND, 200, False)],
)
def test_a_request_without_an_answer_is_claimed_once(
    monkeypatch: pytest.MonkeyPatch, age: timedelta, status_code: int | None, is_claimed: bool
) -> None:
    now = NOON + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: now)
    row, other = insert(at=NOON - age), insert("bob", at=NOON - age)
    IdempotentRequest.objects.update(status_code=status_code)

    assert service.take_over(row.pk, unanswered_since=NOON) is is_claimed
    assert service.take_over(row.pk, unanswered_since=NOON) is False

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.created_at, other.created_at) == (now if is_claimed else NOON - age, NOON - age)
