"""The embedded live state: dictionaries of the one process."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ocpp_server.live import LiveState
from ocpp_server.live.loading import load_tokens
from ocpp_server.live.records import Connection, TokenRecord, TransactionState

# Changes made in this process are felt at once; those of another (manage.py shell on the same SQLite file) after this long.
TOKEN_CACHE_S = 30.0
TOKEN_CACHE_SIZE = 100_000


class MemoryState(LiveState):
    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._tokens: dict[str, tuple[float, tuple[TokenRecord, ...]]] = {}
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
            return
        others = self._running.get(transaction.token_key)
        if others is not None:
            others.pop(transaction.id, None)
            if not others:
                del self._running[transaction.token_key]

    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        self._number = max(self._number, last_number)
        for transaction in active:
            self.transaction_changed(transaction)
