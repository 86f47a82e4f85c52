"""The live state of the embedded server: dictionaries in its only process."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from ocpp_server.live import extensions
from ocpp_server.live.interface import LiveState
from ocpp_server.live.probes import MemoryProbes, Probes
from ocpp_server.live.recent import MemoryRecent, Recent
from ocpp_server.live.records import Connection, Consumption, TokenRecord, TransactionState
from ocpp_server.protocol.session import ReplayMemory
from ocpp_server.storage.journal import journal

# Changes of this process are visible at once, those of another one (manage.py shell on the same SQLite file)
# after this time.
TOKEN_CACHE_S = 30.0
TOKEN_CACHE_SIZE = 100_000
REPLAY_MEMORIES = 20_000


class MemoryState(LiveState):
    def __init__(self) -> None:
        self.recent: Recent = MemoryRecent()
        self.probes: Probes = MemoryProbes()
        self._connections: dict[str, Connection] = {}
        self._tokens: dict[str, tuple[float, tuple[TokenRecord, ...]]] = {}
        self._memories: dict[str, ReplayMemory] = {}
        self._tokens_generation = 0  # equivalent: any number will do
        self._consumed: dict[str, tuple[float, Consumption]] = {}
        self._used: dict[int, datetime] = {}
        self._running: dict[str, dict[int, TransactionState]] = {}
        self._groups: dict[str, dict[int, TransactionState]] = {}
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
        # If a token changed during the query, its result may be outdated: do not cache it.
        generation = self._tokens_generation
        records = await journal.run_batched(extensions.tokens.app.read_all_tokens, uid_key)
        if generation == self._tokens_generation:
            if len(self._tokens) >= TOKEN_CACHE_SIZE:
                self._tokens.clear()
            self._tokens[uid_key] = (now, records)
        return records

    def forget_token(self, uid_key: str) -> None:
        self._tokens_generation += 1  # equivalent: any other number will do
        self._tokens.pop(uid_key, None)

    def forget_tokens(self) -> None:
        self._tokens_generation += 1  # equivalent: any other number will do
        self._tokens.clear()
        self._consumed.clear()

    async def consumed(self, subject: str) -> Consumption:
        cached = self._consumed.get(subject)
        now = time.monotonic()
        if cached is not None and now - cached[0] < TOKEN_CACHE_S and cached[1].day == timezone.localdate():
            return cached[1]
        drawn = await journal.run(extensions.tokens.app.read_consumption, subject)
        if len(self._consumed) >= TOKEN_CACHE_SIZE:
            self._consumed.clear()
        self._consumed[subject] = (now, drawn)
        return drawn

    def token_used(self, pk: int, at: datetime) -> None:
        self._used[pk] = at

    def take_used_tokens(self) -> dict[int, datetime]:
        used, self._used = self._used, {}
        return used

    def stored_key_changed(self, identity: str, key: str, value: str | None) -> None:
        extensions.forget(identity)

    def station_removed(self, identity: str) -> None:
        extensions.forget(identity)

    async def next_transaction_number(self) -> int:
        self._number += 1
        return self._number

    async def running(self, token_key: str) -> list[TransactionState]:
        return list(self._running.get(token_key, {}).values())

    async def running_of_group(self, group_id: str) -> list[TransactionState]:
        return list(self._groups.get(group_id.casefold(), {}).values())

    def transaction_changed(self, transaction: TransactionState) -> None:
        if not transaction.token_key:
            return
        if transaction.is_active:
            self._running.setdefault(transaction.token_key, {})[transaction.id] = transaction
            if transaction.group_id:
                self._groups.setdefault(transaction.group_id.casefold(), {})[transaction.id] = transaction
        else:
            self.transaction_undone(transaction)

    def transaction_undone(self, transaction: TransactionState) -> None:
        self._unindex(transaction.id, transaction.token_key)

    def station_loaded(
        self, loaded: Iterable[TransactionState], *, before: Iterable[TransactionState] = ()
    ) -> None:
        for transaction in before:
            self.transaction_undone(transaction)
        for transaction in loaded:
            self.transaction_changed(transaction)

    def transaction_abandoned(self, number: int, token_key: str) -> None:
        self._unindex(number, token_key)

    def _unindex(self, number: int, token_key: str) -> None:
        ended = _pop(self._running, token_key, number)
        if ended is not None and ended.group_id:
            _pop(self._groups, ended.group_id.casefold(), number)
        # The energy of an ended transaction counts for the budget: read the consumption again.
        cached = self._tokens.get(token_key)
        records = () if cached is None else cached[1]
        for budget in (budget for record in records for budget in record.budgets):
            self._consumed.pop(budget.subject, None)

    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        self._number = max(self._number, last_number)
        for transaction in active:
            self.transaction_changed(transaction)


def _pop(index: dict[str, dict[int, TransactionState]], key: str, number: int) -> TransactionState | None:
    """Remove a transaction from an index, and its key with the last one; returns the transaction."""
    found = index.get(key)
    if found is None:
        return None
    taken = found.pop(number, None)
    if not found:
        index.pop(key, None)
    return taken
