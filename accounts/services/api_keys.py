"""Create, check and revoke API keys; fills the engine's port `Credentials`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import ApiKey, User

# Last use is recorded to the minute: one write a minute is enough to see which keys are in use.
LAST_USE_PRECISION = timedelta(minutes=1)


def digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def create(
    *,
    name: str,
    role: str = User.Role.VIEWER,
    expires_at: datetime | None = None,
    created_by: User | None = None,
    plain: str | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key and return it with its plain text, which is not stored."""
    plain = plain or f"ocs_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        role=role,
        expires_at=expires_at,
        created_by=created_by,
        prefix=plain[:8],
        digest=digest(plain),
    )
    return key, plain


def find(plain: str) -> ApiKey | None:
    """Return the usable key with this plain text, or None, and record its last use to the minute."""
    key = ApiKey.objects.usable().filter(digest=digest(plain)).first()
    now = timezone.now()
    if key is not None and (key.last_used_at is None or now - key.last_used_at > LAST_USE_PRECISION):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def find_by_number(pk: int) -> ApiKey | None:
    """Return the usable key with this primary key, or None."""
    return ApiKey.objects.usable().filter(pk=pk).first()


@contextmanager
def temporary(*, name: str, role: str, life: timedelta) -> Iterator[str]:
    """The plain text of a key that is revoked on leaving. A process that is killed leaves a key that expires
    by itself; the next one of this name deletes it.
    """
    now = timezone.now()
    ApiKey.objects.filter(name=name, created_by=None, expires_at__lt=now).delete()
    key, plain = create(name=name, role=role, expires_at=now + life)
    try:
        yield plain
    finally:
        revoke(key)


def revoke(key: ApiKey) -> None:
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
