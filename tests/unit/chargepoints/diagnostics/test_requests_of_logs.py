"""The rows of logs: what a request stores, and which of them a notification, an answer or a file changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, FollowUp, LogUpload, Site
from chargepoints.services.diagnostics import addresses, files, log_uploads
from chargepoints.services.diagnostics.addresses import Secrets
from events.models import Event
from ocpp_server.bounds.folders import Kept
from tests.direct.follow_ups import a_log_status

pytestmark = pytest.mark.django_db

SECRETS = Secrets("k" * 32, "word")
KEPT = Kept("7-0123456789abcdef", 3, "abc")


@pytest.fixture
def garage(settings: Any, tmp_path: Path) -> ChargePoint:
    settings.UPLOAD_DIR, settings.UPLOAD_EXPIRY = tmp_path, 600
    return ChargePoint.objects.create(identity="garage", site=Site.objects.create(name="Home"))


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def asked(garage: ChargePoint, kind: str = "SecurityLog", **more: Any) -> LogUpload:
    upload = log_uploads.create(garage, kind=kind, actor="ann", secrets=SECRETS)
    LogUpload.objects.filter(pk=upload.pk).update(**{"created_at": ago(60), "updated_at": ago(60)} | more)
    upload.refresh_from_db()
    return upload


def a_command(garage: ChargePoint, name: str, state: str = "accepted", **more: Any) -> Command:
    return Command.objects.create(
        id=name,
        charge_point=garage,
        action="GetLog",
        payload={},
        state=state,
        **{"created_at": ago(60), "deadline_at": ago(30)} | more,
    )


def state(upload: LogUpload) -> str:
    upload.refresh_from_db()
    return upload.state


# -- requests ------------------------------------------------------------------------------------------------


def test_a_request_has_its_kind_its_actor_and_the_digests_of_its_secrets(garage: ChargePoint) -> None:
    row = log_uploads.create(garage, kind="SecurityLog", actor="a" * 151, secrets=SECRETS)

    row.refresh_from_db()
    assert (row.charge_point, row.kind, row.actor, row.state) == (
        garage, "SecurityLog", "a" * 150, "requested"
    )  # fmt: skip
    assert row.secret_hash == addresses.digest(SECRETS.key)
    assert row.login_hash == addresses.digest("station:word")
    assert row.expires_at - row.created_at == timedelta(seconds=600)
    assert row.updated_at == row.created_at
    assert row.is_received_here


def test_a_request_for_another_address_has_no_secrets(garage: ChargePoint) -> None:
    row = log_uploads.create(garage, kind="SecurityLog", actor="ann", secrets=None)

    assert (row.secret_hash, row.login_hash, row.is_received_here) == ("", "", False)


@pytest.mark.parametrize(
    ("response", "name"),
    [
        ({"fileName": "in/diag.zip"}, "diag.zip"),
        ({"status": "Accepted", "filename": "log.zip"}, "log.zip"),
        ({"fileName": "", "filename": "log.zip"}, "log.zip"),
        ({"fileName": None}, ""),
        ({"fileName": 7}, "7"),
        ({}, ""),
        (None, ""),
        (["x"], ""),
    ],
)
def test_the_answer_announces_the_name_of_the_file(response: Any, name: str) -> None:
    assert log_uploads.announced_name(Command(response=response)) == name


def test_a_command_is_connected_and_its_answer_counts_at_once(garage: ChargePoint) -> None:
    one, other = asked(garage), asked(garage)

    log_uploads.connect(one, a_command(garage, "c1", response={"filename": "log.zip"}))

    assert (state(one), one.command_id, one.file_name) == ("accepted", "c1", "log.zip")
    assert one.updated_at > ago(30)
    assert (state(other), other.command_id) == ("requested", None)


def test_the_name_that_the_file_had_when_it_arrived_is_kept(garage: ChargePoint) -> None:
    one = asked(garage, file_name="arrived.zip")

    log_uploads.connect(one, a_command(garage, "c1", response={"filename": "log.zip"}))

    one.refresh_from_db()
    assert one.file_name == "arrived.zip"


def test_a_request_that_was_not_sent_is_deleted_alone(garage: ChargePoint) -> None:
    one, other = asked(garage), asked(garage)

    log_uploads.discard(one)

    assert list(LogUpload.objects.all()) == [other]
    log_uploads.refresh(one.pk)  # a deleted row has no state


# -- notifications -------------------------------------------------------------------------------------------


def test_a_notification_with_a_number_changes_the_log_of_this_number(garage: ChargePoint) -> None:
    one, other = asked(garage), asked(garage)
    for row in (one, other):
        a_log_status(garage, "Uploading", row.pk)

    log_uploads.follow(garage.pk, "LogStatusNotification", one.pk)

    assert (state(one), one.status, state(other)) == ("uploading", "Uploading", "requested")


def test_a_notification_without_a_number_changes_the_newest_diagnostics(garage: ChargePoint) -> None:
    before, last = asked(garage, "Diagnostics"), asked(garage, "Diagnostics")
    log = asked(garage)
    a_log_status(garage, "Uploading")

    log_uploads.follow(garage.pk, "DiagnosticsStatusNotification", None)

    assert [state(row) for row in (before, last, log)] == ["requested", "uploading", "requested"]


def test_the_number_of_diagnostics_is_not_one_of_a_log(garage: ChargePoint) -> None:
    diagnostics = asked(garage, "Diagnostics")
    a_log_status(garage, "Uploading")

    log_uploads.follow(garage.pk, "LogStatusNotification", diagnostics.pk)

    assert state(diagnostics) == "requested"


def test_the_last_notification_counts_and_idle_and_older_ones_do_not(garage: ChargePoint) -> None:
    one, other = asked(garage), asked(garage)
    a_log_status(garage, "UploadFailed", one.pk, seconds_ago=90)  # of an earlier log with this number
    log_uploads.refresh(one.pk)
    assert (state(one), one.status) == ("requested", "")

    for seconds, status in ((40, "UploadFailed"), (30, "Uploading"), (20, "Idle"), (10, "")):
        a_log_status(garage, status, one.pk, seconds_ago=seconds)
    a_log_status(garage, "UploadFailed", other.pk, seconds_ago=5)
    log_uploads.refresh(one.pk)
    assert (state(one), one.status) == ("uploading", "Uploading")


def test_a_log_that_the_next_one_replaces_is_canceled(garage: ChargePoint) -> None:
    diagnostics, first, second, third = asked(garage, "Diagnostics"), *(asked(garage) for _ in range(3))
    yard = asked(ChargePoint.objects.create(identity="yard"))

    log_uploads.connect(third, a_command(garage, "c3", status="AcceptedCanceled"))

    found = [state(row) for row in (diagnostics, first, second, third, yard)]
    assert found == ["requested", "requested", "canceled", "accepted", "requested"]


def test_diagnostics_are_replaced_by_diagnostics_alone(garage: ChargePoint) -> None:
    first, log = asked(garage, "Diagnostics"), asked(garage)
    second = asked(garage, "Diagnostics")

    log_uploads.connect(second, a_command(garage, "c2", status="AcceptedCanceled"))

    assert [state(row) for row in (first, log, second)] == ["canceled", "requested", "accepted"]


def test_a_log_that_has_ended_is_not_canceled(garage: ChargePoint) -> None:
    first = asked(garage, state="failed")
    second = asked(garage)

    log_uploads.connect(second, a_command(garage, "c2", status="AcceptedCanceled"))

    assert state(first) == "failed"


def test_the_job_takes_a_limited_number_of_logs_the_oldest_first(
    garage: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_uploads.AT_ONCE == 200
    monkeypatch.setattr(log_uploads, "AT_ONCE", 2)
    rows = [asked(garage, expires_at=ago(1), updated_at=ago(seconds)) for seconds in (10, 30, 20)]

    log_uploads.settle()

    assert [state(row) for row in rows] == ["requested", "expired", "expired"]


def test_the_job_leaves_logs_that_have_ended_or_that_nothing_has_changed(garage: ChargePoint) -> None:
    yard = ChargePoint.objects.create(identity="yard")
    ended, untouched = asked(garage, state="canceled", expires_at=ago(1)), asked(yard)
    stamps = [row.updated_at for row in (ended, untouched)]
    a_log_status(garage, "Uploading", untouched.pk)
    FollowUp.objects.create(
        charge_point=yard, action="FirmwareStatusNotification", status="Downloading",
        payload="{}", fingerprint="f", received_at=ago(1),
    )  # fmt: skip

    log_uploads.settle()

    for row, before in zip((ended, untouched), stamps, strict=True):
        row.refresh_from_db()
        assert row.updated_at == before


# -- files ---------------------------------------------------------------------------------------------------


def test_a_file_that_begins_is_an_upload_without_a_fault(garage: ChargePoint) -> None:
    one, other = asked(garage, fault="The disk is full."), asked(garage)

    log_uploads.begin(one.pk)

    assert (state(one), one.fault, one.began_at is not None) == ("uploading", "", True)
    assert (state(other), other.began_at) == ("requested", None)


def test_a_file_that_was_refused_is_a_failure_with_a_sentence(garage: ChargePoint) -> None:
    one, other = asked(garage), asked(garage)

    log_uploads.fail(one.pk, "x" * 256)

    assert (state(one), one.fault) == ("failed", "x" * 255)
    assert (state(other), other.fault) == ("requested", "")


def test_a_file_is_stored_with_its_event(garage: ChargePoint) -> None:
    one = asked(garage, fault="x", command=a_command(garage, "c1"), file_name="announced")

    assert log_uploads.store(one.pk, kept=KEPT, file_name="")

    assert state(one) == "received"
    assert (one.stored_as, one.size, one.sha256, one.fault, one.file_name) == (*KEPT, "", "announced")
    assert one.received_at == one.updated_at > ago(30)
    event = Event.objects.get()
    assert (event.type, event.station, event.site_id) == ("diagnostics.received", "garage", garage.site_id)
    assert event.content == {
        "logId": one.pk,
        "kind": "SecurityLog",
        "fileName": "announced",
        "size": 3,
        "requestId": "c1",
    }


@pytest.mark.parametrize("has_before", [False, True])
def test_another_file_replaces_the_one_before(
    garage: ChargePoint, django_capture_on_commit_callbacks: Any, has_before: bool
) -> None:
    folder = files.LOGS.path
    before = "6-0123456789abcdef"
    for name in (before, KEPT.name):
        (folder / name).write_bytes(b"log")
    one = asked(garage, stored_as=before if has_before else "")

    with django_capture_on_commit_callbacks(execute=True):
        log_uploads.store(one.pk, kept=KEPT, file_name="log.zip")
        assert (folder / before).exists()

    left = {path.name for path in folder.iterdir()}
    assert left == ({KEPT.name} if has_before else {KEPT.name, before})


def test_a_request_is_deleted_with_its_file(
    garage: ChargePoint, django_capture_on_commit_callbacks: Any
) -> None:
    file = files.LOGS.path / KEPT.name
    file.write_bytes(b"log")
    one, other = asked(garage, stored_as=KEPT.name), asked(garage)

    with django_capture_on_commit_callbacks(execute=True):
        log_uploads.delete(one)
        assert file.exists()

    assert not file.exists()
    assert list(LogUpload.objects.all()) == [other]


def test_the_sizes_of_stored_files_are_added_up(garage: ChargePoint) -> None:
    assert log_uploads.stored_bytes() == 0
    asked(garage, stored_as="a", size=3)
    asked(garage, stored_as="b", size=4)
    asked(garage, size=100)

    assert log_uploads.stored_bytes() == 7


def test_every_part_of_many_names_is_looked_up(garage: ChargePoint) -> None:
    names = [f"{number}-0123456789abcdef" for number in range(1100)]
    wanted = {names[index] for index in (0, 499, 500, 999, 1000, 1099)}
    for name in wanted:
        asked(garage, stored_as=name)

    assert log_uploads.known(names) == wanted
    assert log_uploads.known([]) == set()


def test_the_oldest_requests_are_deleted_a_limited_number_at_a_time(
    garage: ChargePoint, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_uploads, "AT_ONCE", 2)
    settings.UPLOAD_RETENTION = 100
    rows = [asked(garage, created_at=ago(seconds)) for seconds in (110, 130, 120, 90)]

    log_uploads.delete_old()

    assert set(LogUpload.objects.all()) == {rows[0], rows[3]}
