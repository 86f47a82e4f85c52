"""After a notification the server computes the log or the firmware update that it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, FirmwareUpdate, LogUpload
from chargepoints.services.firmware import updates
from ocpp_server.protocol import registry
from ocpp_server.protocol.versions import V16, V201
from tests.direct.follow_ups import a_notification
from tests.unit.chargepoints.in_memory import a_station
from tests.unit.transactions.at_once import at_once, run_at_once

pytestmark = pytest.mark.django_db

AGO = datetime.now(UTC) - timedelta(minutes=10)
Follow = Callable[..., None]


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="garage", ocpp_version=V16)


@pytest.fixture
def followed(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Store a notification, and run its after-handlers."""
    run_at_once(monkeypatch)

    def follow(action: str, status: str, number: int | None = None, *, version: str = V16) -> None:
        a_notification(garage, action, status, number=number, seconds_ago=30)
        station = a_station(version=version)
        station.pk, station.action, station.received_at = garage.pk, action, datetime.now(UTC)
        request: dict[str, Any] = {"status": status}
        if number is not None:
            request["requestId"] = number

        @at_once
        async def run() -> None:
            for after in registry.after_handlers(version, action):
                await after(station, request)

        run()

    return follow


def logs(station: ChargePoint, kind: str) -> list[LogUpload]:
    times = {"created_at": AGO, "updated_at": AGO, "expires_at": AGO + timedelta(hours=1)}
    return [LogUpload.objects.create(charge_point=station, kind=kind, **times) for _ in range(2)]


def states(rows: Any) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.state for row in rows]


@pytest.mark.parametrize("version", [V16, V201])
def test_the_status_of_a_log_belongs_to_its_number(
    garage: ChargePoint, followed: Follow, version: str
) -> None:
    rows = logs(garage, "SecurityLog")

    followed("LogStatusNotification", "Uploading", rows[0].pk, version=version)

    assert states(rows) == ["uploading", "requested"]


def test_the_status_of_diagnostics_belongs_to_the_newest_request(
    garage: ChargePoint, followed: Follow
) -> None:
    rows = logs(garage, "Diagnostics")

    followed("DiagnosticsStatusNotification", "Uploading")

    assert states(rows)[-1] == "uploading"


def firmware(station: ChargePoint) -> list[FirmwareUpdate]:
    usual: dict[str, Any] = {"action": updates.SIGNED, "actor": "ann", "version": "1.1", "is_signed": True}
    rows = [
        updates.create(station, command_id=f"c{number}", retrieve_at=AGO, install_at=None, **usual)
        for number in (1, 2)
    ]
    FirmwareUpdate.objects.update(created_at=AGO)
    return rows


@pytest.mark.parametrize(
    ("version", "action"),
    [(V16, "SignedFirmwareStatusNotification"), (V201, "FirmwareStatusNotification")],
)
def test_the_status_of_an_update_belongs_to_its_number(
    garage: ChargePoint, followed: Follow, version: str, action: str
) -> None:
    rows = firmware(garage)

    followed(action, "Downloading", rows[0].pk, version=version)

    assert states(rows) == ["downloading", "requested"]


def test_the_status_of_a_plain_16_update_belongs_to_the_newest(garage: ChargePoint, followed: Follow) -> None:
    rows = firmware(garage)

    followed("FirmwareStatusNotification", "Downloading")

    assert states(rows)[-1] == "downloading"
