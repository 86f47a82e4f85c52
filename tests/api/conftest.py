"""Shared fixtures: a caller for every role, an offline station, its session and its history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import Token, User
from accounts.services import api_keys
from chargepoints.models import ChargePoint, Command, Connector, Evse, Message
from tests.direct.readings import a_reading
from tests.servers import LiveServer
from transactions.models import Reading, Transaction

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass
class Caller:
    """A client with an API key. It checks that every answer is the envelope."""

    key: str = ""

    def __post_init__(self) -> None:
        self.client = Client()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            names.setdefault("Authorization", f"Api-Key {self.key}")
        content = {} if body is None else {"data": body, "content_type": "application/json"}
        response = self.client.generic(method, path, headers=names, **_encoded(content))
        if method != "HEAD" and not response.streaming and response.get("Content-Type") == "application/json":
            answer = response.json()
            assert set(answer) == {"success", "message", "data"}, answer
            assert isinstance(answer["message"], str) and answer["message"].endswith(
                (".", "Server is running")
            ), answer
            assert isinstance(answer["data"], dict), answer
            assert answer["success"] or response.status_code >= 400 or response.status_code == 200, answer
            response.answer = answer
            response.info = answer["data"]
        return response

    def get(self, path: str, **headers: str) -> Any:
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.request("POST", path, {} if body is None else body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.request("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.request("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.request("DELETE", path, **headers)


def _encoded(content: dict[str, Any]) -> dict[str, Any]:
    if "data" in content and not isinstance(content["data"], (bytes, str)):
        import orjson

        content["data"] = orjson.dumps(content["data"])
    return content


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LiveServer]:
    """A running server that the tests of a module share. It must end without a traceback in its log."""
    running = LiveServer(tmp_path_factory.mktemp("api"), template=migrated_database).start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text("utf-8", "replace")


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    cache.clear()
    yield


@pytest.fixture
def caller(db: None) -> Callable[[str], Caller]:
    """Make a caller with a role."""

    def make(role: str) -> Caller:
        _, plain = api_keys.create(name=role, role=role)
        return Caller(plain)

    return make


@pytest.fixture
def anonymous(db: None) -> Caller:
    return Caller()


@pytest.fixture
def viewer(caller: Callable[[str], Caller]) -> Caller:
    return caller(User.Role.VIEWER)


@pytest.fixture
def operator(caller: Callable[[str], Caller]) -> Caller:
    return caller(User.Role.OPERATOR)


@pytest.fixture
def administrator(caller: Callable[[str], Caller]) -> Caller:
    return caller(User.Role.ADMINISTRATOR)


@pytest.fixture
def garage(db: None) -> ChargePoint:
    """A 1.6 station with two connectors that is offline now."""
    station = ChargePoint.objects.create(
        identity="GARAGE 1",
        vendor="Acme",
        model="Wall 11",
        firmware_version="1.2.3",
        ocpp_version="ocpp1.6",
        registration_status="Accepted",
        last_seen_at=NOON,
    )
    for number in (1, 2):
        evse = Evse.objects.create(charge_point=station, number=number)
        Connector.objects.create(
            charge_point=station,
            evse=evse,
            number=number,
            status="Charging" if number == 1 else "Available",
            error_code="NoError",
            status_received_at=NOON,
        )
    return station


@pytest.fixture
def session(garage: ChargePoint) -> Transaction:
    """A running session on the first connector of the garage, with ten readings."""
    token = Token.objects.create(uid="ALICE-CARD")
    row = Transaction.objects.create(
        id=1000,
        ocpp_id="1000",
        charge_point=garage,
        evse_number=1,
        connector_number=1,
        id_token="ALICE-CARD",
        token=token,
        authorization_status="Accepted",
        meter_start_wh=100,
        meter_last_wh=1000,
        energy_wh=900,
        power_w=7200.5,
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON + timedelta(minutes=10),
    )
    Reading.objects.bulk_create(
        a_reading(
            charge_point=garage,
            transaction=row,
            evse_number=1,
            connector_number=1,
            measurand="Energy.Active.Import.Register",
            context="Sample.Periodic",
            value=100.0 + 100 * minute,
            unit="Wh",
            raw=f"{0.1 + 0.1 * minute:.1f}",
            raw_unit="kWh",
            measured_at=NOON + timedelta(minutes=minute),
            received_at=NOON + timedelta(minutes=minute),
        )
        for minute in range(10)
    )
    return row


@pytest.fixture
def charging(session: Transaction) -> Transaction:
    """A session at a connected station that has just sent a reading."""
    now = timezone.now()
    ChargePoint.objects.filter(pk=session.charge_point_id).update(is_online=True, last_boot_at=NOON)
    Transaction.objects.filter(pk=session.pk).update(last_message_at=now)
    session.refresh_from_db()
    return session


@pytest.fixture
def history(garage: ChargePoint) -> Command:
    """A command that the station answered yesterday, and its row in the message log."""
    command = Command.objects.create(
        id="11111111-2222-3333-4444-555555555555",
        charge_point=garage,
        action="GetConfiguration",
        payload={"key": ["HeartbeatInterval"]},
        actor="somebody",
        state="accepted",
        status="",
        response={"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": "00112233"}]},
        created_at=NOON,
        sent_at=NOON,
        deadline_at=NOON + timedelta(seconds=10),
        finished_at=NOON,
    )
    Message.objects.create(
        charge_point=garage,
        direction="out",
        message_id=command.id,
        action=command.action,
        request='{"key":["HeartbeatInterval"]}',
        response='{"configurationKey":[]}',
        size=60,
        duration_ms=12.5,
        at=NOON,
    )
    return command
