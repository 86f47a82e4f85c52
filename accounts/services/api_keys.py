"""Create, check, roll and revoke API keys; fills the engine's port `Credentials`."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiKey, User
from ocpp_server import sites as rule_of_sites
from ocpp_server.api import scopes as groups
from ocpp_server.domain import Conflict, Invalid, Refused

# Last use is recorded to the minute: one write a minute is enough to see which keys are in use.
LAST_USE_PRECISION = timedelta(minutes=1)
# How long the key before stays valid after it was rolled, unless given, and at most.
OVERLAP: Final = timedelta(days=1)
LONGEST_OVERLAP: Final = timedelta(days=30)


def digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def create(
    *,
    name: str,
    role: str = User.Role.VIEWER,
    expires_at: datetime | None = None,
    created_by: User | None = None,
    plain: str | None = None,
    **settings: Any,
) -> tuple[ApiKey, str]:
    """Store a new key and return it with its plain text, which is not stored.

    `settings` are further columns, checked by `check`. A test key is limited to the test site. Raises
    Invalid.
    """
    check(role=role, **settings)
    if settings.get("is_test"):
        settings["site_ids"] = [rule_of_sites.port.app.test_site()]
    plain = plain or f"ocs_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        name=name,
        role=role,
        expires_at=expires_at,
        created_by=created_by,
        prefix=plain[:8],
        digest=digest(plain),
        **settings,
    )
    return key, plain


def check(
    *,
    role: str = User.Role.VIEWER,
    scopes: Iterable[str] | None = None,
    site_ids: Iterable[int] | None = None,
    shows_personal_data: bool = True,
    is_test: bool = False,
    expires_at: datetime | None = None,
    **_: Any,
) -> None:
    """Raises Invalid for settings that contradict each other, and for unknown scopes and sites."""
    is_viewer = role == User.Role.VIEWER
    if not shows_personal_data and not is_viewer:
        raise Invalid("A key without personal data only reads: its role is viewer.", field="role")
    for scope in scopes or ():
        if scope not in groups.ALL:
            raise Invalid(f"{scope!r} is no scope; known are {', '.join(groups.ALL)}.", field="scopes")
        if is_viewer and scope.endswith(f":{groups.WRITE}"):
            raise Invalid(f"{scope} needs the role operator: a viewer only reads.", field="scopes")
    if is_test and site_ids is not None:
        raise Invalid("A test key has the test site: leave the sites out.", field="sites")
    if site_ids is not None:
        known = rule_of_sites.port.app.names()
        for site in site_ids:
            if site not in known:
                raise Invalid(f"Site {site} not found.", field="sites")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("Must be in the future.", field="expires_at")


def add(
    *, name: str, actor: str, granted: Iterable[str] | None, created_by: User | None, **settings: Any
) -> ApiKey:
    """A new key for a caller with the scopes `granted`; None for all. Its plain text is in `plain`.

    Raises Invalid, and Refused for more scopes than the caller has.
    """
    _within(settings.get("scopes"), granted)
    check(**settings)
    key, plain = create(name=name, actor=actor, created_by=created_by, **settings)
    key.plain = plain  # type: ignore[attr-defined]  # for the one answer that shows it
    return key


def change(key: ApiKey, **settings: Any) -> None:
    """Change the name or the expiry. Raises Invalid, and Conflict for a revoked key."""
    if key.revoked_at is not None:
        raise Conflict(f"The API key {key} is revoked.")
    check(role=User.Role.ADMINISTRATOR, **settings)
    for name, value in settings.items():
        setattr(key, name, value)
    key.save(update_fields=list(settings))


def roll(
    key: ApiKey,
    *,
    actor: str,
    granted: Iterable[str] | None,
    created_by: User | None,
    overlap: timedelta = OVERLAP,
    expires_at: datetime | None = None,
) -> ApiKey:
    """A new key with the same rights. The one before stays valid for `overlap`, and no longer.

    Unless given, the new key lives as long as the one before was to live. Raises Conflict for a key that is
    not usable, Refused.
    """
    if key.state != "usable":
        raise Conflict(f"The API key {key} is {key.state}: add another one.")
    _within(key.scopes, granted)
    now = timezone.now()
    if expires_at is None and key.expires_at is not None:
        expires_at = now + (key.expires_at - key.created_at)
    with transaction.atomic():
        made, plain = create(
            name=key.name,
            role=key.role,
            scopes=key.scopes,
            shows_personal_data=key.shows_personal_data,
            expires_at=expires_at,
            created_by=created_by,
            actor=actor,
            replaces=key,
        )
        # Not checked: a site may have been deleted since. The new key has the same rights.
        made.site_ids, made.is_test = key.site_ids, key.is_test
        made.save(update_fields=["site_ids", "is_test"])
        key.expires_at = min(now + overlap, key.expires_at or now + overlap)
        key.save(update_fields=["expires_at"])
    made.plain = plain  # type: ignore[attr-defined]
    return made


def _within(scopes: Iterable[str] | None, granted: Iterable[str] | None) -> None:
    """Raises Refused if a key with the scopes `granted` would make one that may do more."""
    if granted is None:
        return
    granted = list(granted)
    if scopes is None:
        raise Refused("Name the scopes: this key has scopes, and may not make one with all.", field="scopes")
    for scope in scopes:
        if not groups.includes(granted, scope):
            raise Refused(f"This key has no scope {scope}, and may not give it away.", field="scopes")


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
    by itself; the next one of this name, whatever stands in its brackets, deletes it.
    """
    now = timezone.now()
    base = name.partition(" (")[0]
    named = Q(name=base) | Q(name__startswith=f"{base} (")
    ApiKey.objects.filter(named, created_by=None, expires_at__lt=now).delete()
    key, plain = create(name=name, role=role, expires_at=now + life)
    try:
        yield plain
    finally:
        revoke(key)


def revoke(key: ApiKey) -> ApiKey:
    """Refuse the key from now on. The row is kept."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
    return key
