"""Stations and updates without sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, FirmwareFile, FirmwareUpdate
from chargepoints.services.firmware import updates
from tests.direct.follow_ups import a_notification

OLD, NEW = "1.0", "1.1"
Ask = Callable[..., FirmwareUpdate]
Notify = Callable[..., None]


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(
        identity="garage", ocpp_version="ocpp1.6", firmware_version=OLD, vendor="Acme", model="X1"
    )


@pytest.fixture
def firmware(db: None) -> FirmwareFile:
    return FirmwareFile.objects.create(name="Acme", version=NEW, url="https://files.example.com/1.1.bin")


@pytest.fixture
def asked(garage: ChargePoint) -> Ask:
    """An update that was asked for some minutes ago (10), with its command in a state, or without one."""

    def make(state: str = "accepted", *, minutes: float = 10, of: Any = None, **more: Any) -> FirmwareUpdate:
        station, columns = of or garage, more.pop("command", {})
        number = FirmwareUpdate.objects.count() + 1
        usual: dict[str, Any] = {"action": updates.PLAIN, "actor": "ann", "version": NEW, "is_signed": False}
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        times = {"retrieve_at": at, "install_at": None}
        update = updates.create(station, command_id=f"c{number}", **usual | times | more)
        FirmwareUpdate.objects.filter(pk=update.pk).update(
            created_at=at, updated_at=at, stalls_at=at + timedelta(hours=1)
        )
        if state:
            Command.objects.create(
                id=f"c{number}", charge_point=station, action=update.action, payload={}, state=state,
                created_at=at, deadline_at=at, finished_at=at + timedelta(seconds=1), **columns,
            )  # fmt: skip
        update.refresh_from_db()
        return update

    return make


@pytest.fixture
def notified(garage: ChargePoint) -> Notify:
    """A notification that was received some minutes ago (5)."""

    def make(status: str, number: int | None = None, *, minutes: float = 5, of: Any = None) -> None:
        action = "FirmwareStatusNotification" if number is None else "SignedFirmwareStatusNotification"
        a_notification(of or garage, action, status, number=number, seconds_ago=60 * minutes)

    return make


def state(update: FirmwareUpdate) -> str:
    update.refresh_from_db()
    return update.state
