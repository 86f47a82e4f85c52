"""Create, change and close people who charge. They are never deleted: sessions and contracts
refer to them.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import Contract, Member, User
from ocpp_server.domain import Conflict, Refused
from ocpp_server.error_codes import Code

_FIELDS: Final = frozenset({"name", "email", "phone", "language", "status"})
_USERNAME_LENGTH: Final = 150


def create(
    *, name: str, email: str = "", phone: str = "", language: str = "", status: str = User.Status.ACTIVE
) -> User:
    """Create a person without a password. Raises Conflict for an email that is in use."""
    user = User(name=name, email=email, phone=phone, language=language, status=status)
    user.username = _username(email)
    user.set_unusable_password()
    return _save(user)


def update(user: User, **changes: Any) -> User:
    """Change any of name, email, phone, language, status.

    Raises Conflict for an email in use or an erased person, Refused for closing the owner of an active
    contract.
    """
    unexpected = changes.keys() - _FIELDS
    if unexpected:
        raise TypeError(f"person has no field {', '.join(sorted(unexpected))}")
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if locked.is_erased:
            raise Conflict("This person's data was erased.", field="status")
        if changes.get("status") == User.Status.CLOSED:
            _require_no_contract(locked)
        if "email" in changes and locked.username == locked.email:
            locked.username = _username(changes["email"], besides=locked)
        for name, value in changes.items():
            setattr(locked, name, value)
        return _save(locked)


def close(user: User) -> User:
    """Close an account. Raises Refused for the owner of an active contract."""
    return update(user, status=User.Status.CLOSED)


def _require_no_contract(user: User) -> None:
    owned = Member.objects.filter(
        user=user, role=Member.Role.OWNER, contract__status=Contract.Status.ACTIVE
    ).select_related("contract")
    if first := owned.first():
        raise Refused(
            f"{user} owns the active contract {first.contract}. Transfer or terminate the contract first.",
            field="status",
        )


def _username(email: str, besides: User | None = None) -> str:
    """Return a unique username, which Django requires: the email if it is free and short enough, else a
    random one.
    """
    taken = User.objects.filter(username=email).exclude(pk=besides.pk if besides else None)
    if email and len(email) <= _USERNAME_LENGTH and not taken.exists():
        return email
    return f"person-{uuid.uuid4().hex}"


def _save(user: User) -> User:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Conflict(
            f"A user with the email {user.email} already exists.", field="email", code=Code.DUPLICATE
        ) from None
    return user
