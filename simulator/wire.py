"""The station's side of a WebSocket, built on the client side of the `ocpp` package.

The package's charge point classes provide typed calls and the limit of one outstanding CALL. Its receive loop
is replaced: it changes the case of payload keys, which is wrong for some names of 2.1, fails on malformed
frames, and cannot send what a misbehaving station sends. Here payloads are plain dicts with the schema's
keys.
"""

import asyncio
import contextlib
import itertools
import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from ocpp import v16, v21, v201
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from simulator.versions import V16, V21, V201

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6

LAST_ANSWER_S = 1.0  # seconds to wait for the last answer before closing

_QUIET = logging.getLogger("simulator.wire")


class CallFailed(Exception):  # noqa: N818 - named after the event
    """The CSMS answered with a CALLERROR."""

    def __init__(self, action: str, code: str, description: str = "", details: Any = None) -> None:
        super().__init__(f"{action}: {code} {description}".strip())
        self.action = action
        self.code = code
        self.description = description
        self.details = details or {}


class NoAnswer(Exception):  # noqa: N818 - named after the event
    """No answer arrived: ``lost`` when the connection was closed, else a timeout."""

    def __init__(self, action: str, *, lost: bool) -> None:
        super().__init__(f"{action}: {'connection lost' if lost else 'no answer in time'}")
        self.action = action
        self.lost = lost


@dataclass(slots=True)
class Frame:
    """A frame as sent on the wire. ``direction`` is ``out`` (station to CSMS) or ``in``."""

    direction: str
    text: str
    at: float

    @property
    def message(self) -> Any:
        """The parsed frame, or None when it is not JSON."""
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(self.text)
        return None

    @property
    def action(self) -> str | None:
        """The action of a CALL or SEND; None for other frames."""
        message = self.message
        if isinstance(message, list) and len(message) > 2 and message[0] in (CALL, SEND):
            return message[2] if isinstance(message[2], str) else None
        return None


Answerer = Callable[["Wire", str, str, dict[str, Any]], Coroutine[Any, Any, None]]
Recorder = Callable[[str, str], None]


if TYPE_CHECKING:

    class _Package:
        """Types of the parts of the package's untyped charge point classes that Wire uses."""

        def __init__(
            self, id: str, connection: ClientConnection, *, response_timeout: float, logger: logging.Logger
        ) -> None: ...

        async def route_message(self, raw_msg: str | bytes) -> None: ...

        async def call(self, payload: Any, *args: Any, **kwargs: Any) -> Any: ...

else:
    _Package = object


class Wire(_Package):
    """Mixin for the package's charge point class of one version; see ``WIRES``."""

    _connection: ClientConnection
    _call_lock: asyncio.Lock
    _response_queue: "asyncio.Queue[Any]"

    def __init__(
        self,
        identity: str,
        connection: ClientConnection,
        *,
        answerer: Answerer,
        recorder: Recorder,
        timeout_s: float,
    ) -> None:
        super().__init__(identity, connection, response_timeout=timeout_s, logger=_QUIET)
        self.timeout_s = timeout_s
        self.counter: itertools.count[int] | None = None
        self._answerer = answerer
        self._record = recorder
        self._waiting: tuple[str, asyncio.Future[Any]] | None = None
        self._typed_call = False
        self._lost = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connection(self) -> ClientConnection:
        return self._connection

    async def start(self) -> None:
        """Read frames until the connection ends. The content of a frame never raises."""
        try:
            async for text in self._connection:
                await self.route_message(text)
        except ConnectionClosed:
            pass
        finally:
            self._end()

    def _end(self) -> None:
        self._lost = True
        for task in self._tasks:
            task.cancel()
        if self._waiting and not self._waiting[1].done():
            self._waiting[1].set_result(None)

    async def route_message(self, raw_msg: str | bytes) -> None:
        """Dispatch an incoming frame: a CALL starts a task, an answer wakes its waiting caller."""
        text = raw_msg if isinstance(raw_msg, str) else raw_msg.decode("utf-8", "replace")
        self._record("in", text)
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        match message:
            case [2, str(message_id), str(action), dict(payload)]:
                task = asyncio.create_task(self._answerer(self, message_id, action, payload))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case [3, message_id, dict()] | [4, message_id, _, *_]:
                if self._waiting and self._waiting[0] == message_id:
                    if not self._waiting[1].done():
                        self._waiting[1].set_result(message)
                elif self._typed_call:
                    await super().route_message(text)

    async def call(self, payload: Any, *args: Any, **kwargs: Any) -> Any:
        """Send the package's typed call with its dataclasses."""
        self._typed_call = True
        try:
            return await super().call(payload, *args, **kwargs)
        finally:
            self._typed_call = False

    async def request(
        self,
        action: str,
        payload: dict[str, Any],
        *,
        message_id: str | None = None,
        timeout_s: float | None = None,
    ) -> tuple[dict[str, Any], float]:
        """Send a CALL and wait for its answer; returns the payload and the seconds it took.

        Only one CALL is outstanding: a second caller waits (2.0.1 part 4, 4.1.2). Raises CallFailed or
        NoAnswer.
        """
        async with self._call_lock:
            if self._lost:
                raise NoAnswer(action, lost=True)
            message_id = message_id or self.new_id()
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._waiting = (message_id, future)
            began = time.perf_counter()
            try:
                await self.send_text(orjson.dumps([CALL, message_id, action, payload]).decode())
                async with asyncio.timeout(timeout_s or self.timeout_s):
                    answer = await future
            except TimeoutError:
                raise NoAnswer(action, lost=False) from None
            except ConnectionClosed:
                raise NoAnswer(action, lost=True) from None
            finally:
                self._waiting = None
            if answer is None:  # the reader saw the connection end
                raise NoAnswer(action, lost=True)
            if answer[0] == CALLERROR:
                raise CallFailed(action, *answer[2:5])
            return answer[2], time.perf_counter() - began

    def new_id(self) -> str:
        """Return a new message id: a UUID, or 1, 2, 3... for a station whose counter restarts with every
        connection.
        """
        return str(next(self.counter)) if self.counter else str(uuid.uuid4())

    async def send_text(self, text: str) -> None:
        """Send a frame exactly as given. Raises ConnectionClosed when the socket is gone."""
        self._record("out", text)
        await self._connection.send(text)

    async def answer(self, message_id: str, payload: dict[str, Any]) -> None:
        await self.send_text(orjson.dumps([CALLRESULT, message_id, payload]).decode())

    async def refuse(self, message_id: str, code: str, description: str = "") -> None:
        await self.send_text(orjson.dumps([CALLERROR, message_id, code, description[:255], {}]).decode())

    async def close(self, *, abrupt: bool = False) -> None:
        """Close the socket: with a close frame once the outstanding CALL is answered, or abruptly without
        one.
        """
        if abrupt:
            self._connection.transport.abort()
        else:
            # A server that finds the socket closed while it answers may not read earlier frames.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_ANSWER_S), self._call_lock:
                    self._lost = True
        await self._connection.close()


class Wire16(Wire, v16.ChargePoint):
    """A 1.6 station's socket."""


class Wire201(Wire, v201.ChargePoint):
    """A 2.0.1 station's socket."""


class Wire21(Wire, v21.ChargePoint):
    """A 2.1 station's socket."""


WIRES: dict[str, type[Wire]] = {V16: Wire16, V201: Wire201, V21: Wire21}
