"""The publisher while Redis refuses to write, and afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live import extensions
from ocpp_server.live.extensions import Extension
from ocpp_server.live.redis import publisher as module
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import Publisher, running_text
from tests.distributed import engines
from tests.logged import captured_logs
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import away, running, station_of


@pytest.fixture
async def publisher(link: Link, bench: Bench) -> Publisher:
    return Publisher(link, bench.keys, "P1")


async def published(publisher: Publisher, bench: Bench) -> list[Any]:
    """Write everything again, as after an outage. Returns the news."""
    with bench.news() as news:
        publisher.repeat()
        await publisher.settled()
    return [one for _, some in news for one in some]


async def test_everything_is_written_again_after_redis_has_lost_it(
    publisher: Publisher, bench: Bench
) -> None:
    publisher.changed(station_of(running()))
    publisher.changed(station_of(running(1002, "CP-2"), identity="CP-2"))
    await publisher.settled()
    before = bench.content()
    bench.clear()

    news = await published(publisher, bench)

    assert bench.content() == before
    assert [kind for kind, _ in news] == ["running", "running"]


async def test_a_transaction_that_has_ended_during_the_outage_is_removed_after_it(
    publisher: Publisher, bench: Bench
) -> None:
    transaction = running()
    publisher.changed(station_of(transaction))
    await publisher.settled()

    transaction.is_active = False

    assert await published(publisher, bench) == [["ended", 1001, "card"]]
    assert bench.content() == {}


async def test_the_changes_that_redis_did_not_get_are_written_after_the_outage(
    publisher: Publisher, bench: Bench, engine: engines.Redis
) -> None:
    bench.client.hset(bench.keys.transactions, mapping={"1000": "gone", "1001": "ended", "1002": "later"})
    bench.client.hset(bench.keys.config("CP-3"), "Key", "1")
    transaction = running()
    publisher.changed(station_of(transaction, running(1003)))
    transaction.is_active = False
    publisher.publish("token", "card")
    publisher.remove(1000)
    publisher.key_changed("CP-1", "Key", "1")
    publisher.key_changed("CP-1", "Other", "1")
    publisher.station_removed("CP-3")

    with away(bench, engine), captured_logs() as lines:
        await publisher.settled()
        assert publisher.is_behind is True
        publisher.publish("tokens")
        publisher.remove(1002)
        publisher.key_changed("CP-1", "Key", "2")
        publisher.station_removed("CP-4")
        await publisher.settled()

    assert [line["event"] for line in lines] == ["redis.view_unwritten"]
    assert publisher.pipelines == 1, "no attempt during the outage"
    assert await published(publisher, bench) == [
        ["token", "card"],
        ["ended", 1001, "card"],
        ["tokens"],
        ["running", running_text(running(1003))],
    ]
    assert bench.content() == {
        "business:transactions": {"1003": running_text(running(1003))},
        "config:CP-1": {"Key": "2", "Other": "1"},
    }
    assert publisher.is_behind is False


@pytest.mark.parametrize(("number", "kept"), [(2, [[0], [1]]), (3, [["tokens"], [2]])])
async def test_too_many_news_during_an_outage_make_all_processes_read_the_tokens_again(
    publisher: Publisher, bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, kept: list[Any]
) -> None:
    assert module.MAX_UNPUBLISHED == 10_000
    monkeypatch.setattr(module, "MAX_UNPUBLISHED", 2)
    for one in range(number):
        publisher.publish(one)

    assert await published(publisher, bench) == kept


async def test_a_fault_in_an_app_is_logged_and_the_next_attempt_writes_everything(
    publisher: Publisher, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [ValueError("a fault")]

    def show(station: Any) -> Any:
        if faults:
            raise faults.pop()
        return []

    monkeypatch.setattr(extensions, "_extensions", {"app": Extension(name="app", show=show)})
    publisher.changed(station_of(running()))
    with captured_logs() as lines:
        await publisher.settled()
    assert publisher.is_behind
    assert [line["event"] for line in lines] == ["redis.view_failed"]

    await published(publisher, bench)

    assert bench.content() == {"business:transactions": {"1001": running_text(running())}}


async def test_a_refused_command_lets_everything_be_written_again(publisher: Publisher, bench: Bench) -> None:
    key = bench.keys.config("CP-1")
    bench.client.set(key, "broken")
    publisher.changed(station_of(running()))
    publisher.key_changed("CP-1", "Key", "1")
    publisher.publish("token", "card")

    with captured_logs() as lines:
        await publisher.settled()
    assert [line["event"] for line in lines] == ["redis.view_unwritten"]
    assert publisher.is_behind
    bench.client.delete(key)
    publisher.repeat()
    await publisher.settled()

    assert not publisher.is_behind
    assert bench.client.hgetall(key) == {"Key": "1"}


async def test_many_commands_are_sent_in_parts(
    publisher: Publisher, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMANDS_AT_ONCE", 2)
    for number in range(5):
        publisher.key_changed(f"CP-{number}", "Key", "1")

    await published(publisher, bench)

    assert bench.content() == {f"config:CP-{number}": {"Key": "1"} for number in range(5)}
    assert publisher.pipelines == 1
