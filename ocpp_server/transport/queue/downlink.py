"""Messages from a process of the server to a station at a gateway, or about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from ocpp_server import live
from ocpp_server.domain import QueueFull, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.live.redis.keys import Script
from ocpp_server.protocol.frames import pack_call
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store
from ocpp_server.transport.messages import StationCall
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.keys import QueueKeys, script

# The same limit as for a socket in this process, see `Session`.
MAX_WAITING = 64

_SUBMIT, _NOTIFY, _REPLACED = (
    script("queued_commands", name) for name in ("call_submit", "notify", "replaced")
)


def is_at_gateway(connection: Connection) -> bool:
    """Whether a gateway holds the socket. Only a connection to a process of the server has a channel."""
    return not connection.channel


async def submit(connection: Connection, command: StationCall) -> None:
    """Queue a command to the station. It is sent at once if no other is in flight or queued.

    Raises StationOffline when the station has another connection by now, QueueFull and LiveStateUnavailable.
    """
    frame = pack_call(command.id, command.action, command.payload)
    packed = envelope.pack_frame(
        frame, connection.identity, session_id=connection.id, protocol=connection.version
    )
    taken, sent = await _run(
        _SUBMIT,
        connection.identity,
        connection.id,
        command.id,
        command.action,
        int(command.timeout * 1000),
        command.reply_to,
        packed.decode(),
        MAX_WAITING,
        command.actor,
    )
    if taken == "gone":
        raise StationOffline(f"{connection.identity} has left its gateway.")
    if taken == "full":
        raise QueueFull
    if sent:
        await journal.run(command_store.port.app.mark_sent, sent, datetime.now(UTC))


async def changed(connection: Connection) -> None:
    """Make the processor reload the station, because an operator has changed its settings."""
    await _notify(connection, "request", envelope.CHANGED)


async def dismiss(connection: Connection, code: int, reason: str) -> None:
    """Make the gateway close the socket."""
    await _notify(connection, "response", envelope.CLOSE, code=code, reason=reason)


async def replaced(connection: Connection, request: str, reply_to: str) -> None:
    """Make the gateway close a socket that a newer connection replaced. The processor confirms to `reply_to`
    when the earlier messages are stored.
    """
    control = envelope.pack_control(
        envelope.REPLACED,
        connection.identity,
        session_id=connection.id,
        message_id=request,
        reply_to=reply_to,
    )
    await _run(_REPLACED, connection.identity, connection.server, control.decode())


async def _notify(connection: Connection, direction: str, event: str, **fields: Any) -> None:
    control = envelope.pack_control(event, connection.identity, session_id=connection.id, **fields)
    await _run(_NOTIFY, connection.identity, connection.id, direction, control.decode())


async def _run(used: Script, *arguments: str | int) -> Any:
    keys = QueueKeys(settings.REDIS_STATE_PREFIX)
    kept_ms = int(settings.REDIS_STATE_TTL * 1000)
    return await live.state().run(used, [keys.prefix], kept_ms, *arguments)
