"""Look up users, contracts, members, tokens and groups by the ids in a URL or a request body."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet

from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.models.contract import contract_key
from accounts.models.token import normalise_uid
from ocpp_server.api.lookups import TEXT, Lookup
from ocpp_server.domain import Invalid, Missing
from ocpp_server.storage.row_numbers import row_number

_Row = TypeVar("_Row", bound=Model)


def _locked_if(rows: QuerySet[_Row], lock: bool) -> QuerySet[_Row]:
    # Lock only the row itself: PostgreSQL refuses FOR UPDATE on the nullable side of an outer join.
    return rows.select_for_update(of=("self",)) if lock else rows


def user(text: str, *, lock: bool = False) -> User:
    """Return a person who charges by id. Raises Invalid for a malformed id, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a valid user id.", field="id")
    found: User | None = _locked_if(User.objects.people(), lock).filter(pk=number).first()
    if found is None:
        raise Missing(f"User {text} not found.")
    return found


def named_user(number: int, field: str) -> User:
    """Return the user given in a request body. Raises Invalid."""
    found: User | None = User.objects.people().filter(pk=number).first()
    if found is None:
        raise Invalid(f"User {number} not found.", field=field)
    return found


def contract(text: str, *, lock: bool = False) -> Contract:
    """Return the contract with this id, else with this contract_id. Raises Missing."""
    rows = _locked_if(Contract.objects.all(), lock)
    number = row_number(text)
    found = rows.filter(pk=number).first() if number else None
    found = found or rows.filter(contract_key=contract_key(text)).first()
    if found is None:
        raise Missing(f"Contract {text} not found.")
    return found


def named_contract(text: str | None) -> Contract | None:
    """Return the contract given in a request body; None for null or an empty text. Raises Invalid."""
    if not text:
        return None
    try:
        return contract(text)
    except Missing as missing:
        raise Invalid(missing.sentence, field="contract_id") from None


def member(of: Contract, text: str) -> Member:
    """Return a contract's member by user id. Raises Invalid for a malformed id, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a valid user id.", field="user_id")
    found = Member.objects.filter(contract=of, user_id=number).select_related("user").first()
    if found is None:
        raise Missing(f"User {text} is not a member of contract {of}.")
    return found


def token(text: str, *, lock: bool = False) -> Token:
    """Return a token by id. Raises Invalid for a malformed id, Missing."""
    number = row_number(text)
    if number is None:
        raise Invalid(f"{text!r} is not a valid token id.", field="id")
    found = _locked_if(Token.objects.select_related("contract", "user"), lock).filter(pk=number).first()
    if found is None:
        raise Missing(f"Token {text} not found.")
    return found


def token_by_uid(uid: str, kind: str | None = None, *, lock: bool = False) -> Token:
    """Return the token with this uid (the oldest when several types share it and none is given). Raises
    Missing.
    """
    rows = _locked_if(Token.objects.select_related("contract", "user"), lock).filter(
        uid_key=normalise_uid(uid)
    )
    if kind:
        rows = rows.filter(type=kind)
    found = rows.order_by("pk").first()
    if found is None:
        raise Missing(f"Token {uid} not found.")
    return found


def group(text: str, *, lock: bool = False) -> TokenGroup:
    """Return the group with this id, else with this group_id. Raises Missing."""
    rows = _locked_if(TokenGroup.objects.select_related("contract"), lock)
    number = row_number(text)
    found = rows.filter(pk=number).first() if number else None
    found = found or rows.filter(group_key=text.strip().casefold()).first()
    if found is None:
        raise Missing(f"Token group {text} not found.")
    return found


USER = Lookup("user_id", "The server's id.", find=user)
CONTRACT = Lookup("contract_id", "id or contract_id.", TEXT, contract)
MEMBER = Lookup("user_id", "The server's id.", key="user_id")
TOKEN = Lookup("token_id", "The server's id.", find=token)
UID = Lookup("uid", "Case-insensitive.", TEXT)
GROUP = Lookup("group_id", "id or group_id.", TEXT, group)
