"""News of changes between processes with one live state."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from ocpp_server.live.redis import state as module
from ocpp_server.live.redis.publisher import running_text
from ocpp_server.live.redis.state import RedisState
from tests.logged import captured_logs
from tests.unit.live.memory.states import token
from tests.unit.live.redis.stand_ins import Processes, opened, running, station_of


async def pair(processes: Processes) -> tuple[RedisState, RedisState]:
    """Two processes after the first has filled the empty Redis."""
    one = await processes.alone()
    other = await processes.start()
    await processes.published(one)
    return one, other


# -- changes that other processes apply ----------------------------------------------------------------


async def test_a_changed_token_is_read_again_by_every_process(processes: Processes) -> None:
    one, other = await pair(processes)
    for state in (one, other):
        assert await state.tokens("card") == await state.tokens("second") == ()
    processes.stored.records = (token(),)

    one.forget_token("card")

    assert await processes.published(one) == [["token", "card"]]
    for state in (one, other):
        assert await state.tokens("card") == (token(),)
        assert await state.tokens("second") == ()


async def test_after_a_change_of_many_tokens_every_process_reads_all_again(processes: Processes) -> None:
    one, other = await pair(processes)
    for state in (one, other):
        await state.tokens("card")
        await state.consumed("token:1")
    processes.stored.records, processes.stored.used_mwh = (token(),), 5000

    one.forget_tokens()

    assert await processes.published(one) == [["tokens"]]
    for state in (one, other):
        assert await state.tokens("card") == (token(),)
        assert (await state.consumed("token:1")).day_mwh == 5000


async def test_a_changed_key_is_written_and_forgotten_by_every_process(processes: Processes) -> None:
    one, _ = await pair(processes)

    one.stored_key_changed("CP-1", "Key", "1")
    one.stored_key_changed("CP-1", "Other", None)

    assert await processes.published(one) == [["key", "CP-1", "Key", "1"], ["key", "CP-1", "Other", None]]
    assert processes.stored.forgotten.count("CP-1") == 4
    assert processes.bench.content()["config:CP-1"] == {"Key": "1"}


async def test_a_removed_station_is_forgotten_by_every_process(processes: Processes) -> None:
    one, _ = await pair(processes)
    processes.bench.client.hset(processes.bench.keys.config("CP-1"), "Key", "1")

    one.station_removed("CP-1")

    assert await processes.published(one) == [["removed", "CP-1"]]
    assert processes.stored.forgotten.count("CP-1") == 2
    assert "config:CP-1" not in processes.bench.content()


async def test_a_running_transaction_counts_for_its_token_in_every_process(processes: Processes) -> None:
    one, other = await pair(processes)
    transaction = running()

    one.station_changed(station_of(transaction))
    assert await processes.published(one) == [["running", running_text(transaction)]]
    assert await other.running("card") == [transaction]

    transaction.is_active = False
    one.station_changed(station_of(transaction))
    assert await processes.published(one) == [["ended", 1001, "card"]]
    assert await other.running("card") == []


async def test_a_transaction_that_a_job_has_closed_has_ended_in_every_process(processes: Processes) -> None:
    one, other = await pair(processes)
    one.transaction_changed(running())
    other.transaction_changed(running())
    processes.bench.client.hset(processes.bench.keys.transactions, "1001", running_text(running()))

    one.transaction_abandoned(1001, "card")

    assert await processes.published(one) == [["ended", 1001, "card"]]
    assert await one.running("card") == await other.running("card") == []
    assert "business:transactions" not in processes.bench.content()


async def test_a_connection_is_online_in_every_process(processes: Processes) -> None:
    one, other = await pair(processes)

    await one.connect(opened(identity="Cp-1"))
    await processes.received()
    assert other.connected() == one.connected() == ["Cp-1"]
    assert other.is_connected("CP-1")
    assert not other.is_connected("CP-2")

    assert await one.disconnect("CP-1", "s2") is False
    assert await one.disconnect("Cp-1", "s1") is True
    await processes.received()
    assert other.connected() == one.connected() == []


# -- news as such --------------------------------------------------------------------------------------


async def test_a_process_does_not_apply_its_own_news(processes: Processes) -> None:
    state = await processes.alone()

    await processes.received(["running", running_text(running())], sender=state.process)
    assert await state.running("card") == []

    await processes.received(["running", running_text(running())], sender="another")
    assert await state.running("card") == [running()]


async def test_each_process_has_a_name_of_its_own(processes: Processes) -> None:
    one, other = RedisState(), RedisState()

    assert one.process != other.process
    assert one.is_shared


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '["P", 5]',
        '["P", [[]]]',
        '["P", [["token"]]]',
        '["P", [["running", "{}"]]]',
        '["P", [["ended", "x", "y"]]]',
    ],
)
async def test_after_news_that_cannot_be_read_everything_is_read_again(
    processes: Processes, text: str
) -> None:
    state = await processes.alone()
    keys = processes.bench.keys
    processes.bench.client.hset(keys.transactions, "1001", running_text(running()))

    with captured_logs() as lines:
        processes.bench.client.publish(keys.news, text)
        await processes.received()
    assert [line["event"] for line in lines] == ["redis.odd_news"]
    await processes.tick()

    assert await state.running("card") == [running()]


async def test_news_of_an_unknown_kind_are_ignored(processes: Processes) -> None:
    state = await processes.alone()
    processes.bench.client.hset(processes.bench.keys.transactions, "1001", running_text(running()))

    with captured_logs() as lines:
        await processes.received(["of a later release", 1])
    await processes.tick()

    assert (lines, await state.running("card")) == ([], [])


async def test_when_redis_was_filled_again_everything_is_read_again(processes: Processes) -> None:
    state = await processes.alone()
    processes.bench.client.hset(processes.bench.keys.transactions, "1001", running_text(running()))

    await processes.received(["rebuilt"])
    await processes.tick()
    assert await state.running("card") == [running()]

    # Once, and not with every tick.
    processes.bench.client.hset(processes.bench.keys.transactions, "1002", running_text(running(1002)))
    await processes.tick()
    assert await state.running("card") == [running()]


async def test_a_process_with_an_engine_does_not_block_for_its_news(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blocks(*_: Any) -> None:
        raise AssertionError("the event loop stands still")

    monkeypatch.setattr(module, "publish_blocking", blocks)
    state = await processes.alone()

    await asyncio.to_thread(state.forget_token, "card")

    assert await processes.published(state) == [["token", "card"]]


@pytest.mark.parametrize(
    ("change", "news", "written"),
    [
        (lambda state: state.forget_token("card"), ["token", "card"], {}),
        (lambda state: state.forget_tokens(), ["tokens"], {}),
        (
            lambda state: state.stored_key_changed("A", "K", "1"),
            ["key", "A", "K", "1"],
            {"config:A": {"K": "1"}},
        ),
    ],
)
async def test_a_process_without_an_engine_publishes_its_changes_before_it_goes_on(
    processes: Processes, change: Any, news: list[Any], written: dict[str, Any]
) -> None:
    manage = RedisState()

    with processes.bench.news() as published:
        change(manage)

    assert published == [[manage.process, [news]]]
    assert processes.bench.content() == written


async def test_a_process_that_has_stopped_publishes_like_one_without_an_engine(processes: Processes) -> None:
    state = await processes.start()
    await processes.stop(state)

    with processes.bench.news() as published:
        state.forget_tokens()

    assert [msgspec.to_builtins(news) for news in published] == [[state.process, [["tokens"]]]]
