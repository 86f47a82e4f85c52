"""Makes the engines and clusters of the distributed tests available to the tests of the queue."""

from __future__ import annotations

import pytest

from tests.distributed.conftest import make_cluster, postgres, redis
from tests.distributed.queue.worker_pool import WorkerPool

__all__ = ["identity", "make_cluster", "postgres", "redis"]


@pytest.fixture
def identity(worker_pool: WorkerPool) -> str:
    """A station that only this test uses. Each module defines its own `worker_pool`."""
    return worker_pool.unused_identity()
