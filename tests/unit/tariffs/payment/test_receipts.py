"""Receipts: their addresses, and what they say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Site
from ocpp_server.environment.roles import Role
from tariffs.models import Payment, SessionCost
from tariffs.services.payment import receipts
from tariffs.services.payment.payments import Place
from tariffs.services.payment.receipts import Receipt
from tests.unit.chargepoints.in_memory import NOON
from tests.unit.tariffs.payment.test_payments import settlement
from tests.unit.tariffs.stored import a_session
from tests.unit.transactions.transactions.live_station import minutes

pytestmark = pytest.mark.django_db
COMPANY = {"name": "Adler GmbH"}


@pytest.fixture(autouse=True)
def addresses(settings: Any) -> None:
    """Drivers and stations reach the server at different addresses."""
    settings.PUBLIC_URL, settings.UPLOAD_URL = "https://drivers.example", "https://stations.example"


def a_payment(station: ChargePoint, reference: str = "P1", **more: Any) -> Payment:
    usual = {"status": "Settled", "settled_at": NOON, "received_at": NOON, "updated_at": NOON}
    if "transaction" not in more:
        usual["transaction"] = a_session(station.pk)
    return Payment.objects.create(
        charge_point=station, psp_ref=reference, **(usual | {"amount": Decimal("18.15")} | more)
    )


def secret_of(payment: Payment) -> str:
    return receipts.url(payment).rpartition("/")[2]


def test_a_receipt_says_what_the_station_has_reported() -> None:
    site = Site.objects.create(name="Depot", address="Ring 1", postal_code="1010", city="Wien")
    station = ChargePoint.objects.create(identity="CP-1", name="Garage", site=site)
    session = a_session(station.pk, evse_number=2, energy_wh=12_345, stopped_at=minutes(60), status="ended")
    SessionCost.objects.create(transaction=session, charge_point=station, currency="EUR", updated_at=NOON)
    payment = a_payment(station, transaction=session, company=COMPANY, vat_number="ATU12345678")

    assert receipts.find(payment.pk, secret_of(payment)) == Receipt(
        number=payment.pk,
        station="Garage",
        site="Depot",
        address="Ring 1, 1010, Wien",
        evse=2,
        started_at=NOON,
        ended_at=minutes(60),
        energy_wh=12_345,
        amount=Decimal("18.15"),
        currency="EUR",
        settled_at=NOON,
        psp_ref="P1",
        company=COMPANY,
        vat_number="ATU12345678",
    )


def test_a_receipt_leaves_out_what_is_not_known() -> None:
    payment = a_payment(ChargePoint.objects.create(identity="CP-1"))

    receipt = receipts.find(payment.pk, secret_of(payment))

    assert receipt is not None
    assert (receipt.station, receipt.site, receipt.address) == ("CP-1", "", "")
    assert (receipt.ended_at, receipt.currency, receipt.company, receipt.vat_number) == (None, "", None, "")


def test_an_address_of_a_site_has_only_the_parts_that_are_known() -> None:
    station = ChargePoint.objects.create(identity="CP-1", site=Site.objects.create(name="Depot", city="Wien"))
    payment = a_payment(station)

    receipt = receipts.find(payment.pk, secret_of(payment))

    assert receipt is not None and receipt.address == "Wien"


def test_a_receipt_opens_only_with_its_own_secret() -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    one = a_payment(station)
    other = a_payment(station, "P2", transaction=one.transaction)

    for number, secret in ((one.pk, secret_of(other)), (one.pk, ""), (one.pk, secret_of(one)[:-1])):
        assert receipts.find(number, secret) is None
    secret = secret_of(other)
    other.delete()
    assert receipts.find(one.pk + 1, secret) is None


@pytest.mark.parametrize(
    ("columns", "is_found"),
    [
        ({}, True),
        ({"status": "Failed"}, False),
        ({"amount": None}, False),
        ({"transaction": None}, False),
        ({"receipt_url": "https://psp.example/r/1"}, True),
    ],
)
def test_a_settled_payment_of_a_session_has_a_receipt_at_the_address_for_drivers(
    columns: dict[str, Any], is_found: bool
) -> None:
    payment = a_payment(ChargePoint.objects.create(identity="CP-1"), **columns)
    address = f"https://drivers.example/receipts/{payment.pk}/{secret_of(payment)}"

    is_sent = is_found and not payment.receipt_url  # the station has one of its own
    answer = {"receiptUrl": address, "receiptId": str(payment.pk)} if is_sent else {}
    assert receipts.answer(payment) == answer
    assert receipts.url(payment) == address
    assert (receipts.find(payment.pk, secret_of(payment)) is not None) is is_found


def test_drivers_get_the_address_for_stations_where_there_is_no_other(settings: Any) -> None:
    settings.PUBLIC_URL = ""
    payment = a_payment(ChargePoint.objects.create(identity="CP-1"))

    assert receipts.url(payment).startswith(f"https://stations.example/receipts/{payment.pk}/")


def test_without_a_known_address_there_is_no_receipt(settings: Any) -> None:
    settings.PUBLIC_URL = settings.UPLOAD_URL = ""
    settings.OCPP_ROLE = Role.WEB
    payment = a_payment(ChargePoint.objects.create(identity="CP-1"))

    assert receipts.url(payment) == ""
    assert receipts.answer(payment) == {}


@pytest.mark.parametrize("status", ["Settled", "Rejected"])
def test_a_settlement_that_is_written_twice_has_the_same_answer(status: str) -> None:
    station = ChargePoint.objects.create(identity="CP-1")
    a_session(station.pk)
    at, report = Place(station.pk, "CP-1", None), settlement(ocpp_transaction_id="T-1", status=status)
    first = receipts.reported(at, report, 7)

    assert receipts.reported(at, report, 7) == first
    assert Payment.objects.get().pk == 7
    assert bool(first) == (status == "Settled")
