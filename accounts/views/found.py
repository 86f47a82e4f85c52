"""How users, contracts, members, tokens and groups are found by what stands in an address or a body."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.models.contract import contract_key
from accounts.models.token import normalise_uid
from ocpp_server.api.documents import NUMBER
from ocpp_server.domain import Invalid, Missing
from ocpp_server.storage.row_numbers import row_number

_Row = TypeVar("_Row", bound=Model)

TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
USER_PATH: dict[str, tuple[Any, str]] = {"user_id": (NUMBER, "The number that we gave it.")}
CONTRACT_PATH: dict[str, tuple[Any, str]] = {"contract_id": (TEXT, "Its id or its contract_id.")}
MEMBER_PATH = CONTRACT_PATH | USER_PATH
TOKEN_PATH: dict[str, tuple[Any, str]] = {"token_id": (NUMBER, "The number that we gave it.")}
UID_PATH: dict[str, tuple[Any, str]] = {"uid": (TEXT, "Case makes no difference.")}
GROUP_PATH: dict[str, tuple[Any, str]] = {"group_id": (TEXT, "Its id or its group_id.")}


def _held(rows: QuerySet[_Row], lock: bool) -> QuerySet[_Row]:
    # Only the row itself: what it may or may not point to can't be locked together with it.
    return rows.select_for_update(of=("self",)) if lock else rows


def user(text: str, *, lock: bool = False) -> User:
    """One of those who charge. Raises Invalid for a bad number, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a user's number.", field="id")
    found: User | None = _held(User.objects.people(), lock).filter(pk=number).first()
    if found is None:
        raise Missing(f"There is no user {text}.")
    return found


def named_user(number: int, field: str) -> User:
    """The user that a body names. Raises Invalid."""
    found: User | None = User.objects.people().filter(pk=number).first()
    if found is None:
        raise Invalid(f"There is no user {number}.", field=field)
    return found


def contract(text: str, *, lock: bool = False) -> Contract:
    """The contract with this id, else with this contract_id. Raises Missing."""
    rows = _held(Contract.objects.all(), lock)
    number = row_number(text)
    found = rows.filter(pk=number).first() if number else None
    found = found or rows.filter(contract_key=contract_key(text)).first()
    if found is None:
        raise Missing(f"There is no contract {text}.")
    return found


def named_contract(text: str | None) -> Contract | None:
    """The contract that a body names; null and nothing are none. Raises Invalid."""
    if not text:
        return None
    try:
        return contract(text)
    except Missing as missing:
        raise Invalid(missing.sentence, field="contract_id") from None


def member(of: Contract, text: str) -> Member:
    """Somebody's part in a contract, by the user's number. Raises Invalid, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a user's number.", field="user_id")
    found = Member.objects.filter(contract=of, user_id=number).select_related("user").first()
    if found is None:
        raise Missing(f"The user {text} never belonged to the contract {of}.")
    return found


def token(text: str, *, lock: bool = False) -> Token:
    """The token of this number. Raises Invalid for a bad number, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a token's number.", field="id")
    found = _held(Token.objects.select_related("contract", "user"), lock).filter(pk=number).first()
    if found is None:
        raise Missing(f"There is no token {text}.")
    return found


def token_by_uid(uid: str, kind: str | None = None, *, lock: bool = False) -> Token:
    """The token with this uid, of this type where several have it, else the oldest. Raises Missing."""
    rows = _held(Token.objects.select_related("contract", "user"), lock).filter(uid_key=normalise_uid(uid))
    if kind:
        rows = rows.filter(type=kind)
    found = rows.order_by("pk").first()
    if found is None:
        raise Missing(f"There is no token with the uid {uid}.")
    return found


def group(text: str, *, lock: bool = False) -> TokenGroup:
    """The group with this id, else with this group_id. Raises Missing."""
    rows = _held(TokenGroup.objects.select_related("contract"), lock)
    number = row_number(text)
    found = rows.filter(pk=number).first() if number else None
    found = found or rows.filter(group_key=text.strip().casefold()).first()
    if found is None:
        raise Missing(f"There is no token group {text}.")
    return found
