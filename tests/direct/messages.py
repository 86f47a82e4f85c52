"""Payloads of the messages about a session, in the words of each version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ocpp_server.protocol.versions import V16

ENERGY = "Energy.Active.Import.Register"
BEGIN, END, PERIODIC = "Transaction.Begin", "Transaction.End", "Sample.Periodic"

# An action and its payload.
Message = tuple[str, dict[str, Any]]


class Reading(NamedTuple):
    """One sampled value. Without a unit it is in the measurand's own, Wh for energy."""

    value: float
    at: datetime | None = None
    context: str = PERIODIC
    measurand: str = ENERGY
    unit: str = ""
    phase: str = ""


def text_of(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).isoformat()


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are neither empty nor None."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def meter_values(version: str, readings: Iterable[Reading]) -> list[dict[str, Any]]:
    return [
        {"timestamp": text_of(reading.at), "sampledValue": [_sampled(version, reading)]}
        for reading in readings
    ]


def _sampled(version: str, reading: Reading) -> dict[str, Any]:
    usual = present(measurand=reading.measurand, context=reading.context, phase=reading.phase)
    if version == V16:
        return {"value": str(reading.value), **usual, **present(unit=reading.unit)}
    unit = present(unitOfMeasure=present(unit=reading.unit))
    return {"value": reading.value, **usual, **unit}


def id_token(uid: str, kind: str = "ISO14443") -> dict[str, str]:
    return {"idToken": uid, "type": kind}


def boot(version: str) -> Message:
    if version == V16:
        return "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}
    described = {"vendorName": "V", "model": "M"}
    return "BootNotification", {"reason": "PowerUp", "chargingStation": described}


def status(version: str, word: str, evse: int = 1, at: datetime | None = None) -> Message:
    if version == V16:
        usual = {"connectorId": evse, "errorCode": "NoError", "timestamp": text_of(at)}
        return "StatusNotification", {**usual, "status": word}
    usual = {"evseId": evse, "connectorId": 1, "timestamp": text_of(at)}
    return "StatusNotification", {**usual, "connectorStatus": word}


def authorize(version: str, uid: str, kind: str = "ISO14443") -> Message:
    return "Authorize", {"idTag": uid} if version == V16 else {"idToken": id_token(uid, kind)}


def start_16(
    uid: str, evse: int = 1, meter_wh: int = 0, *, at: datetime | None = None, reservation: int | None = None
) -> Message:
    usual = {"connectorId": evse, "idTag": uid, "meterStart": meter_wh, "timestamp": text_of(at)}
    return "StartTransaction", usual | present(reservationId=reservation)


def meter_16(number: int | None, readings: Iterable[Reading], evse: int = 1) -> Message:
    values = {"connectorId": evse, "meterValue": meter_values(V16, readings)}
    return "MeterValues", values | present(transactionId=number)


def stop_16(
    number: int,
    uid: str = "",
    meter_wh: int = 0,
    *,
    at: datetime | None = None,
    reason: str = "",
    data: Iterable[Reading] = (),
) -> Message:
    usual = {"transactionId": number, "meterStop": meter_wh, "timestamp": text_of(at)}
    more = present(idTag=uid, reason=reason, transactionData=meter_values(V16, data))
    return "StopTransaction", usual | more


def event(
    kind: str,
    name: str,
    seq_no: int,
    *,
    version: str,
    at: datetime | None = None,
    trigger: str = "",
    uid: str = "",
    token_type: str = "ISO14443",
    evse: int | None = None,
    readings: Iterable[Reading] = (),
    offline: bool = False,
    state: str = "",
    reason: str = "",
    reservation: int | None = None,
    remote_start: int | None = None,
) -> Message:
    """A TransactionEvent of 2.x."""
    usual = {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "StopAuthorized"}[kind]
    described = present(chargingState=state, stoppedReason=reason, remoteStartId=remote_start)
    payload = {
        "eventType": kind,
        "timestamp": text_of(at),
        "triggerReason": trigger or usual,
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": name} | described,
    }
    optional = present(
        idToken=id_token(uid, token_type) if uid else None,
        evse={"id": evse, "connectorId": 1} if evse else None,
        meterValue=meter_values(version, readings),
        reservationId=reservation,
    )
    return "TransactionEvent", payload | optional | ({"offline": True} if offline else {})
