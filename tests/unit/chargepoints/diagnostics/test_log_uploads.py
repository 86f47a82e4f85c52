"""The rows of logs: states found by the job, retention, and files that go with their rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chargepoints.jobs import delete_unknown_files
from chargepoints.models import ChargePoint, Command, LogUpload
from chargepoints.services.diagnostics import log_uploads
from chargepoints.services.diagnostics.addresses import Secrets
from chargepoints.services.provisioning import stations
from events.models import Event
from ocpp_server.bounds import folders
from ocpp_server.bounds.folders import Kept
from tests.direct.follow_ups import a_log_status

pytestmark = pytest.mark.django_db

SECRETS = Secrets("k" * 32)
KEPT = Kept("7-0123456789abcdef", 3, "abc")


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path
    return tmp_path


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="garage")


def asked(
    garage: ChargePoint, kind: str = "SecurityLog", *, state: str = "accepted", **more: Any
) -> LogUpload:
    """A log that was asked for a minute ago, with its command."""
    upload = log_uploads.create(garage, kind=kind, actor="ann", secrets=SECRETS)
    at = datetime.now(UTC) - timedelta(minutes=1)
    command = Command.objects.create(
        id=f"c{upload.pk}", charge_point=garage, action="GetLog", payload={}, state=state,
        created_at=at, deadline_at=at, finished_at=at,
    )  # fmt: skip
    LogUpload.objects.filter(pk=upload.pk).update(
        command=command, created_at=at, updated_at=at - timedelta(seconds=1), **more
    )
    upload.refresh_from_db()
    return upload


def state(upload: LogUpload) -> str:
    upload.refresh_from_db()
    return upload.state


def test_the_job_finds_answers_and_notifications_that_no_process_has_followed(garage: ChargePoint) -> None:
    accepted, refused = asked(garage), asked(garage, state="rejected")
    uploading = asked(garage)
    a_log_status(garage, "Uploading", uploading.pk)
    expired = asked(garage, expires_at=datetime.now(UTC) - timedelta(seconds=1))

    log_uploads.settle()

    assert [state(one) for one in (accepted, refused, uploading, expired)] == [
        "accepted", "rejected", "uploading", "expired"
    ]  # fmt: skip


def test_the_job_looks_at_a_log_only_when_something_has_changed(garage: ChargePoint) -> None:
    upload = asked(garage)
    log_uploads.settle()
    upload.refresh_from_db()
    before = upload.updated_at

    log_uploads.settle()

    upload.refresh_from_db()
    assert upload.updated_at == before


def test_a_notification_without_a_number_belongs_to_the_last_request_before_it(garage: ChargePoint) -> None:
    first = asked(garage, "Diagnostics")
    a_log_status(garage, "UploadFailed", seconds_ago=50)
    second = asked(garage, "Diagnostics")
    LogUpload.objects.filter(pk=second.pk).update(created_at=datetime.now(UTC) - timedelta(seconds=40))
    log = asked(garage)
    a_log_status(garage, "Uploading", seconds_ago=30)
    a_log_status(garage, "Idle", seconds_ago=20)

    for one in (first, second, log):
        log_uploads.refresh(one.pk)

    assert [state(one) for one in (first, second, log)] == ["failed", "uploading", "accepted"]


def test_a_number_of_another_station_changes_nothing(garage: ChargePoint) -> None:
    upload = asked(garage)
    other = ChargePoint.objects.create(identity="yard")
    a_log_status(other, "Uploading", upload.pk)

    log_uploads.follow(other.pk, "LogStatusNotification", upload.pk)
    log_uploads.follow(garage.pk, "LogStatusNotification", None)

    assert state(upload) == "requested"


def test_a_file_is_an_event_and_the_same_file_again_is_none(garage: ChargePoint) -> None:
    upload = asked(garage)

    for _ in range(2):
        assert log_uploads.store(upload.pk, kept=KEPT, file_name="log.zip")
    assert log_uploads.store(upload.pk, kept=KEPT._replace(sha256="d"), file_name="")

    upload.refresh_from_db()
    assert (upload.state, upload.file_name, upload.sha256) == ("received", "log.zip", "d")
    assert Event.objects.filter(type="diagnostics.received").count() == 2


def test_a_file_whose_row_was_deleted_is_not_stored(garage: ChargePoint) -> None:
    assert not log_uploads.store(999, kept=KEPT, file_name="log.zip")


@pytest.mark.parametrize(
    ("key", "more", "is_found"),
    [
        (SECRETS.key, {}, True),
        ("x" * 32, {}, False),
        ("", {}, False),
        (SECRETS.key, {"secret_hash": ""}, False),
        (SECRETS.key, {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, False),
    ],
)
def test_an_upload_needs_its_secret_before_it_expires(
    garage: ChargePoint, key: str, more: dict[str, Any], is_found: bool
) -> None:
    upload = asked(garage, **more)

    assert (log_uploads.find(upload.pk, key) is not None) is is_found
    assert log_uploads.find(upload.pk + 1, key) is None


def test_old_requests_are_deleted(garage: ChargePoint, settings: Any) -> None:
    settings.UPLOAD_RETENTION = 30
    asked(garage)
    new = asked(garage)
    LogUpload.objects.filter(pk=new.pk).update(created_at=datetime.now(UTC))

    log_uploads.delete_old()
    assert [row.pk for row in LogUpload.objects.all()] == [new.pk]

    settings.UPLOAD_RETENTION = 0
    LogUpload.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    log_uploads.delete_old()
    assert LogUpload.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_files_of_a_station_are_deleted_with_it(garage: ChargePoint, folder: Path) -> None:
    (folder / KEPT.name).write_bytes(b"log")
    log_uploads.store(asked(garage).pk, kept=KEPT, file_name="")

    stations.delete(garage)

    assert list(folder.iterdir()) == []
    assert not LogUpload.objects.exists()


async def test_a_job_deletes_the_files_without_a_row(
    garage: ChargePoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {KEPT.name}
    monkeypatch.setattr(folders, "YOUNG_S", -1.0)

    async def run(function: Any, *given: Any) -> Any:
        return known if function is log_uploads.known else function(*given)

    monkeypatch.setattr("chargepoints.jobs.journal.run", run)
    for name in (KEPT.name, "8-0123456789abcdef"):
        (folder / name).write_bytes(b"log")

    await delete_unknown_files()

    assert [path.name for path in folder.iterdir()] == [KEPT.name]


def test_files_with_a_row_are_known(garage: ChargePoint) -> None:
    log_uploads.store(asked(garage).pk, kept=KEPT, file_name="")

    assert log_uploads.known([KEPT.name, "8-0123456789abcdef", *map(str, range(600))]) == {KEPT.name}
    assert log_uploads.stored_bytes() == 3
