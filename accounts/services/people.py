"""Those who charge: enter, change, close. Never deleted: their sessions and contracts name them."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import Contract, Member, User
from ocpp_server.domain import Conflict, Refused

_FIELDS: Final = frozenset({"name", "email", "phone", "language", "status"})
_USERNAME_LENGTH: Final = 150


def create(
    *, name: str, email: str = "", phone: str = "", language: str = "", status: str = User.Status.ACTIVE
) -> User:
    """Enter a person, who has no password and can't sign in. Raises Conflict for a known email."""
    user = User(name=name, email=email, phone=phone, language=language, status=status)
    user.username = _username(email)
    user.set_unusable_password()
    return _save(user)


def update(user: User, **changes: Any) -> User:
    """Change any of name, email, phone, language, status.

    Raises Conflict for a known email or somebody erased, Refused for closing the owner of an active contract.
    """
    unexpected = changes.keys() - _FIELDS
    if unexpected:
        raise TypeError(f"a person has no {', '.join(sorted(unexpected))}")
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=user.pk)
        if held.is_erased:
            raise Conflict("This person's data is erased.", field="status")
        if changes.get("status") == User.Status.CLOSED:
            _require_no_contract(held)
        if "email" in changes and held.username == held.email:
            held.username = _username(changes["email"], besides=held)
        for name, value in changes.items():
            setattr(held, name, value)
        return _save(held)


def close(user: User) -> User:
    """End somebody's account. Raises Refused for the owner of an active contract."""
    return update(user, status=User.Status.CLOSED)


def _require_no_contract(user: User) -> None:
    owned = Member.objects.filter(
        user=user, role=Member.Role.OWNER, contract__status=Contract.Status.ACTIVE
    ).select_related("contract")
    if first := owned.first():
        raise Refused(
            f"{user} owns the active contract {first.contract}; transfer or terminate it first.",
            field="status",
        )


def _username(email: str, besides: User | None = None) -> str:
    """Django wants a unique one: the email where it fits, else something nobody needs to know."""
    taken = User.objects.filter(username=email).exclude(pk=besides.pk if besides else None)
    if email and len(email) <= _USERNAME_LENGTH and not taken.exists():
        return email
    return f"person-{uuid.uuid4().hex}"


def _save(user: User) -> User:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Conflict(f"There is a user with the email {user.email} already.", field="email") from None
    return user
