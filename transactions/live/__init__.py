"""Loads transactions, remote starts, waiting stops and tokens into the live state."""

from __future__ import annotations

from ocpp_server.live import extensions
from ocpp_server.live.extensions import Extension
from transactions.live import stations, tokens


def register() -> None:
    """Register with the engine; from `AppConfig.ready`."""
    extensions.transactions.fill(stations)
    extensions.tokens.fill(tokens)
    for name, load in (
        ("transactions", stations.load_transactions),
        ("remote_starts", stations.load_remote_starts),
        ("orphans", stations.load_orphans),
    ):
        extensions.register(Extension(name=name, load=load))
