"""The rows of commands. Implements the engine's port `CommandStore`, which documents each function."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import structlog
from django.db import transaction
from django.db.models import F, QuerySet

from chargepoints.models import Campaign, ChargePoint, Command
from chargepoints.models.command import campaign_actor
from chargepoints.tables import COMMANDS
from ocpp_server.domain import QueueFull
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.observability import measures
from ocpp_server.observability.masking import masked_text
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import restarts
from ocpp_server.transport.command_store import NOT_SENT, QUEUE_FULL

log = structlog.get_logger(__name__)


class Ended(NamedTuple):
    """A command that ended without an answer: the key of its station and its action."""

    pk: int
    action: str
    awaits_boot: bool = False


def create(
    charge_point: ChargePoint,
    *,
    id: str,
    action: str,
    payload: dict[str, Any],
    actor: str,
    created_at: datetime,
    deadline_at: datetime,
) -> Command:
    """Insert a queued command. `payload` holds no secrets."""
    return Command.objects.create(
        id=id,
        charge_point=charge_point,
        action=action,
        payload=payload,
        actor=actor,
        created_at=created_at,
        deadline_at=deadline_at,
    )


def load(command_id: str) -> Command:
    """The row as it is now, with its station."""
    return Command.objects.select_related("charge_point").get(pk=command_id)


def store_result(unit: Unit, command_id: str, *, finished_at: datetime | None, **columns: Any) -> None:
    """Add the final state and the answer of a command to a unit of work."""
    unit.update(COMMANDS, command_id, finished_at=finished_at, **columns)


def store_effect(unit: Unit, command_id: str, **columns: Any) -> None:
    """Add the state of a command's effect to the unit of the message that shows it: see `effects`."""
    unit.update(COMMANDS, command_id, **columns)


def mark_sent(command_id: str, at: datetime) -> None:
    """Note that the frame has left. The answer may have been stored before."""
    command = Command.objects.filter(pk=command_id)
    command.filter(state=Command.State.QUEUED).update(state=Command.State.SENT, sent_at=at)
    found = command.values_list("charge_point__identity", "action", "charge_point__ocpp_version").first()
    if found is not None:
        station, action, version = found
        log.info("command.sent", station=station, message_id=command_id, action=action, version=version)


def mark_late(command_id: str, payload: str) -> None:
    """Keep the answer to a command that had timed out: the station may have carried it out."""
    kept = masked_text(payload)
    try:
        answer = orjson.loads(kept)
    except orjson.JSONDecodeError:
        answer = kept
    timed_out = Command.objects.filter(pk=command_id, state=Command.State.TIMEOUT)
    with transaction.atomic():
        if timed_out.update(state=Command.State.LATE, response={"late": answer}):
            _announce(Command.objects.filter(pk=command_id))


def end_disconnected(command_id: str) -> None:
    """End a command that reached no station."""
    _end(command_id, Command.State.DISCONNECTED)


def end_overdue(command_id: str) -> None:
    """End a command that neither an answer nor a process has ended. The process with the socket cannot end
    it again.
    """
    _end(command_id, Command.State.TIMEOUT)


def end_refused(command_id: str) -> None:
    """End a command that was refused because the queue of its station is full."""
    refusal = {"error_code": QUEUE_FULL, "error_description": QueueFull.sentence}
    _end(command_id, Command.State.ERROR, **refusal)


def _end(command_id: str, state: Command.State, **values: str) -> None:
    unfinished = Command.objects.unfinished().filter(pk=command_id)
    found = unfinished.values_list("charge_point__identity", "action").first()
    if found and end_all(unfinished, state=state, finished_at=datetime.now(UTC), **values):
        station, action = found
        measures.finished(action, state, None)
        log.info("command.finished", station=station, message_id=command_id, action=action, state=str(state))


def end_all(unfinished: QuerySet[Command], **columns: Any) -> int:
    """End these commands with their events. Returns how many were ended."""
    with transaction.atomic():
        # By key: the condition of the query no longer holds after the update.
        keys = list(unfinished.values_list("pk", flat=True))
        ended = unfinished.filter(pk__in=keys).update(**columns)
        # Another process may have ended some of them meanwhile, with an event of its own.
        exact = {name: value for name, value in columns.items() if not isinstance(value, F)}
        _announce(Command.objects.filter(pk__in=keys, **exact))
    return ended


def _announce(ended: QuerySet[Command]) -> None:
    """command.finished for each of these commands."""
    rows = ended.order_by("created_at").values_list(
        "pk", "action", "actor", "state", "error_code", "charge_point__identity", "charge_point__site_id"
    )
    outbox.emit_many(
        charging.COMMAND_FINISHED,
        [
            (
                identity,
                site,
                {
                    "requestId": pk,
                    "action": action,
                    "actor": actor,
                    "state": state,
                    "status": "",
                    "errorCode": error_code,
                    "durationMs": None,
                },
            )
            for pk, action, actor, state, error_code, identity, site in rows
        ],
    )


def end_unanswered(
    command_id: str, state: str, at: datetime, *, sent_at: datetime | None = None
) -> Ended | None:
    """End a command in this state; None when it has ended before."""
    unfinished = Command.objects.unfinished().filter(pk=command_id)
    found = unfinished.values_list("charge_point_id", "action", "payload").first()
    if found is None:
        return None
    pk, action, payload = found
    columns = restarts.unanswered(state, at, sent_at) if restarts.restarts(action, payload) else {}
    if columns.get("state") == Command.State.SENT:
        return Ended(pk, action, awaits_boot=True) if unfinished.update(**columns) else None
    if sent_at is None and state == Command.State.TIMEOUT:
        columns = {"error_description": NOT_SENT}
    is_ended = end_all(unfinished, **{"state": state, "finished_at": at} | columns)
    return Ended(pk, action) if is_ended else None


def of_campaign(rows: QuerySet[Command], number: int) -> QuerySet[Command]:
    """The commands that a campaign has sent."""
    mine = rows.filter(actor=campaign_actor(number))
    # The times bound the part of the index that is read: there is none on the actor.
    times = Campaign.objects.filter(pk=number).values_list("created_at", "finished_at").first()
    if times is None:
        return mine
    begun, ended = times
    mine = mine.filter(created_at__gte=begun)
    return mine if ended is None else mine.filter(created_at__lte=ended)


def unfinished_of(command_ids: Collection[str]) -> set[str]:
    """The commands of these that have no final state yet."""
    rows = Command.objects.finished(False).filter(pk__in=command_ids)
    return set(rows.values_list("pk", flat=True))


def has_timed_out(command_id: str, charge_point_pk: int) -> bool:
    """Whether this command to this station ended without an answer in time."""
    command = Command.objects.filter(pk=command_id, charge_point=charge_point_pk)
    return command.filter(state=Command.State.TIMEOUT).exists()


def is_finished(command_id: str) -> bool:
    """Whether the command has a final state."""
    return not Command.objects.unfinished().filter(pk=command_id).exists()
