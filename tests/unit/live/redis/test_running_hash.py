"""The running transactions of all processes in Redis."""

from __future__ import annotations

import pytest

from ocpp_server.live.redis import leases
from ocpp_server.live.redis.link import Link
from ocpp_server.live.redis.publisher import running_text
from ocpp_server.live.redis.running import RunningHash
from tests.logged import captured_logs
from tests.redis_scripts import Bench
from tests.unit.live.redis.stand_ins import running


@pytest.fixture
async def hash_(link: Link, bench: Bench) -> RunningHash:
    texts = {str(number): running_text(running(number)) for number in (1001, 1002, 1003)}
    bench.client.hset(bench.keys.transactions, mapping=texts)
    return RunningHash(link, bench.keys)


async def test_the_numbers_of_all_running_transactions_are_read(hash_: RunningHash, bench: Bench) -> None:
    bench.client.hset(bench.keys.transactions, "of another program", "x")

    assert await hash_.numbers() == {1001, 1002, 1003}


async def test_the_transactions_that_redis_has_are_read_in_parts(
    hash_: RunningHash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "CHUNK", 2)

    assert await hash_.states([1001, 1002, 999, 1003]) == [running(1001), running(1002), running(1003)]
    assert await hash_.states([]) == []


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"id": "a text"}'])
async def test_a_transaction_that_another_program_wrote_is_left_out(
    hash_: RunningHash, bench: Bench, text: str
) -> None:
    bench.client.hset(bench.keys.transactions, "1002", text)

    with captured_logs() as lines:
        assert await hash_.states([1001, 1002, 1003]) == [running(1001), running(1003)]

    assert [(line["event"], line["transaction"]) for line in lines] == [("redis.odd_transaction", 1002)]
