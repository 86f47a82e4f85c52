"""The rows of commands and the live state, for tests of commands to stations at gateways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ocpp_server.live.extensions import load_station
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.station import Station
from ocpp_server.transport.messages import StationCall
from tests.redis_scripts import QueueBench


class CommandRows:
    """Stands for the app that stores commands. `stored` has each step in its order."""

    def __init__(self) -> None:
        self.stored: list[tuple[Any, ...]] = []
        self.finished: set[str] = set()
        self.timed_out: set[tuple[str, int]] = set()
        self.sent_at: dict[str, datetime | None] = {}
        # Raised by the next commit.
        self.error: Exception | None = None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if function is load_station:
            fresh = Station(pk=arguments[0], identity="A", version=arguments[1])
            fresh.registration_status = "Accepted"
            return fresh
        return function(*arguments)

    async def commit(self, unit: Any) -> None:
        unit.clear()
        if self.error is not None:
            raise self.error

    def mark_sent(self, message_id: str, at: datetime) -> None:
        assert at.tzinfo is not None
        self.stored.append(("sent", message_id))

    def mark_late(self, message_id: str, payload: str) -> None:
        self.stored.append(("late", message_id, payload))

    def is_finished(self, message_id: str) -> bool:
        return message_id in self.finished

    def has_timed_out(self, message_id: str, pk: int) -> bool:
        return (message_id, pk) in self.timed_out

    def store_result(self, unit: Any, message_id: str, *, state: str, **columns: Any) -> None:
        self.stored.append(("result", message_id, state))

    def end_unanswered(self, message_id: str, state: str, at: datetime, *, sent_at: datetime | None) -> None:
        """End a command that had ended before, as far as the caller can see."""
        self.stored.append(("unanswered", message_id, state))
        self.sent_at[message_id] = sent_at


class StateInRedis(MemoryState):
    """A live state whose scripts run in Redis. Replies are texts, as those of the real one."""

    def __init__(self, bench: QueueBench) -> None:
        super().__init__()
        self._bench = bench
        self.kept_ms: str | int = 0

    async def run(self, used: Any, keys: list[str], *arguments: str | int) -> Any:
        self.kept_ms = arguments[0]
        return self._bench.run(used, keys, *arguments)


def a_command(message_id: str = "c1", *, timeout: float = 5) -> StationCall:
    return StationCall(
        identity="A",
        id=message_id,
        action="TriggerMessage",
        payload={"requestedMessage": "Heartbeat"},
        timeout=timeout,
        reply_to="waiter",
        actor="ann",
    )
