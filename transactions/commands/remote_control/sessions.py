"""Remote start and remote stop (1.6 5.11, 5.12; 2.x F01, F02, F03)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.charging_profiles import start_profiles
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import StationOffline
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.request_numbers import new_number
from ocpp_server.storage.journal import journal
from ocpp_server.transport.command_store import Addressee
from transactions.models import Transaction
from transactions.services.authorization.decision import refuse_remote_start, warn_remote_start
from transactions.services.transactions.lookups import to_stop


async def _authorize(
    charge_point: ChargePoint,
    *,
    id_token: str,
    evse_number: int | None = None,
    force: bool = False,
    charging_profile: Any = None,
    **rest: Any,
) -> dict[str, Any]:
    """Raises Conflict for a token that may not charge there, unless `force`; the errors of the port for a
    charging profile.
    """
    if charging_profile is not None:
        rest["charging_profile"] = await start_profiles.app.prepare(
            charge_point, evse_number=evse_number, given=charging_profile
        )
    if not force and live.state().is_connected(charge_point.identity):
        refused = await journal.run(refuse_remote_start, charge_point, id_token, evse_number)
        if refused is not None:
            raise refused
    return {"id_token": id_token, "evse_number": evse_number, **rest}


def _warn(
    charge_point: ChargePoint,
    *,
    id_token: str,
    force: bool = False,
    **rest: Any,
) -> str:
    """A sentence about an unknown token, unless `force`."""
    return "" if force else warn_remote_start(charge_point, id_token)


def _start_16(
    *,
    id_token: str,
    id_token_type: str,
    evse_number: int | None = None,
    charging_profile: ChargingProfile | None = None,
) -> dict[str, Any]:
    payload: dict[str, Any] = {"idTag": id_token}
    payload |= {} if evse_number is None else {"connectorId": evse_number}
    if charging_profile is not None:
        payload["chargingProfile"] = translate.charging_profile_16(charging_profile)
    return payload


def _start_2x(
    *,
    id_token: str,
    id_token_type: str,
    evse_number: int | None = None,
    charging_profile: ChargingProfile | None = None,
) -> dict[str, Any]:
    number = new_number()  # the station sends it with the transaction (F01.FR.25)
    payload: dict[str, Any] = {
        "idToken": {"idToken": id_token, "type": id_token_type},
        "remoteStartId": number,
    }
    if charging_profile is not None:
        payload["chargingProfile"] = translate.charging_profile_2x(charging_profile)
    return payload | ({} if evse_number is None else {"evseId": evse_number})


def _token_type(field: fields.Text, charge_point: Addressee) -> fields.Text | None:
    return in_dialect(charge_point.ocpp_version, None, field)


REMOTE_START = command(
    "remote-start",
    _("Remote start"),
    _("Start a session with a token, as if it had been presented at the station."),
    action="RequestStartTransaction",
    action_16="RemoteStartTransaction",
    icon="play_arrow",
    tone="primary",
    position=10,
    fields=(
        fields.Text(
            "id_token",
            _("Token (UID)"),
            name="idTag",
            required=True,
            most=36,
            example="04A1B2C3",
            help=_("An unknown token is sent with a warning: the station may refuse it or end the session."),
        ),
        fields.Evse("evse_number", _("EVSE"), name="connectorId", nothing=_("Chosen by the station")),
        fields.Text(
            "id_token_type",
            _("Token type"),
            name="idTagType",
            most=20,
            default="Central",
            help=_("2.x idToken type; Central unless given."),
            adapt=_token_type,
        ),
        fields.Json(
            "charging_profile",
            _("Charging profile"),
            example={"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
            help=_(
                "An object with the fields of the command Set charging profile, for this session alone; "
                "relative to its start unless given otherwise."
            ),
        ),
        fields.Flag(
            "force",
            _("Start even if this token is not authorized"),
            help=_("Start although the token may not charge there."),
        ),
    ),
    prepare=_authorize,
    warn=_warn,
    spell_16=_start_16,
    spell_2x=_start_2x,
    rest=Rest(
        noun="the remote start",
        echo=("connectorId",),
        description="Accepted: the station will try. GET .../commands/{requestId} has the outcome. "
        "A known token that may not charge there gets 409 with the reason, unless `force`. An unknown token "
        "is sent, and the answer has a `warning`: the server refuses the token when the station asks for it, "
        "unless the station accepts unknown tokens. Add the token before, also that of a roaming partner.",
    ),
)


async def _find(charge_point: ChargePoint, *, transaction: Transaction | int | str) -> dict[str, Any]:
    """Raises Missing, and Conflict for a transaction that the station has ended."""
    if not isinstance(transaction, Transaction):
        if not live.state().is_connected(charge_point.identity):
            raise StationOffline(f"{charge_point.identity} is known but offline.")
        transaction = await journal.run(to_stop, transaction, charge_point)
    return {"transaction": transaction}


REMOTE_STOP = command(
    "remote-stop",
    _("Remote stop"),
    _("Stop a running session."),
    action="RequestStopTransaction",
    action_16="RemoteStopTransaction",
    icon="stop",
    position=20,
    fields=(
        fields.Transaction(
            "transaction",
            _("Session"),
            name="transactionId",
            required=True,
            help=_("The transaction's number, or the id that a 2.x station gave it."),
        ),
    ),
    prepare=_find,
    spell_16=lambda transaction: {"transactionId": transaction.number_at_station},
    spell_2x=lambda transaction: {"transactionId": transaction.ocpp_id},
    rest=Rest(noun="the remote stop", echo=("transactionId",)),
)
