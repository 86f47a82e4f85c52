"""NotifySettlement and VatNumberValidation: what is stored and answered."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ocpp_server.live.station import Station
from ocpp_server.protocol import schemas
from ocpp_server.protocol.versions import V21
from tariffs.handlers.payment import notify_settlement, vat_number_validation
from tariffs.models import Payment
from tariffs.services.payment import receipts, vat_numbers
from tariffs.services.payment.vat_numbers import Verdict
from tests.unit.chargepoints.in_memory import NOON, a_station, deviations, handled
from tests.unit.tariffs.stored import a_session, announced
from tests.unit.transactions.at_once import at_once

COMPANY = {"name": "Adler GmbH", "address1": "Ring 1", "city": "Wien", "country": "Austria"}
SETTLED = {
    "pspRef": "P1",
    "status": "Settled",
    "settlementAmount": 18.15,
    "settlementTime": "2026-05-04T11:59:00Z",
}


# -- settlements ---------------------------------------------------------------------------------------------


@at_once
async def test_a_settlement_is_stored_and_answered_with_a_receipt(station: Station, settings: Any) -> None:
    settings.PUBLIC_URL = "https://drivers.example"
    session = a_session(station.pk)
    request = SETTLED | {
        "transactionId": "T-1",
        "statusInfo": "paid",
        "receiptId": "R1",
        "vatNumber": "ATU12345678",
        "vatCompany": COMPANY,
    }

    answer = await handled(notify_settlement, station, "NotifySettlement", request)

    row = Payment.objects.get()
    assert (row.charge_point_id, row.psp_ref, row.status) == (station.pk, "P1", "Settled")
    assert (row.transaction_id, row.ocpp_transaction_id) == (session.pk, "T-1")
    assert (row.amount, row.status_info) == (Decimal("18.15"), "paid")
    assert (row.receipt_id, row.receipt_url) == ("R1", "")
    assert (row.vat_number, row.company) == ("ATU12345678", COMPANY)
    assert row.settled_at == NOON - timedelta(minutes=1)
    assert (row.received_at, row.updated_at) == (NOON, NOON)
    assert answer == {"receiptUrl": receipts.url(row), "receiptId": str(row.pk)}
    schemas.outgoing(V21, "NotifySettlement", "response", answer)
    assert [(kind, data["paymentId"]) for kind, data in announced()] == [("payment.reported", row.pk)]


@at_once
async def test_a_settlement_with_a_receipt_of_the_station_gets_none(station: Station, settings: Any) -> None:
    settings.PUBLIC_URL = "https://drivers.example"
    a_session(station.pk)
    request = SETTLED | {"transactionId": "T-1", "receiptUrl": "https://psp.example/r/1"}

    assert await handled(notify_settlement, station, "NotifySettlement", request) == {}
    assert Payment.objects.get().receipt_url == "https://psp.example/r/1"


@at_once
async def test_a_payment_that_failed_before_its_session_is_stored(station: Station) -> None:
    request = SETTLED | {"status": "Failed", "settlementAmount": 0, "settlementTime": "soon"}

    assert await handled(notify_settlement, station, "NotifySettlement", request) == {}

    row = Payment.objects.get()
    assert (row.status, row.amount, row.settled_at) == ("Failed", Decimal(0), NOON)
    assert (row.transaction_id, row.ocpp_transaction_id, row.status_info) == (None, "", "")
    assert (row.receipt_id, row.receipt_url, row.vat_number, row.company) == ("", "", "", None)
    assert deviations(station) == [("time-unreadable", "timestamp")]


# -- VAT numbers ---------------------------------------------------------------------------------------------


async def validated(request: dict[str, Any]) -> dict[str, Any]:
    station = a_station(version=V21)
    answer: dict[str, Any] = await handled(vat_number_validation, station, "VatNumberValidation", request)
    schemas.outgoing(V21, "VatNumberValidation", "response", answer)
    return answer


@pytest.mark.parametrize("place", [{}, {"evseId": 0}, {"evseId": 1}])
@pytest.mark.parametrize(
    ("number", "status", "reason", "sentence"),
    [
        ("DE 123456789", "Accepted", "FormOnly", "Only the form of the number was checked."),
        ("DE12345678", "Rejected", "InvalidForm", "The number does not have the form of its country."),
    ],
)
async def test_the_number_and_the_evse_of_the_request_are_repeated(
    place: dict[str, int], number: str, status: str, reason: str, sentence: str
) -> None:
    assert await validated({"vatNumber": number, **place}) == {
        "vatNumber": number,
        "status": status,
        **place,
        "statusInfo": {"reasonCode": reason, "additionalInfo": sentence},
    }


async def test_a_number_and_an_evse_that_ocpp_does_not_allow_are_not_repeated() -> None:
    answer = await validated({"vatNumber": "DE" + "1" * 19, "evseId": -2})

    assert (answer["vatNumber"], answer["status"]) == ("DE" + "1" * 18, "Rejected")
    assert "evseId" not in answer


async def registered(number: str) -> Verdict:
    return Verdict(True, company=COMPANY)


async def test_the_company_of_a_valid_number_is_answered() -> None:
    vat_numbers.checker.load(f"{__name__}.registered", limit_s=5)
    try:
        answer = await validated({"vatNumber": "ATU12345678", "evseId": 1})
    finally:
        vat_numbers.checker.load("", limit_s=5)

    assert answer == {"vatNumber": "ATU12345678", "status": "Accepted", "evseId": 1, "company": COMPANY}
