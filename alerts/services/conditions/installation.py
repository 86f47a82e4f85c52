"""Conditions about this server: certificates, the disk, the queue, events."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from alerts.models import Severity
from alerts.services import words
from alerts.services.codes import server
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from certificates.services.certificates import expiry
from chargepoints.models import ChargePoint
from events.models import Event
from ocpp_server.transport.queue.depth import Depth, read_depth

_REDIS_S: Final = 1.0

log = structlog.get_logger(__name__)


def certificates(look: Look) -> Found:
    """Certificates that end soon."""
    code = server.CERTIFICATE.name
    most = look.rules.highest(code, "days")
    endings, total = expiry.listed(before=look.now + _days(most))
    identities = {one.station for one in endings if one.station}
    rows = ChargePoint.objects.by_identities(identities).order_by() if identities else []
    known = {row.identity: row for row in rows}
    found = []
    for one in endings:
        row = known.get(one.station)
        pk, site = (row.pk, row.site_id) if row is not None else (None, None)
        limits = look.rules.of(code, station=pk, site=site).parameters
        left = one.not_after - look.now
        if left > _days(limits["days"]):
            continue
        is_over = left <= _days(0)
        of = f" of {one.station}" if one.station else ""
        said = "ended" if is_over else f"ends in {words.duration(left.total_seconds())}"
        found.append(
            Finding(
                code=code,
                key=key_of(code, one.kind.value, one.pk),
                title=f"The certificate {one.subject[:80]}{of} {said}",
                detail=f"{one.type}, until {one.not_after.astimezone(UTC):%Y-%m-%d %H:%M} UTC. SHA-256 "
                f"{one.sha256}",
                station=one.station,
                charge_point=pk,
                site=site,
                severity=Severity.CRITICAL if left <= _days(limits["critical_days"]) else None,
                value=left.days,
            )
        )
    return Found(found, is_complete=total <= len(endings))


def disk(look: Look) -> Found:
    """The disk of DATA_DIR. Raises OSError."""
    usage = shutil.disk_usage(settings.DATA_DIR)
    finding = full(usage.free, usage.total, look, Path(settings.DATA_DIR))
    return Found([finding] if finding is not None else [])


def full(free: int, total: int, look: Look, path: Path) -> Finding | None:
    """The finding about a disk with this free space."""
    code = server.DISK.name
    limits = look.rules.of(code).parameters
    percent = 100 * free / max(1, total)
    if percent >= limits["percent"] and free >= limits["bytes"]:
        return None
    return Finding(
        code=code,
        key=key_of(code, "data"),
        title=f"Only {words.sized(free)} ({percent:.0f} %) of the disk of {path} are free",
        severity=Severity.CRITICAL if percent < limits["critical_percent"] else None,
        value=free,
    )


def _depth() -> Depth | None:
    if not settings.REDIS_DISTRIBUTED_STATE:
        return None
    try:
        return read_depth(within=_REDIS_S)
    except (RedisError, OSError) as error:
        log.warning("alerts.redis_away", error=str(error))
        return None


def queue(look: Look) -> Found:
    """The queue between gateways and processors. Unknown without Redis: nothing resolves then."""
    code = server.QUEUE.name
    depth = _depth()
    if depth is None:
        return Found([], is_complete=not settings.REDIS_DISTRIBUTED_STATE)
    if depth.oldest_s < look.rules.of(code).parameters["oldest_s"]:
        return Found([])
    title = f"A message has waited for {words.duration(depth.oldest_s)} in the queue"
    detail = f"{depth.messages:,} messages, {words.counted(depth.processors, 'processor')}."
    return Found(
        [Finding(code=code, key=key_of(code), title=title, detail=detail, value=round(depth.oldest_s, 1))]
    )


def dead_letters(look: Look) -> Found:
    """Messages that no processor could handle."""
    code = server.DEAD_LETTERS.name
    depth = _depth()
    if depth is None:
        return Found([], is_complete=not settings.REDIS_DISTRIBUTED_STATE)
    if not depth.dead:
        return Found([])
    title = f"{words.counted(depth.dead, 'message')} could not be handled"
    return Found([Finding(code=code, key=key_of(code), title=title, value=depth.dead)])


def events_late(look: Look) -> Found:
    """Events that wait for their number."""
    code = server.EVENTS.name
    oldest = Event.objects.unnumbered().order_by("id").values_list("at", flat=True).first()
    age = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
    if age < look.rules.of(code).parameters["oldest_s"]:
        return Found([])
    title = f"An event has waited for {words.duration(age)}"
    return Found([Finding(code=code, key=key_of(code), title=title, value=round(age))])


def _days(number: int) -> timedelta:
    return timedelta(days=number)
