"""The connection to the broker, in the elected housekeeper.

1. At each connection the retained topics of the broker are read, so that only differences are published and
   topics of deleted stations are deleted, also after a restart.
2. The state of all stations is read when events come, and every REFRESH_S; changed topics are published.
3. Events follow as messages that are not retained. They are kept in memory while the broker is away, the
   newest MAX_EVENTS of them.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog
from django.conf import settings
from django.db import Error as DatabaseError

from events.services import reading
from events.services.mqtt import commands, discovery, state, topics
from events.services.tail import Passed, tail, threads
from ocpp_server import live
from ocpp_server.transport import shutdown

log = structlog.get_logger(__name__)

REFRESH_S: Final = 5.0
# Changes of one topic are at least this far apart.
PACE_S: Final = 1.0
# How long retained topics may take to arrive after the subscription.
SETTLE_S: Final = 1.0
MAX_EVENTS: Final = 10_000
# Messages that wait for the broker's confirmation at once.
_IN_FLIGHT: Final = 50
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_BIRTH: Final = "status"


class Publisher:
    """Publishes until it is cancelled. `is_connected` is for the metrics."""

    sees_tokens = False

    def __init__(self) -> None:
        self.is_connected = False
        self.position = 0
        self._root: str = settings.MQTT_TOPIC
        self._prefix: str = settings.MQTT_DISCOVERY
        # The retained topics as the broker has them.
        self._retained: dict[str, str] = {}
        self._events: deque[tuple[str, bytes]] = deque(maxlen=MAX_EVENTS)
        self._state = state.Reader(reads_limits=settings.MQTT_COMMANDS)
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- as the tail uses it -----------------------------------------------------------------------------

    def offer(self, passed: Sequence[Passed]) -> None:
        self.position = max(self.position, passed[-1].position)
        for one in passed:
            below = f"{topics.of_identity(one.event.station)}/" if one.event.station else ""
            self._events.append((f"{self._root}/{below}events/{one.event.type}", _body(one)))
        self._woken.set()

    def end(self, reason: str) -> None:
        """The tail ends its streams at a gap and at a shutdown; MQTT has no position to resume from."""

    # -- the connection ----------------------------------------------------------------------------------

    async def run(self) -> None:
        pause = _FIRST_PAUSE_S
        await self._follow()
        try:
            while True:
                try:
                    async with client(settings.MQTT_URL, self._root) as broker:
                        pause = _FIRST_PAUSE_S
                        log.info("mqtt.connected")
                        await self._serve(broker)
                except (aiomqtt.MqttError, OSError, DatabaseError) as error:
                    log.warning("mqtt.away", error=str(error))
                finally:
                    self.is_connected = False
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
                pause = min(pause * 2, _LONGEST_PAUSE_S)
        finally:
            tail.remove(self)

    async def _follow(self) -> None:
        """Get the events from now on."""
        while True:
            with suppress(DatabaseError):
                self.position = await threads.run(reading.last_position)
                if tail.add(self):
                    return
            await asyncio.sleep(0.1)

    async def _serve(self, broker: aiomqtt.Client) -> None:
        receiving = asyncio.ensure_future(self._receive(broker))
        try:
            await self._read_retained(broker)
            self.is_connected = True
            await broker.publish(f"{self._root}/status", topics.ONLINE, qos=1, retain=True)
            while not receiving.done():
                self._woken.clear()
                await self._publish_state(broker)
                await self._publish_events(broker)
                await asyncio.sleep(PACE_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(REFRESH_S - PACE_S):
                        await self._woken.wait()
            await receiving
        except asyncio.CancelledError:
            # A broker sends the last will only when a connection is lost.
            with suppress(aiomqtt.MqttError):
                await broker.publish(f"{self._root}/status", topics.OFFLINE, qos=1, retain=True)
            raise
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _read_retained(self, broker: aiomqtt.Client) -> None:
        self._retained.clear()
        own = f"{self._root}/#"
        await broker.subscribe(own, qos=1)
        if self._prefix:
            await broker.subscribe(discovery.topic(self._prefix, "+"), qos=1)
            await broker.subscribe(f"{self._prefix}/{_BIRTH}", qos=1)
        await asyncio.sleep(SETTLE_S)
        await broker.unsubscribe(own)
        if settings.MQTT_COMMANDS:
            await broker.subscribe(f"{self._root}/+/+/set", qos=1)
            await broker.subscribe(f"{self._root}/+/+/+/set", qos=1)

    async def _receive(self, broker: aiomqtt.Client) -> None:
        async for message in broker.messages:
            topic, payload = str(message.topic), message.payload
            body = payload if isinstance(payload, bytes) else b""
            if topic == f"{self._prefix}/{_BIRTH}":
                if body == b"online" and not message.retain:
                    self._forget_discovery()
            elif message.retain:
                # A `set` message that is retained would start a vehicle again whenever the broker restarts.
                text = body.decode("utf-8", "replace")
                if self._is_own(topic, text):
                    self._retained[topic] = text
            elif settings.MQTT_COMMANDS and (wish := commands.parsed(self._root, topic, body)) is not None:
                task = asyncio.get_running_loop().create_task(commands.carry_out(wish))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _is_own(self, topic: str, text: str) -> bool:
        if self._prefix and discovery.is_own(self._root, self._prefix, topic, text):
            return True
        return topics.is_own(self._root, topic)

    def _forget_discovery(self) -> None:
        """Home Assistant has started: it gets all of discovery again."""
        for topic in [one for one in self._retained if one.startswith(f"{self._prefix}/device/")]:
            self._retained[topic] = ""
        self._woken.set()

    async def _publish_state(self, broker: aiomqtt.Client) -> None:
        stations = await threads.run(self._state.stations)
        wanted = topics.of_stations(self._root, stations, datetime.now(UTC))
        wanted |= topics.of_phases(self._root, self._retained, wanted)
        gone = topics.stale(
            self._root, [one for one in self._retained if one.startswith(f"{self._root}/")], wanted
        )
        if self._prefix:
            found = discovery.of_stations(
                self._root, self._prefix, stations, with_commands=settings.MQTT_COMMANDS
            )
            start = f"{self._prefix}/device/"
            gone |= {one for one in self._retained if one.startswith(start) and one not in found}
            wanted |= found
        changed = {topic: text for topic, text in wanted.items() if self._retained.get(topic) != text}
        changed |= dict.fromkeys(gone, "")
        await self._publish(broker, changed)

    async def _publish(self, broker: aiomqtt.Client, changed: dict[str, str]) -> None:
        """Publish retained topics; an empty text deletes one."""
        waiting = list(changed.items())
        for start in range(0, len(waiting), _IN_FLIGHT):
            part = waiting[start : start + _IN_FLIGHT]
            await asyncio.gather(*(broker.publish(topic, text, qos=1, retain=True) for topic, text in part))
            for topic, text in part:
                if text:
                    self._retained[topic] = text
                else:
                    self._retained.pop(topic, None)

    async def _publish_events(self, broker: aiomqtt.Client) -> None:
        while self._events:
            topic, body = self._events[0]
            await broker.publish(topic, body, qos=1)
            self._events.popleft()


def client(url: str, root: str) -> aiomqtt.Client:
    """The client for an address such as mqtts://user:password@host:8883."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "mqtts"
    return aiomqtt.Client(
        str(parts.hostname),
        parts.port or (8883 if is_tls else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        identifier=f"{root.replace('/', '-')}-server-{random.getrandbits(32):08x}",  # noqa: S311 - no secret
        tls_context=ssl.create_default_context() if is_tls else None,
        will=aiomqtt.Will(f"{root}/status", topics.OFFLINE, qos=1, retain=True),
        timeout=10,
    )


def _body(one: Passed) -> bytes:
    """The envelope of an event, out of its record."""
    return one.record.partition(b"\ndata: ")[2].rstrip(b"\n")


class _Running:
    """The publisher of this process; None while another process is elected."""

    publisher: Publisher | None = None
    task: asyncio.Task[None] | None = None


def is_connected() -> bool:
    """Whether this process is connected to the broker."""
    return _Running.publisher is not None and _Running.publisher.is_connected


async def run_if_elected() -> None:
    """Start the publisher of the elected process, and stop that of any other and of one that goes away."""
    is_wanted = live.state().is_housekeeper and not shutdown.is_under_way()
    if _Running.task is not None and _Running.task.done():
        log.error("mqtt.failed", exc_info=_Running.task.exception())
        _Running.task = None
    if is_wanted and _Running.task is None:
        _Running.publisher = Publisher()
        _Running.task = asyncio.get_running_loop().create_task(_Running.publisher.run())
    elif not is_wanted and _Running.task is not None:
        _Running.task.cancel()
        await asyncio.gather(_Running.task, return_exceptions=True)
        _Running.publisher = _Running.task = None
