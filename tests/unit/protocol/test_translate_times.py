"""Timestamps of stations as aware UTC, and the time of receipt in place of the useless ones."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ocpp_server.protocol.translate import moment, time

RECEIVED = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-06-01T10:00:00Z", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T10:00:00.250Z", datetime(2026, 6, 1, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-06-01T10:00:00+02:00", datetime(2026, 6, 1, 8, tzinfo=UTC)),
        (" 2026-06-01t10:00:00z ", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("2026-06-01T10:00:60Z", datetime(2026, 6, 1, 10, 0, 59, tzinfo=UTC)),
        ("2026-06-01T10:00:60.5Z", datetime(2026, 6, 1, 10, 0, 59, 500_000, tzinfo=UTC)),
        ("2026-06-01T10:00:60+02:00", datetime(2026, 6, 1, 8, 0, 59, tzinfo=UTC)),
        ("2015-01-01T00:00:00Z", datetime(2015, 1, 1, tzinfo=UTC)),
        ("2026-06-02T12:00:00Z", datetime(2026, 6, 2, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text: str, at: datetime) -> None:
    found, problem = moment(text, received_at=RECEIVED)

    assert (found, found.tzinfo, problem) == (at, UTC, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "time-missing"),
        ("", "time-missing"),
        (1_780_000_000, "time-missing"),
        ("yesterday", "time-unreadable"),
        ("2014-12-31T23:59:59Z", "time-implausible"),
        ("2026-06-02T12:00:01Z", "time-implausible"),
        ("0001-01-01T00:00:00+14:00", "time-implausible"),
        ("9999-12-31T23:59:59-12:00", "time-implausible"),
    ],
)
def test_the_time_of_receipt_replaces_a_useless_time(text: object, problem: str) -> None:
    assert moment(text, received_at=RECEIVED) == (RECEIVED, problem)


def test_a_time_without_zone_is_read_in_the_zone_of_the_station_or_as_utc_with_a_problem() -> None:
    text = "2026-06-01T10:00:00"

    assert moment(text, received_at=RECEIVED) == (
        datetime(2026, 6, 1, 10, tzinfo=UTC),
        "time-without-zone",
    )
    assert moment(text, received_at=RECEIVED, zone=ZoneInfo("Europe/Berlin")) == (
        datetime(2026, 6, 1, 8, tzinfo=UTC),
        "",
    )


def test_the_server_writes_utc_with_milliseconds() -> None:
    assert time(datetime(2026, 6, 1, 10, 0, 0, 250_900, tzinfo=UTC)) == "2026-06-01T10:00:00.250Z"
    assert time(datetime(2026, 6, 1, tzinfo=UTC)) == "2026-06-01T00:00:00.000Z"
