"""Any interleaving of two processors on a station leaves one effect and one answer a message, in order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.distributed import engines
from tests.redis_scripts import QueueBench
from tests.seeds import chosen_seed
from tests.unit.transport.queue import interleaving

MESSAGES = 20


def check(bench: QueueBench, monkeypatch: pytest.MonkeyPatch, *, runs: int) -> None:
    """Play runs of different seeds, which all follow from the one that is printed."""
    chance = random.Random(chosen_seed("interleavings"))
    for seed in (chance.randrange(10**9) for _ in range(runs)):
        world = interleaving.run(bench, monkeypatch, seed, messages=MESSAGES)
        everything = list(range(1, MESSAGES + 1))
        found = (world.faults, world.effects, world.answers)
        assert found == ([], everything, everything), "\n".join([f"the run of seed {seed}", *world.log])
        bench.clear()


@pytest.fixture
def bench(engine: engines.Redis, settings: Any) -> Iterator[QueueBench]:
    """Without an event loop: a run has its own."""
    bench = QueueBench(engine, settings)
    yield bench
    bench.close()


def test_any_interleaving_of_two_processors_leaves_one_effect_of_each_message(
    bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(bench, monkeypatch, runs=10)


@pytest.mark.nightly
def test_a_thousand_interleavings_leave_one_effect_of_each_message(
    bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(bench, monkeypatch, runs=1000)


def test_a_seed_repeats_a_run_step_by_step(bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = []
    for _ in range(2):
        logs.append(interleaving.run(bench, monkeypatch, 7, messages=MESSAGES).log)
        bench.clear()

    assert logs[0] == logs[1]
    assert len(logs[0]) > MESSAGES
