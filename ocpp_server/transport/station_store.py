"""The port `StationStore`: the connections of stations in the database, and the message log.

The app `chargepoints` fills it. The functions that take no unit of work use the database directly; the
transport runs them in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from ocpp_server.live.station import DeviationCount
from ocpp_server.ports import Port
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.command_store import Addressee

# Deviations of a station by kind, action and path.
Deviations = dict[tuple[str, str, str], DeviationCount]


class StationStore(Protocol):
    """The storage of stations. A module with these functions can fill the port, as an object can."""

    @property
    def messages(self) -> Table:
        """The table of the message log, its columns in the order of the rows of `message_log`."""

    def load(self, charge_point_pk: int) -> Addressee:
        """The row of a station."""

    def show_connected(
        self,
        unit: Unit,
        charge_point_pk: int,
        *,
        version: str,
        connection_id: str,
        address: str,
        at: datetime,
    ) -> None:
        """Show a station as online over this connection."""

    def show_connected_again(self, unit: Unit, charge_point_pk: int, *, connection_id: str) -> None:
        """Show a station as online again, because another process may have shown it as offline."""

    def show_disconnected(self, unit: Unit, charge_point_pk: int, **columns: Any) -> None:
        """Show a station as offline. `columns` hold the time, the close code and when it was last seen."""

    def show_disconnected_if_current(self, departures: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        """Show each station of (key, connection id, columns) as offline, unless it has a newer connection."""

    def connection_ids(self) -> dict[str, str]:
        """The connection id of every station that is shown as online, by identity."""

    def end_connections(self, gone: Mapping[str, datetime | None]) -> None:
        """Show the stations of dead processes as offline and end their commands.

        `gone` has the ids of the connections, each with the time at which the station connected again, None
        if it has not. One that has stays online, and only its commands from before that time end.
        """

    def add_deviations(self, counted: list[tuple[int, Deviations]], at: datetime) -> None:
        """Add these counts of deviations to the stored ones."""

    def show_duplicate(self, charge_point_pk: int, addresses: tuple[str, str], at: datetime) -> bool:
        """Show that two devices use the station's identity, with a security event when that begins; returns
        whether it does.
        """


port = Port[StationStore]("StationStore")
