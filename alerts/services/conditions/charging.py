"""Conditions about sessions: too long, without energy, suspect, in quarantine. And campaigns."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Q

from alerts.models import Severity
from alerts.services import words
from alerts.services.codes import sessions
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import Campaign, CampaignStation, Connector
from transactions.models import QuarantinedMessage, Transaction
from transactions.services.transactions.suspicion import code_of
from transactions.services.transactions.suspicion import words as sentences

_MOST: Final = 2000
_CHARGED: Final = "charged-unauthorized"
_COLUMNS: Final = ("pk", "charge_point_id", "charge_point__identity", "charge_point__site_id", "started_at")


def _about(row: dict[str, Any], code: str) -> dict[str, Any]:
    """The fields of a finding about a session."""
    return {
        "code": code,
        "key": key_of(code, row["pk"]),
        "station": row["charge_point__identity"],
        "charge_point": row["charge_point_id"],
        "site": row["charge_point__site_id"],
        "transaction": row["pk"],
    }


def long(look: Look) -> Found:
    """Sessions that are active for long."""
    code = sessions.LONG.name
    before = look.now - timedelta(seconds=look.rules.lowest(code, "after_s"))
    rows = Transaction.objects.active().order_by().filter(started_at__lt=before, charges_battery=False)
    selected = list(rows.values(*_COLUMNS)[:_MOST])
    found = []
    for row in selected:
        limits = look.rules.of(code, station=row["charge_point_id"], site=row["charge_point__site_id"])
        age = (look.now - row["started_at"]).total_seconds()
        if age >= limits.parameters["after_s"]:
            found.append(
                Finding(
                    **_about(row, code),
                    title=f"Session {row['pk']} at {row['charge_point__identity']} has been active since "
                    f"{words.since(row['started_at'], look.now)}",
                    value=round(age),
                )
            )
    return Found(found, is_complete=len(selected) < _MOST)


def without_energy(look: Look) -> Found:
    """Active sessions that draw nothing although their connector says Charging."""
    code = sessions.NO_ENERGY.name
    before = look.now - timedelta(seconds=look.rules.lowest(code, "after_s"))
    rows = Transaction.objects.active().order_by()
    rows = rows.filter(
        started_at__lt=before,
        energy_wh__lt=look.rules.highest(code, "energy_wh"),
        charges_battery=False,
        charge_point__is_online=True,
    )
    columns = (*_COLUMNS, "energy_wh", "charging_state", "evse_number", "connector_number")
    selected = list(rows.values(*columns)[:_MOST])
    charging = _charging({row["charge_point_id"] for row in selected if not row["charging_state"]})
    found = []
    for row in selected:
        place = (row["charge_point_id"], row["evse_number"], row["connector_number"])
        # 1.6 has no charging state, but the status of the connector.
        if row["charging_state"] != "Charging" and (row["charging_state"] or place not in charging):
            continue
        limits = look.rules.of(code, station=row["charge_point_id"], site=row["charge_point__site_id"])
        age = (look.now - row["started_at"]).total_seconds()
        if age < limits.parameters["after_s"] or row["energy_wh"] >= limits.parameters["energy_wh"]:
            continue
        about = _about(row, code)
        found.append(
            Finding(
                **about,
                evse=row["evse_number"],
                connector=row["connector_number"],
                title=f"Session {row['pk']} at {about['station']} has drawn no energy since "
                f"{words.since(row['started_at'], look.now)}",
                detail=f"{row['energy_wh']:.0f} Wh in {words.duration(age)}.",
                value=round(row["energy_wh"], 3),
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)


def _charging(stations: set[int]) -> set[tuple[int, int | None, int | None]]:
    """The connectors of these stations that report Charging."""
    rows = Connector.objects.order_by().filter(charge_point__in=stations, status=Connector.Status.CHARGING)
    return set(rows.values_list("charge_point_id", "evse__number", "number")) if stations else set()


def suspect(look: Look) -> Found:
    """Ended sessions with suspicions that no operator has settled."""
    return _suspect(look, sessions.SUSPECT.name, unauthorized=False)


def unauthorized(look: Look) -> Found:
    """Ended sessions that drew energy with a refused token."""
    return _suspect(look, sessions.UNAUTHORIZED.name, unauthorized=True)


def _suspect(look: Look, code: str, *, unauthorized: bool) -> Found:
    since = look.now - timedelta(seconds=look.rules.highest(code, "within_s"))
    rows = Transaction.objects.filter(suspect=True, status=Transaction.Status.ENDED, updated_at__gte=since)
    found = []
    selected = list(rows.order_by("-id").values(*_COLUMNS, "suspect_reasons", "energy_wh")[:_MOST])
    for row in selected:
        reasons = [code_of(reason) for reason in row["suspect_reasons"]]
        if (_CHARGED in reasons) != unauthorized:
            continue
        about = _about(row, code)
        said = "drew energy without authorization" if unauthorized else "is suspect"
        found.append(
            Finding(
                **about,
                title=f"Session {row['pk']} at {about['station']} {said}",
                detail="\n".join(f"{sentence}." for sentence in sentences(row["suspect_reasons"])),
                value=round(row["energy_wh"], 3),
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)


def quarantine(look: Look) -> Found:
    """Stations with messages in quarantine."""
    code = sessions.QUARANTINE.name
    rows = QuarantinedMessage.objects.open().order_by()
    counted = rows.values_list("charge_point_id", "charge_point__identity", "charge_point__site_id").annotate(
        Count("pk")
    )
    found = [
        Finding(
            code=code,
            key=key_of(code, identity),
            title=f"{words.counted(number, 'message')} of {identity} in quarantine",
            station=identity,
            charge_point=pk,
            site=site,
            value=number,
        )
        for pk, identity, site, number in counted[:_MOST]
    ]
    return Found(found, is_complete=len(found) < _MOST)


def campaigns(look: Look) -> Found:
    """Campaigns that pause after failures, or have ended with some."""
    code = sessions.CAMPAIGN.name
    limits = look.rules.of(code).parameters
    since = look.now - timedelta(seconds=limits["within_s"])
    is_paused = Q(state=Campaign.State.PAUSED) & ~Q(pause_reason="")
    rows = Campaign.objects.order_by("-id").filter(
        is_paused | Q(state=Campaign.State.FINISHED, finished_at__gte=since)
    )
    selected = list(rows.values_list("pk", "name", "state", "pause_reason")[:_MOST])
    states = CampaignStation.objects.order_by().filter(campaign__in=[row[0] for row in selected])
    failed: dict[int, int] = {}
    total: dict[int, int] = {}
    for pk, state, number in states.values_list("campaign", "state").annotate(Count("pk")):
        total[pk] = total.get(pk, 0) + number
        if state == CampaignStation.State.FAILED:
            failed[pk] = number
    found = []
    for pk, name, state, reason in selected:
        number = failed.get(pk, 0)
        is_running = state == Campaign.State.PAUSED
        if not number and not is_running:
            continue
        is_critical = number * 100 >= limits["percent"] * max(1, total.get(pk, 0))
        found.append(
            Finding(
                code=code,
                key=key_of(code, pk),
                title=f"Campaign {name} failed at {words.counted(number, 'station')}"
                + (" and is paused" if is_running else ""),
                detail=reason,
                severity=Severity.CRITICAL if is_critical else None,
                value=number,
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)
