"""Requests that have a row of their own, whose key is the id of the command.

The row is stored before the command is sent, and the answer of the station settles it. This module sends, and
settles the requests that got no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import models
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, Command
from ocpp_server.domain import DomainError
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.observability import tracing
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

# The state of a row that waits for the answer, in each of these tables.
REQUESTED: Final = "requested"
# Without a command after this long, none was sent.
_COMMAND_WITHIN: Final = timedelta(seconds=60)
_AT_ONCE: Final = 200
_MOST_REASON: Final = 600
_WAITING: Final = (Command.State.QUEUED, Command.State.SENT)
_ANSWERED: Final = (Command.State.ACCEPTED, Command.State.EMPTY, Command.State.REJECTED)


class Unanswered(NamedTuple):
    """The end of a command without a status of the station. `is_refused`: the station has certainly not done
    it; otherwise it may have.
    """

    is_refused: bool
    reason: str


async def send(
    charge_point: ChargePoint,
    action: str,
    payload: dict[str, Any],
    *,
    model: type[models.Model],
    create: Callable[[str], object],
    actor: str,
    timeout: float | None,
    wait: bool,
) -> Command:
    """Store the row (`create`, with the id of the command) and send. A request that can't be sent leaves no
    row. Raises the errors of `calls.call`.
    """
    await calls.check(charge_point, action, payload)
    command_id = tracing.command_id()
    await journal.run(create, command_id)
    try:
        sent: Command = await calls.call(
            charge_point, action, payload, actor=actor, timeout=timeout, wait=wait, command_id=command_id
        )
    except (DomainError, LiveStateUnavailable):
        await journal.run(_discard, model, command_id)
        raise
    return sent


def unanswered(command_id: str) -> Unanswered | None:
    """The end of a command that the station did not answer; None while it waits, and for an answered one."""
    command = Command.objects.filter(pk=command_id).first()
    if command is None or command.state in (*_WAITING, *_ANSWERED):
        return None
    if command.sent_at is None:
        return Unanswered(True, gettext("It was not sent."))
    if command.state == Command.State.ERROR:
        words = filter(None, (command.error_code, command.error_description))
        return Unanswered(True, ": ".join(words)[:_MOST_REASON])
    return Unanswered(False, command.get_state_display())


def settle_waiting(model: type[models.Model], settle: Callable[[str], object]) -> None:
    """Settle the rows that wait for an answer, and delete those whose command was never sent."""
    now = datetime.now(UTC)
    waiting = model._default_manager.filter(state=REQUESTED).order_by("created_at")
    for pk, created_at in list(waiting.values_list("pk", "created_at")[:_AT_ONCE]):
        if Command.objects.filter(pk=pk).exists():
            settle(pk)
        elif created_at < now - _COMMAND_WITHIN:
            _discard(model, pk)


def _discard(model: type[models.Model], command_id: str) -> None:
    model._default_manager.filter(pk=command_id, state=REQUESTED).delete()


def reason_of(response: dict[str, Any]) -> str:
    """The status and the reason in an answer of 2.x, in one line."""
    info = response.get("statusInfo", {})
    words = (response["status"], info.get("reasonCode", ""), info.get("additionalInfo", ""))
    return ": ".join(filter(None, words))[:_MOST_REASON]
