"""Any interleaving of two processors on a station leaves one effect and one answer a message, in order."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from tests.distributed import engines
from tests.redis_scripts import QueueBench
from tests.unit.transport.queue import interleaving

MESSAGES = 20


def check(engine: engines.Redis, settings: Any, monkeypatch: pytest.MonkeyPatch, *, runs: int) -> None:
    """Play runs of different seeds. CHAOS_SEED repeats one run, step by step."""
    first = os.environ.get("CHAOS_SEED")
    seeds = [int(first)] if first else random.sample(range(10**9), runs)
    for seed in seeds:
        print(f"CHAOS_SEED={seed}")
        bench = QueueBench(engine, settings)
        world = interleaving.run(bench, monkeypatch, seed, messages=MESSAGES)
        log = "\n".join(world.log)
        everything = list(range(1, MESSAGES + 1))
        assert world.faults == [], f"CHAOS_SEED={seed}\n{log}"
        assert world.effects == everything, f"CHAOS_SEED={seed}\n{log}"
        assert world.answers == everything, f"CHAOS_SEED={seed}\n{log}"
        bench.close()


def test_any_interleaving_of_two_processors_leaves_one_effect_of_each_message(
    engine: engines.Redis, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(engine, settings, monkeypatch, runs=10)


@pytest.mark.nightly
def test_a_thousand_interleavings_leave_one_effect_of_each_message(
    engine: engines.Redis, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(engine, settings, monkeypatch, runs=1000)
