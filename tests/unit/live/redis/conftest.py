"""A real Redis for the session, and keys in it for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.distributed import engines
from tests.redis_scripts import Bench


@pytest.fixture(scope="session")
def engine() -> Iterator[engines.Redis]:
    engine = engines.Redis(engines.REDIS_URL)
    yield engine
    engine.close()


@pytest.fixture
def bench(engine: engines.Redis) -> Iterator[Bench]:
    bench = Bench(engine)
    yield bench
    bench.close()
