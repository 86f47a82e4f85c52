"""Requests that carried an Idempotency-Key: fills the port `IdempotencyStore` of the REST kit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import IdempotentRequest


def delete_before(moment: datetime) -> None:
    IdempotentRequest.objects.filter(created_at__lt=moment).delete()


def insert(*, actor: str, key: str, fingerprint: str) -> IdempotentRequest | None:
    """The new row; None when this actor has used the key before."""
    row = IdempotentRequest(actor=actor, key=key, fingerprint=fingerprint)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return None
    return row


def find(*, actor: str, key: str) -> IdempotentRequest | None:
    return IdempotentRequest.objects.filter(actor=actor, key=key).first()


def take_over(pk: Any, *, unanswered_since: datetime) -> bool:
    """Claim a request that got no answer since then. The caller that moves the date first gets True."""
    stale = IdempotentRequest.objects.filter(pk=pk, status_code__isnull=True, created_at__lt=unanswered_since)
    return bool(stale.update(created_at=timezone.now()))


def delete(pk: Any) -> None:
    IdempotentRequest.objects.filter(pk=pk).delete()


def store_answer(pk: Any, *, status_code: int, answer: Any) -> None:
    IdempotentRequest.objects.filter(pk=pk).update(status_code=status_code, answer=answer)
