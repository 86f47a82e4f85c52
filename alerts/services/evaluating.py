"""Evaluates all rules, in the elected housekeeper, every ALERT_INTERVAL.

1. A look queries the conditions and reads the events since the last look. It changes nothing.
2. One transaction locks the row `Evaluation` first, so that two evaluators during an election take turns.
   It reads the unresolved alerts, judges the findings, and writes alerts, events and notices.
3. A condition that fails is left out, and a look that fails changes nothing: the next one finds the same
   causes. Keys make a repeated event harmless.

It runs in a thread and on a connection of its own, with short limits: a locked table or a slow query costs a
look, and never holds up the messages of stations.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import F

from alerts.models import Alert, Evaluation
from alerts.services import changes, maintenance, occurrences, rulebook, storing
from alerts.services.codes import CODES, stations
from alerts.services.codes.declaration import Kind
from alerts.services.conditions import CONDITIONS
from alerts.services.findings import Finding, Found
from alerts.services.judging import Verdicts, judge
from alerts.services.look import Look, Memory
from alerts.services.storing import Changed
from chargepoints.models import ChargePoint, Site
from events.services import reading
from ocpp_server.storage import database

log = structlog.get_logger(__name__)

LOCK_WAIT_MS: Final = 500
STATEMENT_MS: Final = 5000
# A condition that has failed for so many of its intervals is not judged: the heartbeat stops.
_FAILED_INTERVALS: Final = 5
# The resolved alerts whose condition still held are few; more than these count as over.
_MOST_MUTED: Final = 5000


class Evaluator:
    """The evaluator of one process. `look` runs in one thread at a time."""

    def __init__(self) -> None:
        self._memory: Memory | None = None
        self._looked_at = 0.0

    def look(self) -> bool:
        """Look at all conditions, and write what has changed. Returns whether it could.

        After a pause of several looks, another process may have been elected meanwhile: it begins again.
        """
        monotonic = time.monotonic()
        if monotonic - self._looked_at > 3 * settings.ALERT_INTERVAL + 10:
            self._memory = None
        try:
            self.evaluate(now=datetime.now(UTC), monotonic=monotonic)
        except DatabaseError as error:
            log.warning("alerts.not_evaluated", error=str(error).strip())
            connection.close()
            return False
        finally:
            # A look whose queries all time out takes minutes, and is no pause.
            self._looked_at = time.monotonic()
        return True

    def evaluate(self, *, now: datetime, monotonic: float) -> None:
        """The same at a given time. Raises DatabaseError."""
        if self._memory is None:
            self._memory = Memory(began=monotonic)
        memory, rules = self._memory, rulebook.load()
        unresolved = {alert.key: alert for alert in Alert.objects.unresolved().order_by()}
        look = Look(now, monotonic, rules, memory, unresolved)
        judged = _judged()
        position = occurrences.read(look, judged=judged)
        found = self._found(look)
        with transaction.atomic():
            _lock()
            rows = Alert.objects.unresolved().select_related("inhibited_by").order_by()
            changed = Changed({alert.key: alert for alert in rows})
            self._write(look, found, changed)
            evaluation = Evaluation.objects.filter(pk=Evaluation.ONLY)
            evaluation.update(position=max(position, judged))
            if _all_judged(look):
                evaluation.update(checked_at=now)
        memory.position = position

    def _found(self, look: Look) -> dict[str, Found]:
        """The findings of every code that is due."""
        found: dict[str, Found] = {}
        for name, condition in CONDITIONS.items():
            if not look.rules.is_enabled(name):
                found[name] = Found([])
                look.memory.succeeded[name] = look.monotonic
                continue
            last = look.memory.asked.get(name)
            if last is not None and look.monotonic - last < CODES[name].every_s:
                continue
            # Set first: a query that times out would be repeated by every look.
            look.memory.asked[name] = look.monotonic
            try:
                found[name] = condition(look)
            except (DatabaseError, OSError) as error:
                # Not judged by this look. The other conditions may need other tables.
                log.warning("alerts.condition_failed", code=name, error=str(error).strip())
            else:
                look.memory.succeeded[name] = look.monotonic
        happened: dict[str, dict[str, Finding]] = defaultdict(dict)
        for finding in look.occurrences:
            before = happened[finding.code].get(finding.key)
            times = finding.times + (before.times if before is not None else 0)
            happened[finding.code][finding.key] = finding._replace(times=times)
        for name, code in CODES.items():
            if code.kind == Kind.OCCURRENCE:
                found[name] = Found(list(happened[name].values()), ended=look.ended)
        return _without_test(found)

    def _write(self, look: Look, found: dict[str, Found], changed: Changed) -> None:
        by_code: dict[str, list[Alert]] = defaultdict(list)
        for alert in changed.unresolved.values():
            by_code[alert.code].append(alert)
        muted: dict[str, list[str]] = defaultdict(list)
        silenced = Alert.objects.filter(is_muted=True).order_by()
        for name, key in silenced.values_list("code", "key")[:_MOST_MUTED]:
            muted[name].append(key)
        is_warm = look.monotonic - look.memory.began >= settings.ALERT_WARMUP
        _resolve_removed(changed, look.now)
        for name, code in CODES.items():
            if name not in found:
                continue
            verdicts = judge(
                name,
                found[name],
                unresolved=[one for one in by_code[name] if one.key in changed.unresolved],
                muted=set(muted[name]),
                rules=look.rules,
                pending=look.memory.pending,
                now=look.now,
                monotonic=look.monotonic,
                # Occurrences are read once: they can't wait.
                may_open=is_warm or not code.waits or code.kind == Kind.OCCURRENCE,
            )
            _apply(verdicts, changed, look)
        _resolve_unknown(changed, look.now)
        places = {one.charge_point_id for one in changed.unresolved.values() if one.charge_point_id}
        storing.suppress(changed, maintenance.maintained(places, look.now), look.now)
        storing.expire(changed, look.now)
        changes.publish(changed.changes)


def _all_judged(look: Look) -> bool:
    """Whether no condition has failed for several of its intervals."""
    memory, late = look.memory, list[str]()
    for name in CONDITIONS:
        longest = _FAILED_INTERVALS * max(CODES[name].every_s, settings.ALERT_INTERVAL)
        if look.monotonic - memory.succeeded.get(name, memory.began) > longest:
            late.append(name)
    if late:
        log.warning("alerts.not_judged", codes=late)
    return not late


def _without_test(found: dict[str, Found]) -> dict[str, Found]:
    """The findings without those about stations of the test site, to which no operator has to react."""
    sites = set(Site.objects.filter(is_test=True).values_list("pk", flat=True))
    if not sites:
        return found
    test = set(ChargePoint.objects.of_test().order_by().values_list("identity", flat=True))
    return {
        name: one._replace(
            findings=[each for each in one.findings if each.site not in sites and each.station not in test]
        )
        for name, one in found.items()
    }


def _apply(verdicts: Verdicts, changed: Changed, look: Look) -> None:
    storing.update(changed, verdicts.updates, look.now)
    storing.recover(verdicts.recovering, look.now)
    storing.resolve(changed, verdicts.resolved, look.now, Alert.Resolution.RECOVERED)
    storing.resolve(changed, verdicts.dropped, look.now, Alert.Resolution.RULE_REMOVED)
    storing.open_alerts(changed, verdicts.openings, look.now)
    if verdicts.unmuted:
        Alert.objects.filter(key__in=verdicts.unmuted, is_muted=True).update(is_muted=False)


def _resolve_removed(changed: Changed, now: datetime) -> None:
    """Resolve the alerts of stations that were deleted. Refused connections need no station."""
    removed = [
        alert
        for alert in changed.unresolved.values()
        if alert.station and alert.charge_point_id is None and alert.code != stations.REFUSED.name
    ]
    storing.resolve(changed, removed, now, Alert.Resolution.REMOVED)


def _resolve_unknown(changed: Changed, now: datetime) -> None:
    """Resolve the alerts of codes that this version of the server no longer has."""
    unknown = [alert for alert in changed.unresolved.values() if alert.code not in CODES]
    storing.resolve(changed, unknown, now, Alert.Resolution.RULE_REMOVED)


def _judged() -> int:
    """The position up to which events were judged. The first evaluation begins with new events."""
    row = Evaluation.objects.filter(pk=Evaluation.ONLY).values_list("position", flat=True).first()
    if row is not None:
        return row
    position = reading.last_position()
    Evaluation.objects.bulk_create([Evaluation(position=position)], ignore_conflicts=True)
    return position


def _lock() -> None:
    """Lock the evaluation until the transaction ends: by an update, because SQLite has no row locks."""
    Evaluation.objects.filter(pk=Evaluation.ONLY).update(position=F("position"))


# -- the job -----------------------------------------------------------------------------------------------

_evaluator: Final = Evaluator()
_thread: Final = ThreadPoolExecutor(1, thread_name_prefix="alerts")


async def evaluate() -> None:
    """Evaluate all rules in the thread of alerts."""
    await asyncio.get_running_loop().run_in_executor(_thread, _in_the_thread)


def _in_the_thread() -> None:
    if connection.connection is None:
        database.leave_pool(lock_wait_ms=LOCK_WAIT_MS, statement_ms=STATEMENT_MS)
    try:
        _evaluator.look()
    finally:
        # An idle connection of each process would be one of the few that PostgreSQL has.
        connection.close()
