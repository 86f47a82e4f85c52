"""The channel of this process in the channel layer: processes send each other messages about stations."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from msgspec.structs import replace

from ocpp_server import live
from ocpp_server.domain import DomainError, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport import command_store, messages
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.messages import (
    AboutEvents,
    CommandFinished,
    CommandTaken,
    EventsNumbered,
    EventsWritten,
    Message,
    Notice,
    StationCall,
    StationChanged,
    StationReplaced,
    ToConnection,
)
from ocpp_server.transport.queue import downlink

log = structlog.get_logger(__name__)

# The time limit of a call of the channel layer, which normally takes less than a millisecond.
_LAYER_S = 3.0
# The groups of the process that numbers events, and of the processes that send them to clients.
_GROUPS = {EventsWritten: "events", EventsNumbered: "events.readers"}
# How often a command is forwarded to a newer connection of its station.
_HOPS = 3
# How long a process may take to confirm a command, how often the command is sent, and how many received
# commands a process remembers.
_TAKEN_S = 1.0
_ATTEMPTS = 3
_REMEMBERED = 10_000


class Arrival:
    """A registered connection whose station is being loaded. Messages for it wait until `ended`."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.is_replaced = False


class Switchboard:
    """The channel of this process, the connections that it serves, and the callers that wait in it."""

    def __init__(self) -> None:
        self.channel = ""
        self.connections: dict[str, StationConnection] = {}
        # Stations at gateways whose messages this process handles. Messages to them go through the Redis
        # queue.
        self.at_gateways: dict[str, StationConnection] = {}
        # Connections that are registered and whose station is being loaded.
        self.arrivals: dict[str, Arrival] = {}
        self._waiters: dict[str, asyncio.Event] = {}
        # Commands that the process with the socket has not confirmed yet.
        self._unconfirmed: dict[str, asyncio.Event] = {}
        # Commands that other processes sent to this one, oldest first: a repeated one is not sent twice.
        self._arrived: dict[tuple[str, str], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Set by `start`.
        self._accepted: Callable[[int], Awaitable[None]] | None
        # Called for each message about events; a process has those of the groups that it is in.
        self._on_events: dict[type[AboutEvents], Callable[[], None]] = {}

    def served(self) -> list[StationConnection]:
        """The connections of all stations whose messages this process handles."""
        return [*self.connections.values(), *self.at_gateways.values()]

    async def start(self, *, accepted: Callable[[int], Awaitable[None]] | None = None) -> None:
        """Start to receive messages. `accepted` is called with the key of a station that an operator
        accepts. Raises LiveStateUnavailable when the channel layer does not work.
        """
        self._accepted = accepted
        if self._task is None or self._task.done():
            # Subscribed before the first `receive`: when the subscription there fails, the channel layer of
            # Redis never tries it again.
            async with _working_layer() as layer:
                self.channel = await layer.new_channel("process.")
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._drain())

    async def stop(self) -> None:
        """Stop receiving messages."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = self._loop = None
            self._on_events.clear()

    # -- sending ----------------------------------------------------------------------------------

    async def send(self, channel: str, message: Message) -> None:
        """Send a message to a process; to this one without the channel layer. Raises LiveStateUnavailable."""
        if channel == self.channel:
            self._receive(message)
        else:
            await self._send(channel, message)

    @staticmethod
    async def _send(channel: str, message: Message) -> None:
        async with _working_layer() as layer:
            await layer.send(channel, messages.pack(message))

    async def announce_events(self, kind: type[AboutEvents] = EventsWritten) -> None:
        """Notify the process that numbers events, or those that send them. They also poll."""
        with suppress(live.LiveStateUnavailable):
            async with _working_layer() as layer:
                await layer.group_send(_GROUPS[kind], messages.pack(kind()))

    async def subscribe_to_events(
        self, listener: Callable[[], None], kind: type[AboutEvents] = EventsWritten
    ) -> None:
        """From now on call this function for each message of this kind. Raises LiveStateUnavailable."""
        if kind not in self._on_events and self.channel:
            async with _working_layer() as layer:
                await layer.group_add(_GROUPS[kind], self.channel)
            self._on_events[kind] = listener

    async def echo(self) -> None:
        """Send a message to this process through the channel layer and wait for it; for the readiness probe.

        Raises LiveStateUnavailable. Waits without a limit if the message is lost.
        """
        id = str(uuid.uuid4())
        received = self.expect(id)
        try:
            await self._send(self.channel, CommandFinished(id=id))
            await received.wait()
        finally:
            self.forget(id)

    async def notify(self, connection: Connection, notice: Notice) -> None:
        """Send a notice to the process that serves a connection. Raises LiveStateUnavailable."""
        if not downlink.is_at_gateway(connection):
            await self.send(connection.channel, replace(notice, connection_id=connection.id))
        elif isinstance(notice, StationChanged):
            await downlink.changed(connection)
        else:
            await downlink.dismiss(connection, notice.code, notice.reason)

    def call_soon(self, function: Callable[[], None]) -> bool:
        """Call a function in the event loop of this process. False without one. Thread-safe."""
        loop = self._loop
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop was closed just now
            return False
        return True

    def notify_station(self, identity: str, notice: Notice) -> None:
        """Send a notice about a station to the process that serves it, if the station is connected.
        Thread-safe, and does not wait.

        Without a running event loop (`manage.py`) the notice is sent before this returns. A notice that
        cannot be sent is logged.
        """
        loop = self._loop
        if loop is None or loop.is_closed():
            async_to_sync(self._notify_station)(identity, notice)
        else:
            loop.call_soon_threadsafe(self._spawn_notify, identity, notice)

    def _spawn_notify(self, identity: str, notice: Notice) -> None:
        coroutine = self._notify_station(identity, notice)
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify_station(self, identity: str, notice: Notice) -> None:
        try:
            connection = await live.state().connection(identity)
            if connection is not None:
                await self.notify(connection, notice)
        except live.LiveStateUnavailable as error:
            log.warning("switchboard.unannounced", station=identity, kind=_kind(notice), error=str(error))

    async def send_command(self, connection: Connection, message: StationCall) -> None:
        """Send a command to the process that holds the socket and wait for its confirmation. A command to a
        station at a gateway goes into the station's queue.

        Raises StationOffline when no process confirms it, QueueFull, LiveStateUnavailable.
        """
        if await self._sent_without_confirmation(connection, message):
            return
        taken = self._unconfirmed[message.id] = asyncio.Event()
        current: Connection | None = connection
        try:
            for _ in range(_ATTEMPTS):
                if current is None:
                    break
                await self.send(current.channel, replace(message, connection_id=current.id))
                try:
                    async with asyncio.timeout(_TAKEN_S):
                        await taken.wait()
                    return
                except TimeoutError:
                    # The process is dead, or has not reconnected to the channel layer after an outage.
                    log.warning(
                        "switchboard.untaken",
                        station=connection.identity,
                        message_id=message.id,
                        action=message.action,
                    )
                current = await live.state().connection(connection.identity)
                if current is not None and await self._sent_without_confirmation(current, message):
                    return
        finally:
            del self._unconfirmed[message.id]
        raise StationOffline(f"The process that holds the socket of {connection.identity} does not answer.")

    async def _sent_without_confirmation(self, connection: Connection, message: StationCall) -> bool:
        """Send a command to a station at a gateway, or to one of this process; False for any other.

        Neither confirms it, so it must not be sent again for want of a confirmation.
        """
        if downlink.is_at_gateway(connection):
            await self._enqueue(connection, message)
        elif connection.channel == self.channel:
            self._receive(replace(message, connection_id=connection.id))
        else:
            return False
        return True

    async def _enqueue(self, connection: Connection, message: StationCall) -> None:
        """Put a command into the queue of the station, or send it to where the station has reconnected."""
        try:
            await downlink.submit(connection, message)
        except StationOffline:
            current = await live.state().connection(connection.identity)
            if current is None or current.id == connection.id:
                raise
            await self.send_command(current, message)

    async def finished(self, command_id: str, reply_to: str) -> None:
        """Notify the process that waits for a command. If the notice is lost, that process reads the row at
        the deadline.
        """
        try:
            await self.send(reply_to, CommandFinished(id=command_id))
        except live.LiveStateUnavailable as error:
            log.warning("switchboard.end_untold", message_id=command_id, error=str(error))

    # -- waiting ----------------------------------------------------------------------------------

    @contextmanager
    def arriving(self, connection_id: str) -> Iterator[Arrival]:
        """Hold back the messages for a connection until its station is loaded."""
        arrival = self.arrivals[connection_id] = Arrival()
        try:
            yield arrival
        finally:
            del self.arrivals[connection_id]
            arrival.ended.set()

    def expect(self, command_id: str) -> asyncio.Event:
        """The event that is set by the `CommandFinished` with this id."""
        return self._waiters.setdefault(command_id, asyncio.Event())

    def forget(self, command_id: str) -> None:
        """Stop waiting for this command."""
        self._waiters.pop(command_id, None)

    # -- receiving --------------------------------------------------------------------------------

    async def _drain(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                self._receive(messages.unpack(await layer.receive(self.channel)))
            except asyncio.CancelledError:
                raise
            except messages.Unreadable as error:
                # A process of a later release may have sent it.
                log.warning("switchboard.unreadable", error=str(error))
            except Exception:
                log.exception("switchboard.receive_failed")
                await asyncio.sleep(1)

    def _receive(self, message: Message) -> None:
        if isinstance(message, AboutEvents):
            self._on_events.get(type(message), lambda: None)()
            return
        if isinstance(message, CommandFinished | CommandTaken):
            events = self._waiters if isinstance(message, CommandFinished) else self._unconfirmed
            event = events.get(message.id)
            if event is not None:
                event.set()
            return
        # An empty context, not that of the request that sent the message: the connection's timers start here,
        # and their log lines would carry that request's id.
        task = asyncio.get_running_loop().create_task(self._deliver(message), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, message: ToConnection) -> None:
        call = message if isinstance(message, StationCall) else None
        if call is not None and call.reply_to != self.channel and not await self._is_first(call):
            return
        arrival = self.arrivals.get(message.connection_id)
        if arrival is not None:
            arrival.is_replaced |= isinstance(message, StationReplaced)
            await arrival.ended.wait()
        connection = self.connections.get(message.connection_id)
        if connection is not None and not (call is not None and connection.is_replaced):
            await self._handle(connection, message)
        elif call is not None:
            await self._forward(call)
        else:
            log.info("switchboard.no_such_connection", kind=_kind(message))
        if isinstance(message, StationReplaced):
            await self.finished(message.id, message.reply_to)

    async def _is_first(self, message: StationCall) -> bool:
        """Confirm a command of another process; False when it has arrived before."""
        key = message.id, message.connection_id
        is_new = key not in self._arrived
        self._arrived[key] = None  # equivalent: only the keys count
        if len(self._arrived) > _REMEMBERED:
            del self._arrived[next(iter(self._arrived))]
        try:
            await self.send(message.reply_to, CommandTaken(id=message.id))
        except live.LiveStateUnavailable as error:
            log.warning("switchboard.unconfirmed", message_id=message.id, error=str(error))
        return is_new

    async def _forward(self, message: StationCall) -> None:
        """Send a command, which has not reached its station yet, to the station's newer connection."""
        try:
            current = await live.state().connection(message.identity)
            if current is not None and current.id != message.connection_id and message.hops < _HOPS:
                message = replace(message, connection_id=current.id, hops=message.hops + 1)
                if downlink.is_at_gateway(current):
                    await downlink.submit(current, message)
                else:
                    await self.send(current.channel, message)
                return
            await journal.run(command_store.port.app.end_disconnected, message.id)
        except (StorageUnavailable, DomainError) as error:
            # The waiting process ends the command at its deadline.
            log.warning("switchboard.unforwarded", message_id=message.id, error=str(error))
        else:
            await self.finished(message.id, message.reply_to)

    async def _handle(self, connection: StationConnection, message: ToConnection) -> None:
        try:
            if isinstance(message, StationCall):
                await connection.call(message)
            elif isinstance(message, StationReplaced):
                await connection.replace()
            elif isinstance(message, StationChanged):
                is_accepted_now = await connection.changed()
                live.state().station_changed(connection.station)
                if is_accepted_now and self._accepted is not None:
                    await self._accepted(connection.station.pk)
            else:
                await connection.dismiss(message.code, message.reason)
        except Exception:
            log.exception("switchboard.failed", kind=_kind(message), station=connection.station.identity)


@asynccontextmanager
async def _working_layer() -> AsyncIterator[Any]:
    """The channel layer, for one call. Raises LiveStateUnavailable when the call fails or takes too long."""
    try:
        async with asyncio.timeout(_LAYER_S):
            yield get_channel_layer()
    except Exception as error:
        # Each channel layer raises errors of its own; callers need only one.
        raise live.LiveStateUnavailable(f"The channel layer does not work ({error!r}).") from error


def _kind(message: ToConnection) -> str:
    """The `type` of a message in the channel layer."""
    return str(type(message).__struct_config__.tag)


switchboard = Switchboard()
