"""The engines and clusters of the distributed tests, for those of the queue."""

from __future__ import annotations

import pytest

from tests.distributed.conftest import make_cluster, postgres, redis
from tests.distributed.queue.crew import Crew

__all__ = ["identity", "make_cluster", "postgres", "redis"]


@pytest.fixture
def identity(crew: Crew) -> str:
    """A station that only this test uses; `crew` is the module's own."""
    return crew.newcomer()
