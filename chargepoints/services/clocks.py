"""The clocks of stations: station.clock_skewed, if it is chosen."""

from __future__ import annotations

from typing import Final

from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.live.station import Station
from ocpp_server.storage.unit import Unit

# Two limits, so that a clock at the limit does not make an event a minute.
SKEWED_S: Final = 60.0
RIGHT_S: Final = 30.0

# The stations of this process whose clock is wrong.
_skewed: set[str] = set()


def watch(station: Station, unit: Unit) -> None:
    """Add an event when the clock of a station has become wrong, or right again."""
    skew = station.clock_skew_s
    if skew is None or not outbox.is_chosen(stations.CLOCK_SKEWED):
        return
    was_skewed = station.identity in _skewed
    is_skewed = abs(skew) > (RIGHT_S if was_skewed else SKEWED_S)
    if is_skewed == was_skewed:
        return
    (_skewed.add if is_skewed else _skewed.discard)(station.identity)
    data = {"clockSkewS": outbox.number(skew), "isSkewed": is_skewed}
    outbox.add(unit, stations.CLOCK_SKEWED, data, station=station.identity, site=station.site_pk)
