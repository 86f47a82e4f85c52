"""The one door out: store the command, bring it to the process that holds the socket, wait for its end.

The process that waits and the process that holds the socket need not be the same, so they speak through the
channel layer. A channel-layer message may be lost: every command has a deadline and a final state, and the
database row, not the message, says what became of it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings

from chargepoints.models import ChargePoint, Command
from chargepoints.services.commands import QUEUE_FULL, end_disconnected, end_overdue, end_refused
from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.observability import tracing
from ocpp_server.observability.masking import masked
from ocpp_server.protocol import actions, schemas, secrets
from ocpp_server.protocol.versions import VERSIONS, label
from ocpp_server.storage.journal import journal
from ocpp_server.transport.messages import StationCall
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# How much longer than the station's deadline we wait for the news of it, which has to be stored first.
_GRACE_S = 2.0


async def ask_to_boot(charge_point_pk: int) -> None:
    """A station that waited for its acceptance asks again only after its interval; most can be told to do
    so now.
    """
    charge_point = await journal.run(ChargePoint.objects.get, pk=charge_point_pk)
    try:
        await call(
            charge_point,
            "TriggerMessage",
            {"requestedMessage": "BootNotification"},
            actor="server",
            wait=False,
        )
    except StationOffline:
        log.info("station.gone_before_boot", station=charge_point.identity)


def supported(charge_point: ChargePoint) -> frozenset[str]:
    """The actions we may send to this station, by the version it last connected with."""
    return (
        actions.to_station(charge_point.ocpp_version)
        if charge_point.ocpp_version in VERSIONS
        else frozenset()
    )


async def call(
    charge_point: ChargePoint,
    action: str,
    payload: dict[str, Any],
    *,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
    sets_password: bool = False,
) -> Command:
    """Send a CALL to a station; the command's row in its final state, or queued when `wait` is False.

    `timeout` is in seconds; a command that has waited so long for its turn is not sent any more.
    `sets_password` is for a caller that also changes what the station's handshake is checked against. Raises
    StationOffline, QueueFull, Conflict (not accepted yet) and Invalid (no such action in the station's
    version, a payload its schema refuses, or one that would lock the station out).
    """
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    _check(charge_point, connection.version, action, payload)
    if not sets_password:
        _refuse_password(charge_point, action, payload)
    seconds = settings.OCPP_CALL_TIMEOUT if timeout is None else timeout
    now = datetime.now(UTC)
    command = Command(
        id=tracing.command_id(),
        charge_point=charge_point,
        action=action,
        payload=masked(payload, action),
        actor=actor,
        created_at=now,
        deadline_at=now + timedelta(seconds=seconds),
    )
    await journal.run(command.save, force_insert=True)
    log.info(
        "command.queued",
        station=charge_point.identity,
        message_id=command.id,
        action=action,
        version=connection.version,
        actor=actor,
    )
    finished = switchboard.expect(command.id)
    try:
        await switchboard.hand_over(
            connection,
            StationCall(
                identity=connection.identity,
                id=command.id,
                action=action,
                payload=payload,
                timeout=seconds,
                reply_to=switchboard.channel,
            ),
        )
        if not wait:
            return command
        try:
            await asyncio.wait_for(finished.wait(), seconds + _GRACE_S)
        except TimeoutError:
            await journal.run(end_overdue, command.id)
    except (live.LiveStateUnavailable, StationOffline):
        await journal.run(end_disconnected, command.id)
        raise
    except QueueFull:
        await journal.run(end_refused, command.id)
        raise
    finally:
        switchboard.forget(command.id)
    command = await journal.run(Command.objects.select_related("charge_point").get, pk=command.id)
    if command.error_code == QUEUE_FULL:
        raise QueueFull
    return command


def _check(charge_point: ChargePoint, version: str, action: str, payload: dict[str, Any]) -> None:
    offered = actions.to_station(version)
    if action not in offered:
        raise Invalid(
            f"{action} is not a command of OCPP {label(version)}. There are: {', '.join(sorted(offered))}.",
            field="action",
        )
    if charge_point.registration_status == ChargePoint.Registration.REJECTED:
        raise Conflict(f"{charge_point.identity} is rejected: nothing is sent to it.")
    if (
        charge_point.registration_status == ChargePoint.Registration.PENDING
        and action not in actions.WHILE_PENDING
    ):
        raise Conflict(f"{charge_point.identity} is not accepted yet: until then it can only be configured.")
    try:
        schemas.outgoing(version, action, "request", payload)
    except schemas.PayloadInvalid as error:
        raise Invalid(
            f"The payload is not a valid {action} of OCPP {label(version)}.", errors=error.errors
        ) from None


def _refuse_password(charge_point: ChargePoint, action: str, payload: dict[str, Any]) -> None:
    """Refuse to give the station a password that the server would not know (1.6 security A01, 2.0.1 A01)."""
    field = secrets.password_field(action, payload)
    if field:
        who = charge_point.identity
        raise Invalid(
            f"This would change the password of {who} and lock it out: the server would go on to check the "
            f"old one. Set the new password at the station itself and in its settings here (PATCH "
            f"/api/v1/chargepoints/{who}, or Stations in the admin).",
            errors=[{"field": field, "reason": "sets the password of the station's connection"}],
        )
