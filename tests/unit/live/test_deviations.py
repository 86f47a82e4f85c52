"""Deviations of a live station: what is counted, and what is shown of the message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ocpp_server.live.station import Station

SECRET = "k-9f27c1d4"  # noqa: S105 - a text of this test


@pytest.fixture
def station() -> Station:
    station = Station(pk=1, identity="CP-1", version="ocpp1.6")
    station.action = "GetConfiguration"
    station.frame = f'[3,"1",{{"configurationKey":[{{"wifiKey":"{SECRET}"}}]}}]'
    return station


@pytest.mark.parametrize("kind", ["extra-property", "dropped-item"])
def test_a_message_with_content_that_no_schema_judged_is_masked_by_names(station: Station, kind: str) -> None:
    station.deviation("number-for-text", path="a")
    assert station.has_only_known_fields

    station.deviation(kind, path="b")

    assert not station.has_only_known_fields
    station.received_at = datetime.now(UTC)
    assert station.has_only_known_fields


def test_the_example_of_each_kind_is_the_masked_frame(station: Station) -> None:
    station.deviation("dropped-item", path="configurationKey[0]")
    station.deviation("extra-property", path="wifiKey")
    first = station.frame
    station.frame = '[2,"2","Heartbeat",{"a":1}]'
    station.deviation("extra-property", path="a")

    examples = [counted.example for counted in station.deviations.values()]
    assert examples[0] == examples[1] == first.replace(SECRET, "***")
    assert examples[2] == station.frame


@pytest.mark.parametrize(("text", "counted"), [(None, []), ("", []), ("now", ["time-unreadable"])])
def test_a_missing_time_was_counted_by_the_validation(
    station: Station, text: str | None, counted: list[str]
) -> None:
    at, problem = station.moment_or_problem(text)

    assert at == station.received_at
    assert problem
    assert [kind for kind, _, _ in station.deviations] == counted
