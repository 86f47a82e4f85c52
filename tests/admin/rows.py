"""People, stations and sessions of the admin's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.test import Client

from accounts.models import User
from chargepoints.models import ChargePoint, Connector, Evse
from transactions.models import Transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def person(role: str, **more: Any) -> User:
    # The user has no password: the tests need none, and a hundred slow hashes would take most of their time.
    return User.objects.create_user(role, is_staff=True, role=role, **more)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def a_station(identity: str, **more: Any) -> ChargePoint:
    made = ChargePoint.objects.create(
        identity=identity, ocpp_version="ocpp1.6", registration_status="Accepted", last_seen_at=NOON, **more
    )
    evse = Evse.objects.create(charge_point=made, number=1)
    Connector.objects.create(
        charge_point=made,
        evse=evse,
        number=1,
        status="Faulted",
        error_code="GroundFailure",
        status_received_at=NOON,
    )
    return made


def a_session(station: ChargePoint, number: int, **more: Any) -> Transaction:
    values: dict[str, Any] = {
        "ocpp_id": str(number),
        "evse_number": 1,
        "connector_number": 1,
        "id_token": "CARD-1",
        "started_at": NOON,
        "start_received_at": NOON,
        "last_message_at": NOON,
        "meter_start_wh": 1000.0,
        "energy_wh": 5000.0,
    }
    return Transaction.objects.create(id=number, charge_point=station, **values | more)
