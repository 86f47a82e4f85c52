"""The operations of a gateway on the queue, one script each: register, push, take, renew, close, sweep.

Every call can be repeated after its reply was lost: frames and takes are numbered, and a close compares the
session.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from django.conf import settings
from redis.exceptions import ResponseError

from ocpp_server.live.redis.link import AWAY
from ocpp_server.live.redis.wire import Part, Wire, parts_of
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.keys import QueueKeys, script

log = structlog.get_logger(__name__)

CONNECT, FRAMES, TAKE = script("gateway_connect"), script("gateway_frames"), script("gateway_take")
CLOSE, REFRESH, SWEEP = script("gateway_close"), script("gateway_refresh"), script("gateway_sweep")

# With more unread envelopes than this, a gateway accepts no connection of the station.
MAX_QUEUE = 500
# How many stations one script handles: Redis is blocked while it runs.
STATIONS_AT_ONCE = 256
ANSWERS_AT_ONCE = 16
SWEPT_AT_ONCE = 500

REPLACED, MISSING = -1, -2
KEPT, ANSWERS_WAIT, IS_MISSING, IS_REPLACED = "k", "a", "m", "r"

# Words in the temporary errors of Redis. Scripts add text around them. Any other error is about the call
# itself.
_TEMPORARY = (
    *("OOM", "READONLY", "MISCONF", "NOREPLICAS", "LOADING", "BUSY", "MASTERDOWN", "NOAUTH", "NOPERM"),
    *("WRONGPASS", "max number of clients"),
)


def is_permanent(error: BaseException) -> bool:
    """Whether Redis will always refuse this call, because the keys of a station are broken."""
    return isinstance(error, ResponseError) and not any(word in str(error) for word in _TEMPORARY)


class QueueTooLong(Exception):
    """The queue of the station is full."""


class Registration(NamedTuple):
    """The reply to a registration. `fence` orders the connections of a station; "0" means that a newer one
    holds it. `before` has the fields of the previous session.
    """

    fence: str
    before: dict[str, str]


class Batch(NamedTuple):
    """Frames of one station, in envelopes, numbered from `first` on."""

    identity: str
    session_id: str
    first: int
    frames: list[bytes]


class Taken(NamedTuple):
    """The answers for one station. `session_id` is its current session, empty when another process holds it;
    `queue` is the length of its queue.
    """

    identity: str
    session_id: str
    queue: int
    answers: list[bytes]


def lease_ms() -> int:
    """The lifetime of a lease that is not renewed: 45 s unless REDIS_STATE_TTL is changed."""
    return int(settings.REDIS_STATE_TTL * 1500)


def refresh_s() -> float:
    """How often leases are renewed: 15 s unless REDIS_STATE_TTL is changed."""
    return float(settings.REDIS_STATE_TTL / 2)


class GatewayQueue:
    """The queue for the gateway `server_id`. All calls raise redis' errors, see `Wire`."""

    def __init__(self, server_id: str) -> None:
        self.server_id = server_id
        self.keys = QueueKeys(settings.REDIS_STATE_PREFIX)

    async def connect(
        self, wire: Wire, identity: str, session_id: str, fields: dict[str, str], *, fence: str = ""
    ) -> Registration:
        """Register a connection, or restore a lost one with its `fence`. Raises QueueTooLong."""
        keys = self.keys
        control = envelope.pack_control(
            envelope.CONNECT,
            identity,
            session_id=session_id,
            ws_server_id=self.server_id,
            protocol=fields["protocol"],
        )
        session = {
            "charge_point_id": identity,
            "session_id": session_id,
            "ws_server_id": self.server_id,
            "last_activity": str(int(datetime.now(UTC).timestamp())),
            **fields,
        }
        written, before = await wire.run(
            CONNECT,
            [
                keys.session(identity),
                keys.clients,
                keys.responses(identity),
                keys.requests(identity),
                keys.ready,
                keys.wakeups,
                keys.ended(identity),
            ],
            identity,
            lease_ms(),
            fence,
            session_id,
            keys.news,
            keys.gateway_wakeups(""),
            MAX_QUEUE,
            control,
            *(part for field in session.items() for part in field),
        )
        if written == b"full":
            raise QueueTooLong
        texts = [text.decode() for text in before]
        fields_before = zip(texts[::2], texts[1::2], strict=True)  # equivalent: the script returns pairs
        return Registration(written.decode(), dict(fields_before))

    async def push(self, wire: Wire, batches: Sequence[Batch]) -> list[int]:
        """Push frames. Returns for each station the length of its queue, REPLACED or MISSING."""
        keys = [self.keys.ready, self.keys.wakeups]
        arguments: list[Part] = []
        for identity, session_id, first, frames in batches:
            keys += (self.keys.session(identity), self.keys.requests(identity))
            arguments += (identity, session_id, first, first + len(frames) - 1, *frames)
        text = await wire.run(FRAMES, keys, *arguments)
        return [int(length) for length in text.split(b",")]

    async def take(self, wire: Wire, number: int, also: Sequence[str], *, block_s: float) -> list[Taken]:
        """Wait for a wake-up, at most `block_s` seconds. Returns the answers for the stations of the wake-ups
        and for the stations in `also`. A repeated number returns the same answers.
        """
        wakeups = self.keys.gateway_wakeups(self.server_id)
        text = await wire.run(
            TAKE,
            [wakeups, self.keys.taken(self.server_id)],
            number,
            self.server_id,
            self.keys.prefix,
            STATIONS_AT_ONCE,
            ANSWERS_AT_ONCE,
            *also,
            # BLMOVE onto the same end waits and removes nothing: if this connection breaks, the wake-up stays
            # in the list for the script.
            after=("BLMOVE", wakeups, wakeups, "LEFT", "LEFT", str(block_s)) if block_s else (),
            block_s=block_s,
        )
        return list(_taken(text))

    async def refresh(self, wire: Wire, stations: Sequence[tuple[str, str]]) -> str:
        """Renew the leases of the gateway and of (identity, session) pairs. Returns one of the letters KEPT,
        ANSWERS_WAIT, IS_MISSING and IS_REPLACED for each pair.
        """
        keys = [self.keys.clients, self.keys.gateways]
        for identity, _ in stations:
            keys += (self.keys.session(identity), self.keys.responses(identity))
        pairs = (part for pair in stations for part in pair)
        states: bytes = await wire.run(REFRESH, keys, self.server_id, lease_ms(), *pairs)
        return states.decode()

    async def close(self, wire: Wire, ended: Sequence[tuple[str, str, str, str]]) -> int:
        """Remove connections (identity, session, protocol, reason). Returns how many were current."""
        keys = [self.keys.clients, self.keys.ready, self.keys.wakeups]
        arguments: list[Part] = [self.keys.news]
        for identity, session_id, protocol, reason in ended:
            keys += (self.keys.session(identity), self.keys.requests(identity))
            control = envelope.pack_control(
                envelope.DISCONNECT,
                identity,
                session_id=session_id,
                ws_server_id=self.server_id,
                protocol=protocol,
                reason=reason,
            )
            arguments += (identity, session_id, control)
        return int(await wire.run(CLOSE, keys, *arguments))

    async def resign(self, wire: Wire) -> None:
        """Leave the list of gateways."""
        await wire.call("ZREM", self.keys.gateways, self.server_id)
        await wire.call("DEL", self.keys.gateway_wakeups(self.server_id), self.keys.taken(self.server_id))


class Sweeper:
    """Marks the stations of dead gateways as offline. Gateways run it; processors run it too, in case no
    gateway is left.
    """

    def __init__(self, wire: Wire, keys: QueueKeys) -> None:
        self._wire = wire
        self._keys = keys
        # The end of the last outage of Redis (monotonic seconds); None before the first call and during one.
        # A Redis that refuses to write counts as away, because gateways cannot renew their leases.
        self._up_since: float | None = None

    async def sweep(self) -> list[str]:
        """Mark the stations of dead gateways as offline; call it every few seconds. Returns their identities
        and raises redis' errors.

        After an outage it first waits until every gateway has had time to renew its leases, because all
        leases may have expired.
        """
        now = time.monotonic()
        try:
            await self._wire.call("SET", self._keys.probe, "sweep", "EX", 60)
            if self._up_since is None or now - self._up_since < lease_ms() / 2000:
                self._up_since = self._up_since or now
                return []
            return await self._sweep()
        except AWAY:
            self._up_since = None
            raise

    async def _sweep(self) -> list[str]:
        keys = self._keys
        gone = await self._wire.run(
            SWEEP,
            [keys.clients, keys.gateways, keys.ready, keys.wakeups],
            keys.prefix,
            keys.news,
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            SWEPT_AT_ONCE,
        )
        if gone:
            log.warning("gateway.swept", stations=len(gone))
        return [identity.decode("utf-8", "replace") for identity in gone]


def _taken(text: bytes) -> Iterator[Taken]:
    parts = parts_of(text)
    at = 0
    while at < len(parts):
        identity, session_id, queue, count = parts[at : at + 4]
        answers = parts[at + 4 : at + 4 + int(count)]
        yield Taken(identity.decode(), session_id.decode(), int(queue), answers)
        at += 4 + len(answers)
