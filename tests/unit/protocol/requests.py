"""Requests of a station, handlers that serve them, and their way through `dispatch`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ocpp_server.protocol import dispatch
from ocpp_server.protocol.dispatch import Exchange
from ocpp_server.protocol.frames import Call, Send
from tests.unit.protocol.parties import Party, Work

NOW = {"currentTime": "2026-01-01T00:00:00Z"}
BOOT = '{"chargePointVendor":"V","chargePointModel":"M"}'


def heartbeat(**fields: Any) -> Call:
    return Call(**{"id": "7", "action": "Heartbeat", "payload": "{}"} | fields)


def serving(result: Any, order: list[Any] | None = None) -> Callable[..., Any]:
    """A handler that returns a value, or raises it."""

    async def handler(station: Any, request: Any) -> Any:
        if order is not None:
            order.append(("handler", station, request))
        if isinstance(result, BaseException):
            raise result
        return result

    return handler


def run(station: Party, call: Call | Send, work: Work) -> Exchange:
    return asyncio.run(dispatch.dispatch(station, call, work))
