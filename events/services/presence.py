"""station.online and station.offline: presence that has lasted for EVENT_OFFLINE_AFTER.

The elected housekeeper compares the live state with what the last events said (`StationStream.is_online`). A
station that returns in time makes no event. After a restart or an election the time counts from the start.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction

from chargepoints.models import ChargePoint
from events.models import StationStream
from ocpp_server import live
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.storage.journal import journal

# Stations in one transaction.
_AT_ONCE: Final = 500  # equivalent: the other stations follow in the next transaction
# A connection that ended without a close frame (RFC 6455 7.4.1).
_LOST: Final = 1006


class Changes(NamedTuple):
    """The stations whose presence has changed for long enough."""

    online: list[str]
    offline: list[str]


class Watch:
    """The presence of stations, and since when it differs from the last events."""

    def __init__(self, reported_online: Collection[str]) -> None:
        self.reported_online = set(reported_online)
        self._since: dict[str, float] = {}

    def compare(self, connected: Collection[str], *, now: float, after: float) -> Changes:
        """The changes that have lasted `after` seconds; `now` is monotonic."""
        present = set(connected)
        differing = present ^ self.reported_online
        self._since = {name: self._since.get(name, now) for name in differing}
        due = sorted(name for name, since in self._since.items() if now - since >= after)
        return Changes([n for n in due if n in present], [n for n in due if n not in present])

    def reported(self, changes: Changes) -> None:
        self.reported_online.update(changes.online)
        self.reported_online.difference_update(changes.offline)


class _Elected:
    """The watch of this process; None while another one is elected."""

    watch: Watch | None = None


async def watch() -> None:
    """Emit the events of stations whose presence has changed for long enough."""
    if _Elected.watch is None:
        _Elected.watch = Watch(await journal.run(_reported_online))
    current = _Elected.watch
    found = current.compare(
        live.state().connected(), now=time.monotonic(), after=settings.EVENT_OFFLINE_AFTER
    )
    for start in range(0, max(len(found.online), len(found.offline)), _AT_ONCE):
        part = Changes(*(names[start : start + _AT_ONCE] for names in found))
        await journal.run(emit, part)
        current.reported(part)


async def forget_if_not_elected() -> None:
    """Forget what the last events said, when another process emits them now."""
    if not live.state().is_housekeeper:
        _Elected.watch = None


def _reported_online() -> set[str]:
    return set(StationStream.objects.filter(is_online=True).values_list("station", flat=True))


@transaction.atomic
def emit(changes: Changes) -> None:
    """Store the events of these stations, and that they were reported. A deleted station gets no event."""
    rows = ChargePoint.objects.by_identities([*changes.online, *changes.offline])
    known = {row.identity_key: row for row in rows}
    online, offline = [], []
    for identity in changes.online:
        row = known.get(identity.casefold())
        if row is not None and row.connected_at is not None:
            down = (
                None
                if row.disconnected_at is None
                else (row.connected_at - row.disconnected_at).total_seconds()
            )
            online.append(
                (
                    row.identity,
                    row.site_id,
                    {
                        "since": row.connected_at,
                        "ocppVersion": row.ocpp_version,
                        "downSeconds": None if down is None or down < 0 else outbox.number(round(down, 3)),
                    },
                )
            )
    for identity in changes.offline:
        row = known.get(identity.casefold())
        since = row and (row.disconnected_at or row.last_seen_at)
        if row is not None and since:
            data = {"since": since, "reason": reason(row.close_code), "closeCode": row.close_code}
            offline.append((row.identity, row.site_id, data))
    outbox.emit_many(stations.ONLINE, online)
    outbox.emit_many(stations.OFFLINE, offline)
    for names, is_online in ((changes.online, True), (changes.offline, False)):
        StationStream.objects.bulk_create(
            [StationStream(station=name, is_online=is_online) for name in names],
            update_conflicts=True,
            unique_fields=["station"],
            update_fields=["is_online"],
        )


def reason(close_code: int | None) -> str:
    """How a connection ended, by its close code; None when the process with the socket has died."""
    return "lost" if close_code in (None, _LOST) else "closed"
