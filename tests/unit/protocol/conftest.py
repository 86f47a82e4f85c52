"""Handlers that are registered for one test."""

from __future__ import annotations

import pytest

from ocpp_server.protocol import dispatch
from ocpp_server.protocol.registry import Registry


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The handlers of one test."""
    registry = Registry()
    monkeypatch.setattr(dispatch, "registry", registry)
    return registry
