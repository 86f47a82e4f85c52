"""The state of a session as its station has it (2.x E14)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, command
from ocpp_server.storage.journal import journal
from transactions.models import Transaction
from transactions.services.transactions.lookups import named


async def _find(
    charge_point: ChargePoint, *, transaction: Transaction | int | str | None = None
) -> dict[str, Any]:
    """Raises Missing for a transaction that the station never had."""
    if transaction is None:
        return {}
    if not isinstance(transaction, Transaction):
        transaction = await journal.run(named, transaction, charge_point)
    return {"transaction": transaction}


def _spell_2x(*, transaction: Transaction | None = None) -> dict[str, Any]:
    return {} if transaction is None else {"transactionId": transaction.ocpp_id}


TRANSACTION_STATUS = command(
    "transaction-status",
    _("Session state"),
    _("Ask for the state of a session, or whether the station has messages to send."),
    action="GetTransactionStatus",
    icon="help_center",
    position=85,
    fields=(
        fields.Transaction(
            "transaction",
            _("Session"),
            name="transactionId",
            help=_("The transaction's number or the station's id for it; without one, the whole queue."),
        ),
    ),
    prepare=_find,
    spell_2x=_spell_2x,
    rest=Rest(
        description="`messagesInQueue` of the response: messages about the session, or any without "
        "`transactionId`, are still to come. A running session that is not ongoing at the station, without "
        "queued messages, ends at its last reading (`ended_by: lost`). The server asks by itself about "
        "missing events, and after a reconnect about open sessions.",
    ),
)
