"""A REST call that becomes an OCPP call: run it, and say what came of it in HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.models import ChargePoint, Command
from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import WaitQuery
from ocpp_server.api.envelope import answer, refusal
from ocpp_server.api.lists import query
from ocpp_server.observability.masking import masked

Intent = Callable[..., Awaitable[Command]]
Outcome = TypeVar("Outcome")  # a command, or what several of them brought


def send(
    request: Request,
    intent: Callable[..., Awaitable[Outcome]],
    charge_point: ChargePoint,
    *,
    timeout: float | None = None,
    **arguments: Any,
) -> Outcome:
    """Run an intent for this request and wait as its `?wait=` says.

    Raises StationOffline at once when nobody is there, QueueFull, Invalid, Conflict.
    """
    wait = query(WaitQuery, request).validated_data["wait"] == "true" if is_change(request) else True
    release_connection()
    return async_to_sync(intent)(charge_point, actor=actor(request), timeout=timeout, wait=wait, **arguments)


def is_change(request: Request) -> bool:
    return request.method in ("POST", "PUT")


def release_connection() -> None:
    """Give the database connection back before waiting for a station: a pool of ten serves hundreds of
    waiting calls.
    """
    if not connection.in_atomic_block:
        connection.close()


def told(command: Command, charge_point: ChargePoint, data: Mapping[str, Any], *, what: str = "") -> Response:
    """The answer for a command: `data` with the command's id and status; the HTTP status by its state."""
    what = what or command.action
    who = charge_point.identity
    shared = {"requestId": command.id, "clientId": who, **data, "status": status_word(command)}
    match command.state:
        case Command.State.ACCEPTED:
            return answer(f"{who} answered {what}: {status_word(command)}.", shared)
        case Command.State.REJECTED:
            return answer(f"{who} said no to {what}: {status_word(command)}.", shared, success=False)
        case Command.State.QUEUED | Command.State.SENT:
            return answer(f"{what} is on its way to {who}; ask for {command.id} later.", shared, status=202)
        case Command.State.ERROR:
            failed = {
                **shared,
                "code": command.error_code,
                "description": command.error_description,
                "details": command.error_details or {},
            }
            return refusal(f"{who} answered {what} with the error {command.error_code}.", 502, failed)
        case Command.State.INVALID:
            failed = {**shared, "response": masked(command.response, command.action)}
            return refusal(f"{who} answered {what} with something that is no valid answer.", 502, failed)
        case Command.State.DISCONNECTED:
            return refusal(f"{who} went offline before it answered {what}.", 503, shared)
        case _:
            return refusal(f"{who} did not answer {what} in time.", 408, shared)


def status_word(command: Command) -> str:
    """The station's own status; what became of the command where the answer has none."""
    return command.status or Command.State(command.state).value.capitalize()
