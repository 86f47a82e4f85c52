"""The port of charging profiles for apps that may not import the app `smart_charging`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.ports import Port
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.transport.command_store import Addressee


class StartProfiles(Protocol):
    """The profiles that go with remote starts. The app `smart_charging` fills the port."""

    async def prepare(
        self, charge_point: Addressee, *, evse_number: int | None, given: Any
    ) -> ChargingProfile:
        """Read and check a profile from the fields of the API. Raises Invalid, Conflict, StationOffline."""

    def wait(
        self,
        station: Station,
        *,
        command_id: str,
        evse: int | None,
        profile: Mapping[str, Any],
        until: datetime,
    ) -> None:
        """Store the profile of an accepted remote start, as sent; its session must begin by `until`."""

    def begin(self, station: Station, *, command_id: str, transaction: TransactionState) -> None:
        """The remote start has led to this session."""


start_profiles = Port[StartProfiles]("StartProfiles")
