"""Remote start and remote stop (1.6 5.11, 5.12; 2.x F01, F02, F03)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.charging_profiles import start_profiles
from ocpp_server.commanding import NotSupported, Rest, Result, command
from ocpp_server.domain import DomainError, Invalid, StationOffline
from ocpp_server.observability import tracing
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.versions import VERSIONS, Version, in_dialect, label
from ocpp_server.request_numbers import new_number
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee
from transactions.models import Transaction
from transactions.services.authorization.decision import refuse_remote_start, warn_remote_start
from transactions.services.authorization.direct_payments import DIRECT_PAYMENT
from transactions.services.remote_control import requested_starts
from transactions.services.transactions import asking_limits
from transactions.services.transactions.lookups import to_stop


async def _authorize(
    charge_point: ChargePoint,
    *,
    id_token: str,
    evse_number: int | None = None,
    force: bool = False,
    charging_profile: Any = None,
    limits: Any = None,
    **rest: Any,
) -> dict[str, Any]:
    """Raises Conflict for a token that may not charge there, unless `force`, and for what the version or the
    station does not have; Invalid for bad limits or digits; the errors of the port for a charging profile.
    """
    _check_payment(charge_point.ocpp_version, **rest)
    if limits:
        rest["limits"] = requested_starts.checked_limits(limits)
        if charge_point.ocpp_version in VERSIONS:
            await journal.run(asking_limits.require, charge_point, rest["limits"])
    if charging_profile is not None:
        rest["charging_profile"] = await start_profiles.app.prepare(
            charge_point, evse_number=evse_number, given=charging_profile
        )
    is_payment = rest.get("id_token_type") == DIRECT_PAYMENT
    if not (force or is_payment) and live.state().is_connected(charge_point.identity):
        refused = await journal.run(refuse_remote_start, charge_point, id_token, evse_number)
        if refused is not None:
            raise refused
    return {"id_token": id_token, "evse_number": evse_number, **rest}


def _check_payment(
    version: str, *, id_token_type: str = "", card_digits: str | None = None, **rest: Any
) -> None:
    """Raises NotSupported for a version without payments, and Invalid for other than digits of a card."""
    if card_digits is not None and not (card_digits.isascii() and card_digits.isdigit()):
        raise Invalid("Must be the last digits of the card, four at most.", field="cardLastDigits")
    if version not in VERSIONS:
        return
    if id_token_type == DIRECT_PAYMENT and not requested_starts.has_direct_payment(Version(version)):
        raise NotSupported(f"OCPP {label(version)} has no tokens of the type {DIRECT_PAYMENT}.")
    if card_digits is not None and in_dialect(version, True, False):
        raise NotSupported(f"OCPP {label(version)} sends no digits of a card.")


def _warn(
    charge_point: ChargePoint,
    *,
    id_token: str,
    id_token_type: str = "",
    force: bool = False,
    **rest: Any,
) -> str:
    """A sentence about an unknown token, unless `force`, or a payment."""
    is_known = force or id_token_type == DIRECT_PAYMENT
    return "" if is_known else warn_remote_start(charge_point, id_token)


async def _start(
    charge_point: ChargePoint, *, actor: str, timeout: float | None, wait: bool, **given: Any
) -> Result:
    """Send the remote start. One with limits or a payment is noted before: its session may arrive before the
    answer.
    """
    limits = given.pop("limits", {})
    version = charge_point.ocpp_version
    action, payload = REMOTE_START.action_of(version), REMOTE_START.payload(version, given)
    how: dict[str, Any] = {"actor": actor, "timeout": timeout, "wait": wait}
    is_payment = given["id_token_type"] == DIRECT_PAYMENT
    if not (limits or is_payment):
        return Result(await calls.call(charge_point, action, payload, **how))
    await calls.check(charge_point, action, payload)
    command_id = tracing.command_id()
    await journal.run(
        requested_starts.note,
        charge_point.pk,
        command_id=command_id,
        remote_start_id=payload["remoteStartId"],
        payment=given["id_token"] if is_payment else "",
        limits=limits,
        at=datetime.now(UTC),
    )
    try:
        return Result(await calls.call(charge_point, action, payload, command_id=command_id, **how))
    except DomainError:
        await journal.run(requested_starts.forget, command_id)
        raise


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
    card_digits: str | None = None,
) -> dict[str, Any]:
    number = new_number()  # the station sends it with the transaction (F01.FR.25)
    payload: dict[str, Any] = {
        "idToken": {"idToken": id_token, "type": id_token_type},
        "remoteStartId": number,
    }
    if card_digits is not None:
        digits = {"additionalIdToken": card_digits, "type": "CardLast4Digits"}
        payload["idToken"]["additionalInfo"] = [digits]
    if charging_profile is not None:
        payload["chargingProfile"] = translate.charging_profile_2x(charging_profile)
    return payload | ({} if evse_number is None else {"evseId": evse_number})


def _in_2x(field: fields.Field, charge_point: Addressee) -> fields.Field | None:
    return in_dialect(charge_point.ocpp_version, None, field)


def _with_limits(field: fields.Field, charge_point: Addressee) -> fields.Field | None:
    version = charge_point.ocpp_version
    return field if version in VERSIONS and asking_limits.has_limits(Version(version)) else None


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
            help=_(
                "2.x idToken type; Central unless given. 2.1: DirectPayment for a driver who has paid, where "
                "the token is the reference of the payment; it needs no token here."
            ),
            adapt=_in_2x,
        ),
        fields.Text(
            "card_digits",
            _("Last digits of the card"),
            name="cardLastDigits",
            most=4,
            example="1234",
            help=_("2.x: of the payment card, so that the driver finds the session."),
            adapt=_in_2x,
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
        fields.Object(
            "limits",
            _("Limits"),
            example={"maxCost": 50, "maxEnergy": 20000},
            lines=4,
            help=_(
                "2.1: maxCost in the tariff's currency, maxEnergy in Wh, maxTime in s, maxSoC in percent. "
                "The answer to the first message about the session sends them."
            ),
            adapt=_with_limits,
        ),
        fields.Flag(
            "force",
            _("Start even if this token is not authorized"),
            help=_("Start although the token may not charge there."),
        ),
    ),
    prepare=_authorize,
    run=_start,
    warn=_warn,
    spell_16=_start_16,
    spell_2x=_start_2x,
    rest=Rest(
        noun="the remote start",
        echo=("connectorId",),
        description="Accepted: the station will try. GET .../commands/{requestId} has the outcome. "
        "A known token that may not charge there gets 409 with the reason, unless `force`. An unknown token "
        "is sent, and the answer has a `warning`: the server refuses the token when the station asks for it, "
        "unless the station accepts unknown tokens. Add the token before, also that of a roaming partner. "
        "2.1: for a driver who has paid at a terminal, `idTagType` DirectPayment with the reference of the "
        "payment as the token, and the `limits` of the payment. 409 for a limit that the station has not "
        "reported to support (TxCtrlr.SupportedLimits).",
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
