"""Charging profiles that go with a remote start (1.6 5.11; 2.x F01, F02). Fills the port `StartProfiles`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.translate.charging_profiles import RELATIVE, TX
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.storage.journal import journal
from ocpp_server.transport.command_store import Addressee
from smart_charging.services.smart_charging import checking, installed, reading

_FIELD: Final = "chargingProfile"
_BELOW: Final = f"{_FIELD}."
_PURPOSE, _KIND = "chargingProfilePurpose", "chargingProfileKind"


async def prepare(charge_point: Addressee, *, evse_number: int | None, given: Any) -> ChargingProfile:
    """The checked profile of a remote start: a TxProfile without a session, relative unless given otherwise.

    Raises Invalid with the wrong fields, Conflict, StationOffline for a station of unknown version.
    """
    if not isinstance(given, dict):
        raise Invalid("Must be an object.", field=_FIELD)
    if given.get(_PURPOSE) not in (None, TX):
        raise Invalid(f"Must be {TX} with a remote start.", field=f"{_BELOW}{_PURPOSE}")
    if given.get("transactionId") is not None:
        raise Invalid("The session does not exist yet: leave it out.", field=f"{_BELOW}transactionId")
    kind = given.get(_KIND) or (RELATIVE if given.get("startSchedule") is None else None)
    wanted = {**given, _PURPOSE: TX, _KIND: kind}
    profile = reading.read(wanted, at=datetime.now(UTC), below=_BELOW)
    if charge_point.ocpp_version not in VERSIONS:
        raise StationOffline(f"{charge_point.identity} has never connected.")
    return await journal.run(checking.check, charge_point, profile, evse=evse_number, below=_BELOW)


def wait(
    station: Station, *, command_id: str, evse: int | None, profile: Mapping[str, Any], until: datetime
) -> None:
    """The station has accepted a remote start with this profile, as it was sent."""
    installed.wait(station=station, command_id=command_id, evse=evse, payload=profile, until=until)


def begin(station: Station, *, command_id: str, transaction: TransactionState) -> None:
    """The remote start has led to this session."""
    installed.begin(station=station, command_id=command_id, transaction=transaction)
