"""The live state: who is connected where, running sessions, the token cache.

It can be lost at any moment and is rebuilt
from the ORM, which is what survives.

One interface, one implementation a mode: `memory` in the embedded server. The interface is asynchronous
where a
distributed implementation has to ask another machine, synchronous where every process must know the answer
itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache

from ocpp_server.live.records import Connection, TokenRecord, TransactionState
from ocpp_server.protocol.session import ReplayMemory


class LiveState(ABC):
    """What every implementation offers. Identities are compared without case."""

    # -- presence ---------------------------------------------------------------------------------

    @abstractmethod
    async def connect(self, connection: Connection) -> Connection | None:
        """Register a connection: the newest authenticated one wins. Returns the one it replaced."""

    @abstractmethod
    async def disconnect(self, identity: str, connection_id: str) -> bool:
        """Forget a connection if it is still the current one; False for a late close of a replaced one."""

    @abstractmethod
    async def connection(self, identity: str) -> Connection | None: ...

    @abstractmethod
    def connected(self) -> list[str]:
        """Identities connected now, as their stations spell them, sorted."""

    @abstractmethod
    def is_connected(self, identity: str) -> bool: ...

    @abstractmethod
    def replay_memory(self, identity: str) -> ReplayMemory:
        """The last answers to a station; they outlive its sockets, and nothing is lost when they are lost."""

    # -- tokens -----------------------------------------------------------------------------------

    @abstractmethod
    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        """The tokens with this normalised uid; from the database once, then from the cache."""

    @abstractmethod
    def forget_token(self, uid_key: str) -> None:
        """A token changed: ask the database again. May be called from any thread."""

    # -- running transactions ---------------------------------------------------------------------

    @abstractmethod
    async def next_transaction_number(self) -> int:
        """From 1000, rising by one, never the same twice."""

    @abstractmethod
    async def running(self, token_key: str) -> list[TransactionState]:
        """Active transactions of a token at any station."""

    @abstractmethod
    def transaction_changed(self, transaction: TransactionState) -> None:
        """Called whenever a transaction begins, ends, or gets its owner."""

    @abstractmethod
    def transaction_abandoned(self, number: int, token_key: str) -> None:
        """Housekeeping closed a transaction. May be called from any thread."""

    @abstractmethod
    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        """Fill the live state from what the ORM holds."""


@cache
def state() -> LiveState:
    """The live state of this process."""
    from ocpp_server.live.memory import MemoryState

    return MemoryState()


def reset() -> None:
    """Forget everything, as a restart does."""
    state.cache_clear()
