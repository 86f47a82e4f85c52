"""Send a command to a station: store it, send it to the process that holds the socket, wait for its result.

The waiting process and the process that holds the socket may differ, so they use the channel layer. A message
of the channel layer may be lost. So every command has a deadline and a final state, and the result is the row
in the database, not the message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import structlog
from django.conf import settings

from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.observability import tracing
from ocpp_server.observability.masking import masked
from ocpp_server.protocol import actions, schemas, secrets
from ocpp_server.protocol.versions import label
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store, sent_commands, station_store
from ocpp_server.transport.command_store import QUEUE_FULL, Addressee, StoredCommand
from ocpp_server.transport.messages import StationCall
from ocpp_server.transport.switchboard import switchboard

log = structlog.get_logger(__name__)

# A caller waits this many seconds beyond the deadline of the command: the result has to be stored first.
_GRACE_S = 2.0
# The registration statuses that restrict commands, as OCPP spells them.
_PENDING, _REJECTED = "Pending", "Rejected"
_SECURITY_PROFILE = "securityprofile"  # a key of 1.6 and a variable of 2.1, in any case
_NETWORK_CONFIGURATION = "networkconfiguration"  # the component of that variable (2.1)

# The row class of the app that fills `CommandStore`. The annotation of the result at the call binds it.
Row = TypeVar("Row", bound=StoredCommand)


async def ask_to_boot(charge_point_pk: int) -> None:
    """Trigger the BootNotification of a station that was accepted just now.

    Without the trigger, a pending station sends its next BootNotification only after its retry interval.
    """
    charge_point = await journal.run(station_store.port.app.load, charge_point_pk)
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


def supported(charge_point: Addressee) -> frozenset[str]:
    """The actions that the server may send to this station, by the version of its last connection. None
    before its first one.
    """
    return actions.to_station(charge_point.ocpp_version)


async def call(
    charge_point: Addressee,
    action: str,
    payload: dict[str, Any],
    *,
    actor: str,
    timeout: float | None = None,
    wait: bool = True,
    sets_password: bool = False,
    command_id: str = "",
) -> Row:
    """Send a CALL to a station. Returns the command's row in its final state, or queued when `wait` is False.

    `timeout` is in seconds; a command that has waited in the queue for that long is not sent any more.
    `sets_password` is for a caller that also changes the password that the handshake checks. `command_id` is
    for a caller that has stored the id beforehand. Raises StationOffline, QueueFull, Conflict (the station is
    rejected or not accepted yet) and Invalid (no such action in the station's version, a payload that its
    schema refuses, a lower security profile, or a payload that would lock the station out).
    """
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    _check(charge_point, connection.version, action, payload)
    if not sets_password:
        _refuse_password(charge_point, action, payload)
    seconds = settings.OCPP_CALL_TIMEOUT if timeout is None else timeout
    now = datetime.now(UTC)
    store = command_store.port.app
    command = await journal.run(
        store.create,
        charge_point,
        id=command_id or tracing.command_id(),
        action=action,
        payload=masked(payload, action),
        actor=actor,
        created_at=now,
        deadline_at=now + timedelta(seconds=seconds),
    )
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
        await switchboard.send_command(
            connection,
            StationCall(
                identity=connection.identity,
                id=command.id,
                action=action,
                payload=payload,
                timeout=seconds,
                reply_to=switchboard.channel,
                actor=actor,
            ),
        )
        sent_commands.add(command.id)
        if not wait:
            return cast("Row", command)  # equivalent: only the type checker reads the name
        try:
            async with asyncio.timeout(seconds + _GRACE_S):
                await finished.wait()
        except TimeoutError:
            await journal.run(store.end_overdue, command.id)
    except (live.LiveStateUnavailable, StationOffline):
        await journal.run(store.end_disconnected, command.id)
        raise
    except QueueFull:
        await journal.run(store.end_refused, command.id)
        raise
    finally:
        switchboard.forget(command.id)
    command = await journal.run(store.load, command.id)
    if command.error_code == QUEUE_FULL:
        raise QueueFull
    return cast("Row", command)  # equivalent: only the type checker reads the name


async def check(
    charge_point: Addressee, action: str, payload: dict[str, Any], *, sets_password: bool = False
) -> None:
    """Raise the error that `call` would raise before it sends anything."""
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    _check(charge_point, connection.version, action, payload)
    if not sets_password:
        _refuse_password(charge_point, action, payload)


def _check(charge_point: Addressee, version: str, action: str, payload: dict[str, Any]) -> None:
    offered = actions.to_station(version)
    if action not in offered:
        raise Invalid(
            f"{action} is not a command of OCPP {label(version)}. There are: {', '.join(sorted(offered))}.",
            field="action",
            code=Code.NOT_SUPPORTED,
        )
    if charge_point.registration_status == _REJECTED:
        raise Conflict(
            f"{charge_point.identity} is rejected: nothing is sent to it.", code=Code.STATION_REJECTED
        )
    if charge_point.registration_status == _PENDING and action not in actions.WHILE_PENDING:
        raise Conflict(
            f"{charge_point.identity} is not accepted yet: until then it can only be configured.",
            code=Code.STATION_PENDING,
        )
    try:
        schemas.outgoing(version, action, "request", payload)
    except schemas.PayloadInvalid as error:
        raise Invalid(
            f"The payload is not a valid {action} of OCPP {label(version)}.", errors=error.errors
        ) from None
    _refuse_lower_profile(charge_point, action, payload)


def _refuse_lower_profile(charge_point: Addressee, action: str, payload: dict[str, Any]) -> None:
    """Refuse to lower the security profile of a station over OCPP (1.6 security whitepaper, A00.FR.005; 2.x
    B09.FR.04), unless its change was offered to the handshake before (2.1, from 3 to 2).
    """
    profile = charge_point.security_profile
    for field, value in _profiles_in(action, payload):
        if value < profile and value != charge_point.next_security_profile:
            raise Invalid(
                f"{charge_point.identity} has security profile {profile}. OCPP does not allow to lower it: "
                f"change it at the station itself and in its settings here.",
                errors=[{"field": field, "reason": f"is lower than {profile}, the profile of the station"}],
            )


def _profiles_in(action: str, payload: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The security profiles that a command sets, with their places in the payload."""
    if action == "ChangeConfiguration" and payload["key"].strip().casefold() == _SECURITY_PROFILE:
        found = [("value", payload["value"])]
    elif action == "SetNetworkProfile":
        found = [("connectionData.securityProfile", str(payload["connectionData"]["securityProfile"]))]
    elif action == "SetVariables":
        found = [
            (f"setVariableData.{number}.attributeValue", each["attributeValue"])
            for number, each in enumerate(payload["setVariableData"])
            if each["component"]["name"].strip().casefold() == _NETWORK_CONFIGURATION
            and each["variable"]["name"].strip().casefold() == _SECURITY_PROFILE
        ]
    else:
        return
    for field, text in found:
        if text.strip().isdecimal():
            yield field, int(text.strip())


def _refuse_password(charge_point: Addressee, action: str, payload: dict[str, Any]) -> None:
    """Refuse a command that sets a password unknown to the server (1.6 security A01, 2.0.1 A01)."""
    field = secrets.password_field(action, payload)
    if field:
        identity = charge_point.identity
        raise Invalid(
            f"This would change the password of {identity} and lock it out: the server would go on to check "
            f"the old one. Send rotate-password instead, which changes it here too; or set the new password "
            f"at the station itself and in its settings here (PATCH /api/v1/chargepoints/{identity}, or "
            f"Stations in the admin).",
            errors=[{"field": field, "reason": "sets the password of the station's connection"}],
            code=Code.SETS_PASSWORD,
        )
