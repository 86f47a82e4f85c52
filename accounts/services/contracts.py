"""Create, change and terminate contracts. Contracts are never deleted: sessions and invoices
refer to them.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts import emaid
from accounts.models import Contract, Member, User
from accounts.services import membership
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

BUDGETS: Final = ("energy_wh_per_day", "energy_wh_per_month", "cost_per_day", "cost_per_month")
FIELDS: Final = frozenset(
    {
        "contract_id",
        "name",
        "type",
        "status",
        "country_code",
        "party_id",
        "issuer",
        "valid_from",
        "valid_until",
        "max_members",
        "currency",
        "energy_contract",
        *BUDGETS,
    }
)


def create(*, contract_id: str, owner: User, **given: Any) -> Contract:
    """Create a contract with its owner.

    An eMAID fills in an empty country_code and party_id. Raises Conflict for an existing contract id, Invalid
    for a closed owner, an eMAID with a wrong check character or a period that ends before it begins.
    """
    _require_known(given)
    check_id(contract_id)
    contract = Contract(contract_id=contract_id, **given)
    contract.fill_issuer()
    with transaction.atomic():
        membership.require_open(owner, field="owner")
        _save(contract)
        Member(contract=contract, user=owner, role=Member.Role.OWNER).save()
    contract.refresh_from_db()
    return contract


def update(contract: Contract, **changes: Any) -> Contract:
    """Change any of FIELDS.

    Raises Conflict for an existing contract id, a limit below the number of members, or reactivation with a
    closed owner; Invalid for a period that ends before it begins.
    """
    _require_known(changes)
    with transaction.atomic():
        locked = Contract.objects.select_for_update().get(pk=contract.pk)
        is_reactivated = changes.get("status") == locked.Status.ACTIVE != locked.status
        before = locked.contract_id
        if changes.get("contract_id", before) != before:
            check_id(changes["contract_id"])
        for name, value in changes.items():
            setattr(locked, name, value)
        if locked.contract_id != before:
            locked.fill_issuer(before=before)
        if is_reactivated:
            _require_open_owner(locked)
        if locked.max_members is not None and locked.member_count > locked.max_members:
            raise Conflict(
                f"max_members must be at least {locked.member_count}, the number of members.",
                field="max_members",
                code=Code.LIMIT_REACHED,
            )
        return _save(locked)


def check_id(contract_id: str) -> None:
    """Raises Invalid for an eMAID with a wrong check character."""
    if right := emaid.expected_check(contract_id):
        wrong = contract_id.strip()[-1].upper()
        raise Invalid(
            f"The check character of this eMAID must be {right}, not {wrong}. You may also leave it out.",
            field="contract_id",
        )


def terminate(contract: Contract) -> Contract:
    """Terminate a contract. Its tokens are refused from now on."""
    return update(contract, status=Contract.Status.TERMINATED)


def _require_open_owner(contract: Contract) -> None:
    for owner in Member.objects.filter(contract=contract, role=Member.Role.OWNER).select_related("user"):
        try:
            membership.require_open(owner.user, field="status")
        except Invalid as error:
            raise Conflict(f"The owner of contract {contract} is closed.", field=error.field) from None


def _require_known(given: dict[str, Any]) -> None:
    if unexpected := given.keys() - FIELDS:
        raise TypeError(f"contract has no field {', '.join(sorted(unexpected))}")


def _save(contract: Contract) -> Contract:
    if contract.valid_from and contract.valid_until and contract.valid_until <= contract.valid_from:
        raise Invalid("valid_until must be after valid_from.", field="valid_until")
    try:
        with transaction.atomic():
            contract.save()
    except IntegrityError:
        raise Conflict(
            f"Contract {contract.contract_id} already exists.", field="contract_id", code=Code.DUPLICATE
        ) from None
    return contract
