"""Make and change tokens. They are never deleted: what is not wanted any more becomes invalid."""

from __future__ import annotations

import re
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.models import Contract, Token, TokenGroup, UnknownToken
from accounts.models.token import normalise_uid
from accounts.services import membership, token_groups
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
UID_LENGTH: Final = 255
# What the question hangs on whether somebody may hold this token.
_OF_BEARER: Final = frozenset({"user", "contract", "group_id", "valid"})
_VEHICLES: Final = frozenset({"VEHICLE", "AUTOCHARGE"})
FIELDS: Final = frozenset(
    {
        "uid",
        "type",
        "user",
        "contract",
        "group_id",
        "name",
        "visual_number",
        "issuer",
        "country_code",
        "party_id",
        "language",
        "whitelist",
        "default_profile_type",
        "energy_contract",
        "is_master",
        "status",
        "valid",
        "valid_from",
        "expires_at",
        "energy_wh_per_day",
        "energy_wh_per_month",
        "cost_per_day",
        "cost_per_month",
    }
)


def create(*, uid: str, type: str = "RFID", **given: Any) -> Token:
    """Add a token; its uid leaves the list of unknown ones.

    Raises Conflict when the uid and type exist already; Invalid for a vehicle that is no MAC address, a user
    who may not charge under the contract, a group of another contract, or a period that ends before it
    begins.
    """
    _require_known(given)
    token = Token(uid=canonical_uid(uid, type), type=INPUT_TYPES[type], **given)
    with transaction.atomic():
        _save(token, has_new_bearer=True)
        UnknownToken.objects.filter(uid_key=token.uid_key).delete()
    return token


def update(token: Token, **changes: Any) -> Token:
    """Change any of FIELDS. Raises Conflict and Invalid as `create` does."""
    _require_known(changes)
    kind = changes.get("type", token.type)
    if "uid" in changes or "type" in changes:
        changes["uid"] = canonical_uid(changes.get("uid", token.uid), kind)
        changes["type"] = INPUT_TYPES[kind]
    for name, value in changes.items():
        setattr(token, name, value)
    _save(token, has_new_bearer=not _OF_BEARER.isdisjoint(changes))
    return token


def block(token: Token) -> Token:
    """Refuse this token as Blocked until it is unblocked. Raises Conflict for one that is lost or worse."""
    if token.status not in (Token.Status.ACTIVE, Token.Status.BLOCKED):
        raise Conflict(f"The token {token.uid} is {token.status}.", field="status")
    return update(token, status=Token.Status.BLOCKED)


def unblock(token: Token) -> Token:
    """Let a blocked token charge again. Raises Conflict for one that is lost, expired or invalid."""
    if token.status not in (Token.Status.ACTIVE, Token.Status.BLOCKED):
        raise Conflict(f"The token {token.uid} is {token.status}, not blocked.", field="status")
    return update(token, status=Token.Status.ACTIVE)


def invalidate(token: Token) -> Token:
    """What deleting a token means: it stays, and opens nothing."""
    return update(token, status=Token.Status.INVALID, valid=False)


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


def conform(token: Token, group: TokenGroup | None) -> None:
    """The rules between a token's own fields and its group; a group's contract becomes the token's.

    Raises Invalid.
    """
    if token.valid_from and token.expires_at and token.expires_at <= token.valid_from:
        raise Invalid("The token expires before it begins.", field="expires_at")
    if len(normalise_uid(token.uid)) > UID_LENGTH:
        raise Invalid(f"The uid has more than {UID_LENGTH} characters.", field="uid")
    token.contract = token_groups.contract_in(group, token.contract)


def _require_known(given: dict[str, Any]) -> None:
    if unexpected := given.keys() - FIELDS:
        raise TypeError(f"a token has no {', '.join(sorted(unexpected))}")


def _save(token: Token, *, has_new_bearer: bool) -> None:
    try:
        with transaction.atomic():
            if token.contract_id is not None:
                # Held, so that nobody leaves the contract between the rule and the row.
                Contract.objects.select_for_update().get(pk=token.contract_id)
            conform(token, token_groups.find(token.group_id) if token.group_id else None)
            if has_new_bearer and token.valid:
                membership.require_bearer(token.contract, token.user)
            token.save()
    except IntegrityError:
        raise Conflict(f"There is a token {token.uid} of type {token.type} already.", field="uid") from None
