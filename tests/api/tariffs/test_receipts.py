"""The page of a receipt: shown only with its secret."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from chargepoints.models import ChargePoint, Site
from ocpp_server.environment.roles import Role
from tariffs.models import Payment, SessionCost
from tariffs.services.payment import receipts
from tests.api.conftest import NOON
from tests.api.tariffs.test_lists import a_payment, a_session

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def payment(garage: ChargePoint, settings: Any) -> Payment:
    settings.PUBLIC_URL = "https://charge.example.com"
    garage.site = Site.objects.create(name="Depot", address="Ring 1", postal_code="1010", city="Wien")
    garage.save()
    session = a_session(garage, 1000)
    session.energy_wh, session.evse_number = 12_345.0, 2
    session.save()
    return a_payment(garage, HOSTILE, transaction=session, amount=Decimal("18.15"))


def path_of(payment: Payment) -> str:
    return urlsplit(receipts.url(payment)).path


def test_the_page_shows_what_the_station_has_reported(client: Client, payment: Payment) -> None:
    path = path_of(payment)
    first = client.get(path)
    session = payment.transaction
    assert session is not None
    SessionCost.objects.create(
        transaction=session, charge_point=payment.charge_point, currency="EUR", updated_at=NOON
    )
    second = client.get(path)

    shown = first.content.decode()
    assert (first.status_code, HOSTILE in shown) == (200, False)
    for text in ("18.15", "12.345 kWh", "GARAGE 1", "EVSE 2", "Depot", "Ring 1, 1010, Wien", "&lt;script"):
        assert text in shown
    assert "18.15 EUR" in second.content.decode()
    assert first["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in first["Content-Security-Policy"]
    assert "no-store" in first["Cache-Control"]


def test_the_address_is_the_same_for_each_report(payment: Payment) -> None:
    answer = receipts.answer(payment)

    assert answer == receipts.answer(payment)
    assert answer["receiptUrl"].startswith(f"https://charge.example.com/receipts/{payment.pk}/")
    assert answer["receiptId"] == str(payment.pk)


def test_only_the_secret_of_this_receipt_opens_it(client: Client, payment: Payment) -> None:
    path = path_of(payment)
    other = a_payment(payment.charge_point, "P2", transaction=payment.transaction, amount=Decimal(1))
    secret = path_of(other).rpartition("/")[2]
    wrong = [
        path[:-1],
        f"{path}x",
        f"/receipts/{payment.pk}/{secret}",
        f"/receipts/{10**30}/{secret}",
        f"/receipts/{payment.pk}/%00",
        f"/receipts/{payment.pk}/",
    ]

    for address in wrong:
        answer = client.get(address)
        assert answer.status_code == 404, address
    for method in (client.post, client.put, client.patch, client.delete):
        assert method(path).status_code == 405
    payment.delete()
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "Failed"},
        {"amount": None},
        {"transaction": None},
        {"receipt_url": "https://psp.example/1"},
    ],
)
def test_only_a_settled_payment_of_a_session_has_a_receipt(
    client: Client, payment: Payment, columns: dict[str, Any]
) -> None:
    for name, value in columns.items():
        setattr(payment, name, value)
    payment.save()

    assert receipts.answer(payment) == {}
    status = 200 if "receipt_url" in columns else 404
    assert client.get(path_of(payment)).status_code == status


def test_without_a_known_address_there_is_no_receipt(payment: Payment, settings: Any) -> None:
    settings.PUBLIC_URL = settings.UPLOAD_URL = ""
    settings.OCPP_ROLE = Role.WEB

    assert receipts.answer(payment) == {}
