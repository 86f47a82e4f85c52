"""Conditions about connectors: faulted, unavailable, stuck. And the clocks of stations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Q

from alerts.models import Severity
from alerts.services import words
from alerts.services.codes import stations
from alerts.services.findings import Finding, Found
from alerts.services.inhibition import key_of
from alerts.services.look import Look
from chargepoints.models import ChargePoint, Connector

_MOST: Final = 5000
_NO_ERROR: Final = "NoError"
# Stations report Faulted with NoError while they start.
_NO_ERROR_FACTOR: Final = 5
_Status: Final = Connector.Status
_OF_STATION: Final = {
    "charge_point__is_online": True,
    "charge_point__registration_status": ChargePoint.Registration.ACCEPTED,
}
_PLACE: Final = (
    "charge_point_id",
    "charge_point__identity",
    "charge_point__site_id",
    "evse__number",
    "number",
)


def _place(row: dict[str, Any], code: str) -> dict[str, Any]:
    """The fields of a finding that say where it is."""
    identity, evse, number = row["charge_point__identity"], row["evse__number"], row["number"]
    return {
        "code": code,
        "key": key_of(code, identity, evse, number),
        "station": identity,
        "charge_point": row["charge_point_id"],
        "site": row["charge_point__site_id"],
        "evse": evse,
        "connector": number,
    }


def _named(row: dict[str, Any]) -> str:
    """`Connector 1 of CP-7`; with the EVSE where the number alone is ambiguous."""
    evse, number = row["evse__number"], row["number"]
    name = f"Connector {number}" if number == evse else f"Connector {number} of EVSE {evse}"
    return f"{name} of {row['charge_point__identity']}"


def faulted(look: Look) -> Found:
    """Stations and connectors that report Faulted."""
    code = stations.FAULTED.name
    connectors = Connector.objects.order_by().filter(status=_Status.FAULTED, **_OF_STATION)
    rows = list(connectors.values(*_PLACE, "error_code", "info", "vendor_error_code")[:_MOST])
    found = []
    for row in rows:
        place = _place(row, code)
        wait = look.rules.of(code, station=place["charge_point"], site=place["site"]).for_s
        found.append(
            Finding(
                **place,
                title=_fault(_named(row), row["error_code"]),
                detail=_details(row["info"], row["vendor_error_code"]),
                for_s=wait * _NO_ERROR_FACTOR if row["error_code"] == _NO_ERROR else None,
            )
        )
    whole = ChargePoint.objects.order_by().filter(
        status=_Status.FAULTED, is_online=True, registration_status=ChargePoint.Registration.ACCEPTED
    )
    columns = ("pk", "identity", "site_id", "error_code", "status_info")
    for pk, identity, site, error, info in whole.values_list(*columns)[:_MOST]:
        wait = look.rules.of(code, station=pk, site=site).for_s
        found.append(
            Finding(
                code=code,
                key=key_of(code, identity),
                title=_fault(identity, error),
                detail=_details(info, ""),
                station=identity,
                charge_point=pk,
                site=site,
                for_s=wait * _NO_ERROR_FACTOR if error == _NO_ERROR else None,
            )
        )
    return Found(found, is_complete=len(rows) < _MOST)


def _fault(name: str, error: str) -> str:
    return f"{name} is faulted" if error in ("", _NO_ERROR) else f"{name} is faulted: {error}"


def _details(info: str, vendor_error: str) -> str:
    parts = []
    if info:
        parts.append(f"The station says: {info}")
    if vendor_error:
        parts.append(f"Code of the vendor: {vendor_error}")
    return "\n".join(parts)


def unavailable(look: Look) -> Found:
    """Connectors out of service that no operator took out of service."""
    code = stations.UNAVAILABLE.name
    rows = Connector.objects.order_by().filter(
        status=_Status.UNAVAILABLE, availability=Connector.Availability.OPERATIVE, **_OF_STATION
    )
    found = [
        Finding(**_place(row, code), title=f"{_named(row)} is unavailable", detail=_details(row["info"], ""))
        for row in rows.values(*_PLACE, "info")[:_MOST]
    ]
    return Found(found, is_complete=len(found) < _MOST)


def stuck(look: Look) -> Found:
    """Connectors in a status that should pass soon."""
    code = stations.STUCK.name
    limits = {_Status.PREPARING: "preparing_s", _Status.FINISHING: "finishing_s"}
    overdue = Q()
    for status, name in limits.items():
        before = look.now - timedelta(seconds=look.rules.lowest(code, name))
        overdue |= Q(status=status, status_received_at__lt=before)
    selected = list(
        Connector.objects.order_by()
        .filter(overdue, status__in=list(limits), **_OF_STATION)
        .values(*_PLACE, "status", "status_received_at")[:_MOST]
    )
    found = []
    for row in selected:
        place = _place(row, code)
        own = look.rules.of(code, station=place["charge_point"], site=place["site"]).parameters
        age = (look.now - row["status_received_at"]).total_seconds()
        if age < own[limits[row["status"]]]:
            continue
        at = words.since(row["status_received_at"], look.now)
        found.append(
            Finding(**place, title=f"{_named(row)} has been {row['status']} since {at}", value=round(age))
        )
    return Found(found, is_complete=len(selected) < _MOST)


def clock(look: Look) -> Found:
    """Stations whose clock is wrong."""
    code = stations.CLOCK.name
    limit = look.rules.lowest(code, "limit_s")
    rows = ChargePoint.objects.order_by().filter(
        # The condition of the partial index; the limit of a rule is not below it.
        Q(clock_skew_s__gt=30) | Q(clock_skew_s__lt=-30),
        Q(clock_skew_s__gt=limit) | Q(clock_skew_s__lt=-limit),
        is_online=True,
        registration_status=ChargePoint.Registration.ACCEPTED,
    )
    found = []
    selected = list(rows.values_list("pk", "identity", "site_id", "clock_skew_s")[:_MOST])
    for pk, identity, site, skew in selected:
        own = look.rules.of(code, station=pk, site=site).parameters
        assert skew is not None  # by the filter
        if abs(skew) <= own["limit_s"]:
            continue
        where = "ahead" if skew > 0 else "behind"
        found.append(
            Finding(
                code=code,
                key=key_of(code, identity),
                title=f"The clock of {identity} is {words.duration(skew)} {where}",
                station=identity,
                charge_point=pk,
                site=site,
                severity=Severity.CRITICAL if abs(skew) > own["critical_s"] else None,
                value=round(skew, 1),
            )
        )
    return Found(found, is_complete=len(selected) < _MOST)
