"""Loads charge points and their connectors into the live state."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from django.conf import settings

from chargepoints.models import ChargePoint, Connector
from ocpp_server.live.extensions import ByKey, Entry, Extension
from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station

log = structlog.get_logger(__name__)


def load_stations(wanted: list[tuple[int, str]]) -> list[Station]:
    """A live station for each (primary key, version), with the settings of its row.

    Raises DoesNotExist when a charge point was removed meanwhile.
    """
    rows = ChargePoint.objects.in_bulk([pk for pk, _ in wanted])
    return [_station(rows.get(pk), version) for pk, version in wanted]


def _station(row: ChargePoint | None, version: str) -> Station:
    if row is None:
        raise ChargePoint.DoesNotExist("The charge point was removed.")
    station = Station(pk=row.pk, identity=row.identity, version=version)
    _apply_settings(station, row)
    station.status = row.status
    station.firmware_version = row.firmware_version
    station.has_booted = row.last_boot_at is not None
    station.clock_skew_s = row.clock_skew_s
    return station


def _apply_settings(station: Station, row: ChargePoint) -> None:
    """Apply the operator's settings for this station, or the server's defaults."""
    station.site_pk = row.site_id
    station.registration_status = row.registration_status
    station.strict = (row.validation or settings.OCPP_VALIDATION) == ChargePoint.Validation.STRICT
    station.accepts_unknown_tokens = row.accepts_unknown_tokens
    station.refuses_free_vending = row.unknown_tokens == ChargePoint.UnknownTokens.REFUSE
    station.heartbeat_interval = row.heartbeat_interval
    station.zone = None
    if row.assumed_timezone:
        try:
            station.zone = ZoneInfo(row.assumed_timezone)
        except (ZoneInfoNotFoundError, ValueError):
            log.warning("station.unknown_timezone", station=row.identity, zone=row.assumed_timezone)


def load_connectors(by_pk: ByKey) -> None:
    """Load the connectors with their last reported status."""
    rows = Connector.objects.filter(charge_point__in=by_pk).values_list(
        "charge_point_id",
        "pk",
        "evse__number",
        "number",
        "status",
        "error_code",
        "info",
        "status_received_at",
    )
    for charge_point, pk, evse, number, status, error_code, info, reported_at in rows:
        for station in by_pk[charge_point]:
            station.connectors[evse, number] = ConnectorState(
                pk=pk,
                evse=evse,
                number=number,
                status=status,
                error_code=error_code,
                info=info,
                reported_at=reported_at,
            )


def connector_entries(station: Station) -> Iterator[Entry]:
    """The connectors of a station for Redis, by `evse.connector`; written when the mark changes."""
    for connector in station.connectors.values():
        mark = (connector.status, connector.error_code, connector.info, connector.reported_at)
        yield f"{connector.evse}.{connector.number}", mark, connector


CONNECTORS = Extension(name="connectors", load=load_connectors, show=connector_entries)
