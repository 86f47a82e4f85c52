"""Create and change tokens. A token is never deleted, only invalidated."""

from __future__ import annotations

import re
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts import emaid
from accounts.models import Contract, Token, TokenGroup, UnknownToken
from accounts.models.contract import contract_key
from accounts.models.token import normalise_uid
from accounts.services import membership, token_events, token_groups
from accounts.services.token_events import Change, can_charge
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

# Types in the API's spelling, and their OCPI types (OCPI 2.2.1 12.4.4).
INPUT_TYPES: Final = {
    "RFID": Token.Type.RFID,
    "APP": Token.Type.APP_USER,
    "APP_USER": Token.Type.APP_USER,
    "AD_HOC_USER": Token.Type.AD_HOC_USER,
    "EMAID": Token.Type.EMAID,
    "VEHICLE": Token.Type.OTHER,
    "AUTOCHARGE": Token.Type.OTHER,
    "OTHER": Token.Type.OTHER,
}
UID_LENGTH: Final = 255
# Fields that decide whether a person may hold the token.
_HOLDER_FIELDS: Final = frozenset({"user", "contract", "group_id", "valid"})
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
    """Create a token and remove its uid from the unknown tokens.

    Raises Conflict when uid and type already exist; Invalid for a vehicle without a MAC address, a user who
    may not charge under the contract, a group of another contract, or a period that ends before it begins.
    An eMAID belongs to the contract of this id, if there is one.
    """
    _require_known(given)
    if INPUT_TYPES[type] == Token.Type.EMAID and given.get("contract") is None:
        given["contract"] = Contract.objects.filter(contract_key=contract_key(uid)).first()
    token = Token(uid=canonical_uid(uid, type), type=INPUT_TYPES[type], **given)
    with transaction.atomic():
        _save(token, has_new_holder=True)
        UnknownToken.objects.filter(uid_key=token.uid_key).delete()
        token_events.created([token])
    return token


def update(token: Token, **changes: Any) -> Token:
    """Change any of FIELDS. Raises Conflict and Invalid as `create` does."""
    _require_known(changes)
    if "type" in changes:
        kind = changes["type"]
        changes["uid"] = canonical_uid(changes.get("uid", token.uid), kind)
        changes["type"] = INPUT_TYPES[kind]
    could_charge, was_valid, status = can_charge(token), token.valid, token.status
    for name, value in changes.items():
        setattr(token, name, value)
    token.reconcile(changes, before=status)
    with transaction.atomic():
        is_valid_again = token.valid and not was_valid
        _save(token, has_new_holder=is_valid_again or not _HOLDER_FIELDS.isdisjoint(changes))
        token_events.changed([Change(token, changes, could_charge)])
    return token


def block(token: Token) -> Token:
    """Block a token until it is unblocked. Raises Conflict unless it is active or blocked."""
    if token.status not in (Token.Status.ACTIVE, Token.Status.BLOCKED):
        raise Conflict(f"Token {token.uid} is {token.status}.", field="status")
    return update(token, status=Token.Status.BLOCKED)


def unblock(token: Token) -> Token:
    """Unblock a token. Raises Conflict when it is lost, expired or invalid."""
    if token.status not in (Token.Status.ACTIVE, Token.Status.BLOCKED):
        raise Conflict(f"Token {token.uid} is {token.status}, not blocked.", field="status")
    return update(token, status=Token.Status.ACTIVE)


def invalidate(token: Token) -> Token:
    """Invalidate a token. This is how a token is deleted: the row stays, but cannot charge."""
    return update(
        token,
        status=Token.Status.INVALID,
        valid=False,  # equivalent: no token with this status is valid; the event names the field
    )


def type_of(uid: str) -> str:
    """The type that a uid has by its form. Only a check character tells a contract id from a card."""
    if uid.upper().startswith("VID:"):
        return "OTHER"
    contract_id = emaid.parse(uid)
    is_contract = contract_id is not None and contract_id.check and emaid.comparable(uid)
    return "EMAID" if is_contract else "RFID"


def canonical_uid(uid: str, type: str) -> str:
    """Return the stored form of a uid: for an autocharge vehicle `VID:` and the 12 hex digits of its MAC
    address. Raises Invalid for another text, and for an eMAID that is none.
    """
    if type == Token.Type.EMAID and not emaid.comparable(uid):
        raise Invalid(
            "Use an eMAID of ISO 15118: country, provider, 9 characters and a check character, such as "
            "DE-8AA-CA2B3C4D5-L.",
            field="uid",
        )
    if type not in _VEHICLES:
        return uid.strip()
    digits = re.sub(r"[:.\- ]", "", re.sub(r"^\s*VID:", "", uid, flags=re.IGNORECASE)).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise Invalid("A vehicle's uid must be its MAC address (12 hex digits).", field="uid")
    return f"VID:{digits}"


def check_fields(token: Token, group: TokenGroup | None) -> None:
    """Check the fields of a token against each other and its group; the group's contract becomes the token's.

    Raises Invalid.
    """
    if token.valid_from and token.expires_at and token.expires_at <= token.valid_from:
        raise Invalid("expires_at must be after valid_from.", field="expires_at")
    if len(normalise_uid(token.uid)) > UID_LENGTH:
        raise Invalid(f"The uid must have at most {UID_LENGTH} characters.", field="uid")
    token.contract = token_groups.contract_in(group, token.contract)


def _require_known(given: dict[str, Any]) -> None:
    if unexpected := given.keys() - FIELDS:
        raise TypeError(f"token has no field {', '.join(sorted(unexpected))}")


def _save(token: Token, *, has_new_holder: bool) -> None:
    try:
        with transaction.atomic():
            if token.contract_id is not None:
                # The contract is locked until the token is saved, so that the member cannot leave it in
                # between.
                Contract.objects.select_for_update().get(pk=token.contract_id)
            check_fields(token, token_groups.find(token.group_id) if token.group_id else None)
            if has_new_holder and token.valid:
                membership.require_holder(token.contract, token.user)
            token.save()
    except IntegrityError:
        raise Conflict(
            f"Token {token.uid} of type {token.type} already exists.", field="uid", code=Code.DUPLICATE
        ) from None
