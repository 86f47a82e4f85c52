"""Loads charge points, their connectors, display messages and battery swaps into the live state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import structlog
from django.conf import settings
from django.db.models import Q

from chargepoints.models import BatterySwap, ChargePoint, Connector, DisplayMessage
from ocpp_server.live.extensions import ByKey, Entry, Extension, Slot
from ocpp_server.live.records import ConnectorState
from ocpp_server.live.station import Station

log = structlog.get_logger(__name__)


def load_stations(wanted: list[tuple[int, str]]) -> list[Station]:
    """A live station for each (primary key, version), with the settings of its row.

    Raises DoesNotExist when a charge point was removed meanwhile.
    """
    rows = ChargePoint.objects.select_related("site").in_bulk([pk for pk, _ in wanted])
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
    station.is_test = row.site is not None and row.site.is_test
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
        "status_at",
    )
    for charge_point, pk, evse, number, status, error_code, info, reported_at, changed_at in rows:
        for station in by_pk[charge_point]:
            station.connectors[evse, number] = ConnectorState(
                pk=pk,
                evse=evse,
                number=number,
                status=status,
                error_code=error_code,
                info=info,
                reported_at=reported_at,
                changed_at=changed_at,
            )


def connector_entries(station: Station) -> Iterator[Entry]:
    """The connectors of a station for Redis, by `evse.connector`; written when the mark changes."""
    for connector in station.connectors.values():
        mark = (connector.status, connector.error_code, connector.info, connector.reported_at)
        yield f"{connector.evse}.{connector.number}", mark, connector


CONNECTORS = Extension(name="connectors", load=load_connectors, show=connector_entries)


class Shown(msgspec.Struct):
    """A message that the station has, or may have.

    `text` is its format and content, by which a report shows whether it is still the same message. `since` is
    the time of the answer or the report that showed it first, or of the request.
    """

    pk: str
    number: int
    priority: str
    station_state: str
    transaction: str
    ends_at: datetime | None
    text: tuple[str, str]
    display: dict[str, object]
    since: datetime
    is_confirmed: bool = True


def shown(row: DisplayMessage) -> Shown:
    """The live form of a stored message."""
    return Shown(
        pk=row.pk,
        number=row.number,
        priority=row.priority,
        station_state=row.station_state,
        transaction=row.transaction,
        ends_at=row.ends_at,
        text=(row.format, row.content),
        display=row.display,
        since=row.confirmed_at or row.created_at,
        is_confirmed=row.state == DisplayMessage.State.CONFIRMED,
    )


def load_displays(by_pk: ByKey) -> None:
    """Load the messages that the stations have, or may have."""
    for row in DisplayMessage.objects.current().filter(charge_point__in=by_pk).order_by("created_at", "pk"):
        for station in by_pk[row.charge_point_id]:
            DISPLAYS.of(station).append(shown(row))


DISPLAYS = Slot(name="display_messages", empty=list[Shown], load=load_displays)


def load_swapping(by_pk: ByKey) -> None:
    """Load which of the stations have swapped batteries, or agreed to."""
    has_swapped = Q(accepted_at__isnull=False) | Q(in_at__isnull=False) | Q(out_at__isnull=False)
    rows = BatterySwap.objects.filter(has_swapped, charge_point__in=by_pk).order_by()
    for pk in rows.values_list("charge_point_id", flat=True).distinct():
        for station in by_pk[pk]:
            SWAPPING.of(station).add(pk)


# The station's own key if it swaps batteries, else nothing.
SWAPPING = Slot(name="battery_swaps", empty=set[int], load=load_swapping)
