"""The rate limit of a station's messages: a burst for free, then one message after the other."""

from __future__ import annotations

import pytest

from ocpp_server.transport.token_bucket import TokenBucket

NOW = 1000.0


def delays(bucket: TokenBucket, messages: int, at: float = NOW) -> list[float]:
    return [round(bucket.delay(at), 3) for _ in range(messages)]


def test_five_seconds_of_the_rate_are_handled_at_once() -> None:
    assert delays(TokenBucket(2), 12) == [0.0] * 10 + [0.5, 1.0]


def test_time_gives_tokens_back() -> None:
    bucket = TokenBucket(2)
    delays(bucket, 10)

    assert delays(bucket, 3, NOW + 1) == [0.0, 0.0, 0.5]
    assert delays(bucket, 1, NOW + 2.5) == [0.0]


def test_an_idle_station_has_no_more_than_a_burst() -> None:
    bucket = TokenBucket(2)
    delays(bucket, 1)

    assert delays(bucket, 11, NOW + 3600) == [0.0] * 10 + [0.5]


@pytest.mark.parametrize("now", [0.0, NOW])
def test_a_new_station_has_a_whole_burst_at_any_time(now: float) -> None:
    assert delays(TokenBucket(1), 6, now) == [0.0] * 5 + [1.0]


def test_without_a_rate_nothing_is_delayed() -> None:
    assert delays(TokenBucket(0), 100) == [0.0] * 100
