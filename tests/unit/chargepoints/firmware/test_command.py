"""The command update-firmware: its CALL, its row, and what is refused before anything is sent (1.6 4.5 and
security extension L01, 2.x L01).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chargepoints.commands.firmware.updating import UPDATE_FIRMWARE
from chargepoints.models import ChargePoint, Command, FirmwareFile, FirmwareUpdate
from configuration.models import ReportedKey
from ocpp_server import live
from ocpp_server.command_fields import Listed
from ocpp_server.domain import Conflict, DomainError, Invalid, QueueFull, StationOffline
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.live.records import Connection
from ocpp_server.observability import tracing
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.transport import calls
from tests.unit.chargepoints.firmware.conftest import NEW, OLD
from tests.unit.transactions.at_once import at_once, run_at_once

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 5, 4, 12, 0, tzinfo=UTC)
AT, TEXT = "2030-05-04T14:00:00+02:00", "2030-05-04T12:00:00.000Z"
ELSEWHERE = "https://files.example.com/1.1.bin"
ACCEPTED: dict[str, Any] = {"state": "accepted", "status": "Accepted"}
UNKNOWN: dict[str, Any] = {"state": "error", "error_code": "NotImplemented"}


class Wire:
    """The place of the socket: each call is stored with the next outcome, or raises it."""

    def __init__(self, outcomes: list[dict[str, Any] | Exception]) -> None:
        self.outcomes = outcomes
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.how: list[dict[str, Any]] = []
        self.rows_before: list[int] = []

    async def call(
        self, charge_point: ChargePoint, action: str, payload: dict[str, Any], **how: Any
    ) -> Command:
        self.sent.append((action, payload))
        self.rows_before.append(FirmwareUpdate.objects.count())
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        command = Command.objects.create(
            id=how.pop("command_id"), charge_point=charge_point, action=action, payload=payload,
            actor=how["actor"], created_at=NOON, deadline_at=NOON, **outcome,
        )  # fmt: skip
        self.how.append(how)
        return command


Update = Callable[..., SimpleNamespace]


@pytest.fixture
def update(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Perform the command at a connected station, with the outcome of each CALL."""
    run_at_once(monkeypatch)
    live.reset()
    garage.registration_status = "Accepted"
    garage.save()

    def perform(
        *outcomes: dict[str, Any] | Exception,
        dialect: str = V16,
        is_online: bool = True,
        wait: bool = True,
        **fields: Any,
    ) -> SimpleNamespace:
        wire = Wire(list(outcomes))
        monkeypatch.setattr(calls, "call", wire.call)
        found = SimpleNamespace(wire=wire, result=None, error=None, rows=[])

        @at_once
        async def run() -> None:
            if is_online:
                await live.state().connect(Connection("c", "garage", dialect, "here", "192.0.2.7", NOON))
            try:
                with tracing.request(id="c1"):
                    found.result = await UPDATE_FIRMWARE.perform(
                        garage, actor="ann", timeout=7.0, wait=wait, **fields
                    )
            except (DomainError, LiveStateUnavailable) as error:
                found.error = error

        run()
        found.rows = list(FirmwareUpdate.objects.order_by("pk"))
        return found

    yield perform
    live.reset()


@pytest.fixture
def signed(firmware: FirmwareFile) -> FirmwareFile:
    FirmwareFile.objects.update(signature="c2ln", signing_certificate="PEM", verified=True, sha256="0" * 64)
    firmware.refresh_from_db()
    return firmware


# -- the CALL ------------------------------------------------------------------------------------------------


def test_a_16_station_gets_update_firmware_with_the_fields_that_were_given(update: Update) -> None:
    found = update(
        ACCEPTED, location=ELSEWHERE, version=" 1.1 ", retrieve_at=AT, retries=0, retry_interval=60
    )

    assert found.wire.sent == [
        (
            "UpdateFirmware",
            {"location": ELSEWHERE, "retrieveDate": TEXT, "retries": 0, "retryInterval": 60},
        )
    ]
    assert found.wire.how == [{"actor": "ann", "timeout": 7.0, "wait": True}]
    (row,) = found.rows
    assert (row.command_id, row.actor, row.action) == ("c1", "ann", "UpdateFirmware")
    assert (row.version, row.previous_version, row.location) == (NEW, OLD, ELSEWHERE)
    assert (row.state, row.answer, row.retrieve_at) == ("accepted", "Accepted", NOON)
    assert found.result.command.pk == "c1"
    assert found.result.data == {"updateId": row.pk, "action": "UpdateFirmware"}


@pytest.mark.parametrize("version", [V201, V21])
def test_a_2x_station_gets_the_number_of_the_row(update: Update, version: str) -> None:
    found = update(
        {"state": "sent"}, dialect=version, wait=False,
        location=ELSEWHERE, retrieve_at=AT, install_at=AT,
    )  # fmt: skip

    (row,) = found.rows
    firmware = {"location": ELSEWHERE, "retrieveDateTime": TEXT, "installDateTime": TEXT}
    assert found.wire.sent == [("UpdateFirmware", {"requestId": row.pk, "firmware": firmware})]
    assert found.wire.how[0]["wait"] is False
    assert (row.state, row.install_at) == ("requested", NOON)


def test_a_firmware_of_the_server_is_sent_with_its_address_and_its_signature(
    update: Update, signed: FirmwareFile
) -> None:
    found = update(ACCEPTED, firmware=signed.pk, retrieve_at=AT)

    (row,) = found.rows
    assert found.wire.sent == [
        (
            "SignedUpdateFirmware",
            {
                "requestId": row.pk,
                "firmware": {
                    "location": signed.url,
                    "retrieveDateTime": TEXT,
                    "signature": "c2ln",
                    "signingCertificate": "PEM",
                },
            },
        )
    ]
    assert (row.firmware, row.location, row.version, row.is_signed) == (signed, "", NEW, True)


@pytest.mark.parametrize("code", ["NotImplemented", "NotSupported"])
def test_a_16_station_that_does_not_know_the_signed_request_gets_the_plain_one(
    update: Update, signed: FirmwareFile, code: str
) -> None:
    found = update(UNKNOWN | {"error_code": code}, ACCEPTED, firmware=signed.pk)

    assert [action for action, _ in found.wire.sent] == ["SignedUpdateFirmware", "UpdateFirmware"]
    assert found.wire.how[1] == {"actor": "ann", "timeout": 7.0, "wait": True}
    first, second = found.rows
    assert [(row.state, row.is_signed) for row in found.rows] == [("failed", True), ("accepted", False)]
    assert first.command_id == "c1"
    assert found.result.command.pk == second.command_id
    assert found.result.data == {"updateId": second.pk, "action": "UpdateFirmware"}


def test_another_error_is_not_followed_by_the_plain_request(update: Update, signed: FirmwareFile) -> None:
    found = update({"state": "error", "error_code": "InternalError"}, firmware=signed.pk)

    assert [row.state for row in found.rows] == ["failed"]
    assert found.result.data["action"] == "SignedUpdateFirmware"


def test_a_station_that_knows_no_update_at_all_is_asked_once(update: Update) -> None:
    found = update(UNKNOWN, location=ELSEWHERE)

    assert len(found.wire.sent) == 1
    assert [row.state for row in found.rows] == ["failed"]


# -- the refusals --------------------------------------------------------------------------------------------


def refused(found: SimpleNamespace, sentence: str, kind: type[Exception] = Conflict) -> None:
    assert isinstance(found.error, kind)
    assert sentence in str(found.error)
    assert (found.wire.sent, found.rows) == ([], [])


def test_firmware_of_another_make_is_not_sent(update: Update, firmware: FirmwareFile) -> None:
    FirmwareFile.objects.update(vendor="Other")

    refused(update(firmware=firmware.pk), "Acme 1.1 is for the vendor Other; garage has Acme.")


def test_wrong_fields_are_refused(update: Update) -> None:
    refused(update(), "Give the number of a firmware, or a location.", Invalid)


@pytest.mark.parametrize(
    ("version", "key"),
    [(V16, "SupportedFileTransferProtocols"), (V201, "OCPPCommCtrlr.FileTransferProtocols")],
)
def test_a_protocol_that_the_station_does_not_report_is_not_used(
    update: Update, garage: ChargePoint, version: str, key: str
) -> None:
    ReportedKey.objects.create(charge_point=garage, key=key, value="FTP, http", reported_at=NOON)

    refused(
        update(dialect=version, location=ELSEWHERE),
        f"garage does not take files over HTTPS: it reports {key}=FTP, http.",
    )
    assert update(ACCEPTED, dialect=version, location="http://files.example.com/1.bin").rows


def test_an_offline_station_gets_no_row(update: Update) -> None:
    refused(update(is_online=False, location=ELSEWHERE), "offline", StationOffline)


def test_a_time_that_the_dialect_lacks_is_refused(update: Update) -> None:
    refused(update(location=ELSEWHERE, install_at=AT), "no time of installation", Invalid)


@pytest.mark.parametrize(
    "error", [StationOffline("Gone."), QueueFull(), LiveStateUnavailable("No Redis.")], ids=str
)
def test_a_request_that_could_not_be_sent_leaves_no_row(update: Update, error: Exception) -> None:
    found = update(error, location=ELSEWHERE)

    assert (found.wire.rows_before, found.error, found.rows) == ([1], error, [])


def test_the_form_offers_the_newest_firmware_files_and_asks_before_it_sends(firmware: FirmwareFile) -> None:
    listed = UPDATE_FIRMWARE.fields[0]
    assert isinstance(listed, Listed)
    assert listed.rows() == [(firmware.pk, f"{firmware.pk} · Acme 1.1")]
    assert "The station restarts" in str(UPDATE_FIRMWARE.danger)

    FirmwareFile.objects.bulk_create(
        FirmwareFile(name="Acme", version=str(number), url=ELSEWHERE) for number in range(500)
    )
    numbers = [number for number, _ in listed.rows()]
    assert (len(numbers), numbers[0]) == (500, FirmwareFile.objects.latest("pk").pk)
