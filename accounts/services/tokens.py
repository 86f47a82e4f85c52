"""Make and change tokens. They are never deleted: what is not wanted any more becomes invalid."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import Token, UnknownToken
from ocpp_server.domain import Conflict, Invalid

# What callers write, and the OCPI type it is (OCPI 2.2.1 12.4.4).
INPUT_TYPES: Final = {
    "RFID": Token.Type.RFID,
    "APP": Token.Type.APP_USER,
    "APP_USER": Token.Type.APP_USER,
    "AD_HOC_USER": Token.Type.AD_HOC_USER,
    "VEHICLE": Token.Type.OTHER,
    "AUTOCHARGE": Token.Type.OTHER,
    "OTHER": Token.Type.OTHER,
}
_VEHICLES: Final = frozenset({"VEHICLE", "AUTOCHARGE"})
_FIELDS: Final = frozenset({"uid", "type", "status", "valid", "group_id", "name", "expires_at"})


def create(
    *,
    uid: str,
    type: str = "RFID",
    status: str = Token.Status.ACTIVE,
    valid: bool = True,
    group_id: str = "",
    name: str = "",
    expires_at: datetime | None = None,
) -> Token:
    """Add a token; its uid leaves the list of unknown ones.

    Raises Conflict when the uid and type exist already, Invalid for a vehicle that is no MAC address.
    """
    token = Token(
        uid=canonical_uid(uid, type),
        type=INPUT_TYPES[type],
        status=status,
        valid=valid,
        group_id=group_id,
        name=name,
        expires_at=expires_at,
    )
    with transaction.atomic():
        _save(token)
        UnknownToken.objects.filter(uid_key=token.uid_key).delete()
    return token


def update(token: Token, **changes: Any) -> Token:
    """Change any of uid, type, status, valid, group_id, name, expires_at. Raises Conflict, Invalid."""
    unexpected = changes.keys() - _FIELDS
    if unexpected:
        raise TypeError(f"a token has no {', '.join(sorted(unexpected))}")
    kind = changes.get("type", token.type)
    if "uid" in changes or "type" in changes:
        changes["uid"] = canonical_uid(changes.get("uid", token.uid), kind)
        changes["type"] = INPUT_TYPES[kind]
    for name, value in changes.items():
        setattr(token, name, value)
    _save(token)
    return token


def add_unknown(unknown: UnknownToken, *, name: str = "") -> Token:
    """Make a token of a uid that nobody knew when it was presented. Raises Conflict when it is known by
    now.
    """
    is_vehicle = unknown.uid.upper().startswith("VID:")
    return create(uid=unknown.uid, type="OTHER" if is_vehicle else "RFID", name=name)


def canonical_uid(uid: str, type: str) -> str:
    """The uid as it is stored: an autocharge vehicle is `VID:` and the 12 hex digits of its MAC address."""
    if type not in _VEHICLES:
        return uid.strip()
    digits = re.sub(r"[:.\- ]", "", re.sub(r"^\s*VID:", "", uid, flags=re.IGNORECASE)).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise Invalid("A vehicle's uid is its MAC address: 12 hex digits.", field="uid")
    return f"VID:{digits}"


def _save(token: Token) -> None:
    try:
        with transaction.atomic():
            token.save()
    except IntegrityError:
        raise Conflict(f"There is a token {token.uid} of type {token.type} already.") from None
