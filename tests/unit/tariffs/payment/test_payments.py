"""Settlements of payments: one row for each reference of a station."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from ocpp_server.observability.masking import MASK
from tariffs.models import Payment
from tariffs.services.payment import payments
from tariffs.services.payment.payments import Place, Settlement
from tests.unit.chargepoints.in_memory import NOON, SITE, STATION, a_station
from tests.unit.tariffs.stored import a_session, announced

LATER = NOON + timedelta(minutes=5)
COMPANY = {"name": "Adler GmbH", "address1": "Ring 1", "city": "Wien", "country": "Austria"}


@pytest.fixture
def at(db: None) -> Place:
    return Place(ChargePoint.objects.create(identity="CP-1").pk, "CP-1", SITE)


def settlement(reference: str = "P1", **more: Any) -> Settlement:
    values: dict[str, Any] = {
        "psp_ref": reference,
        "ocpp_transaction_id": "",
        "status": "Settled",
        "status_info": "",
        "amount": 18.15,
        "settled_at": NOON,
        "receipt_id": "",
        "receipt_url": "",
        "vat_number": "",
        "company": None,
        "at": NOON,
    }
    return Settlement(**(values | more))


def stored() -> list[dict[str, Any]]:
    """The columns of each payment, without its number and its station."""
    return [
        {name: value for name, value in row.items() if name not in ("id", "charge_point_id")}
        for row in Payment.objects.order_by("pk").values()
    ]


def columns(**more: Any) -> dict[str, Any]:
    """The columns of the usual settlement, received once at noon."""
    return {
        "psp_ref": "P1",
        "transaction_id": None,
        "ocpp_transaction_id": "",
        "status": "Settled",
        "status_info": "",
        "amount": Decimal("18.15"),
        "settled_at": NOON,
        "receipt_id": "",
        "receipt_url": "",
        "vat_number": "",
        "company": None,
        "reports": 1,
        "received_at": NOON,
        "updated_at": NOON,
    } | more


def reported(row: Payment, **more: Any) -> tuple[str, dict[str, Any]]:
    usual = {
        "paymentId": row.pk,
        "transactionId": None,
        "status": "Settled",
        "amount": "18.15",
        "settledAt": "2026-05-04T12:00:00.000Z",
    }
    return ("payment.reported", usual | more)


def test_the_place_of_a_station_has_its_site() -> None:
    assert payments.place(a_station()) == Place(STATION, "CP-1", SITE)


def test_a_settlement_is_stored_and_announced(at: Place) -> None:
    session = a_session(at.pk)
    given = settlement(
        ocpp_transaction_id="T-1",
        status_info="paid at the terminal",
        receipt_id="R1",
        receipt_url="https://psp.example/r/1",
        vat_number="ATU12345678",
        company=COMPANY,
        settled_at=NOON - timedelta(minutes=1),
    )

    row = payments.report(at, given)

    assert row == Payment.objects.get() and row.charge_point_id == at.pk
    assert stored() == [
        columns(
            transaction_id=session.pk,
            ocpp_transaction_id="T-1",
            status_info="paid at the terminal",
            receipt_id="R1",
            receipt_url="https://psp.example/r/1",
            vat_number="ATU12345678",
            company=COMPANY,
            settled_at=NOON - timedelta(minutes=1),
        )
    ]
    assert announced() == [reported(row, transactionId=1000, settledAt="2026-05-04T11:59:00.000Z")]


def test_texts_are_cut_to_their_columns(at: Place) -> None:
    given = settlement(
        "P" * 256,
        ocpp_transaction_id="T" * 256,
        status="S" * 17,
        status_info="I" * 501,
        amount="18.15",
        receipt_id="R" * 51,
        receipt_url="U" * 2001,
        vat_number="V" * 21,
    )

    row = payments.report(at, given)

    assert stored() == [
        columns(
            psp_ref="P" * 255,
            ocpp_transaction_id="T" * 255,
            status="S" * 16,
            status_info="I" * 500,
            amount=None,
            receipt_id="R" * 50,
            receipt_url="U" * 2000,
            vat_number="V" * 20,
        )
    ]
    assert announced() == [reported(row, status="S" * 16, amount=None)]


def test_secrets_are_masked(at: Place) -> None:
    custom = {"vendorId": "V", "password": "geheim"}

    payments.report(
        at,
        settlement(
            status_info="password=geheim",
            receipt_url="https://user:geheim@psp.example/r/1",
            company=COMPANY | {"customData": custom},
        ),
    )

    (row,) = stored()
    assert row["status_info"] == f"password={MASK}"
    assert "geheim" not in row["receipt_url"] and row["receipt_url"].endswith("@psp.example/r/1")
    assert row["company"] == COMPANY | {"customData": custom | {"password": MASK}}


# -- the session ---------------------------------------------------------------------------------------------


def test_the_newest_session_with_the_id_at_this_station_is_the_paid_one(at: Place) -> None:
    other = ChargePoint.objects.create(identity="CP-2")
    a_session(at.pk, 1002, generation=0)
    a_session(at.pk, 1001, generation=1)
    a_session(at.pk, 1003, ocpp_id="T-2", generation=2)
    a_session(other.pk, 1004, generation=3)

    row = payments.report(at, settlement(ocpp_transaction_id="T-1"))

    assert row.transaction_id == 1001


@pytest.mark.parametrize("ocpp_id", ["", "T-3"])
def test_a_payment_without_a_known_session_is_kept(at: Place, ocpp_id: str) -> None:
    a_session(at.pk)
    a_session(at.pk, 1001, ocpp_id="")

    payments.report(at, settlement(ocpp_transaction_id=ocpp_id))

    assert stored() == [columns(ocpp_transaction_id=ocpp_id)]


# -- further reports -----------------------------------------------------------------------------------------


def test_a_repetition_is_counted_and_changes_nothing_else(at: Place) -> None:
    first = payments.report(at, settlement(company=COMPANY))

    for minutes in (1, 2):
        again = payments.report(at, settlement(company=COMPANY, at=NOON + timedelta(minutes=minutes)))
        assert again == first

    assert stored() == [columns(company=COMPANY, reports=3)]
    assert announced() == [reported(first)]


@pytest.mark.parametrize("seconds", [0, 1])
def test_another_result_that_is_not_older_counts(at: Place, seconds: int) -> None:
    first = payments.report(at, settlement(vat_number="ATU12345678"))
    settled_at = NOON + timedelta(seconds=seconds)

    row = payments.report(at, settlement(status="Failed", amount=0, settled_at=settled_at, at=LATER))

    assert row == first
    assert (row.status, row.reports) == ("Failed", 2)
    assert stored() == [
        columns(status="Failed", amount=Decimal(0), settled_at=settled_at, reports=2, updated_at=LATER)
    ]
    shown = f"2026-05-04T12:00:0{seconds}.000Z"
    assert announced() == [reported(first), reported(first, status="Failed", amount="0", settledAt=shown)]


def test_an_older_result_is_counted_and_changes_nothing_else(at: Place) -> None:
    first = payments.report(at, settlement())

    old = settlement(status="Failed", amount=0, settled_at=NOON - timedelta(seconds=1), at=LATER)
    again = payments.report(at, old)

    assert (again, again.status) == (first, "Settled")
    assert stored() == [columns(reports=2)]
    assert announced() == [reported(first)]


def test_each_reference_of_each_station_is_a_payment_of_its_own(at: Place) -> None:
    other = Place(ChargePoint.objects.create(identity="CP-2").pk, "CP-1", SITE)

    for place, reference in ((at, "P1"), (at, "P2"), (other, "P1")):
        payments.report(place, settlement(reference))

    rows = Payment.objects.order_by("pk").values_list("charge_point", "psp_ref", "reports")
    assert list(rows) == [(at.pk, "P1", 1), (at.pk, "P2", 1), (other.pk, "P1", 1)]
