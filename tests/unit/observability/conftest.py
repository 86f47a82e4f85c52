"""The engines and clusters of the distributed tests, for the tests of probes and roles."""

from tests.distributed.conftest import make_cluster, postgres, redis

__all__ = ["make_cluster", "postgres", "redis"]
