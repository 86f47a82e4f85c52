"""The rows of reports: deadlines, parts of a process that died, and how long rows are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, FollowUp, ReportAssembly
from chargepoints.services.follow_ups import gathering, keeping, personal
from chargepoints.services.follow_ups.gathering import Request

pytestmark = pytest.mark.django_db


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="garage")


def stored(garage: ChargePoint, seconds_ago: float, **more: Any) -> FollowUp:
    values: dict[str, Any] = {
        "action": "NotifyReport",
        "request_id": 1,
        "seq_no": 0,
        "is_last": False,
        "payload": "{}",
        "fingerprint": f"{FollowUp.objects.count()}",
        "received_at": datetime.now(UTC) - timedelta(seconds=seconds_ago),
    }
    return FollowUp.objects.create(charge_point=garage, **values | more)


def the_report() -> ReportAssembly:
    return ReportAssembly.objects.get()


def test_a_report_without_its_last_part_is_incomplete_when_its_time_is_up(garage: ChargePoint) -> None:
    part = stored(garage, 300)
    gathering.compute(Request(garage.pk, "NotifyReport", 1), since=part.received_at, now=part.received_at)
    assert the_report().state == "collecting"

    gathering.end_overdue()

    assert (the_report().state, the_report().gap) == ("incomplete", "last part missing")


def test_the_end_of_the_time_counts_a_part_of_a_process_that_died(garage: ChargePoint) -> None:
    part = stored(garage, 300)
    gathering.compute(Request(garage.pk, "NotifyReport", 1), since=part.received_at, now=part.received_at)
    stored(garage, 299, seq_no=1, is_last=True)

    gathering.end_overdue()

    assert (the_report().state, the_report().parts) == ("complete", 2)


def test_a_report_that_no_process_has_computed_is_found(garage: ChargePoint) -> None:
    stored(garage, 10, is_last=True)
    stored(garage, 8, action="LogStatusNotification")

    gathering.find_missed()
    gathering.find_missed()

    assert (the_report().state, the_report().parts) == ("complete", 1)


def test_a_late_part_completes_a_report_that_was_incomplete(garage: ChargePoint) -> None:
    stored(garage, 600, seq_no=1, is_last=True)
    gathering.find_missed()
    assert the_report().state == "incomplete"

    part = stored(garage, 0)
    gathering.compute(Request(garage.pk, "NotifyReport", 1), since=part.received_at, now=part.received_at)

    assert the_report().state == "complete"


def test_progress_without_a_request_id_belongs_to_the_last_accepted_command(garage: ChargePoint) -> None:
    made = datetime.now(UTC) - timedelta(minutes=5)
    command = Command.objects.create(
        id="c", charge_point=garage, action="GetDiagnostics", payload={}, state="accepted",
        created_at=made, deadline_at=made,
    )  # fmt: skip
    before = stored(garage, 600, action="DiagnosticsStatusNotification", request_id=None, seq_no=None)
    idle = stored(
        garage, 20, action="DiagnosticsStatusNotification", request_id=None, seq_no=None, status="Idle"
    )
    part = stored(garage, 10, action="DiagnosticsStatusNotification", request_id=None, seq_no=None)

    gathering.compute(Request(garage.pk, part.action, None), since=made, now=made)

    for row in (before, idle, part):
        row.refresh_from_db()
    assert (before.command, idle.command, part.command) == (None, None, command)
    assert not ReportAssembly.objects.exists()


def test_each_action_keeps_its_newest_rows(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT_PER_ACTION", 2)
    kept = stored(garage, 100, action="LogStatusNotification")
    rows = [stored(garage, 10) for _ in range(4)]

    keeping.trim()

    assert list(FollowUp.objects.order_by("pk")) == [kept, *rows[2:]]


def test_the_rows_of_another_station_are_kept(garage: ChargePoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT_PER_ACTION", 2)
    kept = stored(ChargePoint.objects.create(identity="other"), 100)
    rows = [stored(garage, 10) for _ in range(3)]

    keeping.trim()

    assert list(FollowUp.objects.order_by("pk")) == [kept, *rows[1:]]


def test_personal_data_is_deleted_after_a_month(garage: ChargePoint) -> None:
    month = 30 * 86_400
    stored(garage, month + 60, action="NotifyCustomerInformation")
    kept = [stored(garage, month - 60, action="NotifyCustomerInformation"), stored(garage, month + 60)]

    keeping.delete_personal()

    assert list(FollowUp.objects.order_by("pk")) == kept


def test_personal_data_needs_the_secret_key_that_encrypted_it(settings: Any) -> None:
    sealed = personal.seal("Alice")
    before = settings.SECRET_KEY
    assert "Alice" not in sealed

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [before]
    assert personal.unseal(sealed) == "Alice"

    settings.SECRET_KEY_FALLBACKS = []
    assert personal.unseal(sealed) is None


def test_personal_data_of_an_earlier_release_is_readable(settings: Any) -> None:
    settings.SECRET_KEY = "the key of a test"  # noqa: S105 - of a test
    sealed = (
        "gAAAAABrDBHX0DwAiHwfXXwywVZ9HMPbI8fyqY4f1jTu7-KbvJt8_N6w3vUPb23Zd1cCtuIIPo90UOzcY4IXYPKlHdbaA9UYEQ=="
    )

    assert personal.unseal(sealed) == "Alice"
