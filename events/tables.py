"""Tables for bulk SQL: events and the numbers of stations."""

from events.models import Event, StationStream
from ocpp_server.storage.bulk import Table

EVENTS = Table(
    Event,
    # In the order of the rows from `ocpp_server.events.outbox`.
    order=(
        "uid",
        "type",
        "version",
        "station",
        "site_id",
        "position",
        "sequence",
        "data",
        "is_personal",
        "at",
    ),
)
STATION_STREAMS = Table(StationStream)
