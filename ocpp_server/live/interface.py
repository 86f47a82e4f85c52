"""The interface of the live state.

A method is asynchronous where the distributed implementation sends a request to another machine, and
synchronous where every process has the result in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ocpp_server.live.probes import Probes
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
    """The shared live state can't be reached: answer nothing, as when the database can't be written."""

    sentence = "Redis is away; try again later."


class LiveState(ABC):
    """The live state of this process. Identities are compared without case."""

    # Whether other processes read and change it too.
    is_shared: ClassVar[bool] = False
    # Events of the last minute: failed logins, arrivals, replaced connections.
    recent: Recent
    # Whether stations still answer over their connections.
    probes: Probes

    # -- the process ------------------------------------------------------------------------------

    async def start(self) -> None:  # noqa: B027 - an implementation that lives in memory has nothing to do
        """Connect to the other processes. Called once, after `rebuild`. Raises LiveStateUnavailable."""

    async def stop(self) -> None:  # noqa: B027
        """Disconnect from the other processes; the process ends."""

    def watch(self, *, lost: ConnectionCallback, regained: ConnectionCallback) -> None:  # noqa: B027
        """Set the callbacks for connections of this process.

        `lost`: a newer connection of another process has replaced it. `regained`: its lease had expired and
        it is registered again; other processes may have served the station meanwhile.
        """

    async def status(self) -> dict[str, dict[str, object]]:
        """The parts of the live state for the readiness probe: {name: {"ok", "detail"}}."""
        return {}

    @property
    def away(self) -> tuple[float, str] | None:
        """Since when (monotonic seconds) and why the shared state is unavailable; None while it is available.

        Sends no request.
        """
        return None

    def stand_for_election(self, *, is_first: bool) -> None:  # noqa: B027
        """Stand for election as housekeeper.

        A process whose role is housekeeping (`is_first`) takes precedence. A process that does not stand is
        never elected: not every process that shares the state has the jobs.
        """

    @property
    def is_housekeeper(self) -> bool:
        """Whether this process runs the jobs that only one process may run."""
        return True

    async def gone(self, believed: Mapping[str, str]) -> dict[str, datetime | None]:
        """The ids of the given connections ({identity: connection id}) that no process holds any more, each
        with the time at which its station connected again; None if it has not.

        The housekeeper passes the connections that the database shows as open.
        """
        return {}

    async def reconcile(self) -> None:  # noqa: B027
        """Compare the shared state with the database and correct it. Only the housekeeper calls this."""

    # -- presence ---------------------------------------------------------------------------------

    @abstractmethod
    async def connect(self, connection: Connection) -> Connection | None:
        """Register a connection: the newest authenticated one wins. Returns the one it replaced."""

    @abstractmethod
    async def disconnect(self, identity: str, connection_id: str) -> bool:
        """Remove a connection if it is still the current one; False for a late close of a replaced one."""

    @abstractmethod
    async def connection(self, identity: str) -> Connection | None: ...

    async def registered(self, identity: str) -> Connection | None:
        """The connection that is registered now, also for a process without an engine (a gateway). After an
        outage it may be missing for a moment. Raises LiveStateUnavailable.
        """
        return await self.connection(identity)

    @abstractmethod
    def connected(self) -> list[str]:
        """The identities of connected stations as the stations spell them, sorted."""

    @abstractmethod
    def is_connected(self, identity: str) -> bool: ...

    def station_changed(self, station: Station) -> None:  # noqa: B027
        """Publish the stored changes of a message to the other processes; called after every commit."""

    def serve(self, identity: str) -> None:  # noqa: B027
        """From now on this process handles the messages of a station that is connected to a gateway."""

    def unserve(self, identity: str) -> None:  # noqa: B027
        """From now on another process, or none, handles the messages of the station."""

    async def run(self, script: Script, keys: list[str], *arguments: str | int) -> Any:
        """Run a Redis script where the state is shared; returns its result. Raises LiveStateUnavailable."""
        raise LiveStateUnavailable("The live state is not shared.")

    @abstractmethod
    def replay_memory(self, identity: str) -> ReplayMemory:
        """The last answers to a station. They outlive its sockets, and losing them does no harm."""

    # -- tokens -----------------------------------------------------------------------------------

    @abstractmethod
    async def tokens(self, uid_key: str) -> tuple[TokenRecord, ...]:
        """The tokens with this normalised uid; from the database once, then from the cache."""

    @abstractmethod
    def forget_token(self, uid_key: str) -> None:
        """A token changed: read it from the database again. May be called from any thread."""

    @abstractmethod
    def forget_tokens(self) -> None:
        """Read all tokens from the database again, after a change that concerns many of them.

        May be called from any thread.
        """

    @abstractmethod
    async def consumed(self, subject: str) -> Consumption:
        """The energy used of the budget of a token ("token:7") or contract ("contract:3")."""

    @abstractmethod
    def token_used(self, pk: int, at: datetime) -> None:
        """A token was accepted; its last use is stored in batches."""

    @abstractmethod
    def take_used_tokens(self) -> dict[int, datetime]:
        """The tokens used since the last call, each with the time of its last use."""

    # -- stored data of stations ------------------------------------------------------------------

    @property
    def is_current(self) -> bool:
        """Whether changes by other processes arrive. While they do not, read the database, not a copy."""
        return True

    @abstractmethod
    def stored_key_changed(self, identity: str, key: str, value: str | None) -> None:
        """A configuration key got a new value, None for the default. May be called from any thread."""

    @abstractmethod
    def station_removed(self, identity: str) -> None:
        """The station was removed. May be called from any thread."""

    # -- running transactions ---------------------------------------------------------------------

    @abstractmethod
    async def next_transaction_number(self) -> int:
        """A new transaction number: increasing from 1000, never the same twice."""

    @abstractmethod
    async def running(self, token_key: str) -> list[TransactionState]:
        """Active transactions of a token at any station."""

    @abstractmethod
    async def running_of_group(self, group_id: str) -> list[TransactionState]:
        """Active transactions of a group's tokens at any station."""

    @abstractmethod
    def transaction_changed(self, transaction: TransactionState) -> None:
        """A transaction has begun, has ended, or got its token."""

    @abstractmethod
    def transaction_undone(self, transaction: TransactionState) -> None:
        """Remove a transaction that was counted before its commit, and whose commit failed."""

    @abstractmethod
    def station_loaded(
        self, loaded: Iterable[TransactionState], *, before: Iterable[TransactionState] = ()
    ) -> None:
        """Replace the transactions of a station (`before`) by those that were loaded from the database."""

    @abstractmethod
    def transaction_abandoned(self, number: int, token_key: str) -> None:
        """A job closed a transaction. May be called from any thread."""

    @abstractmethod
    def rebuild(self, *, last_number: int, active: Iterable[TransactionState]) -> None:
        """Fill the live state from the database."""
