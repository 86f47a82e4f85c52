"""Transactions: 1.6 Start/StopTransaction (4.8, 4.10), 2.x TransactionEvent (E01-E15), and the changes by
a boot or a free connector (1.6 4.9, 2.0.1 G01).
"""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.prices import price
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import also, on, reply
from ocpp_server.protocol.versions import V2X, V16, V21, V201
from transactions.services.transactions import (
    details,
    ending,
    events,
    free_connectors,
    gaps,
    interruptions,
    limits,
    sessions,
    starting,
)
from transactions.services.transactions.events import MAX_ID, MAX_SEQ_NO, STARTED, Event


@on("StartTransaction", V16)
async def start_transaction(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    time = request.get("timestamp", "")
    at, problem = station.moment_or_problem(time)
    if request["connectorId"] == 0:
        station.deviation("connector-0")  # no plug: the station as a whole
    started = await starting.start(
        station=station,
        place=translate.connector(request["connectorId"]),
        token=translate.id_tag(request["idTag"]),
        meter_wh=request["meterStart"],
        at=at,
        time_text=time,
        time_problem=problem,
        reservation_id=request.get("reservationId"),
    )
    return {"transactionId": started.number, "idTagInfo": translate.id_tag_info(started.decision)}


@on("StopTransaction", V16)
async def stop_transaction(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    decision = await ending.stop(station=station, stop=ending.from_request(station, request))
    return {"idTagInfo": translate.id_tag_info(decision)} if decision else {}


@on("TransactionEvent", V201)
async def transaction_event(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    answer = await _recorded(station, request)
    return answer | await _cost(station, request)


async def _recorded(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Store the event; the answer without a cost."""
    described = request["transactionInfo"]
    time = request.get("timestamp", "")
    at, problem = station.moment_or_problem(time)
    for kind in translate.zeros_of_evse(request.get("evse")):
        station.deviation(kind, path="evse")
    event = Event(
        type=request["eventType"],
        transaction_id=described["transactionId"][:MAX_ID],
        seq_no=max(-MAX_SEQ_NO, min(request["seqNo"], MAX_SEQ_NO)),
        trigger=request["triggerReason"],
        at=at,
        time_problem=problem,
        time_text=time,
        offline=request.get("offline", False),
        place=translate.evse(request.get("evse")),
        token=translate.id_token(request.get("idToken")),
        charging_state=described.get("chargingState", ""),
        stopped_reason=described.get("stoppedReason", ""),
        remote_start_id=described.get("remoteStartId"),
        reservation_id=request.get("reservationId"),
        samples=translate.samples_2x(request.get("meterValue", ())),
        payload=station.payload,
    )
    decision = await events.record(station=station, event=event)
    return {"idTokenInfo": translate.id_token_info(decision)} if decision else {}


def _has_cost(details_of_cost: dict[str, Any] | None) -> bool:
    """Whether the station has calculated the cost itself (2.1 C24, I12)."""
    return details_of_cost is not None and not details_of_cost.get("failureToCalculate", False)


async def _cost(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 I02, I03: no cost is not a free session, which costs 0."""
    if request["eventType"] == STARTED:
        return {}
    cost = await price.app.total_cost(station, request["transactionInfo"]["transactionId"][:MAX_ID])
    return {} if cost is None else {"totalCost": float(cost)}


@on("TransactionEvent", V21)
async def transaction_event_21(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1: the fields beyond 2.0.1, and the limits that the answer sends (E16)."""
    answer = await _recorded(station, request)
    described, is_offline = request["transactionInfo"], request.get("offline", False)
    ocpp_id = described["transactionId"][:MAX_ID]
    transaction = await sessions.find_ocpp_id(station, ocpp_id, in_database=False)
    if transaction is None:
        return answer
    details.note(
        station=station,
        transaction=transaction,
        operation_mode=described.get("operationMode"),
        tariff_id=described.get("tariffId"),
        has_cost=_has_cost(request.get("costDetails")),
        preconditioning=request.get("preconditioningStatus"),
        evse_sleep=request.get("evseSleep"),
    )
    found = await limits.to_send(
        station=station,
        transaction=transaction,
        seq_no=request["seqNo"],
        reported=translate.limits(described.get("transactionLimit")),
        is_offline=is_offline,
    )
    limit = {"transactionLimit": translate.transaction_limit(found)} if found else {}
    return answer | limit | await _cost(station, request)


@reply("GetTransactionStatus", *V2X)
async def transaction_status(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """2.0.1 E14: without a transactionId the answer is about the station's whole queue."""
    if "transactionId" in request:
        await gaps.record_answer(
            station=station,
            ocpp_id=request["transactionId"],
            has_queued_messages=response["messagesInQueue"],
            is_ongoing=response.get("ongoingIndicator"),
        )


@also("StatusNotification", V16, *V2X)
@also("NotifyEvent", *V2X)
async def connector_reported(station: Station, request: dict[str, Any]) -> None:
    free_connectors.end_refused(station)


@also("BootNotification", V16, *V2X)
async def booted(station: Station, request: dict[str, Any]) -> None:
    interruptions.note_boot(station)
