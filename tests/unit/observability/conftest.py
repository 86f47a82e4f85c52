"""The engines and clusters of the distributed tests, for those who watch them."""

from tests.distributed.conftest import make_cluster, postgres, redis

__all__ = ["make_cluster", "postgres", "redis"]
