"""The port `StationStore`: connections as the database shows them, and the message log.

`chargepoints` fills it. The functions that take no unit of work use the database directly; the engine runs
them in the journal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from ocpp_server.live.station import DeviationCount, Station
from ocpp_server.ports import Port
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.unit import Unit
from ocpp_server.transport.command_store import Addressee

# Deviations of a station by kind, action and path.
Deviations = dict[tuple[str, str, str], DeviationCount]


class StationStore(Protocol):
    """Where stations are stored. A module with these functions fills the port as well as an object."""

    @property
    def messages(self) -> Table:
        """The table of the message log, its columns in the order in which `message_log` gives them."""

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
        """Show a station as online that another process may have shown as offline."""

    def show_disconnected(self, unit: Unit, charge_point_pk: int, **columns: Any) -> None:
        """Show a station as offline; `columns` are when and why, and when it was last seen."""

    def show_disconnected_if_current(self, departures: Iterable[tuple[int, str, dict[str, Any]]]) -> None:
        """The same for (station, connection id, columns), unless the station has a newer connection."""

    def connection_ids(self) -> dict[str, str]:
        """The connection id of every station that is shown as online, by identity."""

    def end_connections(self, connection_ids: list[str]) -> None:
        """Show the stations of a dead process as offline and end their commands."""

    def add_deviations(self, counted: list[tuple[int, Deviations]], at: datetime) -> None:
        """Add the counts of stations to those that are stored."""

    def add_security_event(self, *, station: Station, type: str, tech_info: str) -> None:
        """Add a security event of our own to the unit of work of the station's message."""


port = Port[StationStore]("StationStore")
