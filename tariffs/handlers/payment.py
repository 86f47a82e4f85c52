"""Payments at the station (2.1 C20-C25)."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V21
from ocpp_server.storage import writes
from ocpp_server.storage.journal import journal
from tariffs.services.payment import payments, receipts, vat_numbers

# The longest VAT number of the schema.
_MOST_CHARACTERS = 20


@on("NotifySettlement", V21)
async def notify_settlement(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """C21-C23. The answer has a receipt where the station gives none of its own."""
    settlement = payments.Settlement(
        psp_ref=request["pspRef"],
        ocpp_transaction_id=request.get("transactionId", ""),
        status=request["status"],
        status_info=request.get("statusInfo", ""),
        amount=request["settlementAmount"],
        settled_at=station.moment(request["settlementTime"]),
        receipt_id=request.get("receiptId", ""),
        receipt_url=request.get("receiptUrl", ""),
        vat_number=request.get("vatNumber", ""),
        company=request.get("vatCompany"),
        at=station.received_at,
    )
    place = payments.place(station)
    number = await journal.run(payments.number_of, place, settlement.psp_ref)
    return await writes.with_result(station.unit, receipts.reported, place, settlement, number)


@on("VatNumberValidation", V21)
async def vat_number_validation(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """C25. The number and the EVSE of the request are repeated; without an EVSE the answer has none."""
    number = request["vatNumber"]
    verdict = await vat_numbers.checker.verdict(number)
    # A number that is longer than OCPP allows is no number of any country.
    answer: dict[str, Any] = {"vatNumber": number[:_MOST_CHARACTERS], "status": verdict.status}
    if request.get("evseId", -1) >= 0:
        answer["evseId"] = request["evseId"]
    if verdict.company is not None:
        answer["company"] = dict(verdict.company)
    if verdict.reason:
        answer["statusInfo"] = {"reasonCode": verdict.reason, "additionalInfo": verdict.sentence}
    return answer
