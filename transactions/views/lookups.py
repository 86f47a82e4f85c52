"""Look up transactions and access rules by their numbers, and what a rule names by their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from accounts.services import token_groups
from accounts.views.lookups import contract, token
from chargepoints.views.lookups import number, site, station
from ocpp_server.api.lookups import Lookup, locked_if, required
from ocpp_server.domain import Invalid, Missing
from transactions.models import AccessRule, Transaction


def transaction(text: str) -> Transaction:
    """The transaction of this number. Raises Invalid for a bad number, Missing."""
    wanted = number(text, "transactionId")
    found = Transaction.objects.select_related("charge_point").filter(pk=wanted).first()
    return required(found, str(wanted), "transaction")


def rule(text: str, *, lock: bool = False) -> AccessRule:
    """The access rule of this number. Raises Invalid for a bad number, Missing."""
    rows = locked_if(AccessRule.objects.select_related("group", "contract", "charge_point"), lock)
    return required(rows.filter(pk=number(text, "rule")).first(), text, "access rule")


def _group(group_id: str) -> Any:
    return required(token_groups.find(group_id), group_id, "token group")


# The field of a body or query -> the argument of the service, and the function that finds the row.
_NAMED: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "token_id": ("token", token),
    "group_id": ("group", _group),
    "contract_id": ("contract", contract),
    "charge_point_id": ("charge_point", station),
    "site_id": ("site", site),
}


def subject_and_place(given: Mapping[str, Any]) -> dict[str, Any]:
    """The rows that the ids in a body or a query name. Raises Invalid."""
    named = {}
    for name, (kind, find) in _NAMED.items():
        if name in given:
            try:
                named[kind] = find(str(given[name]))
            except Missing as missing:
                raise Invalid(missing.sentence, field=name) from None
    return named


TRANSACTION = Lookup("transaction_id", "The number of the transaction.", find=transaction, is_of_sites=True)
RULE = Lookup("rule_id", "The number of the access rule.", find=rule, is_of_sites=True)
