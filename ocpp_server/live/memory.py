"""The embedded live state: dictionaries of the one process."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ocpp_server.live import LiveState
from ocpp_server.live.loading import load_tokens
from ocpp_server.live.records import Connection, TokenRecord, TransactionState
from ocpp_server.protocol.session import ReplayMemory

# Changes made in this process are felt at once; those of another (manage.py shell on the same SQLite file)
# after this long.
TOKEN_CACHE_S = 30.0
TOKEN_CACHE_SIZE = 100_000
REPLAY_MEMORIES = 20_000


class MemoryState(LiveState):
    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._tokens: dict[str, tuple[float, tuple[TokenRecord, ...]]] = {}
        self._memories: dict[str, ReplayMemory] = {}
        self._forgotten = 0
        self._running: dict[str, dict[int, TransactionState]] = {}
        self._number = 999

    async def connect(self, connection: Connection) -> Connection | None:
        key = connection.identity.casefold()
        replaced = self._connections.get(key)
        self._connections[key] = connection
        return replaced

    async def disconnect(self, identity: str, connection_id: str) -> bool:
        key = identity.casefold()
        current = self._connections.get(key)
        if current is None or current.id != connection_id:
            return False
        del self._connections[key]
        return True

    async def connection(self, identity: str) -> Connection | None:
        return self._connections.get(identity.casefold())

    def connected(self) -> list[str]:
        return sorted(connection.identity for connection in list(self._connections.values()))

    def is_connected(self, identity: str) -> bool:
        return identity.casefold() in self._connections

    def replay_memory(self, identity: str) -> ReplayMemory:
        key = identity.casefold()
        memory = self._memories.pop(key, None) or ReplayMemory()
        self._memories[key] = memory
        if len(self._memories) > REPLAY_MEMORIES:
            del self._memories[next(iter(self._memories))]
        return memory

    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        cached = self._tokens.get(uid_key)
        now = time.monotonic()
        if cached is not None and now - cached[0] < TOKEN_CACHE_S:
            return cached[1]
        # A change while we read would be lost if the old answer were cached over it.
        generation = self._forgotten
        records = await load_tokens(uid_key)
        if generation == self._forgotten:
            if len(self._tokens) >= TOKEN_CACHE_SIZE:
                self._tokens.clear()
            self._tokens[uid_key] = (now, records)
        return records

    def forget_token(self, uid_key: str) -> None:
        self._forgotten += 1
        self._tokens.pop(uid_key, None)

    async def next_transaction_number(self) -> int:
        self._number += 1
        return self._number

    async def running(self, token_key: str) -> list[TransactionState]:
        return list(self._running.get(token_key, {}).values())

    def transaction_changed(self, transaction: TransactionState) -> None:
        if not transaction.token_key:
            return
        if transaction.is_active:
            self._running.setdefault(transaction.token_key, {})[transaction.id] = transaction
        else:
            self.transaction_abandoned(transaction.id, transaction.token_key)

    def transaction_abandoned(self, number: int, token_key: str) -> None:
        others = self._running.get(token_key)
        if others is not None:
            others.pop(number, None)
            if not others:
                self._running.pop(token_key, None)

    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        self._number = max(self._number, last_number)
        for transaction in active:
            self.transaction_changed(transaction)
