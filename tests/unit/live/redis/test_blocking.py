"""News that a process without an engine publishes, such as `manage.py`."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ocpp_server.live import extensions
from ocpp_server.live.extensions import Extension
from ocpp_server.live.redis import blocking
from ocpp_server.live.redis.blocking import publish_blocking
from tests.logged import captured_logs
from tests.redis_scripts import Bench

pytestmark = pytest.mark.usefixtures("url")


@pytest.fixture(autouse=True)
def apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One app publishes values of a station, and another one none."""
    registered = {"silent": Extension(name="silent"), "shown": Extension(name="shown", show=lambda _: [])}
    monkeypatch.setattr(extensions, "_extensions", registered)


@pytest.mark.parametrize(
    ("news", "left"),
    [
        (("token", "card"), {}),
        (("ended", 1001, "card"), {"business:transactions": {"1002": "b"}}),
        (("key", "A", "Key", None), {"config:A": {"Other": "2"}}),
        (("key", "A", "Key", "3"), {"config:A": {"Key": "3", "Other": "2"}}),
        (("removed", "A"), {"config:A": None, "business:shown:A": None, "business:stations": {"B"}}),
    ],
)
def test_a_change_is_written_before_its_news(bench: Bench, news: Any, left: dict[str, Any]) -> None:
    bench.client.hset(bench.keys.transactions, mapping={"1001": "a", "1002": "b"})
    bench.client.hset(bench.keys.config("A"), mapping={"Key": "1", "Other": "2"})
    bench.client.hset(bench.keys.business("shown", "A"), "1.1", "x")
    bench.client.sadd(bench.keys.stations, "A", "B")
    expected = {name: value for name, value in (bench.content() | left).items() if value is not None}

    with bench.news() as published:
        publish_blocking(bench.keys, "P1", news)

    assert bench.content() == expected
    assert published == [["P1", [list(news)]]]


def test_a_failure_is_only_logged(bench: Bench) -> None:
    with bench.full(), captured_logs() as lines:
        publish_blocking(bench.keys, "P1", ("key", "A", "Key", "1"))

    assert [(line["event"], line["news"]) for line in lines] == [("redis.news_untold", "key")]


def test_a_redis_that_does_not_answer_is_given_up(
    bench: Bench, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert blocking.TIMEOUT_S == 3
    monkeypatch.setattr(blocking, "TIMEOUT_S", 0.01)
    silent = socket.create_server(("127.0.0.1", 0))
    settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"

    with silent, captured_logs() as lines:
        publish_blocking(bench.keys, "P1", ("tokens",))

    assert [line["event"] for line in lines] == ["redis.news_untold"]
