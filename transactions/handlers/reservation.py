"""Reservations (1.6 5.2, 5.13; 2.0.1 H01-H04): the answers to requests, and the ends that stations report."""

from __future__ import annotations

from typing import Any, Final

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import after, also, on, reply
from ocpp_server.protocol.versions import V2X, V16
from transactions.models import Reservation
from transactions.services.reservation import answers, ending
from transactions.services.reservation.answers import Asked

Reason = Reservation.Reason
# The largest number that the column takes.
_MOST_EVSE: Final = 2**31 - 1


def _evse(number: int) -> int | None:
    """The EVSE of a request; None for any. The generic command may send a number that no EVSE has."""
    return number if 0 < number <= _MOST_EVSE else None


@reply("ReserveNow", V16)
async def reserve_now_16(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    asked = Asked(
        number=request["reservationId"],
        evse=_evse(request["connectorId"]),
        connector_type="",
        token=translate.id_tag(request["idTag"]),
        group_id=request.get("parentIdTag", ""),
        expires_at=translate.sent_time(request["expiryDate"]),
    )
    answer = translate.reserving(response["status"])
    await answers.answered(station=station, asked=asked, answer=answer, command_id=command_id)


@reply("ReserveNow", *V2X)
async def reserve_now(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    token = translate.id_token(request["idToken"])
    assert token is not None  # required by the schema
    asked = Asked(
        number=request["id"],
        evse=_evse(request.get("evseId", 0)),
        connector_type=request.get("connectorType", ""),
        token=token,
        group_id=request.get("groupIdToken", {}).get("idToken", ""),
        expires_at=translate.sent_time(request["expiryDateTime"]),
    )
    answer = translate.reserving(response["status"])
    await answers.answered(station=station, asked=asked, answer=answer, command_id=command_id)


@reply("CancelReservation", V16, *V2X)
async def cancel_reservation(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    await ending.cancelled(
        station=station,
        number=request["reservationId"],
        is_accepted=response["status"] == "Accepted",
        command_id=command_id,
    )


@on("ReservationStatusUpdate", *V2X)
async def reservation_status_update(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    record(station=station, request=request)
    number = request["reservationId"]
    match request["reservationUpdateStatus"]:
        case "Expired":
            await ending.expired(station=station, number=number)
        case "NoTransaction":
            await ending.removed(station=station, number=number, reason=Reason.NO_TRANSACTION)
        case "Removed":
            await ending.removed(station=station, number=number, reason=Reason.REMOVED)
    return {}


@after("ReservationStatusUpdate", *V2X)
async def reservation_updated(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)


@also("StatusNotification", V16)
async def connector_reported_16(station: Station, request: dict[str, Any]) -> None:
    whole = "" if request["connectorId"] else request["status"]
    await ending.reported(station, whole=whole, sends_no_end=True)


@also("StatusNotification", *V2X)
async def connector_reported(station: Station, request: dict[str, Any]) -> None:
    whole = "" if request["evseId"] else request["connectorStatus"]
    await ending.reported(station, whole=whole, sends_no_end=False)


@also("NotifyEvent", *V2X)
async def connectors_reported(station: Station, request: dict[str, Any]) -> None:
    await ending.reported(station, sends_no_end=False)
