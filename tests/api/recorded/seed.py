"""The rows that a scenario finds in the server's database: callers, an offline station and its sessions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.db import connections

from accounts.models import ApiKey, AuditEntry, User
from accounts.services.api_keys import digest
from alerts.models import Alert
from chargepoints.models import (
    ChargePoint,
    Command,
    Connector,
    Evse,
    FirmwareDownload,
    FirmwareDownloadRequest,
    FirmwareFile,
    Message,
)
from tests.api.conftest import NOON
from tests.api.recorded import seed_aggregates, seed_evidence, seed_notices, seed_signing
from tests.api.recorded.playing import OPERATOR, VIEWER
from tests.direct.readings import a_reading
from transactions.models import Refusal, Transaction

ALIAS = "recorded"
ALERT = 1
# Far from the entries of the scenario, whose number depends on its requests.
AUDIT_ENTRY = 1_000_000
# The ended sessions of the offline station; each is settled in another way.
SUSPECT = {1001: ["meter-implausible"], 1002: ["energy-unknown"], 1003: ["conflicting-stop"], 1004: []}


def plant(database: Path) -> None:
    """Store the rows in the SQLite file of a server that has not started yet."""
    connections.databases[ALIAS] = {**connections.databases["default"], "NAME": str(database)}
    connections.databases[ALIAS]["ENGINE"] = "django.db.backends.sqlite3"
    try:
        _rows()
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.databases[ALIAS]


def _rows() -> None:
    for name, plain, role in (
        ("viewer", VIEWER, User.Role.VIEWER),
        ("operator", OPERATOR, User.Role.OPERATOR),
    ):
        ApiKey.objects.using(ALIAS).create(name=name, role=role, prefix=plain[:8], digest=digest(plain))
    AuditEntry.objects.using(ALIAS).create(
        id=AUDIT_ENTRY,
        at=NOON,
        actor="ann",
        door="rest",
        action="eraseUser",
        path="/api/v1/users/17/erase",
        status=200,
        address="192.0.2.7",
        request_id="11111111-1111-4111-8111-111111111111",
    )
    garage = ChargePoint.objects.using(ALIAS).create(
        identity="GARAGE 1",
        vendor="Acme",
        model="Wall 11",
        firmware_version="1.2.3",
        ocpp_version="ocpp1.6",
        registration_status="Accepted",
        last_seen_at=NOON,
    )
    for number, status in ((1, "Charging"), (2, "Available")):
        evse = Evse.objects.using(ALIAS).create(charge_point=garage, number=number)
        Connector.objects.using(ALIAS).create(
            charge_point=garage,
            evse=evse,
            number=number,
            status=status,
            error_code="NoError",
            status_received_at=NOON,
        )
    Alert.objects.using(ALIAS).create(
        id=ALERT,
        code="offline",
        key="offline:GARAGE 1",
        station="GARAGE 1",
        charge_point=garage,
        severity="warning",
        title="GARAGE 1 has been offline since 12:00 UTC",
        what_to_do="Check its power and its network.",
        opened_at=NOON,
        last_seen_at=NOON,
    )
    firmware = FirmwareFile.objects.using(ALIAS).create(
        name="Wall 11", version="1.3.0", url="https://files.example.com/1.3.0.bin"
    )
    download = FirmwareDownload.objects.using(ALIAS).create(
        firmware=firmware, charge_point=garage, key_hash="0" * 64, expires_at=NOON, request_count=1
    )
    FirmwareDownloadRequest.objects.using(ALIAS).create(
        download=download, method="GET", status=206, first_byte=0, last_byte=9, began_at=NOON
    )
    _session(garage, 1000, status="active", started_at=NOON)
    for index, (number, reasons) in enumerate(SUSPECT.items()):
        begin = NOON - timedelta(days=index + 1)
        _session(
            garage,
            number,
            status="ended",
            ended_by="station",
            stop_reason="Local",
            meter_stop_wh=1000.0,
            started_at=begin,
            stopped_at=begin + timedelta(hours=1),
            stop_received_at=begin + timedelta(hours=1),
            suspect=bool(reasons),
            suspect_reasons=reasons,
        )
    for minute in range(3):
        reading = a_reading(
            charge_point=garage,
            transaction_id=1000,
            evse_number=1,
            connector_number=1,
            measurand="Energy.Active.Import.Register",
            context="Sample.Periodic",
            value=100.0 + 450 * minute,
            unit="Wh",
            raw=f"{0.1 + 0.45 * minute:.2f}",
            raw_unit="kWh",
            measured_at=NOON + timedelta(minutes=minute),
            received_at=NOON + timedelta(minutes=minute),
        )
        reading.save(using=ALIAS)
    command = Command.objects.using(ALIAS).create(
        id="11111111-2222-3333-4444-555555555555",
        charge_point=garage,
        action="GetConfiguration",
        payload={"key": ["AuthorizationKey"]},
        actor="somebody",
        state="accepted",
        response={"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": "0011"}]},
        created_at=NOON,
        sent_at=NOON,
        deadline_at=NOON + timedelta(seconds=10),
        finished_at=NOON,
    )
    Message.objects.using(ALIAS).create(
        charge_point=garage,
        direction="out",
        message_id=command.id,
        action=command.action,
        request='{"key":["AuthorizationKey"]}',
        response='{"configurationKey":[]}',
        size=60,
        duration_ms=12.5,
        at=NOON,
    )
    Refusal.objects.using(ALIAS).create(
        id=1,
        charge_point=garage,
        id_token="DE8AAC12345678X",
        purpose=Refusal.Purpose.CONTRACT,
        status="Invalid",
        reason="The certificate of the contract is revoked.",
        at=NOON,
    )
    seed_signing.plant(ALIAS, garage)
    seed_notices.plant(ALIAS)
    seed_aggregates.plant(ALIAS, garage)
    seed_evidence.plant(ALIAS, garage)


def _session(garage: ChargePoint, number: int, **more: object) -> None:
    values: dict[str, object] = {
        "ocpp_id": str(number),
        "evse_number": 1,
        "connector_number": 1,
        "id_token": "ALICE-CARD",
        "authorization_status": "Accepted",
        "meter_start_wh": 100.0,
        "meter_last_wh": 1000.0,
        "energy_wh": 900.0,
        "start_received_at": NOON,
        "last_message_at": NOON + timedelta(minutes=10),
    }
    Transaction.objects.using(ALIAS).create(id=number, charge_point=garage, **values | more)
