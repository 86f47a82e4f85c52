"""The connections of stations without sockets and without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import orjson

from events.tables import EVENTS
from ocpp_server.live.extensions import load_stations
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.records import Connection, TransactionState
from ocpp_server.live.station import DeviationCount, Station
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.unit import Unit
from ocpp_server.transport import presence
from ocpp_server.transport.handshake.admission import Admitted
from tests.unit.transport.handshakes import handshake

HERE = "192.0.2.1"


class World(MemoryState):
    """The live state of a process, its database and its journal. `log` has what happens, in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[Any, ...]] = []
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.duplicates: list[tuple[Any, ...]] = []
        self.replaced: list[Connection] = []
        # Whether the process of a replaced connection confirms its end.
        self.confirms = True
        self.error: Exception | None = None
        self.while_loading: Callable[[], None] = lambda: None
        self.transactions: dict[int, TransactionState] = {}

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self.log if entry[0] == kind]

    @property
    def kinds(self) -> list[str]:
        return [entry[0] for entry in self.log]

    # -- what a test does --------------------------------------------------------------------------------

    async def arrive(self, id: str = "k1", address: str = HERE, identity: str = "CP-1") -> Station:
        row: Any = SimpleNamespace(pk=3, identity=identity)
        return await presence.arrive(Admitted(row, V16, V16), handshake(identity, address=address), id)

    async def leave(self, id: str = "k1", *, station: Station | None = None, error: Any = None) -> None:
        """Close the socket of a station with code 1006; `error` is raised by the end of its commands."""
        station = station or Station(pk=3, identity="CP-1", version=V16)
        station.connection_id = id

        async def closed() -> None:
            self.log.append(("commands ended",))
            if error is not None:
                raise error

        connection: Any = SimpleNamespace(station=station, closed=closed)
        await presence.leave(connection, code=1006)

    # -- the live state ----------------------------------------------------------------------------------

    def station_changed(self, station: Station) -> None:
        self.log.append(("published", station.identity))

    def transaction_changed(self, transaction: TransactionState) -> None:
        self.log.append(("transaction", transaction.id))

    async def replace(self, replaced: Connection) -> bool:
        self.log.append(("replaced", replaced.id))
        return self.confirms

    # -- the journal -------------------------------------------------------------------------------------

    async def commit(self, unit: Unit) -> None:
        taken = unit.take()
        if self.error is not None:
            raise self.error
        for table, row in taken.inserts:
            assert table is EVENTS
            values = dict(zip(EVENTS.names, row, strict=True))
            self.events.append((values["type"], values["station"], orjson.loads(values["data"])))
        self.log += [(kind, *columns) for kind, _, columns in taken.updates]  # type: ignore[misc]
        self.log.append(("stored",))

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.error is not None:
            raise self.error
        return function(*arguments)

    async def run_batched(self, function: Any, item: tuple[int, str]) -> Station:
        assert function is load_stations
        self.log.append(("loaded", *item))
        self.while_loading()
        station = Station(pk=item[0], identity="CP-1", version=item[1])
        station.transactions = dict(self.transactions)
        return station

    # -- the database ------------------------------------------------------------------------------------

    def show_connected(self, unit: Unit, pk: int, **columns: Any) -> None:
        unit.updates.append(("online", None, (pk, columns)))  # type: ignore[arg-type]

    def show_disconnected(self, unit: Unit, pk: int, **columns: Any) -> None:
        unit.updates.append(("offline", None, (pk, columns)))  # type: ignore[arg-type]

    def show_disconnected_if_current(self, departures: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        self.log += [("offline if current", *each) for each in departures]

    def add_deviations(self, counted: list[tuple[int, dict[Any, DeviationCount]]], at: Any) -> None:
        self.log += [("deviations", pk, [kind for kind, _, _ in kinds], at) for pk, kinds in counted]

    def show_duplicate(self, *arguments: Any) -> bool:
        self.duplicates.append(arguments)
        return True
