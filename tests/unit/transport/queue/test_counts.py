"""The counts of the queue, read by a process for metrics and probes."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.core import Metric
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ocpp_server.transport.queue import depth, metrics
from ocpp_server.transport.queue.depth import Depth, read_depth
from ocpp_server.transport.queue.metrics import QueueCollector
from tests.logged import captured_logs
from tests.redis_scripts import QueueBench


@pytest.fixture
def url(bench: QueueBench, settings: Any) -> str:
    settings.REDIS_URL = f"redis://{settings.REDIS_HOST}:{settings.REDIS_PORT}"
    return str(settings.REDIS_URL)


@pytest.fixture
def silent(settings: Any) -> Any:
    """A Redis that accepts connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}"
        yield server


def message(age_s: float | None) -> str:
    at = "" if age_s is None else (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    return json.dumps({"charge_point_id": "A", "raw": "", "timestamp": at})


def test_each_count_of_redis_is_read(bench: QueueBench, url: str) -> None:
    bench.push("A", message(5), message(50))
    bench.client.lpush(bench.keys.dead, *"123")
    later = 4_000_000_000_000
    bench.client.zadd(bench.keys.gateways, dict.fromkeys("1234", later))
    bench.client.zadd(bench.keys.processors, dict.fromkeys("12345", later))
    bench.client.zadd(bench.keys.deadlines, dict.fromkeys("123456", later))

    found = read_depth(within=30)

    assert (found.stations, found.messages, found.dead) == (1, 2, 3)
    assert (found.gateways, found.processors, found.calls) == (4, 5, 6)
    # The other message of the station is read before the older one.
    assert 5 <= found.oldest_s < 50


def test_an_empty_queue_has_a_depth_of_nothing(url: str) -> None:
    assert read_depth(within=30) == Depth(0, 0, 0.0, 0, 0, 0, 0)


@pytest.mark.parametrize("kind", ["no time", "in the future", "unreadable"])
def test_a_message_without_a_time_in_the_past_has_no_age(bench: QueueBench, url: str, kind: str) -> None:
    texts = {"no time": message(None), "in the future": message(-1000), "unreadable": "no envelope"}
    bench.push("A", texts[kind])

    found = read_depth(within=30)

    assert (found.messages, found.oldest_s) == (1, 0.0)


def test_the_age_is_that_of_the_oldest_of_ten_stations_that_wait_longest(bench: QueueBench, url: str) -> None:
    for number in range(11):
        bench.push(f"S{number}", message(1000 * number), waits_ms=100 - number)

    # The one that waits for the shortest time is not looked at.
    assert 9000 <= read_depth(within=30).oldest_s < 10_000


def test_the_messages_of_5000_stations_are_counted(bench: QueueBench, url: str) -> None:
    bench.client.zadd(bench.keys.ready, {f"S{number}": number for number in range(5001)})
    for number in (4999, 5000):
        bench.client.lpush(bench.keys.requests(f"S{number}"), "1")

    found = read_depth(within=30)

    assert (found.stations, found.messages) == (5001, 1)


def test_a_redis_that_does_not_answer_is_given_up(silent: socket.socket) -> None:
    with pytest.raises(RedisTimeoutError):
        read_depth(within=0.05)


def test_connecting_and_reading_are_limited_not_retried_and_the_connection_is_closed_at_an_error(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    found: list[Any] = []

    class Client:
        @staticmethod
        def from_url(url: str, **options: Any) -> type[Client]:
            timeouts = options["socket_timeout"], options["socket_connect_timeout"]
            found.append((url, *timeouts, options["retry"].get_retries()))
            return Client

        @staticmethod
        def eval(*_: Any) -> None:
            raise RedisTimeoutError

        @staticmethod
        def close() -> None:
            found.append("closed")

    monkeypatch.setattr(depth, "Redis", Client)

    with pytest.raises(RedisTimeoutError):
        read_depth(within=1.5)

    assert found == [(settings.REDIS_URL, 1.5, 1.5, 0), "closed"]


def test_a_redis_that_refuses_connections_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    asked: list[Any] = []

    def refuse(_: socket.socket, address: Any) -> None:
        asked.append(address)
        raise ConnectionRefusedError

    settings.REDIS_URL = "redis://127.0.0.1:1"
    monkeypatch.setattr(socket.socket, "connect", refuse)

    with pytest.raises(RedisConnectionError):
        read_depth(within=30)

    assert asked == [("127.0.0.1", 1)]


# -- metrics -------------------------------------------------------------------------------------------


def values(found: list[Metric]) -> dict[str, list[float]]:
    return {family.name: [sample.value for sample in family.samples] for family in found}


def test_each_count_is_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Depth(stations=1, messages=2, oldest_s=3.5, dead=4, gateways=5, processors=6, calls=0)
    monkeypatch.setattr(metrics, "read_depth", lambda *, within: found)

    assert values(list(QueueCollector().collect())) == {
        "ocpp_redis_up": [1.0],
        "ocpp_queue_stations": [1],
        "ocpp_queue_messages": [2],
        "ocpp_queue_oldest_seconds": [3.5],
        "ocpp_queue_dead_letters": [4],
        "ocpp_queue_calls": [0],
        "ocpp_gateways": [5],
        "ocpp_processors": [6],
    }


def test_the_metrics_of_the_queue_have_no_values_while_redis_is_away(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"

    with captured_logs() as lines:
        found = values(list(QueueCollector().collect()))

    assert found.pop("ocpp_redis_up") == [0.0]
    assert len(found) == 7 and not any(found.values())
    assert [line["event"] for line in lines] == ["metrics.redis_away"]


def test_a_scrape_waits_at_most_a_second_for_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def read(*, within: float) -> Depth:
        waits.append(within)
        raise OSError

    monkeypatch.setattr(metrics, "read_depth", read)

    list(QueueCollector().collect())

    assert waits == [1.0]
