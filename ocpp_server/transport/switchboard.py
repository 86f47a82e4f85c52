"""This process's end of the channel layer: what processes say to each other about stations and commands."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from chargepoints.services.commands import end_disconnected
from ocpp_server import live
from ocpp_server.domain import DomainError, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport.conversation import StationConnection
from ocpp_server.transport.queue import downlink

log = structlog.get_logger(__name__)

# The channel layer hands a message over in less than a millisecond.
_LAYER_S = 3.0
# How often a command follows a station that moves.
_HOPS = 3
# How long a process may take to say that it has a command, how often it is told, and how many it remembers.
_TAKEN_S = 1.0
_TELLINGS = 3
_REMEMBERED = 10_000


class Arrival:
    """A connection between its registration and its first message: what is said to it waits."""

    __slots__ = ("ended", "is_replaced")

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.is_replaced = False


class Switchboard:
    """This process's end of the channel layer: one channel, the stations whose sockets we hold, the callers
    that wait.
    """

    def __init__(self) -> None:
        self.channel = ""
        self.connections: dict[str, StationConnection] = {}
        # Stations at gateways whose messages we handle: known here, spoken to through the queue.
        self.at_gateways: dict[str, StationConnection] = {}
        # Connections that are registered and whose station is being loaded.
        self.arrivals: dict[str, Arrival] = {}
        self._waiters: dict[str, asyncio.Event] = {}
        # Commands other processes have not said yet that they have them.
        self._untaken: dict[str, asyncio.Event] = {}
        # Commands of other processes that we had already, oldest first: told twice is not sent twice.
        self._had: dict[tuple[str, str], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def served(self) -> list[StationConnection]:
        """Every station whose messages this process handles."""
        return [*self.connections.values(), *self.at_gateways.values()]

    def start(self) -> None:
        if self._task is None or self._task.done():
            self.channel = f"process.{uuid.uuid4().hex}"
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._drain())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = self._loop = None

    async def tell(self, channel: str, message: dict[str, Any]) -> None:
        """Send to a process; our own needs no layer in between. Raises LiveStateUnavailable."""
        if channel == self.channel:
            self._receive(message)
        else:
            await self._send(channel, message)

    @staticmethod
    async def _send(channel: str, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(_LAYER_S):
                await get_channel_layer().send(channel, message)
        except Exception as error:
            # Each layer has errors of its own; to whoever sends they all mean the same.
            raise live.LiveStateUnavailable(f"The channel layer does not work ({error!r}).") from error

    async def hears_itself(self) -> None:
        """Whether the channel layer brings what is sent: a message to ourselves, the long way round.

        Raises LiveStateUnavailable; waits for ever for a message that is lost.
        """
        echo = str(uuid.uuid4())
        heard = self.expect(echo)
        try:
            await self._send(self.channel, {"type": "command.finished", "id": echo})
            await heard.wait()
        finally:
            self.forget(echo)

    async def say(self, connection: Connection, kind: str, **message: Any) -> None:
        """Say something to whoever serves a connection. Raises LiveStateUnavailable."""
        if not downlink.is_at_gateway(connection):
            await self.tell(connection.channel, {"type": kind, "connection_id": connection.id, **message})
        elif kind == "station.changed":
            await downlink.changed(connection)
        else:
            await downlink.dismiss(connection, message["code"], message["reason"])

    def announce(self, identity: str, kind: str, **message: Any) -> None:
        """Say something to whoever serves a station, if it is connected. From any thread, without waiting.

        A process that serves nothing (`manage.py`) has no loop that goes on: there it is said before this
        returns. What can't be said is logged.
        """
        loop = self._loop
        if loop is None or loop.is_closed():
            async_to_sync(self._announce)(identity, kind, message)
        else:
            loop.call_soon_threadsafe(self._announce_soon, identity, kind, message)

    def _announce_soon(self, identity: str, kind: str, message: dict[str, Any]) -> None:
        coroutine = self._announce(identity, kind, message)
        task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce(self, identity: str, kind: str, message: dict[str, Any]) -> None:
        try:
            connection = await live.state().connection(identity)
            if connection is not None:
                await self.say(connection, kind, **message)
        except live.LiveStateUnavailable as error:
            log.warning("switchboard.unannounced", station=identity, kind=kind, error=str(error))

    async def hand_over(self, connection: Connection, message: dict[str, Any]) -> None:
        """Bring a command to the process that holds the socket, which says that it has it; or into the line
        of a station at a gateway.

        Raises StationOffline when it does not, QueueFull, LiveStateUnavailable.
        """
        if downlink.is_at_gateway(connection):
            await self._enqueue(connection, message)
            return
        if connection.channel == self.channel:
            self._receive(message | {"connection_id": connection.id})
            return
        taken = self._untaken[message["id"]] = asyncio.Event()
        current: Connection | None = connection
        try:
            for _ in range(_TELLINGS):
                if current is None:
                    break
                await self.tell(current.channel, message | {"connection_id": current.id})
                try:
                    await asyncio.wait_for(taken.wait(), _TAKEN_S)
                    return
                except TimeoutError:
                    # Nobody listened: the process is dead, or has not found the layer again after an outage.
                    log.warning(
                        "switchboard.untaken",
                        station=connection.identity,
                        message_id=message["id"],
                        action=message["action"],
                    )
                current = await live.state().connection(connection.identity)
                if current is not None and downlink.is_at_gateway(current):
                    await self._enqueue(current, message)
                    return
        finally:
            del self._untaken[message["id"]]
        raise StationOffline(f"The process that holds the socket of {connection.identity} does not answer.")

    async def _enqueue(self, connection: Connection, message: dict[str, Any]) -> None:
        """Into the line of the station; when it is leaving just now, to where it goes."""
        try:
            await downlink.submit(connection, message)
        except StationOffline:
            current = await live.state().connection(connection.identity)
            if current is None or current.id == connection.id:
                raise
            await self.hand_over(current, message)

    async def finished(self, command_id: str, reply_to: str) -> None:
        """Tell who waits for a command; if that can't be told, its caller looks when its time is up."""
        try:
            await self.tell(reply_to, {"type": "command.finished", "id": command_id})
        except live.LiveStateUnavailable as error:
            log.warning("switchboard.end_untold", message_id=command_id, error=str(error))

    @contextmanager
    def arriving(self, connection_id: str) -> Iterator[Arrival]:
        arrival = self.arrivals[connection_id] = Arrival()
        try:
            yield arrival
        finally:
            del self.arrivals[connection_id]
            arrival.ended.set()

    def expect(self, command_id: str) -> asyncio.Event:
        return self._waiters.setdefault(command_id, asyncio.Event())

    def forget(self, command_id: str) -> None:
        self._waiters.pop(command_id, None)

    async def _drain(self) -> None:
        layer = get_channel_layer()
        while True:
            try:
                self._receive(await layer.receive(self.channel))
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("switchboard.receive_failed")
                await asyncio.sleep(1)

    def _receive(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "command.finished":
            waiter = self._waiters.get(message["id"])
            if waiter is not None:
                waiter.set()
            return
        if kind == "command.taken":
            taken = self._untaken.get(message["id"])
            if taken is not None:
                taken.set()
            return
        # Not in the context of the request that sent it: the connection's timers begin here, and all they log
        # would be said to belong to that request.
        task = asyncio.get_running_loop().create_task(
            self._deliver(kind, message), context=contextvars.Context()
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "station.call" and message["reply_to"] != self.channel:
            told = message["id"], message["connection_id"]
            is_new = told not in self._had
            self._had[told] = None
            if len(self._had) > _REMEMBERED:
                del self._had[next(iter(self._had))]
            try:
                await self.tell(message["reply_to"], {"type": "command.taken", "id": message["id"]})
            except live.LiveStateUnavailable as error:
                log.warning("switchboard.unconfirmed", message_id=message["id"], error=str(error))
            if not is_new:
                return
        arrival = self.arrivals.get(message["connection_id"])
        if arrival is not None:
            arrival.is_replaced |= kind == "station.replaced"
            await arrival.ended.wait()
        connection = self.connections.get(message["connection_id"])
        if connection is not None and not (kind == "station.call" and connection.is_replaced):
            await self._handle(connection, kind, message)
        elif kind == "station.call":
            await self._forward(message)
        else:
            log.info("switchboard.no_such_connection", kind=kind)
        if kind == "station.replaced":
            await self.finished(message["id"], message["reply_to"])

    async def _forward(self, message: dict[str, Any]) -> None:
        """The station has moved on, and a command that was not sent yet follows it."""
        try:
            current = await live.state().connection(message["identity"])
            if current is not None and current.id != message["connection_id"] and message["hops"] < _HOPS:
                message |= {"connection_id": current.id, "hops": message["hops"] + 1}
                if downlink.is_at_gateway(current):
                    await downlink.submit(current, message)
                else:
                    await self.tell(current.channel, message)
                return
            await journal.run(end_disconnected, message["id"])
        except (StorageUnavailable, DomainError) as error:
            # Its deadline ends it.
            log.warning("switchboard.unforwarded", message_id=message["id"], error=str(error))
        else:
            await self.finished(message["id"], message["reply_to"])

    @staticmethod
    async def _handle(connection: StationConnection, kind: str, message: dict[str, Any]) -> None:
        try:
            if kind == "station.call":
                await connection.call(
                    command_id=message["id"],
                    action=message["action"],
                    payload=message["payload"],
                    timeout=message["timeout"],
                    reply_to=message["reply_to"],
                )
            elif kind == "station.replaced":
                await connection.replace()
            elif kind == "station.changed":
                works_from_now_on = await connection.changed()
                live.state().station_changed(connection.station)
                if works_from_now_on:
                    from ocpp_server.transport.calls import ask_to_boot

                    await ask_to_boot(connection.station.pk)
            elif kind == "station.dismissed":
                await connection.dismiss(message["code"], message["reason"])
        except Exception:
            log.exception("switchboard.failed", kind=kind, station=connection.station.identity)


switchboard = Switchboard()
