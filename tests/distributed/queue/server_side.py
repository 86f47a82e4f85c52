"""The processor's end of the queue, driven by a test: it reads messages of stations and answers them."""

from __future__ import annotations

import json
from typing import Any

from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.keys import QueueKeys
from tests.conformance.peer import eventually
from tests.distributed.cluster import Cluster


class ServerSide:
    """Reads and writes the keys of the queue as a processor does."""

    def __init__(self, cluster: Cluster) -> None:
        self.redis = cluster.redis.client
        self.keys = QueueKeys(cluster.prefix)

    def waiting(self, identity: str) -> list[Envelope]:
        """The unread messages of the station, oldest first."""
        found: list[Any] = self.redis.lrange(self.keys.requests(identity), 0, -1)
        return [envelope.parse(text) for text in reversed(found)]

    def frames(self, identity: str) -> list[str]:
        return [one.frame for one in self.waiting(identity) if not one.is_control]

    def events(self, identity: str) -> list[str]:
        return [one.event for one in self.waiting(identity) if one.is_control]

    def take(self, identity: str) -> Envelope | None:
        """Remove the oldest message, and wake the gateway as a processor does after it has answered."""
        text: Any = self.redis.rpop(self.keys.requests(identity))
        if text is None:
            return None
        message = envelope.parse(text)
        self.redis.rpush(self.keys.gateway_wakeups(message.ws_server_id), identity)
        return message

    async def next_frame(self, identity: str) -> Envelope:
        """Remove and return the oldest frame; control messages before it are dropped."""
        while True:
            found: Envelope = await eventually(lambda: self.take(identity))
            if not found.is_control:
                return found

    def session(self, identity: str) -> dict[str, str]:
        found: Any = self.redis.hgetall(self.keys.session(identity))
        return dict(found)

    def is_connected(self, identity: str) -> bool:
        score: Any = self.redis.zscore(self.keys.clients, identity)
        seconds, microseconds = self.redis.time()  # type: ignore[misc]
        return score is not None and score > seconds * 1000 + microseconds / 1000

    def send(self, identity: str, text: str, *, session_id: str | None = None, rings: bool = True) -> None:
        """Send a frame to the station as a processor does. Without `rings` the gateway gets no wake-up."""
        session = self.session(identity)
        self.push(
            identity,
            envelope.pack_frame(
                text, identity, session_id=session["session_id"] if session_id is None else session_id
            ),
            rings=rings,
        )

    def close(self, identity: str, code: int, reason: str) -> None:
        self.push(identity, envelope.pack_control(envelope.CLOSE, identity, code=code, reason=reason))

    def push(self, identity: str, packed: bytes, *, rings: bool = True) -> None:
        self.redis.lpush(self.keys.responses(identity), packed)
        self.redis.pexpire(self.keys.responses(identity), 120_000)
        if rings:
            self.redis.rpush(self.keys.gateway_wakeups(self.session(identity)["ws_server_id"]), identity)

    def answer(self, identity: str, message: Envelope, payload: dict[str, Any]) -> None:
        self.send(identity, json.dumps([3, message.message_id, payload]))
