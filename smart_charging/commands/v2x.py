"""Bidirectional power transfer (2.1 Q01, Q08)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid
from ocpp_server.protocol import translate
from smart_charging.commands.smart_charging.priority import running_session
from transactions.models import Transaction

_NEEDS = Needs(variable="V2XChargingCtrlr.Enabled")
_TRANSFERS = (
    "AC_single_phase", "AC_two_phase", "AC_three_phase", "DC", "AC_BPT", "AC_BPT_DER", "AC_DER", "DC_BPT",
    "DC_ACDP", "DC_ACDP_BPT", "WPT",
)  # fmt: skip
_SMALLEST = -(2**31)


async def _find(
    charge_point: ChargePoint, *, transaction: Transaction | int | str, transfers: list[str]
) -> dict[str, Any]:
    """Raises Invalid for unknown transfers, and the errors of `running_session`."""
    unknown = [one for one in transfers if one not in _TRANSFERS]
    if unknown or not transfers:
        raise Invalid(f"Must be some of: {', '.join(_TRANSFERS)}.", field="allowedEnergyTransfer")
    return {"transaction": await running_session(charge_point, transaction), "transfers": transfers}


def _spell_allowed(*, transaction: Transaction, transfers: list[str]) -> dict[str, Any]:
    return {"transactionId": transaction.ocpp_id, "allowedEnergyTransfer": transfers}


NOTIFY_ALLOWED_ENERGY_TRANSFER = command(
    "notify-allowed-energy-transfer",
    _("Allow energy transfers"),
    _("Tell the station which energy transfers a session may use, such as discharging the vehicle."),
    action="NotifyAllowedEnergyTransfer",
    icon="swap_vert",
    position=140,
    fields=(
        fields.Transaction("transaction", _("Session"), name="transactionId", required=True),
        fields.Texts(
            "transfers",
            _("Energy transfers"),
            name="allowedEnergyTransfer",
            required=True,
            most=len(_TRANSFERS),
            most_characters=20,
            example=["DC", "DC_BPT"],
            help=_("Such as AC_three_phase, AC_BPT, DC or DC_BPT."),
        ),
    ),
    prepare=_find,
    spell_2x=_spell_allowed,
    needs=_NEEDS,
    rest=Rest(
        description="The vehicle sends its needs again. Once this was accepted, needs for another energy "
        "transfer are refused for the session."
    ),
)


def _spell_signal(*, signal: int) -> dict[str, Any]:
    return {"timestamp": translate.time(datetime.now(UTC)), "signal": signal}


AFRR_SIGNAL = command(
    "afrr-signal",
    _("Send aFRR signal"),
    _("Pass on a signal of the grid operator for automatic frequency restoration, with the time of now."),
    action="AFRRSignal",
    icon="cell_tower",
    position=141,
    fields=(
        fields.Whole(
            "signal",
            _("Signal"),
            required=True,
            least=_SMALLEST,
            example=20,
            help=_("A point of the v2xSignalWattCurve."),
        ),
    ),
    spell_2x=_spell_signal,
    needs=_NEEDS,
)
