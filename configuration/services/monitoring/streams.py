"""The event streams of 2.1 stations (N11-N15): which monitor a stream belongs to, and the values it carried.

The open streams of a live station are in a slot: a message of a stream costs one row and no query.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Count

from configuration.live import STREAMS, OpenStream
from configuration.models import EventStream, StreamMessage
from configuration.tables import EVENT_STREAMS, STREAM_MESSAGES
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_words
from ocpp_server.protocol.translate.monitors import Stream, fits

# The most open streams of a station. A station whose stream is refused sends NotifyEvent (N11.FR.07).
MOST_OPEN: Final = 100
# The most values of a message that are stored: the newest ones.
MOST_VALUES: Final = 1_000
# The messages kept of each stream, and the closed streams kept of each station.
MESSAGES_KEPT: Final = 1_000
CLOSED_KEPT: Final = 100
CLOSED_KEPT_FOR: Final = timedelta(days=30)
# Streams that one run of the job deletes: each may have MESSAGES_KEPT messages.
_DELETED_AT_ONCE: Final = 50
# The longest distance of a value from the time of its message, in seconds: about 30 years.
_MOST_SECONDS: Final = 1e9
_LONGEST_VALUE: Final = 2500


class Listed(NamedTuple):
    """A stream as the station names it."""

    id: int
    monitor_id: int
    params: Stream


def begin(*, station: Station, listed: Listed) -> bool:
    """Remember a stream that the station opens. False if it has too many.

    The station may open a stream again whose answer was lost, or after a restart: it goes on. With another
    monitor it is another stream.
    """
    streams = STREAMS.of(station)
    known = streams.get(listed.id)
    if known is not None and known.monitor_id == listed.monitor_id:
        station.unit.update(
            EVENT_STREAMS, known.pk, interval=listed.params.interval, values=listed.params.values
        )
        return True
    if not (fits(listed.id) and fits(listed.monitor_id)) or (known is None and len(streams) >= MOST_OPEN):
        return False
    if known is not None:
        end(station=station, stream_id=listed.id)
    key = station.row_key("stream", listed.id, listed.monitor_id)
    streams[listed.id] = added = OpenStream(pk=key, monitor_id=listed.monitor_id)
    station.unit.insert(
        EVENT_STREAMS,
        id=added.pk,
        charge_point_id=station.pk,
        stream_id=listed.id,
        monitor_id=listed.monitor_id,
        interval=listed.params.interval,
        values=listed.params.values,
        opened_at=station.received_at,
    )
    return True


def end(*, station: Station, stream_id: int) -> None:
    """Forget a stream that the station has closed; its values stay for a while (N13)."""
    known = STREAMS.of(station).pop(stream_id, None)
    if known is not None:
        station.unit.update(EVENT_STREAMS, known.pk, closed_at=station.received_at)


def adjust(*, station: Station, stream_id: int, params: Stream) -> None:
    """The station has accepted new parameters of a stream; those not given stay (N14)."""
    known = STREAMS.of(station).get(stream_id)
    given = {name: value for name, value in params._asdict().items() if value is not None}
    if known is not None and given:
        station.unit.update(EVENT_STREAMS, known.pk, **given)


def rebuild(*, station: Station, listed: Iterable[Listed]) -> None:
    """The station has named all its open streams: others are closed (N12)."""
    named = {one.id: one for one in listed}
    for stream_id in [id for id in STREAMS.of(station) if id not in named]:
        end(station=station, stream_id=stream_id)
    for one in named.values():
        begin(station=station, listed=one)


def receive(
    *, station: Station, stream_id: int, base_at: datetime, pending: int, data: Sequence[tuple[float, str]]
) -> None:
    """Store the values of a message: pairs of an offset in seconds and a value (N15).

    A stream that is not open belongs to no monitor that is known: its values are dropped and counted.
    """
    known = STREAMS.of(station).get(stream_id)
    if known is None:
        station.deviation("unknown-stream", str(stream_id)[:100], path="id")
        return
    timely = [(offset, value) for offset, value in data if abs(offset) <= _MOST_SECONDS]
    if len(timely) < len(data):
        station.deviation("time-implausible", path="data.t")
    if len(timely) > MOST_VALUES:
        station.deviation("too-many-values", str(len(data)), path="data")
    station.unit.insert(
        STREAM_MESSAGES,
        stream_id=known.pk,
        base_at=base_at,
        pending=pending if fits(pending) else 0,
        data=[[offset, masked_words(value[:_LONGEST_VALUE])] for offset, value in timely[-MOST_VALUES:]],
        received_at=station.received_at,
    )


# -- jobs ----------------------------------------------------------------------------------------------------


def trim() -> None:
    """Keep the newest messages of each stream, and delete streams that were closed long ago."""
    crowded = (
        StreamMessage.objects.order_by()
        .values_list("stream")
        .annotate(rows=Count("pk"))
        .filter(rows__gt=MESSAGES_KEPT)
    )
    for stream_pk, _ in crowded:
        rows = StreamMessage.objects.filter(stream=stream_pk).order_by("-pk")
        oldest_kept = rows.values_list("pk", flat=True)[MESSAGES_KEPT - 1]
        rows.filter(pk__lt=oldest_kept).delete()
    _delete_closed()


def _delete_closed() -> None:
    closed = EventStream.objects.filter(closed_at__isnull=False)
    old = closed.filter(closed_at__lt=datetime.now(UTC) - CLOSED_KEPT_FOR).order_by("closed_at")
    expired = list(old.values_list("pk", flat=True)[:_DELETED_AT_ONCE])
    many = closed.order_by().values_list("charge_point").annotate(rows=Count("pk"))
    for charge_point_pk, _ in many.filter(rows__gt=CLOSED_KEPT):
        if len(expired) >= _DELETED_AT_ONCE:
            break
        of_station = closed.filter(charge_point=charge_point_pk).order_by("-closed_at", "-pk")
        expired += of_station.values_list("pk", flat=True)[CLOSED_KEPT : CLOSED_KEPT + _DELETED_AT_ONCE]
    EventStream.objects.filter(pk__in=expired).delete()
