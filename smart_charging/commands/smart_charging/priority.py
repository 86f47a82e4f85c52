"""Priority charging of a session (2.1 K21)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Conflict, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.storage.journal import journal
from smart_charging.commands.smart_charging.common import NEEDS
from transactions.models import Transaction
from transactions.services.transactions.lookups import to_stop


async def running_session(charge_point: ChargePoint, reference: Transaction | int | str) -> Transaction:
    """The running session that a command names. Raises Missing, Conflict, StationOffline."""
    found = reference
    if not isinstance(found, Transaction):
        if not live.state().is_connected(charge_point.identity):
            raise StationOffline(f"{charge_point.identity} is known but offline.")
        found = await journal.run(to_stop, found, charge_point)
    if not found.is_active:
        raise Conflict(f"Transaction {found.pk} has ended.", code=Code.TRANSACTION_ENDED)
    return found


async def _find(
    charge_point: ChargePoint, *, transaction: Transaction | int | str, **rest: Any
) -> dict[str, Any]:
    return {**rest, "transaction": await running_session(charge_point, transaction)}


def _spell(*, transaction: Transaction, ends: bool = False) -> dict[str, Any]:
    return {"transactionId": transaction.ocpp_id, "activate": not ends}


USE_PRIORITY_CHARGING = command(
    "use-priority-charging",
    _("Priority charging"),
    _("Let the station's profile for priority charging replace the limits of a session."),
    action="UsePriorityCharging",
    icon="priority_high",
    position=135,
    fields=(
        fields.Transaction("transaction", _("Session"), name="transactionId", required=True),
        fields.Flag("ends", _("End the priority"), name="deactivate", example=True),
    ),
    prepare=_find,
    spell_2x=_spell,
    needs=NEEDS,
    rest=Rest(
        description="NoProfile: set a charging profile with the purpose PriorityCharging first. "
        "`GET .../charging-plans` has the priority of each session, as the station or an operator changed it."
    ),
)
