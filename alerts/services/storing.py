"""Writes the verdicts of a look: alerts open, change, recover and resolve, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from alerts.models import Alert, Severity
from alerts.services import inhibition
from alerts.services.changes import Change, Kind
from alerts.services.codes import CODES
from alerts.services.findings import Finding
from alerts.services.judging import Opening, Update
from alerts.services.rulebook import Settings
from chargepoints.models import ChargePoint

# Opened again within this time after its end, an alert is the same row with its next episode.
REOPENED_WITHIN: Final = timedelta(minutes=15)
# An acknowledgement lapses after this time.
ACKNOWLEDGED_FOR: Final = timedelta(days=1)
SERVER: Final = "server"
_TITLE: Final = 200
_DETAIL: Final = 4000

_Resolution: Final = Alert.Resolution
_State: Final = Alert.State


@dataclass(slots=True)
class Changed:
    """The alerts of a look as they are now, and what is to be announced about them."""

    unresolved: dict[str, Alert]
    changes: list[Change] = field(default_factory=list)


def resolve(changed: Changed, alerts: Iterable[Alert], now: datetime, resolution: str) -> None:
    """Resolve alerts whose cause is over; those that an operator has resolved meanwhile stay as they are."""
    keys = [alert.pk for alert in alerts]
    for alert in _locked(keys):
        alert.state, alert.resolution, alert.resolved_by = _State.RESOLVED, resolution, SERVER
        alert.resolved_at, alert.recovering_since, alert.is_muted = now, None, False
        alert.save(
            update_fields=[
                "state",
                "resolution",
                "resolved_by",
                "resolved_at",
                "recovering_since",
                "is_muted",
                "updated_at",
            ]
        )
        changed.unresolved.pop(alert.key, None)
        changed.changes.append(Change(alert, Kind.RESOLVED))


def recover(alerts: Sequence[Alert], now: datetime) -> None:
    """Note that the conditions of these alerts are over, for now."""
    if alerts:
        rows = Alert.objects.unresolved().filter(pk__in=[alert.pk for alert in alerts])
        rows.update(recovering_since=now, updated_at=now)


def update(changed: Changed, updates: Sequence[Update], now: datetime) -> None:
    """Write new values, higher severities, and the end of a recovery."""
    wanted = {each.alert.pk: each for each in updates}
    for alert in _locked(list(wanted)):
        finding, severity = wanted[alert.pk].finding, wanted[alert.pk].severity
        has_risen = severity.rank > Severity(alert.severity).rank
        alert.severity, alert.last_seen_at, alert.recovering_since = severity, now, None
        alert.count += finding.times
        alert.values = _values(alert.values, finding.value)
        if finding.charge_point is not None:
            alert.site_id = finding.site
        fields = ["severity", "last_seen_at", "recovering_since", "count", "values", "site", "updated_at"]
        if has_risen and alert.state == _State.ACKNOWLEDGED:
            # The operator has acknowledged a lower severity.
            alert.state, alert.acknowledged_at, alert.acknowledged_by = _State.OPEN, None, ""
            fields += ["state", "acknowledged_at", "acknowledged_by"]
        if has_risen or CODES[alert.code].every_s or finding.detail != alert.detail:
            alert.title, alert.detail = finding.title[:_TITLE], finding.detail[:_DETAIL]
            fields += ["title", "detail"]
        alert.save(update_fields=fields)
        changed.unresolved[alert.key] = alert
        if has_risen:
            changed.changes.append(Change(alert, Kind.RISEN))


def open_alerts(changed: Changed, openings: Sequence[Opening], now: datetime) -> None:
    """Open alerts; one that ended shortly before opens again as the same row."""
    if not openings:
        return
    keys = [each.finding.key for each in openings]
    ended = Alert.objects.filter(key__in=keys, resolved_at__gte=now - REOPENED_WITHIN).order_by("id")
    before = {alert.key: alert for alert in ended.select_for_update()}
    known = _charge_points({each.finding.station for each in openings if each.finding.charge_point is None})
    new, opened = [], []
    for finding, settings, severity in openings:
        columns = _columns(finding, settings, severity, now)
        station = known.get(finding.station)
        if station is not None:
            columns["charge_point_id"], columns["site_id"] = station
        alert = before.get(finding.key)
        kind = Kind.OPENED
        if alert is None:
            alert = Alert(key=finding.key, code=finding.code, count=finding.times, **columns)
            alert.values = _values({}, finding.value)
            new.append(alert)
        else:
            kind = Kind.REOPENED
            _open_again(alert, finding, columns)
        opened.append(Change(alert, kind))
    Alert.objects.bulk_create(new)
    changed.unresolved |= {change.alert.key: change.alert for change in opened}
    changed.changes += opened


def _open_again(alert: Alert, finding: Finding, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(alert, name, value)
    alert.episode += 1
    alert.count += finding.times
    alert.values = _values(alert.values, finding.value)
    alert.resolution = alert.resolved_by = alert.acknowledged_by = ""
    alert.resolved_at = alert.acknowledged_at = alert.recovering_since = alert.snoozed_until = None
    alert.first_acknowledged_at = None
    alert.is_muted = False
    alert.save()


def _columns(finding: Finding, settings: Settings, severity: str, now: datetime) -> dict[str, Any]:
    return {
        "rule_id": settings.pk,
        "station": finding.station,
        "charge_point_id": finding.charge_point,
        "site_id": finding.site,
        "evse_number": finding.evse,
        "connector_number": finding.connector,
        "transaction_id": finding.transaction,
        "severity": severity,
        "state": _State.OPEN,
        "title": finding.title[:_TITLE],
        "detail": finding.detail[:_DETAIL],
        "what_to_do": "\n".join(filter(None, (CODES[finding.code].what_to_do, settings.note))),
        "suppression": "",
        "inhibited_by": None,
        "opened_at": now,
        "last_seen_at": now,
    }


def _charge_points(identities: set[str]) -> dict[str, tuple[int, int | None]]:
    """The row and the site of stations that a finding knows by the identity alone."""
    identities.discard("")
    if not identities:
        return {}
    rows = ChargePoint.objects.by_identities(identities).order_by()
    return {identity: (pk, site) for identity, pk, site in rows.values_list("identity", "pk", "site_id")}


def suppress(changed: Changed, maintained: set[int], now: datetime) -> None:
    """Mark what another alert explains or what is in maintenance, and announce what no longer is."""
    causes = {
        alert.key: inhibition.cause_of(alert, changed.unresolved) for alert in changed.unresolved.values()
    }
    silent: dict[tuple[str, int | None], list[int]] = {}
    for key, alert in changed.unresolved.items():
        cause = causes[key]
        if alert.charge_point_id in maintained and alert.charge_point_id is not None:
            wanted: tuple[str, int | None] = (Alert.Suppression.MAINTENANCE, None)
        elif cause is not None:
            wanted = (Alert.Suppression.INHIBITED, cause.pk)
        elif alert.suppression == Alert.Suppression.INHIBITED and not _is_judged_again(alert, changed, now):
            continue
        else:
            wanted = ("", None)
        if (alert.suppression, alert.inhibited_by_id) == wanted:
            continue
        was_silent = bool(alert.suppression)
        alert.suppression, alert.inhibited_by_id = wanted
        silent.setdefault(wanted, []).append(alert.pk)
        if was_silent and not alert.suppression and alert.state == _State.OPEN:
            changed.changes.append(Change(alert, Kind.RESUMED))
    for (suppression, cause_pk), keys in silent.items():
        rows = Alert.objects.filter(pk__in=keys)
        rows.update(suppression=suppression, inhibited_by=cause_pk, updated_at=now)


def _is_judged_again(alert: Alert, changed: Changed, now: datetime) -> bool:
    """Whether an inhibited alert without a cause counts on its own: its cause has been over for long enough,
    or explains it no more.
    """
    cause = alert.inhibited_by
    if cause is None or cause.key in changed.unresolved:
        return True
    # Without a time here it was resolved by this look.
    return cause.resolved_at is not None and now - cause.resolved_at >= inhibition.JUDGED_AGAIN_AFTER


def expire(changed: Changed, now: datetime) -> None:
    """End acknowledgements that are older than a day, and snoozes whose time has come."""
    for alert in list(changed.unresolved.values()):
        if alert.acknowledged_at is not None and now - alert.acknowledged_at >= ACKNOWLEDGED_FOR:
            rows = Alert.objects.filter(pk=alert.pk, acknowledged_at=alert.acknowledged_at)
            alert.state, alert.acknowledged_at, alert.acknowledged_by = _State.OPEN, None, ""
            if rows.update(state=_State.OPEN, acknowledged_at=None, acknowledged_by="", updated_at=now):
                changed.changes.append(Change(alert, Kind.RESUMED))
        if alert.snoozed_until is not None and alert.snoozed_until <= now:
            rows = Alert.objects.filter(pk=alert.pk, snoozed_until=alert.snoozed_until)
            alert.snoozed_until = None
            if rows.update(snoozed_until=None, updated_at=now) and alert.state == _State.OPEN:
                changed.changes.append(Change(alert, Kind.RESUMED))


def _values(before: dict[str, Any], value: float | None) -> dict[str, Any]:
    """The first, last and highest value."""
    if value is None:
        return before
    highest = before.get("max", value)
    return {"first": before.get("first", value), "last": value, "max": max(highest, value)}


def _locked(keys: Sequence[int]) -> list[Alert]:
    """These alerts, unless they were resolved meanwhile, locked until the transaction ends."""
    if not keys:
        return []
    rows = Alert.objects.unresolved().filter(pk__in=keys).order_by("id")
    return list(rows.select_for_update())
