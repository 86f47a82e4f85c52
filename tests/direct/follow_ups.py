"""Rows of notifications, as the server stores them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chargepoints.models import ChargePoint, FollowUp


def a_notification(
    station: ChargePoint, action: str, status: str, *, number: int | None, seconds_ago: float
) -> None:
    """A notification with a status, of the request with this number, that came so long ago."""
    FollowUp.objects.create(
        charge_point=station,
        action=action,
        request_id=number,
        status=status,
        payload="{}",
        fingerprint=str(FollowUp.objects.count()),
        received_at=datetime.now(UTC) - timedelta(seconds=seconds_ago),
    )


def a_log_status(
    station: ChargePoint, status: str, number: int | None = None, *, seconds_ago: float = 30
) -> None:
    """A notification about the upload of a log; without a number that of GetDiagnostics (1.6)."""
    action = "DiagnosticsStatusNotification" if number is None else "LogStatusNotification"
    a_notification(station, action, status, number=number, seconds_ago=seconds_ago)
