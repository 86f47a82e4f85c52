"""Reserve and cancel (1.6 5.2, 5.13; 2.x H01, H02)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from accounts.models import Token
from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint
from ocpp_server import capabilities, live
from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.commanding import NotSupported, Rest, Result, command
from ocpp_server.domain import Conflict, DomainError, Invalid, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import IdToken, sent_time, status_16, time
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.request_numbers import new_number
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee
from transactions.live.tokens import read_tokens
from transactions.models import Reservation
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import choose, decide_now, warn_remote_start
from transactions.services.reservation import requesting
from transactions.services.reservation.answers import Asked

_MOST_MINUTES: Final = 31 * 24 * 60
_NEEDS: Final = Needs(profile="Reservation", variable="ReservationCtrlr.Available")
# The keys and variables that must not be reported as false: for any reservation, and for one of any EVSE.
_ENABLED: Final = "ReservationCtrlr.Enabled"
_ANY_16: Final = "ReserveConnectorZeroSupported"
_ANY_2X: Final = "ReservationCtrlr.NonEvseSpecific"
# The 2.x IdTokenType of a token of this server; a station compares it with the type of the presented one.
_TYPES: Final = {Token.Type.RFID: "ISO14443", Token.Type.EMAID: "eMAID"}


async def _prepare(
    charge_point: ChargePoint,
    *,
    id_token: str,
    minutes: int,
    expires_at: str = "",
    evse_number: int = 0,
    force: bool = False,
    **rest: Any,
) -> dict[str, Any]:
    """Raises Invalid for a time that is not ahead, NotSupported for a station that can't reserve any EVSE,
    and Conflict for a token that may not charge there, unless `force`.
    """
    if not live.state().is_connected(charge_point.identity):
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    now = datetime.now(UTC)
    expiry = _expiry(expires_at) if expires_at else now + timedelta(minutes=minutes)
    if not now < expiry <= now + timedelta(minutes=_MOST_MINUTES):
        raise Invalid("The time must be in the future, and at most 31 days away.", field="expiryDate")
    known = await journal.run(_known, charge_point, id_token, evse_number or None, force)
    return {**rest, **known, "id_token": id_token, "evse_number": evse_number, "expiry": expiry}


def _expiry(text: str) -> datetime:
    try:
        return sent_time(text)
    except (ValueError, OverflowError):  # in the year 1, UTC can be a day before all times
        raise Invalid(
            f"{text} is not a time. Use a time such as 2026-11-28T15:00:00Z.", field="expiryDate"
        ) from None


def _known(charge_point: ChargePoint, uid: str, evse: int | None, force: bool) -> dict[str, Any]:
    """The facts in the database: what the station can do, and the group and type of the token."""
    names = in_dialect(charge_point.ocpp_version, {_ANY_16}, {_ENABLED, _ANY_2X})
    for name, value in capabilities.reports.app.values(charge_point.pk, names).items():
        if value.strip().casefold() == "false" and (evse is None or name == _ENABLED):
            raise NotSupported(f"This station does not support it, because it reports {name}={value}.")
    decision = decide_now(uid=uid, charge_point=charge_point, purpose=Purpose.IDENTIFY)
    if not force and not decision.is_accepted and not decision.is_unknown:
        raise Conflict(
            f"The token may not charge here: {decision.reason}",
            data={"status": status_16(decision.verdict), "reason": decision.reason},
            code=Code.TOKEN_REFUSED,
        )
    record = choose(read_tokens(normalise_uid(uid)), None)
    kind = "" if record is None else _TYPES.get(Token.Type(record.type), "")
    return {"known_type": kind or "Central", "group_id": decision.group_id}


def _warn(charge_point: ChargePoint, *, id_token: str, force: bool = False, **rest: Any) -> str:
    """A sentence about an unknown token, unless `force`."""
    return "" if force else warn_remote_start(charge_point, id_token)


async def _reserve(
    charge_point: ChargePoint,
    *,
    actor: str,
    timeout: float | None,
    wait: bool,
    id_token: str,
    evse_number: int,
    expiry: datetime,
    group_id: str,
    known_type: str,
    id_token_type: str = "",
    connector_type: str = "",
    number: int | None = None,
) -> Result:
    """Store the request, send it, and give it the state that follows.

    The row is first: the answer belongs to it, and a request that can't be sent must not leave one.
    """
    is_16 = in_dialect(charge_point.ocpp_version, True, False)
    if is_16 and connector_type:
        raise Invalid("OCPP 1.6 reserves no type of connectors.", field="connectorType")
    asked = Asked(
        number=number or new_number(),
        evse=evse_number or None,
        connector_type=connector_type,
        token=IdToken(id_token, "" if is_16 else id_token_type or known_type),
        group_id=group_id,
        expires_at=expiry,
    )
    payload = _spell_16(asked) if is_16 else _spell_2x(asked)
    await calls.check(charge_point, "ReserveNow", payload)
    row = await journal.run(
        requesting.request, charge_point, asked, again=number is not None, now=datetime.now(UTC)
    )
    try:
        sent: Any = await calls.call(
            charge_point, "ReserveNow", payload, actor=actor, timeout=timeout, wait=wait
        )
    except (DomainError, live.LiveStateUnavailable):
        await journal.run(requesting.not_sent, row.pk)
        raise
    await journal.run(requesting.follow, row.pk, sent)
    stored = await journal.run(Reservation.objects.get, pk=row.pk)
    return Result(
        sent,
        {
            "id": stored.pk,
            "reservationId": stored.number,
            "state": stored.state,
            "reason": stored.reason,
            "expiryDate": time(stored.expires_at),
        },
    )


def _spell_16(asked: Asked) -> dict[str, Any]:
    group = {"parentIdTag": asked.group_id[:20]} if asked.group_id else {}
    return {
        "connectorId": asked.evse or 0,
        "expiryDate": time(asked.expires_at),
        "idTag": asked.token.value,
        "reservationId": asked.number,
        **group,
    }


def _spell_2x(asked: Asked) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": asked.number,
        "expiryDateTime": time(asked.expires_at),
        "idToken": {"idToken": asked.token.value, "type": asked.token.type},
    }
    if asked.evse is not None:
        payload["evseId"] = asked.evse
    if asked.connector_type:
        payload["connectorType"] = asked.connector_type
    if asked.group_id:
        payload["groupIdToken"] = {"idToken": asked.group_id[:36], "type": "Central"}
    return payload


def _only_2x(field: fields.Text, charge_point: Addressee) -> fields.Text | None:
    return in_dialect(charge_point.ocpp_version, None, field)


RESERVE = command(
    "reserve",
    _("Reserve"),
    _("Keep an EVSE free for a token until a time."),
    action="ReserveNow",
    icon="event_available",
    position=30,
    fields=(
        fields.Text(
            "id_token",
            _("Token (UID)"),
            name="idTag",
            required=True,
            most=36,
            example="04A1B2C3",
            help=_("Tokens of the same group may use the reservation too."),
        ),
        fields.Evse(
            "evse_number",
            _("EVSE"),
            name="connectorId",
            least=0,
            default=0,
            nothing=_("Any EVSE"),
            help=_("Any EVSE of the station when 0 or missing."),
        ),
        fields.Whole(
            "minutes", _("Minutes"), least=1, most=_MOST_MINUTES, default=30, help=_("Until the expiry.")
        ),
        fields.Text(
            "expires_at",
            _("Expires"),
            name="expiryDate",
            most=40,
            help=_("A time such as 2026-11-28T15:00:00Z, instead of the minutes."),
        ),
        fields.Text(
            "id_token_type",
            _("Token type"),
            name="idTagType",
            most=20,
            help=_("2.x idToken type; ISO14443 for a known RFID token and else Central, unless given."),
            adapt=_only_2x,
        ),
        fields.Text(
            "connector_type",
            _("Connector type"),
            most=20,
            help=_("2.x: only an EVSE with a connector of this type, such as cCCS2."),
            adapt=_only_2x,
        ),
        fields.Whole(
            "number",
            _("Send again"),
            name="reservationId",
            least=1,
            help=_("The number of a reservation that the station has rejected, or not answered."),
        ),
        fields.Flag(
            "force",
            _("Reserve even if this token is not authorized"),
            help=_("Reserve although the token may not charge there."),
        ),
    ),
    prepare=_prepare,
    run=_reserve,
    warn=_warn,
    needs=_NEEDS,
    rest=Rest(
        noun="the reservation",
        answer="transactions.serializers.ReservedSerializer",
        description="`state` and `reason` are those of the reservation after the answer; GET "
        "/api/v1/reservations/{id} has them later too. 409 when the EVSE has another reservation, or a known "
        "token may not charge there, unless `force`. With the `reservationId` of one that the station has "
        "rejected, or not answered, it is sent again under the same number, which replaces it.",
    ),
)


async def _to_cancel(charge_point: ChargePoint, *, number: int) -> dict[str, Any]:
    """Raises Conflict for one that is over."""
    return {"number": number, "row": await journal.run(requesting.to_cancel, charge_point, number)}


async def _cancel(charge_point: ChargePoint, *, number: int, row: Reservation | None, **how: Any) -> Result:
    """Send the cancellation. The station's answer ends the reservation; without one it stays."""
    sent: Any = await calls.call(charge_point, "CancelReservation", {"reservationId": number}, **how)
    if row is not None:
        await journal.run(requesting.follow_cancel, row.pk, sent)
    return Result(sent)


CANCEL_RESERVATION = command(
    "cancel-reservation",
    _("Cancel reservation"),
    _("End a reservation before its expiry."),
    action="CancelReservation",
    icon="event_busy",
    position=40,
    fields=(
        fields.Whole(
            "number",
            _("Reservation"),
            name="reservationId",
            required=True,
            least=1,
            example=815,
            help=_("The number of the reservation at this station."),
        ),
    ),
    prepare=_to_cancel,
    run=_cancel,
    needs=_NEEDS,
    rest=Rest(
        description="Rejected: the station has no such reservation, so it has ended here too.",
    ),
)
