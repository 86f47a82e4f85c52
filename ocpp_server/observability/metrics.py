"""Numbers for Prometheus. What happens is counted by `measures` and told by the process where it happened;
what is the same everywhere is asked when it is scraped, by the roles that serve people.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from chargepoints.metrics import FleetCollector
from ocpp_server.environment import roles
from ocpp_server.process.metrics import EngineCollector, SystemCollector
from ocpp_server.transport.queue.metrics import QueueCollector

# Gateways hold sockets and processors read: the fleet is told by the others.
_TELL_OF_THE_FLEET = frozenset({roles.Role.SERVER, roles.Role.WEB, roles.Role.HOUSEKEEPING})


@cache
def registry() -> CollectorRegistry:
    """The collectors of this process, by its role."""
    # Their names are tested, not asked for at the start: that would ask the database and Redis.
    made = CollectorRegistry(auto_describe=False)
    made.register(SystemCollector())
    made.register(EngineCollector())
    if roles.current() in _TELL_OF_THE_FLEET:
        made.register(FleetCollector())
    if settings.REDIS_DISTRIBUTED_STATE:
        made.register(QueueCollector())
    return made


def exposition() -> tuple[bytes, str]:
    """Everything in Prometheus' text format, and its content type."""
    return generate_latest(registry()), CONTENT_TYPE_LATEST
