"""A real Redis for the session, and a queue in it for each test. A conftest.py imports what its tests use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.distributed import engines
from tests.redis_scripts import QueueBench


@pytest.fixture(scope="session")
def engine() -> Iterator[engines.Redis]:
    engine = engines.Redis(engines.REDIS_URL)
    yield engine
    engine.close()


@pytest_asyncio.fixture
async def bench(engine: engines.Redis, settings: Any) -> AsyncIterator[QueueBench]:
    bench = QueueBench(engine, settings)
    yield bench
    bench.close()
