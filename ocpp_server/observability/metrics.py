"""The metrics for Prometheus.

Every process exports its own counts (`measures`). Figures of the fleet, which are the same in every process,
are read at each scrape, and only some roles export them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from ocpp_server.environment import roles
from ocpp_server.observability.families import SystemCollector

ALL_ROLES: Final = frozenset(roles.Role)
# The roles that export figures of the fleet.
FLEET_ROLES: Final = frozenset({roles.Role.SERVER, roles.Role.WEB, roles.Role.HOUSEKEEPING})

_registered: list[tuple[Callable[[], Collector], frozenset[roles.Role], Callable[[], bool]]] = []


def register(
    make: Callable[[], Collector],
    *,
    of: frozenset[roles.Role] = ALL_ROLES,
    when: Callable[[], bool] = lambda: True,
) -> None:
    """Add a collector to the processes of these roles, before the first scrape.

    `when` returns whether these settings need it.
    """
    _registered.append((make, of, when))


@cache
def registry() -> CollectorRegistry:
    """The collectors of this process, by its role."""
    # No auto_describe: it would query the database and Redis at the start. A test checks the names instead.
    made = CollectorRegistry(auto_describe=False)
    made.register(SystemCollector())
    for make, of, when in _registered:
        if roles.current() in of and when():
            made.register(make())
    return made


def exposition() -> tuple[bytes, str]:
    """Everything in Prometheus' text format, and its content type."""
    return generate_latest(registry()), CONTENT_TYPE_LATEST
