"""The engines and clusters of the distributed tests, and a configured name of a secret."""

from collections.abc import Iterator

import pytest

from ocpp_server.protocol import secrets
from tests.distributed.conftest import make_cluster, postgres, redis

__all__ = ["make_cluster", "postgres", "redis"]


@pytest.fixture
def configured() -> Iterator[None]:
    secrets.configure(["Color"])
    yield
    secrets.configure([])
