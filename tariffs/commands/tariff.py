"""CostUpdated (2.x I02), and the tariffs of stations that calculate costs themselves (2.1 I07-I11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.capabilities import Needs
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Conflict, Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.storage.journal import journal
from ocpp_server.transport.command_store import Addressee
from tariffs.services.tariff import checking
from tariffs.services.tariff.amounts import amount
from tariffs.services.tariff.local_costs import ENABLED_TARIFF
from tariffs.services.tariff.running import COST_UPDATED, SHOWS_COSTS
from transactions.models import Transaction
from transactions.services.transactions.lookups import to_stop

_TARIFF = Needs(variable=ENABLED_TARIFF)
_EXAMPLE = {
    "tariffId": "day-2026-1",
    "currency": "EUR",
    "energy": {"prices": [{"priceKwh": 0.42}], "taxRates": [{"type": "VAT", "tax": 20}]},
}


def _session() -> fields.Transaction:
    return fields.Transaction(
        "transaction",
        _("Session"),
        name="transactionId",
        required=True,
        help=_("The session's number, or the id that the station gave it. It must be running."),
    )


def _tariff() -> fields.Object:
    return fields.Object(
        "tariff",
        _("Tariff"),
        required=True,
        example=_EXAMPLE,
        help=_(
            "An object TariffType of OCPP 2.1. Prices are without tax, those of time per minute; times of "
            "day are local. Another content needs another tariffId; without one it gets a hash."
        ),
    )


def _evse(help: Label) -> fields.Evse:
    return fields.Evse(
        "evse_number", _("EVSE"), name="evseId", least=0, nothing=_("Every EVSE"), default=0, help=help
    )


async def _running(charge_point: ChargePoint, transaction: Transaction | int | str) -> Transaction:
    """The running session of this station. Raises Missing, StationOffline; Conflict for an ended one."""
    if not isinstance(transaction, Transaction):
        if not live.state().is_connected(charge_point.identity):
            raise StationOffline(f"{charge_point.identity} is known but offline.")
        transaction = await journal.run(to_stop, transaction, charge_point)
    if not transaction.is_active:
        raise Conflict(f"Transaction {transaction.pk} has ended.", code=Code.TRANSACTION_ENDED)
    return transaction


# -- CostUpdated ---------------------------------------------------------------------------------------------


async def _check_cost(
    charge_point: ChargePoint, *, transaction: Transaction | int | str, total_cost: Any
) -> dict[str, Any]:
    found = amount(total_cost)
    if found is None:
        raise Invalid("Must be a number below 1,000,000,000,000.", field="totalCost")
    return {"transaction": await _running(charge_point, transaction), "total_cost": found}


UPDATE_COST = command(
    "update-cost",
    _("Update cost"),
    _("Show the driver the cost of the running session so far."),
    action=COST_UPDATED,
    icon="payments",
    position=140,
    fields=(
        _session(),
        fields.Json(
            "total_cost",
            _("Cost so far"),
            required=True,
            lines=1,
            example=4.2,
            help=_("With tax, in the currency of the station's variable TariffCostCtrlr.Currency."),
        ),
    ),
    prepare=_check_cost,
    spell_2x=lambda *, transaction, total_cost: {
        "totalCost": float(total_cost),
        "transactionId": transaction.ocpp_id,
    },
    needs=SHOWS_COSTS,
    rest=Rest(
        description="`GET /api/v1/session-costs/{transactionId}` has the last cost that the station has "
        "taken. The cost of an ended session is in the answer to its end.",
    ),
)


# -- default tariffs -----------------------------------------------------------------------------------------


async def _check_default(
    charge_point: ChargePoint, *, tariff: dict[str, Any], evse_number: int = 0
) -> dict[str, Any]:
    """Raises Invalid with the wrong fields, and Conflict for the id of another tariff."""
    whole = checking.with_id(tariff)
    await journal.run(checking.check, whole)
    return {"tariff": whole, "evse_number": evse_number}


def _warn_default(charge_point: ChargePoint, *, tariff: dict[str, Any], evse_number: int = 0) -> str:
    return checking.doubts(charge_point, tariff)


SET_DEFAULT_TARIFF = command(
    "set-default-tariff",
    _("Set default tariff"),
    _("Give the station the tariff by which it calculates the cost of sessions."),
    action="SetDefaultTariff",
    icon="sell",
    position=150,
    fields=(_tariff(), _evse(_("The tariff of each EVSE when 0 or missing."))),
    prepare=_check_default,
    warn=_warn_default,
    spell_2x=lambda *, tariff, evse_number=0: {"evseId": evse_number, "tariff": tariff},
    needs=_TARIFF,
    rest=Rest(
        description="`GET .../tariffs` has the tariff with the station's answer. A tariff with `validFrom` "
        "waits for its time. Running sessions keep theirs.",
    ),
)

GET_TARIFFS = command(
    "get-tariffs",
    _("Get tariffs"),
    _("Read the tariffs that the station has, and compare them with the wanted ones."),
    action="GetTariffs",
    icon="price_check",
    position=151,
    fields=(_evse(_("Only the tariffs of this EVSE.")),),
    spell_2x=lambda *, evse_number=0: {"evseId": evse_number},
    needs=_TARIFF,
    rest=Rest(
        description="`GET .../tariffs` has the result: confirmed, missing (wanted, but not at the station) "
        "or foreign (not sent by this server).",
    ),
)


def _danger_clear(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    if arguments.get("tariff_ids"):
        return ""
    return gettext("Without tariff IDs, all default tariffs there are deleted.")


def _spell_clear(*, tariff_ids: list[str] | None = None, evse_number: int | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = {"tariffIds": tariff_ids} if tariff_ids else {}
    return payload | ({"evseId": evse_number} if evse_number else {})


CLEAR_TARIFFS = command(
    "clear-tariffs",
    _("Clear tariffs"),
    _("Delete default tariffs of the station. Running sessions keep theirs."),
    action="ClearTariffs",
    icon="money_off",
    position=152,
    fields=(
        fields.Texts(
            "tariff_ids",
            _("Tariff IDs"),
            most_characters=60,
            example=["day-2026-1"],
            help=_("All when empty."),
        ),
        fields.Evse(
            "evse_number",
            _("EVSE"),
            name="evseId",
            nothing=_("Every EVSE"),
            help=_("Only those of this EVSE."),
        ),
    ),
    danger=_danger_clear,
    spell_2x=_spell_clear,
    needs=_TARIFF,
)


# -- the tariff of a session ---------------------------------------------------------------------------------


async def _check_change(
    charge_point: ChargePoint, *, transaction: Transaction | int | str, tariff: dict[str, Any]
) -> dict[str, Any]:
    """Raises Invalid with the wrong fields, and Conflict for the id of another tariff or an ended session."""
    session = await _running(charge_point, transaction)
    whole = checking.with_id(tariff)
    await journal.run(checking.check, whole)
    return {"transaction": session, "tariff": whole}


def _warn_change(charge_point: ChargePoint, *, transaction: Any, tariff: dict[str, Any]) -> str:
    return checking.doubts(charge_point, tariff)


CHANGE_TRANSACTION_TARIFF = command(
    "change-transaction-tariff",
    _("Change session tariff"),
    _("Apply another tariff to the rest of a running session."),
    action="ChangeTransactionTariff",
    icon="currency_exchange",
    position=153,
    fields=(_session(), _tariff()),
    prepare=_check_change,
    warn=_warn_change,
    spell_2x=lambda *, transaction, tariff: {"transactionId": transaction.ocpp_id, "tariff": tariff},
    needs=_TARIFF,
    rest=Rest(
        description="What the session has cost before stays. `GET /api/v1/session-costs/{transactionId}` has "
        "the answer, and `newTariff.isInUse` once the station has reported the change.",
    ),
)
