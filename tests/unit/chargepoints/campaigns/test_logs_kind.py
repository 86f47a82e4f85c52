"""The kind "logs": its arguments, the action by dialect, and the file that ends a station's row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command, LogUpload
from chargepoints.services.campaigns import kinds, planning
from chargepoints.services.campaigns.kinds import Result
from chargepoints.services.diagnostics import campaigns
from chargepoints.services.diagnostics.campaigns import LOGS
from ocpp_server import commanding, live
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.live.records import Connection

NOW = datetime.now(UTC)


def test_it_is_registered_for_both_commands() -> None:
    assert kinds.find("logs") is LOGS
    assert str(LOGS.title) == "Logs"
    assert kinds.of_command("get-log", {"logType": "SecurityLog"}) == ("logs", {"logType": "SecurityLog"})
    assert kinds.of_command("get-diagnostics", {"retries": 2}) == (
        "logs",
        {"logType": "DiagnosticsLog", "retries": 2},
    )
    assert kinds.of_command("reset", {"type": "Soft"}) == (
        "command",
        {"command": "reset", "fields": {"type": "Soft"}},
    )


def test_the_diagnostics_log_is_the_usual_one() -> None:
    assert LOGS.check({}) == {"logType": "DiagnosticsLog"}
    assert LOGS.check({"logType": "SecurityLog", "retries": 3}) == {"logType": "SecurityLog", "retries": 3}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"logType": "Everything"}, "arguments.logType"),
        ({"colour": "red"}, "arguments.colour"),
        ({"startTime": "yesterday"}, "arguments.startTime"),
        ({"startTime": "2026-02-01T00:00:00Z", "stopTime": "2026-01-01T00:00:00Z"}, "arguments.stopTime"),
        ({"url": "gopher://host/"}, "arguments.url"),
        ({"url": "ftp://host/", "withLogin": True}, "arguments.withLogin"),
        ({"retries": -1}, "arguments.retries"),
    ],
)
def test_a_refusal_names_the_field(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        LOGS.check(arguments)

    assert [one["field"] for one in error.value.errors] == [field]


def test_its_role_its_words_and_its_secrets() -> None:
    address = {"logType": "SecurityLog", "url": "ftp://ann:secret@host/"}

    assert LOGS.role({}) is Role.OPERATOR
    assert LOGS.masked(address) == {"logType": "SecurityLog", "url": "ftp://***@host/"}
    assert LOGS.sentence({"logType": "SecurityLog"}) == "Security log"
    assert LOGS.sentence({"logType": "DiagnosticsLog", "retries": 2}) == "Diagnostics log (retries: 2)"
    assert LOGS.sentence({"logType": "Gone"}) == "Gone"
    assert LOGS.sentence({}) == ""


@pytest.mark.parametrize(
    ("version", "log", "command", "asked"),
    [
        ("ocpp1.6", "DiagnosticsLog", "get-diagnostics", {}),
        ("ocpp1.6", "SecurityLog", "get-log", {"log_type": "SecurityLog"}),
        ("ocpp2.0.1", "DiagnosticsLog", "get-log", {"log_type": "DiagnosticsLog"}),
    ],
)
async def test_the_action_is_that_of_the_dialect(
    monkeypatch: pytest.MonkeyPatch, version: str, log: str, command: str, asked: dict[str, Any]
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []

    async def perform(self: Any, charge_point: Any, **how: Any) -> None:
        sent.append((self.name, how))

    monkeypatch.setattr(commanding.OperatorCommand, "perform", perform)
    station = ChargePoint(identity="CP-1", ocpp_version="of its last message")
    live.reset()
    await live.state().connect(Connection("c", "CP-1", version, "here", "192.0.2.7", NOW))

    try:
        assert await LOGS.begin(station, {"logType": log, "retries": 2}, actor="campaign 1") is None
    finally:
        live.reset()

    [(name, how)] = sent
    assert (name, how.pop("actor"), how.pop("wait")) == (command, "campaign 1", False)
    assert how == {"retries": 2, **asked}


async def test_an_offline_station_waits() -> None:
    live.reset()

    with pytest.raises(StationOffline):
        await LOGS.begin(ChargePoint(identity="CP-1"), {"logType": "SecurityLog"}, actor="campaign 1")


# -- the result of a station ---------------------------------------------------------------------------------


class Row:
    """A campaign of one station that was sent to, with its command and its request."""

    def __init__(self) -> None:
        self.station = ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")
        self.campaign: Campaign = planning.create(
            name="Logs", kind="logs", arguments={}, stations={"everything": True}, actor="ann"
        )
        self.row: CampaignStation = self.campaign.stations.get()
        self.row.state, self.row.claim, self.row.claimed_at = "sent", "c-1", NOW
        self.row.save()
        self.command = Command.objects.create(
            id="c-1", charge_point=self.station, action="GetLog", payload={}, actor=self.campaign.sender,
            state="accepted", created_at=NOW, deadline_at=NOW, finished_at=NOW,
        )  # fmt: skip

    def upload(self, **columns: Any) -> LogUpload:
        usual = {"actor": self.campaign.sender, "kind": "SecurityLog", "state": "accepted"}
        times = {"created_at": NOW, "expires_at": NOW, "updated_at": NOW - timedelta(hours=1)}
        return LogUpload.objects.create(charge_point=self.station, **usual | times | columns)

    @property
    def result(self) -> Result | None:
        return LOGS.results(list(self.campaign.stations.all())).get(self.row.pk)


@pytest.fixture
def row(db: None) -> Row:
    return Row()


@pytest.mark.parametrize(
    ("upload", "result"),
    [
        ({"state": "requested"}, None),
        ({"state": "accepted"}, None),
        ({"state": "uploading"}, None),
        ({"state": "uploaded"}, Result("done", detail="Uploaded elsewhere")),
        ({"state": "failed", "status": "UploadFailure"}, Result("failed", "no-effect", "UploadFailure")),
        (
            {"state": "failed", "status": "Uploaded", "fault": "The file is too large."},
            Result("failed", "no-effect", "The file is too large."),
        ),
        (
            {"state": "failed", "status": "Uploaded"},
            Result("failed", "no-effect", "The station reported Uploaded, but no file has arrived."),
        ),
        ({"state": "canceled"}, Result("failed", "no-effect", "Replaced by a newer request")),
        ({"state": "expired", "status": "Uploading"}, Result("failed", "no-effect", "Expired")),
    ],
)
def test_the_state_of_the_file_is_the_result(row: Row, upload: dict[str, Any], result: Result | None) -> None:
    row.upload(**upload)

    assert row.result == result


def test_a_file_may_arrive_after_the_notification(row: Row) -> None:
    row.upload(state="failed", status="Uploaded", updated_at=datetime.now(UTC) - timedelta(seconds=5))
    assert row.result is None

    LogUpload.objects.update(updated_at=datetime.now(UTC) - timedelta(seconds=61))
    assert row.result is not None


def received(row: Row, **columns: Any) -> LogUpload:
    return row.upload(state="received", stored_as="f", size=12_345, received_at=NOW, **columns)


@pytest.mark.parametrize(
    ("name", "detail"),
    [("diag.tgz", "diag.tgz, 12,345 bytes"), ("", "A file without a name, 12,345 bytes")],
)
def test_a_received_file_is_done(row: Row, name: str, detail: str) -> None:
    received(row, file_name=name)

    assert row.result == Result("done", detail=detail)


def test_a_received_file_counts_more_than_the_answer(row: Row) -> None:
    received(row, file_name="d")
    Command.objects.update(state="timeout")

    assert row.result == Result("done", detail="d, 12,345 bytes")


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ({"state": "rejected", "status": "Rejected"}, ("failed", "rejected", "Rejected")),
        ({"state": "timeout"}, ("failed", "no-answer", "")),
        ({"state": "error", "error_code": "InternalError"}, ("failed", "error", "InternalError")),
        (
            {"state": "error", "error_code": "NotImplemented"},
            ("skipped", "not-supported", "The station answered GetLog with NotImplemented."),
        ),
        ({"state": "sent", "finished_at": None}, None),
    ],
)
def test_a_failed_command_is_the_result(
    row: Row, command: dict[str, Any], result: tuple[str, str, str] | None
) -> None:
    row.upload(state="requested")
    Command.objects.update(**command)

    assert row.result == (Result(*result) if result else None)


def test_only_the_request_of_the_last_attempt_counts(row: Row) -> None:
    received(row, created_at=NOW - timedelta(hours=2))
    row.upload(actor="ann", state="failed")
    row.upload(state="accepted")
    row.upload(actor="ann", state="failed")

    assert row.result is None


def test_a_file_is_awaited_for_a_minute(row: Row) -> None:
    upload = row.upload(state="failed", status="Uploaded")
    minute, moment = timedelta(minutes=1), timedelta(microseconds=1)

    assert campaigns._result([row.command], upload, upload.updated_at + minute - moment) is None
    assert campaigns._result([row.command], upload, upload.updated_at + minute) is not None


def test_a_deleted_request_is_an_error_of_the_server(row: Row) -> None:
    sentence = "The request was deleted before its result was read."

    assert row.result == Result("failed", "server-error", sentence)
    row.upload()
    Command.objects.all().delete()
    assert row.result == Result("failed", "server-error", sentence)


def test_a_campaign_without_sent_rows_has_no_results() -> None:
    assert LOGS.results([]) == {}
