"""BootNotification: what is stored, the event, and the interval of the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.handlers.provisioning import (
    boot_notification,
    boot_notification_16,
    booted,
    heartbeat,
    reset,
)
from chargepoints.services.firmware import updates
from chargepoints.services.firmware.progress import Boot
from chargepoints.services.provisioning import boot, restarted
from chargepoints.tables import CHARGE_POINTS, COMMANDS
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import V201
from ocpp_server.storage.journal import journal
from tests.unit.chargepoints.in_memory import NOON, STATION, a_station, changed, events, handled


@pytest.fixture
def station() -> Station:
    return a_station(registration_status="Accepted", heartbeat_interval=240, firmware_version="1.4.1")


BOOT_16 = {
    "chargePointVendor": "ACME",
    "chargePointModel": "W22",
    "chargePointSerialNumber": "S1",
    "chargeBoxSerialNumber": "B1",
    "firmwareVersion": "1.4.2",
    "iccid": "I",
    "imsi": "M",
    "meterType": "MT",
    "meterSerialNumber": "MS",
}


async def test_a_16_boot_is_stored_with_all_its_fields(station: Station) -> None:
    answer = await handled(boot_notification_16, station, "BootNotification", BOOT_16)

    assert changed(station, CHARGE_POINTS) == {
        STATION: {
            "vendor": "ACME",
            "model": "W22",
            "serial_number": "S1",
            "firmware_version": "1.4.2",
            "iccid": "I",
            "imsi": "M",
            "meter_type": "MT",
            "meter_serial_number": "MS",
            "boot_reason": "",
            "last_boot_at": NOON,
        }
    }
    assert (answer["status"], answer["interval"]) == ("Accepted", 240)
    assert station.has_booted
    assert events(station) == [
        (
            "station.booted",
            {
                "registrationStatus": "Accepted",
                "bootReason": "",
                "vendor": "ACME",
                "model": "W22",
                "serialNumber": "S1",
                "firmwareVersion": "1.4.2",
                "previousFirmwareVersion": "1.4.1",
                "interruptedTransactions": 0,
            },
        )
    ]


async def test_a_16_boot_may_name_the_serial_number_of_its_box_only(station: Station) -> None:
    request = {"chargePointVendor": "ACME", "chargePointModel": "W22", "chargeBoxSerialNumber": "B1"}

    await handled(boot_notification_16, station, "BootNotification", request)

    stored = changed(station, CHARGE_POINTS)[STATION]
    assert stored.pop("serial_number") == "B1"
    names = ("firmware_version", "iccid", "imsi", "meter_type", "meter_serial_number")
    assert {name: stored[name] for name in names} == dict.fromkeys(names, "")


async def test_a_2x_boot_is_stored_with_all_its_fields(station: Station) -> None:
    described = {
        "vendorName": "ACME",
        "model": "W22",
        "serialNumber": "S1",
        "firmwareVersion": "1.4.2",
        "modem": {"iccid": "I", "imsi": "M"},
    }
    request = {"reason": "RemoteReset", "chargingStation": described}

    answer = await handled(boot_notification, station, "BootNotification", request)

    stored = changed(station, CHARGE_POINTS)[STATION]
    assert (stored["vendor"], stored["model"], stored["serial_number"]) == ("ACME", "W22", "S1")
    assert (stored["firmware_version"], stored["iccid"], stored["imsi"]) == ("1.4.2", "I", "M")
    assert stored["boot_reason"] == events(station)[0][1]["bootReason"] == "RemoteReset"
    assert answer["status"] == "Accepted"


async def test_a_2x_boot_without_optional_fields_is_stored(station: Station) -> None:
    request = {"reason": "PowerUp", "chargingStation": {"vendorName": "ACME", "model": "W22"}}

    await handled(boot_notification, station, "BootNotification", request)

    stored = changed(station, CHARGE_POINTS)[STATION]
    names = ("serial_number", "firmware_version", "iccid", "imsi")
    assert {name: stored[name] for name in names} == dict.fromkeys(names, "")


async def test_texts_are_cut_to_their_columns(station: Station) -> None:
    names = list(boot.Identification.__dataclass_fields__)
    identification = boot.Identification(**dict.fromkeys(names, "x" * 300))

    await boot.register(station=station, identification=identification, reason="y" * 100)

    stored = changed(station, CHARGE_POINTS)[STATION]
    assert {name: len(stored[name]) for name in names} == dict.fromkeys(names, 255) | {
        "iccid": 64,
        "imsi": 64,
    }
    assert len(stored["boot_reason"]) == len(events(station)[0][1]["bootReason"]) == 64


async def test_the_firmware_before_is_that_of_the_last_boot(station: Station) -> None:
    station.firmware_version = ""

    for version in ("1", "2"):
        await boot.register(station=station, identification=boot.Identification(firmware_version=version))

    assert [data["previousFirmwareVersion"] for _, data in events(station)] == [None, "1"]


async def test_a_boot_counts_the_sessions_that_it_interrupts(station: Station) -> None:
    def session(number: int, **more: Any) -> TransactionState:
        usual: dict[str, Any] = {"evse": 1, "connector": 1, "id_token": "A", "token_key": "a"}
        return TransactionState(
            id=number,
            ocpp_id=str(number),
            station="CP-1",
            authorization_status="Accepted",
            started_at=NOON,
            last_message_at=NOON,
            **usual | more,
        )

    station.transactions = {
        1: session(1),
        2: session(2),
        3: session(3, interrupted_at=NOON),
        4: session(4, is_active=False),
    }

    await boot.register(station=station, identification=boot.Identification())

    assert events(station)[0][1]["interruptedTransactions"] == 2


def test_an_accepted_station_gets_its_own_heartbeat_or_the_usual_one(station: Station, settings: Any) -> None:
    settings.OCPP_HEARTBEAT_INTERVAL = 77

    own = boot.interval(station)
    station.heartbeat_interval = 0

    assert (own, boot.interval(station)) == (240, 77)


@pytest.mark.parametrize(("status", "least", "most"), [("Pending", 60, 66), ("Rejected", 300, 330)])
def test_a_station_that_is_not_accepted_returns_within_a_tenth_of_its_time(
    station: Station, status: str, least: int, most: int
) -> None:
    station.registration_status = status

    seconds = {boot.interval(station) for _ in range(2_000)}

    assert (min(seconds), max(seconds)) == (least, most)


async def test_a_heartbeat_is_answered_with_the_time_of_the_answer(station: Station) -> None:
    before = datetime.now(UTC)

    beat = await handled(heartbeat, station, "Heartbeat", {})
    boot_answer = await handled(boot_notification_16, station, "BootNotification", BOOT_16)

    for answer in (beat, boot_answer):
        at = datetime.fromisoformat(answer["currentTime"])
        assert before - timedelta(milliseconds=1) <= at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("request_", "status", "waits"),
    [
        ({"type": "Hard"}, "Accepted", timedelta(minutes=10)),
        ({"type": "OnIdle"}, "Scheduled", timedelta(days=1)),
        ({"type": "Hard"}, "Rejected", None),
        ({"type": "OnIdle", "evseId": 1}, "Accepted", None),
    ],
)
async def test_an_accepted_reset_of_the_station_waits_for_its_boot(
    request_: dict[str, Any], status: str, waits: timedelta | None
) -> None:
    station = a_station(version=V201)

    await reset(station, request_, {"status": status}, "c-1")

    waiting = {} if waits is None else {"c-1": {"effect": "waiting", "effect_until": NOON + waits}}
    assert changed(station, COMMANDS) == waiting


@pytest.mark.parametrize(
    ("request_", "is_awaited"), [({"reason": "PowerUp"}, True), ({"reason": "Triggered"}, False), ({}, True)]
)
async def test_after_the_answer_a_boot_settles_the_commands_that_led_to_it(
    station: Station, monkeypatch: pytest.MonkeyPatch, request_: dict[str, str], is_awaited: bool
) -> None:
    runs: list[tuple[Any, ...]] = []

    async def run(*call: Any) -> None:
        runs.append(call)

    monkeypatch.setattr(journal, "run", run)

    await booted(station, request_)

    resets = [(restarted.booted, STATION, NOON)] if is_awaited else []
    boot = Boot("1.4.1", NOON)
    assert runs == [*resets, (updates.booted, STATION, boot, request_.get("reason", ""))]
