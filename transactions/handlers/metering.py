"""Meter values (1.6 4.7; 2.0.1 J01): always answered, always stored."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.errors import OccurrenceConstraintViolation
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V2X, V16
from transactions.services.metering import readings
from transactions.services.transactions import sessions


@on("MeterValues", V16)
async def meter_values_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    number = request.get("transactionId")
    transaction = await sessions.find_number(station, number) if number is not None else None
    if "connectorId" in request:
        place = translate.connector(request["connectorId"])
    elif transaction is not None:
        place = translate.Place(transaction.evse, transaction.connector)
    else:
        # A tolerant station may leave it out where its transaction names the connector.
        raise OccurrenceConstraintViolation("connectorId: is required but missing")
    if transaction is None:
        # No number, -1 or an invented one: the transaction that runs on the connector is meant.
        transaction = sessions.running_at(station, place)
        if number is not None:
            station.deviation("unknown-transaction", f"MeterValues for {number}")
    await readings.record(
        station=station,
        place=place,
        samples=translate.samples_16(request["meterValue"]),
        transaction=transaction,
    )
    return {}


@on("MeterValues", *V2X)
async def meter_values(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Store values sent outside of transactions; a running transaction on the EVSE gets them."""
    place = translate.place(request["evseId"])
    await readings.record(
        station=station,
        place=place,
        samples=translate.samples_2x(request["meterValue"]),
        transaction=sessions.running_at(station, place),
    )
    return {}
