"""Compares what the conditions find with the alerts that are unresolved: pure, and without a database.

1. A finding that has lasted for the time of its rule opens an alert; until then its key is pending in memory.
2. A finding of an unresolved alert may raise its severity, and ends its recovery.
3. An unresolved alert without a finding recovers, and resolves after the second time of its rule.
4. A key that was resolved by hand opens nothing until its condition was over once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from alerts.models import Alert, Severity
from alerts.services.codes import CODES
from alerts.services.codes.declaration import Kind
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.rulebook import Rulebook, Settings

# Unresolved alerts of one code. One more alert then counts the others.
MOST_OF_A_CODE: Final = 500
# A pending key that an incomplete look has not found is kept for this time.
UNSEEN_KEPT_S: Final = 3600.0
# The end of the key of that one.
OTHERS: Final = "others"
# A change of the value or the time alone is written this often: a write for each alert at each look would
# cost more than the looks.
REFRESHED_EVERY: Final = timedelta(minutes=5)


class Opening(NamedTuple):
    finding: Finding
    settings: Settings
    severity: Severity


class Update(NamedTuple):
    """A change of an unresolved alert that its finding leads to."""

    alert: Alert
    finding: Finding
    severity: Severity


@dataclass(slots=True)
class Verdicts:
    """The changes that one look at one code leads to."""

    openings: list[Opening] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    recovering: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    # Their rule was disabled.
    dropped: list[Alert] = field(default_factory=list)
    # Keys that may open again: their condition is over.
    unmuted: list[str] = field(default_factory=list)


class Pending:
    """Since when findings hold that have no alert yet. In memory: after a restart they begin again."""

    def __init__(self) -> None:
        self._since: dict[str, dict[str, float]] = {}
        self._seen: dict[str, dict[str, float]] = {}

    def replace(
        self, code: str, keys: Collection[str], now: float, *, is_complete: bool = True
    ) -> dict[str, float]:
        """Keep the keys that still hold, begin the new ones now, and forget the others; unless these are all,
        the others may hold too, and are kept for some time.
        """
        before, seen = self._since.get(code, {}), dict.fromkeys(keys, now)
        if not is_complete:
            for key, at in self._seen.get(code, {}).items():
                if now - at <= UNSEEN_KEPT_S:
                    seen.setdefault(key, at)
        self._seen[code] = seen
        self._since[code] = {key: before.get(key, now) for key in seen}
        return self._since[code]


def judge(
    code: str,
    found: Found,
    *,
    unresolved: Sequence[Alert],
    muted: Collection[str],
    rules: Rulebook,
    pending: Pending,
    now: datetime,
    monotonic: float,
    may_open: bool = True,
) -> Verdicts:
    """Judge the findings of one code. `unresolved` and `muted` are those of this code."""
    verdicts = Verdicts()
    by_key = {alert.key: alert for alert in unresolved}
    held: dict[str, tuple[Finding, Settings]] = {}
    for finding in found.findings:
        settings = rules.of(code, station=finding.charge_point, site=finding.site)
        if settings.is_enabled:
            held[finding.key] = (finding, settings)
    new = []
    for key, (finding, settings) in held.items():
        alert = by_key.get(key)
        if alert is not None:
            update = _updated(alert, finding, settings, code, now)
            if update is not None:
                verdicts.updates.append(update)
        elif key not in muted or settings.reopens or CODES[code].kind == Kind.OCCURRENCE:
            new.append(key)
    since = pending.replace(code, new, monotonic, is_complete=found.is_complete)
    ripe = [key for key in new if monotonic - since[key] >= _wait(*held[key])] if may_open else []
    room = max(0, MOST_OF_A_CODE - len(by_key))
    if len(ripe) > room:
        key = _count_others(code, len(ripe) - room, held, rules)
        if (alert := by_key.get(key)) is None:
            ripe.insert(0, key)
            room += 1
        elif (update := _updated(alert, *held[key], code, now)) is not None:
            verdicts.updates.append(update)
    for key in ripe[:room]:
        finding, settings = held[key]
        verdicts.openings.append(Opening(finding, settings, _severity(finding, settings, None, now)))
    if CODES[code].kind == Kind.OCCURRENCE:
        _let_rest(verdicts, by_key, held, rules, now, ended=found.ended)
        _let_others_rest(verdicts, code, by_key, held, rules)
    elif found.is_complete:
        _let_recover(verdicts, by_key, held, rules, now)
        verdicts.unmuted = [key for key in muted if key not in held]
    return verdicts


def _count_others(code: str, number: int, held: dict[str, tuple[Finding, Settings]], rules: Rulebook) -> str:
    """Add the finding that counts what is beyond MOST_OF_A_CODE. Returns its key."""
    key = key_of(code, OTHERS)
    title = f"{CODES[code].label}: {number:,} more"
    held[key] = (Finding(code=code, key=key, title=title, value=number), rules.of(code))
    return key


def _wait(finding: Finding, settings: Settings) -> int:
    return settings.for_s if finding.for_s is None else max(finding.for_s, settings.for_s)


def _severity(finding: Finding, settings: Settings, alert: Alert | None, now: datetime) -> Severity:
    found = [settings.severity]
    if finding.severity is not None:
        found.append(finding.severity)
    if alert is not None:
        # A severity never falls while the alert is unresolved.
        found.append(Severity(alert.severity))
        after = settings.critical_after_s
        # The condition has lasted for `for_s` before the alert was opened.
        if after is not None and now - alert.opened_at >= timedelta(seconds=after - settings.for_s):
            found.append(Severity.CRITICAL)
    return max(found, key=lambda one: one.rank)


def _updated(alert: Alert, finding: Finding, settings: Settings, code: str, now: datetime) -> Update | None:
    severity = _severity(finding, settings, alert, now)
    is_due = now - alert.last_seen_at >= REFRESHED_EVERY
    is_new = CODES[code].kind == Kind.OCCURRENCE
    if is_new or is_due or severity != alert.severity or alert.is_recovering:
        return Update(alert, finding, severity)
    return None


def _let_recover(
    verdicts: Verdicts,
    by_key: Mapping[str, Alert],
    held: Mapping[str, tuple[Finding, Settings]],
    rules: Rulebook,
    now: datetime,
) -> None:
    for key, alert in by_key.items():
        if key in held:
            continue
        settings = rules.of(alert.code, station=alert.charge_point_id, site=alert.site_id)
        if not settings.is_enabled:
            verdicts.dropped.append(alert)
        elif not settings.auto_resolve:
            continue
        elif not settings.keep_for_s or (
            alert.recovering_since is not None
            and now - alert.recovering_since >= timedelta(seconds=settings.keep_for_s)
        ):
            verdicts.resolved.append(alert)
        elif alert.recovering_since is None:
            verdicts.recovering.append(alert)


def _let_rest(
    verdicts: Verdicts,
    by_key: Mapping[str, Alert],
    held: Mapping[str, tuple[Finding, Settings]],
    rules: Rulebook,
    now: datetime,
    *,
    ended: Collection[str],
) -> None:
    """Resolve alerts of occurrences whose end was reported, or after a time without another one."""
    for key, alert in by_key.items():
        if key in held:
            continue
        settings = rules.of(alert.code, station=alert.charge_point_id, site=alert.site_id)
        if not settings.is_enabled:
            verdicts.dropped.append(alert)
        elif settings.auto_resolve and (
            key in ended or now - alert.last_seen_at >= timedelta(seconds=settings.keep_for_s)
        ):
            verdicts.resolved.append(alert)


def _let_others_rest(
    verdicts: Verdicts,
    code: str,
    by_key: Mapping[str, Alert],
    held: Mapping[str, tuple[Finding, Settings]],
    rules: Rulebook,
) -> None:
    """Resolve the count of the occurrences beyond the limit, once there is room for others again: no end of
    one of them is known.
    """
    key = key_of(code, OTHERS)
    others = by_key.get(key)
    if others is None or key in held or not rules.of(code).auto_resolve:
        return
    gone = {alert.key for alert in (*verdicts.resolved, *verdicts.dropped)}
    left = len(by_key.keys() - gone - {key}) + len(verdicts.openings)
    if key not in gone and left < MOST_OF_A_CODE:
        verdicts.resolved.append(others)
