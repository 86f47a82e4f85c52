"""RequestBatterySwap: let a driver swap batteries (2.1 S02)."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import BatterySwap, ChargePoint
from chargepoints.services import asking
from chargepoints.services.battery_swap import swaps
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.protocol.translate import IdToken
from ocpp_server.request_numbers import new_number
from ocpp_server.sessions import sessions
from ocpp_server.storage.journal import journal

_ACTION: Final = "RequestBatterySwap"


async def _authorize(charge_point: ChargePoint, *, id_token: str, id_token_type: str) -> dict[str, Any]:
    """Raises Conflict for a token that is not authorized: OCPP forbids to send it (S02.FR.03)."""
    refused = await journal.run(sessions.app.why_refused, charge_point, id_token)
    if refused is not None:
        raise refused
    return {"token": IdToken(id_token, id_token_type)}


async def _request(
    charge_point: ChargePoint, *, token: IdToken, actor: str, timeout: float | None, wait: bool
) -> Result:
    number = new_number()
    sent = await asking.send(
        charge_point,
        _ACTION,
        {"requestId": number, "idToken": {"idToken": token.value, "type": token.type}},
        model=BatterySwap,
        create=lambda command_id: swaps.request(
            charge_point, token, number, command_id=command_id, actor=actor
        ),
        actor=actor,
        timeout=timeout,
        wait=wait,
    )
    row = await journal.run(swaps.settle, sent.pk)
    shown = {} if row is None else {"state": row.state, "reason": row.reason}
    return Result(sent, {"swapId": sent.pk, "swapRequestId": number, **shown})


REQUEST_BATTERY_SWAP = command(
    "request-battery-swap",
    _("Request battery swap"),
    _("Let a driver swap batteries at the station."),
    action=_ACTION,
    icon="battery_change",
    position=45,
    fields=(
        fields.Text(
            "id_token",
            _("Token (UID)"),
            name="idTag",
            required=True,
            example="04A1B2C3",
            help=_("It must be authorized here; the station gets no other one."),
        ),
        fields.Text(
            "id_token_type",
            _("Token type"),
            name="idTagType",
            most=20,
            default="Central",
            help=_("2.x idToken type; Central unless given."),
        ),
    ),
    prepare=_authorize,
    run=_request,
    is_for_one=True,
    rest=Rest(
        noun="the battery swap",
        answer="chargepoints.serializers.battery_swap.SwapRequestedSerializer",
        description="409 for a token that is not authorized. The station reports the batteries afterwards: "
        "GET .../battery-swaps/{swapId} has them. A request that no battery follows in time lapses.",
    ),
)
