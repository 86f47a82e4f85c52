"""Members of a contract: adding, changing and removing them, the rights of each role, and transfer to another
owner.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Contract, Member, Token, User
from accounts.services import token_events
from accounts.services.token_events import Change, can_charge
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code


class Action(StrEnum):
    """An action on a contract that a role may allow."""

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


# An owner may do everything. A member charges with their own tokens and sees their own sessions. A viewer
# sees sessions and never charges.
RIGHTS: Final[dict[str, frozenset[Action]]] = {
    Member.Role.OWNER: frozenset(Action),
    Member.Role.MEMBER: frozenset(
        {Action.SEE_CONTRACT, Action.SEE_OWN_SESSIONS, Action.CHARGE, Action.MANAGE_OWN_TOKENS}
    ),
    Member.Role.VIEWER: frozenset({Action.SEE_CONTRACT, Action.SEE_OWN_SESSIONS, Action.SEE_ALL_SESSIONS}),
}


def may(member: Member | None, action: Action | str) -> bool:
    """Whether this member may perform the action. Invited and removed members may do nothing.

    Raises ValueError for an action that does not exist.
    """
    checked = Action(action)
    return member is not None and member.status == Member.Status.ACTIVE and checked in RIGHTS[member.role]


def add(
    contract: Contract, *, user: User, role: str = Member.Role.MEMBER, status: str = Member.Status.ACTIVE
) -> Member:
    """Add a user to a contract, or add a removed member again.

    Raises Conflict for a second owner, a user who is already a member, a full or a terminated contract;
    Invalid for a closed user.
    """
    _require_no_owner(role)
    if status == Member.Status.REMOVED:
        raise Invalid("A new member's status must be invited or active.", field="status")
    with transaction.atomic():
        locked = Contract.objects.select_for_update().get(pk=contract.pk)
        if locked.status == Contract.Status.TERMINATED:
            raise Conflict(f"Contract {locked} is terminated.", field="contract_id")
        require_open(user, field="user_id")
        member = Member.objects.filter(contract=locked, user=user).first()
        if member is not None and member.status != Member.Status.REMOVED:
            raise Conflict(
                f"{user} is already a member of contract {locked}.", field="user_id", code=Code.DUPLICATE
            )
        member = member or Member(contract=locked, user=user)
        member.role, member.status = role, status
        return _save(member)


def change(member: Member, *, role: str | None = None, status: str | None = None) -> Member:
    """Change a member's role or status. A member who may no longer charge loses the contract's tokens.

    Raises Conflict when the contract would have no owner or two.
    """
    with transaction.atomic():
        Contract.objects.select_for_update().get(pk=member.contract_id)
        member.refresh_from_db()
        is_owner = member.role == Member.Role.OWNER
        if is_owner and role not in (None, Member.Role.OWNER):
            raise Conflict("Transfer the contract to another owner first.", field="role")
        if is_owner and status not in (None, Member.Status.ACTIVE):
            raise Conflict("Transfer the contract to another owner first.", field="status")
        if not is_owner:
            _require_no_owner(role)
        member.role, member.status = role or member.role, status or member.status
        _save(member)
        if not may(member, Action.CHARGE):
            invalidate_tokens(member)
    return member


def remove(member: Member) -> Member:
    """Remove a member; the row stays as history. Raises Conflict for the owner."""
    return change(member, status=Member.Status.REMOVED)


def transfer(*, owner: Member, to: User) -> Member:
    """Transfer the contract of `owner` to another user; the former owner stays as a member.

    `owner` is the owner that the caller read. Raises Conflict when the owner has changed since then, as for
    the second of two simultaneous transfers, and Invalid for a closed user.
    """
    with transaction.atomic():
        contract = Contract.objects.select_for_update().get(pk=owner.contract_id)
        require_open(to, field="user_id")
        if contract.status == Contract.Status.TERMINATED:
            raise Conflict(f"Contract {contract} is terminated.", field="contract_id")
        if owner.user_id == to.pk:
            raise Conflict(f"{to} already owns contract {contract}.", field="user_id")
        locked = Member.objects.filter(pk=owner.pk, role=Member.Role.OWNER)
        if not locked.update(role=Member.Role.MEMBER, updated_at=timezone.now()):
            raise Conflict(f"Contract {contract} was transferred by another request.", field="user_id")
        new = Member.objects.filter(contract=contract, user=to).first() or Member(contract=contract, user=to)
        new.role, new.status = Member.Role.OWNER, Member.Status.ACTIVE
        return _save(new)


def require_open(user: User, *, field: str) -> User:
    """Return the user and lock the row until the end of the transaction. Raises Invalid for a closed user."""
    locked: User = User.objects.select_for_update().get(pk=user.pk)
    if locked.status == User.Status.CLOSED:
        raise Invalid(f"User {user.pk} is closed.", field=field)
    return locked


def invalidate_tokens(member: Member) -> None:
    """Invalidate the tokens a member holds under this contract."""
    locked = Token.objects.filter(contract_id=member.contract_id, user_id=member.user_id, valid=True)
    for token in locked.select_for_update():
        could_charge = can_charge(token)
        token.valid = False
        # Saved one by one: `save` makes the status agree, and its signal drops each token from the cache.
        token.save(update_fields=["valid", "status", "updated_at"])
        token_events.changed([Change(token, ("valid",), could_charge)])


def require_holder(contract: Contract | None, user: User | None) -> None:
    """Raise Invalid unless this user may hold a valid token of this contract."""
    if user is not None:
        user = require_open(user, field="user_id")
    if contract is None or user is None:
        return
    member = Member.objects.filter(contract=contract, user=user).first()
    check_holder(contract, user, None if member is None else (member.role, member.status))


def check_holder(contract: Contract, user: Any, membership: tuple[str, str] | None) -> None:
    """The same rule for a role and status already loaded. Raises Invalid."""
    if membership is None or membership[1] == Member.Status.REMOVED:
        raise Invalid(f"{user} is not a member of contract {contract}.", field="user_id")
    if Action.CHARGE not in RIGHTS[membership[0]]:
        raise Invalid(f"{user} is a viewer of contract {contract}; viewers cannot charge.", field="user_id")


def _require_no_owner(role: str | None) -> None:
    if role == Member.Role.OWNER:
        raise Conflict("A contract has one owner. Transfer the contract instead.", field="role")


def _save(member: Member) -> Member:
    """Save a member. Constraints keep one owner, one row per person and the limit when requests race."""
    try:
        with transaction.atomic():
            member.save()
    except IntegrityError as error:
        if "within_limit" in str(error):
            limit = Contract.objects.values_list("max_members", flat=True).get(pk=member.contract_id)
            raise Conflict(
                f"Member limit reached ({limit}).", field="max_members", code=Code.LIMIT_REACHED
            ) from None
        raise Conflict(
            "Another request changed the members of this contract. Try again.", field="user_id"
        ) from None
    return member
