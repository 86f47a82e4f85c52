"""Who belongs to a contract, what each role may do there, and who may give what to whom."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Contract, Member, Token, User
from ocpp_server.domain import Conflict, Invalid


class Action(StrEnum):
    """What somebody may want to do with a contract."""

    SEE_CONTRACT = "see_contract"
    SEE_OWN_SESSIONS = "see_own_sessions"
    SEE_ALL_SESSIONS = "see_all_sessions"
    CHARGE = "charge"
    MANAGE_OWN_TOKENS = "manage_own_tokens"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_MEMBERS = "manage_members"
    CHANGE_CONTRACT = "change_contract"
    TRANSFER = "transfer"
    TERMINATE = "terminate"


# The owner may do everything, a member charges with own tokens and sees own sessions, a viewer sees and never
# charges.
RIGHTS: Final[dict[str, frozenset[Action]]] = {
    Member.Role.OWNER: frozenset(Action),
    Member.Role.MEMBER: frozenset(
        {Action.SEE_CONTRACT, Action.SEE_OWN_SESSIONS, Action.CHARGE, Action.MANAGE_OWN_TOKENS}
    ),
    Member.Role.VIEWER: frozenset({Action.SEE_CONTRACT, Action.SEE_OWN_SESSIONS, Action.SEE_ALL_SESSIONS}),
}


def may(member: Member | None, action: Action | str) -> bool:
    """Whether this member may do it. Who was invited or has left may do nothing.

    Raises ValueError for an action that does not exist.
    """
    wanted = Action(action)
    return member is not None and member.status == Member.Status.ACTIVE and wanted in RIGHTS[member.role]


def add(
    contract: Contract, *, user: User, role: str = Member.Role.MEMBER, status: str = Member.Status.ACTIVE
) -> Member:
    """Take somebody into a contract, or take somebody back who has left.

    Raises Conflict for a second owner, somebody who belongs to it already, a full or a terminated contract;
    Invalid for somebody who is closed.
    """
    _require_no_owner(role)
    if status == Member.Status.REMOVED:
        raise Invalid("Somebody who joins can't be removed already.", field="status")
    with transaction.atomic():
        held = Contract.objects.select_for_update().get(pk=contract.pk)
        if held.status == Contract.Status.TERMINATED:
            raise Conflict(f"The contract {held} is terminated.", field="contract_id")
        require_open(user, field="user_id")
        member = Member.objects.filter(contract=held, user=user).first()
        if member is not None and member.status != Member.Status.REMOVED:
            raise Conflict(f"{user} belongs to the contract {held} already.", field="user_id")
        member = member or Member(contract=held, user=user)
        member.role, member.status = role, status
        return _save(member)


def change(member: Member, *, role: str | None = None, status: str | None = None) -> Member:
    """Give a member another role or status. Who may no longer charge loses the contract's tokens.

    Raises Conflict where this would leave the contract without its owner or with two.
    """
    with transaction.atomic():
        Contract.objects.select_for_update().get(pk=member.contract_id)
        member.refresh_from_db()
        is_owner = member.role == Member.Role.OWNER
        if is_owner and role not in (None, Member.Role.OWNER):
            raise Conflict("The owner transfers the contract first.", field="role")
        if is_owner and status not in (None, Member.Status.ACTIVE):
            raise Conflict("The owner transfers the contract first.", field="status")
        if not is_owner:
            _require_no_owner(role)
        member.role, member.status = role or member.role, status or member.status
        _save(member)
        if not may(member, Action.CHARGE):
            invalidate_tokens(member)
    return member


def remove(member: Member) -> Member:
    """Let a member go; the row stays, for those who ask later. Raises Conflict for the owner."""
    return change(member, status=Member.Status.REMOVED)


def transfer(*, owner: Member, to: User) -> Member:
    """Hand the contract of `owner` to somebody else; the former owner stays as a member.

    `owner` is who owned it when the caller looked: of two that transfer at once, the second is told.
    Raises Conflict when that has changed, Invalid for somebody who can't own it.
    """
    with transaction.atomic():
        contract = Contract.objects.select_for_update().get(pk=owner.contract_id)
        require_open(to, field="user_id")
        if contract.status == Contract.Status.TERMINATED:
            raise Conflict(f"The contract {contract} is terminated.", field="contract_id")
        if owner.user_id == to.pk:
            raise Conflict(f"{to} owns the contract {contract} already.", field="user_id")
        held = Member.objects.filter(pk=owner.pk, role=Member.Role.OWNER)
        if not held.update(role=Member.Role.MEMBER, updated_at=timezone.now()):
            raise Conflict(f"The contract {contract} was transferred meanwhile.", field="user_id")
        new = Member.objects.filter(contract=contract, user=to).first() or Member(contract=contract, user=to)
        new.role, new.status = Member.Role.OWNER, Member.Status.ACTIVE
        return _save(new)


def require_open(user: User, *, field: str) -> User:
    """The user with their row held until the end of the transaction. Raises Invalid for a closed one."""
    held: User = User.objects.select_for_update().get(pk=user.pk)
    if held.status == User.Status.CLOSED:
        raise Invalid(f"The user {user.pk} is closed.", field=field)
    return held


def invalidate_tokens(member: Member) -> None:
    """What a member held under this contract opens nothing any more."""
    held = Token.objects.filter(contract_id=member.contract_id, user_id=member.user_id, valid=True)
    for token in held.select_for_update():
        token.valid = False
        token.save(update_fields=["valid", "updated_at"])  # one by one: authorization hears of each


def require_bearer(contract: Contract | None, user: User | None) -> None:
    """Whether this user may hold a working token of this contract. Raises Invalid."""
    if user is not None:
        user = require_open(user, field="user_id")
    if contract is None or user is None:
        return
    member = Member.objects.filter(contract=contract, user=user).first()
    refuse_bearer(contract, user, None if member is None else (member.role, member.status))


def refuse_bearer(contract: Contract, user: Any, part: tuple[str, str] | None) -> None:
    """The same rule where the member's role and status are at hand. Raises Invalid."""
    if part is None or part[1] == Member.Status.REMOVED:
        raise Invalid(f"{user} does not belong to the contract {contract}.", field="user_id")
    if Action.CHARGE not in RIGHTS[part[0]]:
        raise Invalid(f"{user} is a viewer of the contract {contract} and never charges.", field="user_id")


def _require_no_owner(role: str | None) -> None:
    if role == Member.Role.OWNER:
        raise Conflict("A contract has one owner; transfer it instead.", field="role")


def _save(member: Member) -> Member:
    """The database keeps one owner, one row for each person and the limit, whoever was faster."""
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as error:
        if "within_limit" in str(error):
            limit = Contract.objects.values_list("max_members", flat=True).get(pk=member.contract_id)
            raise Conflict(f"The contract has {limit} members, its limit.", field="max_members") from None
        raise Conflict(
            "Somebody else changed the members of this contract meanwhile.", field="user_id"
        ) from None
    return member
