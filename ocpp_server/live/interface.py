"""The interface that every implementation of the live state offers.

The interface is asynchronous where a distributed implementation has to ask another machine, synchronous
where every process must know the answer itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ocpp_server.live.recent import Recent
from ocpp_server.live.records import Connection, Consumption, TokenRecord, TransactionState
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.protocol.session import ReplayMemory

if TYPE_CHECKING:
    from ocpp_server.live.redis.keys import Script
    from ocpp_server.live.station import Station

# A callback that gets the id of a connection of this process.
ConnectionCallback = Callable[[str], Awaitable[None]]


class LiveStateUnavailable(StorageUnavailable):
    """The shared live state can't be reached. As when the database is away: answer nothing, try again."""

    sentence = "Redis is away; try again later."


class LiveState(ABC):
    """The live state of this process. Identities are compared without case."""

    # Whether other processes see and change it too.
    is_shared: ClassVar[bool] = False
    # Counts over a minute: failed logins, arrivals, replaced connections.
    recent: Recent

    # -- the process ------------------------------------------------------------------------------

    async def start(self) -> None:  # noqa: B027 - an implementation that lives in memory has nothing to do
        """Begin to share. Called once, after `rebuild`. Raises LiveStateUnavailable."""

    async def stop(self) -> None:  # noqa: B027
        """The process ends."""

    def watch(self, *, lost: ConnectionCallback, regained: ConnectionCallback) -> None:  # noqa: B027
        """Set the callbacks for a connection of this process that a newer one elsewhere has replaced
        (`lost`), or that was considered dead and is registered again (`regained`: other processes may have
        acted meanwhile).
        """

    async def status(self) -> dict[str, dict[str, object]]:
        """The parts for the readiness probe: {name: {"ok", "detail"}}."""
        return {}

    @property
    def away(self) -> tuple[float, str] | None:
        """Since when (monotonic seconds) and why this process can't share; None when it can. Makes no
        request.
        """
        return None

    def stand_for_election(self, *, is_first: bool) -> None:  # noqa: B027
        """Stand for election as housekeeper; a process that was started for it goes before all others.

        A process that does not stand is never elected: not every process that shares the state has the jobs.
        """

    @property
    def is_housekeeper(self) -> bool:
        """Whether this process does what only one of them may do."""
        return True

    async def gone(self, believed: Mapping[str, str]) -> list[str]:
        """Of the connections that the ORM shows ({identity: connection id}), the ids that no process holds.
        Only the housekeeper calls this.
        """
        return []

    async def reconcile(self) -> None:  # noqa: B027
        """Compare the shared view with the ORM and put right what a dead process left. The housekeeper's."""

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

    def station_changed(self, station: Station) -> None:  # noqa: B027
        """Publish the changes of a message, which are stored, to the other processes. Called after every
        commit.
        """

    def serve(self, identity: str) -> None:  # noqa: B027
        """This process handles the messages of a station at a gateway from now on; another did before."""

    def unserve(self, identity: str) -> None:  # noqa: B027
        """Another process handles them from now on, or none."""

    async def run(self, script: Script, keys: list[str], *arguments: str | int) -> Any:
        """A script's result, where the state is shared. Raises LiveStateUnavailable."""
        raise LiveStateUnavailable("The live state is not shared.")

    @abstractmethod
    def replay_memory(self, identity: str) -> ReplayMemory:
        """The last answers to a station; they outlive its sockets, and nothing is lost when they are lost."""

    # -- tokens -----------------------------------------------------------------------------------

    @abstractmethod
    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        """The tokens with this normalised uid; from the database once, then from the cache."""

    @abstractmethod
    def forget_token(self, uid_key: str) -> None:
        """A token changed: read it from the database again. May be called from any thread."""

    @abstractmethod
    def forget_tokens(self) -> None:
        """Something changed that many tokens depend on: read all of them from the database again. May be
        called from any thread.
        """

    @abstractmethod
    async def consumed(self, subject: str) -> Consumption:
        """The energy drawn against the budget of a token ("token:7") or a contract ("contract:3")."""

    @abstractmethod
    def token_used(self, pk: int, at: datetime) -> None:
        """A token was accepted; the last use reaches the ORM in batches."""

    @abstractmethod
    def take_used_tokens(self) -> dict[int, datetime]:
        """The tokens used since the last call, and when."""

    # -- stored configuration ---------------------------------------------------------------------

    @abstractmethod
    async def stored_keys(self, identity: str) -> Mapping[str, str]:
        """The keys of a station that differ from their defaults, secrets left out; from the database once,
        then from the cache.
        """

    @abstractmethod
    def stored_key_changed(self, identity: str, key: str, value: str | None) -> None:
        """A new value is stored; None: the default. May be called from any thread."""

    @abstractmethod
    def station_removed(self, identity: str) -> None:
        """The station was removed. May be called from any thread."""

    # -- running transactions ---------------------------------------------------------------------

    @abstractmethod
    async def next_transaction_number(self) -> int:
        """From 1000, rising by one, never the same twice."""

    @abstractmethod
    async def running(self, token_key: str) -> list[TransactionState]:
        """Active transactions of a token at any station."""

    @abstractmethod
    async def running_of_group(self, group_id: str) -> list[TransactionState]:
        """Active transactions of a group's tokens at any station."""

    @abstractmethod
    def transaction_changed(self, transaction: TransactionState) -> None:
        """Called whenever a transaction begins, ends, or gets its owner."""

    @abstractmethod
    def transaction_undone(self, transaction: TransactionState) -> None:
        """Remove a transaction that was counted before it was stored, and never was stored."""

    @abstractmethod
    def station_loaded(
        self, loaded: Iterable[TransactionState], *, before: Iterable[TransactionState] = ()
    ) -> None:
        """A station's transactions were read from the ORM: these count, and nothing else of `before` does."""

    @abstractmethod
    def transaction_abandoned(self, number: int, token_key: str) -> None:
        """Housekeeping closed a transaction. May be called from any thread."""

    @abstractmethod
    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        """Fill the live state from the ORM."""
