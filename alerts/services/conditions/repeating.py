"""Conditions that count: connections, boots and refusals in the last minutes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from alerts.services import words
from alerts.services.codes import stations
from alerts.services.codes.declaration import Code
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from alerts.services.windows import Window
from chargepoints.models import ChargePoint, RefusedConnection

_MOST: Final = 20_000
# A flapping station is calm below this.
_CALM: Final = 2


def flapping(look: Look) -> Found:
    """Stations that connect again and again."""
    code, memory = stations.FLAPPING, look.memory
    if memory.connections_until is not None:
        # A connection is written to the row within two seconds, maybe after the last look.
        rows = ChargePoint.objects.order_by().filter(
            connected_at__gt=memory.connections_until - timedelta(seconds=10)
        )
        for identity, connection in rows.values_list("identity", "connected_at")[:_MOST]:
            assert connection is not None  # by the filter
            moment = look.monotonic - (look.now - connection).total_seconds()
            if not memory.connections.count(identity, since=moment - 0.5):
                memory.connections.add(identity, moment)
    memory.connections_until = look.now
    return _found(look, code, memory.connections, "connected {times} times in {within}", calm=_CALM)


def boot_loop(look: Look) -> Found:
    """Stations that restart again and again. Events fill the window."""
    return _found(look, stations.BOOT_LOOP, look.memory.boots, "restarted {times} times in {within}")


def refused(look: Look) -> Found:
    """Identities whose connections are refused again and again."""
    code, memory = stations.REFUSED, look.memory
    # Rows that changed since then: the row of one identity and address counts its attempts.
    since = look.now - timedelta(minutes=10)
    rows = RefusedConnection.objects.order_by().filter(at__gte=since).exclude(identity="")
    counts: dict[int, int] = {}
    for pk, identity, count in rows.values_list("pk", "identity", "count")[:_MOST]:
        counts[pk] = count
        if memory.refused_counts is not None:
            times = count - memory.refused_counts.get(pk, 0)
            if times > 0:
                memory.refusals.add(identity, look.monotonic, times)
    memory.refused_counts = counts
    return _found(look, code, memory.refusals, "was refused {times} times in {within}", above=True)


def _found(
    look: Look, code: Code, window: Window, sentence: str, *, calm: int = 0, above: bool = False
) -> Found:
    """The keys of a window that reach the limit; with `calm`, an open one goes on down to this."""
    within = look.rules.highest(code.name, "within_s")
    window.forget(before=look.monotonic - within)
    least = look.rules.lowest(code.name, "times")
    counted = window.counts(since=look.monotonic - within)
    keys = [
        key
        for key, times in counted.items()
        if times >= least or (calm and times >= calm and key_of(code.name, key) in look.unresolved)
    ]
    found = []
    known = _stations(keys)
    for key in keys:
        identity, pk, site = known.get(key.casefold(), (key, None, None))
        limits = look.rules.of(code.name, station=pk, site=site).parameters
        times = window.count(key, since=look.monotonic - limits["within_s"])
        is_open = key_of(code.name, identity) in look.unresolved
        limit = calm if calm and is_open else limits["times"] + above
        if times < limit:
            continue
        said = sentence.format(times=f"{times:,}", within=words.duration(limits["within_s"]))
        found.append(
            Finding(
                code=code.name,
                key=key_of(code.name, identity),
                title=f"{identity} {said}",
                station=identity,
                charge_point=pk,
                site=site,
                value=times,
            )
        )
    return Found(found)


def _stations(identities: Iterable[str]) -> dict[str, Any]:
    """The identity, key and site of known stations, by the identity without case."""
    rows = ChargePoint.objects.by_identities(list(identities)).order_by()
    columns = ("identity_key", "identity", "pk", "site_id")
    return {folded: (identity, pk, site) for folded, identity, pk, site in rows.values_list(*columns)}
