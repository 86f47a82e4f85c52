"""The settings of webhooks: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.parsers import boolean, networks, positive_duration
from ocpp_server.environment.variable import Variable

_GROUP = "Webhooks"


def _at_home(known: Mapping[str, Any]) -> str:
    return "none" if known["REDIS_DISTRIBUTED_STATE"] else "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"


WEBHOOK_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "WEBHOOK_ALLOW_HTTP",
        "false",
        boolean,
        "Whether webhooks may have http addresses. Without TLS the events can be read on the way.",
        _GROUP,
    ),
    Variable(
        "WEBHOOK_DISABLE_AFTER",
        "5d",
        positive_duration,
        "How long a webhook may fail without any success, in at least 10 attempts, until it is disabled. "
        "Events are kept for EVENT_RETENTION.",
        _GROUP,
    ),
    Variable(
        "OUTBOUND_PRIVATE_NETWORKS",
        _at_home,
        networks,
        "The private networks in which webhooks may have receivers, separated by commas, such as 10.1.0.0/16 "
        "or 127.0.0.1/32; none: only public addresses. Link-local and multicast addresses and the "
        "server's own ports are always refused.",
        _GROUP,
        "10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16; none when REDIS_DISTRIBUTED_STATE is true",
    ),
)
