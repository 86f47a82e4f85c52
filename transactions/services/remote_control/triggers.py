"""The messages that triggers lead to, and the messages that a station can't be asked for.

The process that serves the station knows its waiting triggers and takes the effect in the unit of work of the
message. A job settles the triggers whose process died, from the message log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db.transaction import atomic

from chargepoints.models import ChargePoint, Command, Message
from chargepoints.services import commands
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import Sent, Trigger
from ocpp_server.transport import effects
from transactions.live.waiting_triggers import LAST_MESSAGES, TRIGGERS, WaitingTrigger

# 2.1: a message that the station has named itself.
CUSTOM_TRIGGER: Final = "CustomTrigger"
# The process with the station settles a trigger first; the job does so this long after the end of its time.
GRACE: Final = timedelta(seconds=15)
# The most commands that the job settles in one run, and the newest messages of a station that it reads.
_AT_ONCE: Final = 200
_MESSAGES: Final = 1000


# -- the effect ----------------------------------------------------------------------------------------------


def received(*, station: Station, message: Sent) -> None:
    """Settle the accepted triggers that asked for this message."""
    now, waiting = station.received_at, TRIGGERS.of(station)
    LAST_MESSAGES.of(station).add(message, now)
    if not waiting:
        return
    # The job has the result of those whose time is over.
    in_time = [one for one in waiting if one.until >= now]
    for one in in_time:
        if translate.answers(message, one.asked):
            _seen(station, one.command_id)
    waiting[:] = [one for one in in_time if not translate.answers(message, one.asked)]


def accepted(*, station: Station, command_id: str, asked: Trigger) -> None:
    """Wait for the message of a trigger, or settle it when the message came before the answer."""
    if not asked.actions:
        return
    if LAST_MESSAGES.of(station).answer(asked, station.asked_at):
        _seen(station, command_id)
        return
    until = station.received_at + effects.MESSAGE_TIME
    TRIGGERS.of(station).append(WaitingTrigger(command_id, asked, until))
    commands.store_effect(station.unit, command_id, **effects.awaited(until))


def _seen(station: Station, command_id: str) -> None:
    commands.store_effect(station.unit, command_id, **effects.seen())
    station.emit(charging.EFFECT_SEEN, requestId=command_id, effect=effects.RECEIVED, transactionId=None)


def settle_overdue(now: datetime) -> None:
    """Settle the triggers whose time is over: seen if the message log has the message, else missed."""
    overdue = Command.objects.awaiting_message().filter(effect_until__lt=now - GRACE)
    for command in overdue.select_related("charge_point").order_by("effect_until")[:_AT_ONCE]:
        is_seen = _is_logged(command)
        station = command.charge_point
        data: dict[str, Any] = {"requestId": command.pk, "effect": effects.RECEIVED}
        columns = effects.seen() | ({} if is_seen else {"effect": Command.Effect.MISSED})
        with atomic():
            if not Command.objects.awaiting_message().filter(pk=command.pk).update(**columns):
                continue
            kind = charging.EFFECT_SEEN if is_seen else charging.EFFECT_MISSED
            data |= {"transactionId": None} if is_seen else {}
            outbox.emit(kind, station=station.identity, site=station.site_id, **data)


def _is_logged(command: Command) -> bool:
    """Whether the message log has the requested message, also one that was refused."""
    asked, since = translate.trigger(command.payload), command.sent_at or command.created_at
    incoming = Message.objects.filter(charge_point=command.charge_point_id, direction=Message.Direction.IN)
    # The log is indexed by number alone: the time of the newest messages is compared here.
    newest = incoming.order_by("-pk").values_list("pk", "action", "at")[:_MESSAGES]
    in_time = [
        pk
        for pk, action, at in newest
        if action in asked.actions and since <= at <= (command.effect_until or at)
    ]
    return any(_answers(message, asked) for message in Message.objects.filter(pk__in=in_time))


def _answers(message: Message, asked: Trigger) -> bool:
    try:
        found = translate.sent(message.action, orjson.loads(message.request or ""))
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return False  # a message that was refused may have any content
    return found is not None and translate.answers(found, asked)


# -- messages that a station has not implemented -------------------------------------------------------------


def not_implemented(*, station: Station, action: str, message: str) -> None:
    """Remember that the station has not implemented this message, as long as its firmware stays the same. A
    custom trigger says nothing about the others.
    """
    if message == CUSTOM_TRIGGER:
        return
    station.unit.run(_remember, station.pk, action, message, is_missing=True)


def implemented(*, station: Station, action: str, message: str) -> None:
    """Forget that the station had not implemented this message."""
    station.unit.run(_remember, station.pk, action, message, is_missing=False)


def missing(charge_point: ChargePoint, action: str) -> frozenset[str]:
    """The messages for which the station's present firmware has answered this action NotImplemented."""
    prefix = f"{action}."
    return frozenset(name.removeprefix(prefix) for name in _current(charge_point) if name.startswith(prefix))


def _current(charge_point: ChargePoint) -> dict[str, str]:
    """The firmware version by message, without the messages of another firmware."""
    found: Mapping[str, str] = charge_point.missing_triggers or {}
    return {name: firmware for name, firmware in found.items() if firmware == charge_point.firmware_version}


def _remember(charge_point_pk: int, action: str, message: str, *, is_missing: bool) -> None:
    with atomic():
        row = ChargePoint.objects.select_for_update().get(pk=charge_point_pk)
        before, current = row.missing_triggers or {}, _current(row)
        if is_missing:
            current[f"{action}.{message}"] = row.firmware_version
        else:
            current.pop(f"{action}.{message}", None)
        if current != before:
            ChargePoint.objects.filter(pk=charge_point_pk).update(missing_triggers=current or None)
