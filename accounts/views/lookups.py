"""Look up users, contracts, members, tokens and groups by the ids in a URL or a request body."""

from __future__ import annotations

from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.models.contract import contract_key
from accounts.models.token import normalise_uid
from ocpp_server.api.lookups import TEXT, Lookup, by_number, by_number_or, locked_if, required
from ocpp_server.domain import Invalid, Missing
from ocpp_server.storage.row_numbers import row_number

_TOKENS = Token.objects.select_related("contract", "user")


def user(text: str, *, lock: bool = False) -> User:
    """Return a person who charges by id. Raises Invalid for a malformed id, Missing."""
    found: User = by_number(User.objects.people(), text, noun="user", lock=lock)
    return found


def named_user(number: int, field: str) -> User:
    """Return the user given in a request body. Raises Invalid."""
    found: User | None = User.objects.people().filter(pk=number).first()
    if found is None:
        raise Invalid(f"User {number} not found.", field=field)
    return found


def contract(text: str, *, lock: bool = False) -> Contract:
    """Return the contract with this id, else with this contract_id. Raises Missing."""
    key = contract_key(text)
    return by_number_or(Contract.objects.all(), text, noun="contract", lock=lock, contract_key=key)


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
    return by_number(_TOKENS.all(), text, noun="token", lock=lock)


def token_by_uid(uid: str, kind: str | None = None, *, lock: bool = False) -> Token:
    """Return the token with this uid (the oldest when several types share it and none is given). Raises
    Missing.
    """
    rows = locked_if(_TOKENS.filter(uid_key=normalise_uid(uid)), lock)
    return required((rows.filter(type=kind) if kind else rows).order_by("pk").first(), uid, "token")


def group(text: str, *, lock: bool = False) -> TokenGroup:
    """Return the group with this id, else with this group_id. Raises Missing."""
    rows, key = TokenGroup.objects.select_related("contract"), text.strip().casefold()
    return by_number_or(rows, text, noun="token group", lock=lock, group_key=key)


USER = Lookup("user_id", "The server's id.", find=user)
CONTRACT = Lookup("contract_id", "id or contract_id.", TEXT, contract)
MEMBER = Lookup("user_id", "The server's id.", key="user_id")
TOKEN = Lookup("token_id", "The server's id.", find=token)
UID = Lookup("uid", "Case-insensitive.", TEXT)
GROUP = Lookup("group_id", "id or group_id.", TEXT, group)
