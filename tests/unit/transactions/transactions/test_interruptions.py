"""Sessions that a restart interrupted, or that were refused, and get no stop: when housekeeping ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Connector, Evse
from tests.unit.transactions.transactions.live_station import NOON, minutes
from tests.unit.transactions.transactions.stored_sessions import a_row, charging, garage
from transactions.models import Transaction
from transactions.services.transactions import closing, interruptions

__all__ = ["garage"]

GRACE = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("change", "ended_by"),
    [
        ({}, "interrupted"),
        ({"is_interrupted": False}, ""),
        ({"last_message_at": minutes(-10.1)}, "interrupted"),
        ({"last_message_at": minutes(-9.9)}, ""),
        ({"is_online": False}, ""),
        ({"last_boot_at": minutes(-9.9)}, ""),
        ({"connected_at": minutes(-9.9)}, ""),
        ({"status": "Occupied"}, ""),
        ({"status_received_at": minutes(-9.9)}, ""),
        ({"status_received_at": None}, ""),
        ({"evse_number": None}, ""),
        ({"connector_number": 2}, ""),
        ({"connector_number": None}, "interrupted"),
        ({"is_interrupted": False, "authorization_status": "Blocked", "energy_wh": 0}, "refused"),
        ({"is_online": False, "authorization_status": "Blocked", "energy_wh": 0}, "refused"),
        ({"is_interrupted": False, "authorization_status": "Blocked", "energy_wh": 1}, ""),
        ({"is_interrupted": False, "authorization_status": "", "energy_wh": 0}, ""),
        ({"authorization_status": "Blocked", "energy_wh": 1}, "interrupted"),
        ({"is_interrupted": False, "energy_wh": 0}, ""),
        ({"energy_wh": 0}, "interrupted"),
        ({"last_boot_at": minutes(-10), "connected_at": minutes(-10)}, "interrupted"),
        ({"last_boot_at": None, "connected_at": None}, "interrupted"),
        ({"status_received_at": minutes(-10)}, "interrupted"),
        ({"last_message_at": minutes(-10)}, "interrupted"),
    ],
)
def test_a_session_that_gets_no_stop_is_closed_once_its_connector_was_free_for_the_grace(
    garage: ChargePoint, change: dict[str, Any], ended_by: str
) -> None:
    long_ago = minutes(-60)
    row = charging(garage, last_message_at=long_ago, is_interrupted=True, authorization_status="Accepted")
    garage.last_boot_at = garage.connected_at = long_ago
    evse = Evse.objects.create(charge_point=garage, number=1)
    connector = Connector.objects.create(
        charge_point=garage, evse=evse, number=1, status="Available", status_received_at=long_ago
    )
    # The connectors of other EVSEs and stations decide nothing.
    other = ChargePoint.objects.create(identity="CP-2")
    for owner, number in ((garage, 2), (other, 1)):
        another = Evse.objects.create(charge_point=owner, number=number)
        Connector.objects.create(charge_point=owner, evse=another, number=1, status="Occupied")
    of_station, of_connector = {"is_online", "last_boot_at", "connected_at"}, {"status", "status_received_at"}
    for name, value in change.items():
        owner = garage if name in of_station else connector if name in of_connector else row
        setattr(owner, name, value)
    for one in (garage, connector, row):
        one.save()

    interruptions.close_interrupted(NOON, GRACE)

    found = Transaction.objects.get()
    assert (found.ended_by, found.status) == (ended_by, "ended" if ended_by else "active")
    if ended_by == "refused":
        assert found.suspect_reasons == []
    if ended_by == "interrupted":
        assert found.suspect_reasons == ["connector-available", "stop-missing"]


@pytest.mark.parametrize(("second", "ended_by"), [("Available", "interrupted"), ("Occupied", "")])
def test_every_connector_of_the_evse_must_be_free_where_the_session_names_none(
    garage: ChargePoint, second: str, ended_by: str
) -> None:
    charging(garage, last_message_at=minutes(-60), is_interrupted=True, connector_number=None)
    evse = Evse.objects.create(charge_point=garage, number=1)
    for number, status in ((1, "Available"), (2, second)):
        Connector.objects.create(
            charge_point=garage, evse=evse, number=number, status=status, status_received_at=minutes(-60)
        )

    interruptions.close_interrupted(NOON, GRACE)

    assert Transaction.objects.get().ended_by == ended_by


def interrupted(number: int, evse: int) -> Transaction:
    """An interrupted session of a station that is online, without a message for an hour."""
    ends: dict[str, Any] = {"status": "active", "ended_by": "", "stopped_at": None}
    return a_row(
        number,
        evse_number=evse,
        last_message_at=minutes(-60),
        is_interrupted=True,
        suspect_reasons=[],
        **ends,
    )


def free_connectors(garage: ChargePoint, *evses: int) -> None:
    garage.is_online = True
    garage.save()
    for number in evses:
        evse = Evse.objects.create(charge_point=garage, number=number)
        Connector.objects.create(
            charge_point=garage, evse=evse, number=1, status="Available", status_received_at=minutes(-60)
        )


def test_a_session_at_an_occupied_connector_does_not_keep_the_others_open(garage: ChargePoint) -> None:
    free_connectors(garage, 2)
    for number, evse in ((1000, 1), (1001, 2), (1002, 1)):
        interrupted(number, evse)

    interruptions.close_interrupted(NOON, GRACE)

    ended_by = Transaction.objects.order_by("pk").values_list("ended_by", flat=True)
    assert list(ended_by) == ["", "interrupted", ""]


def test_an_interrupted_session_with_a_message_at_the_last_moment_stays_open(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_connectors(garage, 1)
    interrupted(1000, 1)
    close = closing.close

    def late(number: int, **how: Any) -> bool:
        Transaction.objects.update(last_message_at=NOON)
        return close(number, **how)

    monkeypatch.setattr(closing, "close", late)
    interruptions.close_interrupted(NOON, GRACE)

    assert Transaction.objects.get().ended_by == ""
