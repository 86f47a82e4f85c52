"""Tariffs, costs and payments over REST: read only, with filters."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from chargepoints.models import ChargePoint
from tariffs.models import Payment, SessionCost, StationTariff
from tests.api.conftest import NOON, Caller
from transactions.models import Transaction

TARIFFS = "/api/v1/chargepoints/GARAGE%201/tariffs"
COSTS, PAYMENTS = "/api/v1/session-costs", "/api/v1/payments"


def a_tariff(station: ChargePoint, name: str, number: int = 0, **columns: Any) -> StationTariff:
    usual = {"evse_number": 0, "state": "accepted", "set_at": NOON + timedelta(minutes=number)}
    return StationTariff.objects.create(charge_point=station, tariff_id=name, **(usual | columns))


def a_payment(station: ChargePoint, reference: str, **columns: Any) -> Payment:
    usual = {"status": "Settled", "settled_at": NOON, "received_at": NOON, "updated_at": NOON}
    return Payment.objects.create(charge_point=station, psp_ref=reference, **(usual | columns))


def a_session(station: ChargePoint, number: int) -> Transaction:
    return Transaction.objects.create(
        id=number,
        ocpp_id=str(number),
        charge_point=station,
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON,
    )


@pytest.fixture
def tariffs(garage: ChargePoint) -> list[StationTariff]:
    return [
        a_tariff(garage, "A", 1),
        a_tariff(garage, "B", 2, state="cleared", ended_at=NOON),
        a_tariff(garage, "C", 3, evse_number=2, state="foreign"),
    ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "CBA"),
        ("isCurrent=true", "CA"),
        ("isCurrent=false", "B"),
        ("state=foreign", "C"),
        ("tariffId=A", "A"),
        ("evseId=0&ordering=setAt", "AB"),
        ("from=2026-05-04T12:02:00Z&to=2026-05-04T12:03:00Z", "B"),
    ],
)
@pytest.mark.usefixtures("tariffs")
def test_a_viewer_reads_the_tariffs_of_a_station(viewer: Caller, query: str, names: str) -> None:
    answer = viewer.get(f"{TARIFFS}?{query}")

    assert [one["tariffId"] for one in answer.info["tariffs"]] == list(names)


def test_one_tariff_is_found_at_its_station_alone(
    viewer: Caller, operator: Caller, tariffs: list[StationTariff]
) -> None:
    other = a_tariff(ChargePoint.objects.create(identity="OTHER"), "A")
    path = f"{TARIFFS}/{tariffs[1].pk}"

    assert (viewer.get(path).info["isCurrent"], viewer.get(path).info["state"]) == (False, "cleared")
    for wrong in (other.pk, "nothing", "%00"):
        assert viewer.get(f"{TARIFFS}/{wrong}").status_code == 404
    for method in ("PUT", "PATCH", "DELETE"):
        assert operator.request(method, path, {}).status_code == 405


def test_only_an_ended_tariff_has_an_end(garage: ChargePoint) -> None:
    for columns in ({"state": "cleared"}, {"ended_at": NOON}):
        with pytest.raises(IntegrityError), transaction.atomic():
            a_tariff(garage, "A", **columns)


def test_costs_of_sessions(viewer: Caller, garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")
    for station, number, columns in (
        (garage, 1000, {"tariff_id": "A", "total_incl_tax": Decimal("18.150000"), "currency": "EUR"}),
        (other, 1001, {"sent_cost": Decimal("4.2"), "sent_at": NOON}),
    ):
        SessionCost.objects.create(
            transaction=a_session(station, number), charge_point=station, updated_at=NOON, **columns
        )

    def numbers(query: str) -> list[int]:
        return [one["transactionId"] for one in viewer.get(f"{COSTS}?{query}").info["sessionCosts"]]

    assert numbers("") == [1001, 1000]
    assert numbers("ordering=transactionId") == [1000, 1001]
    assert numbers("clientId=garage%201") == numbers("tariffId=A") == [1000]
    assert numbers("clientId=UNKNOWN") == numbers("updated_from=2026-05-05") == []
    shown = viewer.get(f"{COSTS}/1000").info
    assert (shown["totalInclTax"], shown["sentCost"], shown["newTariff"]) == ("18.15", None, None)
    assert viewer.get(f"{COSTS}/1002").status_code == 404


def test_payments(viewer: Caller, operator: Caller, garage: ChargePoint) -> None:
    session = a_session(garage, 1000)
    first = a_payment(garage, "P1", transaction=session, amount=Decimal("0.5"))
    a_payment(garage, "P2", status="Failed")
    a_payment(ChargePoint.objects.create(identity="OTHER"), "P1")

    def references(query: str) -> list[str]:
        return [one["pspRef"] for one in viewer.get(f"{PAYMENTS}?{query}").info["payments"]]

    assert references("") == ["P1", "P2", "P1"]
    assert references("status=Failed") == ["P2"]
    assert references("pspRef=P1&clientId=GARAGE%201") == references("transactionId=1000") == ["P1"]
    assert references("clientId=UNKNOWN") == []
    shown = viewer.get(f"{PAYMENTS}/{first.pk}").info
    assert (shown["settlementAmount"], shown["transactionId"], shown["vatCompany"]) == ("0.5", 1000, None)
    assert operator.request("DELETE", f"{PAYMENTS}/{first.pk}", {}).status_code == 405
    with pytest.raises(IntegrityError), transaction.atomic():
        a_payment(garage, "P1")
