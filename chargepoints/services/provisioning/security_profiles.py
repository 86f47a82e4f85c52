"""The change of a station's security profile (1.6 security whitepaper and 2.x, A05).

The next profile is committed before anything is sent, so that a crash can't lock the station out. From then
on the handshake admits both profiles, until

- the station connects at the next one: it is its profile now, and the old one is refused;
- the station refuses, or can't be asked: the old one stays;
- the station has returned at the old one, and the time that it had is over (`returned`, `settle`): it has
  fallen back.

A station that does not return keeps both. Only a lower profile (2.1) is refused again when the time is up
(`ocpp_server.transport.handshake.profiles`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from chargepoints.models import ChargePoint, SecurityProfileChange
from chargepoints.services import security
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events
from ocpp_server.protocol.versions import can_lower_profile, in_dialect, label

State = SecurityProfileChange.State

# The newest rows of a station are kept.
MOST_PER_STATION: Final = 20
_NONE: Final[dict[str, Any]] = {"next_security_profile": None, "next_security_profile_until": None}
# The columns that a profile set by an operator clears.
NEXT: Final = frozenset(_NONE)
_AT_ONCE: Final = 200


def fault(*, present: int, target: int, version: str, allows_downgrade: bool) -> str:
    """Why OCPP can't change a station of this profile to another one, as a sentence; empty if it can.

    `allows_downgrade`: whether it has reported SecurityCtrlr.AllowSecurityProfileDowngrade as true.
    """
    if target == present:
        return f"The station has security profile {present} already."
    if target > present:
        return ""
    on_site = "Change it at the station itself and in its settings here."
    if not can_lower_profile(version, present, target):
        return (
            f"The station has security profile {present}. OCPP {label(version)} has no way to lower it to "
            f"{target}. {on_site}"
        )
    if not allows_downgrade:
        return (
            "The station has not reported SecurityCtrlr.AllowSecurityProfileDowngrade as true: it would "
            f"refuse profile {target}. Read the variable, or set it first. {on_site}"
        )
    return ""


def offer(
    charge_point_pk: int, *, target: int, window: int, command_id: str, actor: str, **columns: Any
) -> SecurityProfileChange:
    """Admit the profile `target` beside the present one from now on.

    `columns` are those of the row: slot, csms_url, justification. Raises Conflict while another change is
    open, unless it is the same one whose commands have ended.
    """
    now = datetime.now(UTC)
    with transaction.atomic():
        station = ChargePoint.objects.select_for_update().get(pk=charge_point_pk)
        before = station.security_profile_changes.filter(ended_at__isnull=True).order_by("-pk").first()
        if before is not None and (before.state != State.AWAITED or before.target != target):
            raise Conflict(
                f"{station.identity} is being changed to security profile {before.target}: both profiles are "
                "admitted until it has connected. Wait for it, or set the profile in its settings.",
                code=Code.PROFILE_CHANGING,
            )
        if before is not None:
            _end(before, State.CANCELLED, "It was requested again.", now)
        ChargePoint.objects.filter(pk=station.pk).update(
            next_security_profile=target, next_security_profile_until=now + timedelta(seconds=window)
        )
        kept = station.security_profile_changes.order_by("-pk")[: MOST_PER_STATION - 1]
        station.security_profile_changes.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
        return SecurityProfileChange.objects.create(
            charge_point=station,
            previous=station.security_profile,
            target=target,
            window=window,
            actor=actor[:150],
            first_command=command_id,
            command_id=command_id,
            created_at=now,
            stepped_at=now,
            **columns,
        )


def step(
    change: SecurityProfileChange, state: str, *, answer: str = "", command_id: str = "", reason: str = ""
) -> bool:
    """Go on to the next step, in which the command `command_id` is sent. False if another process has done
    so, or if the change has ended.
    """
    now = datetime.now(UTC)
    columns = {"state": state, "steps": _steps(change, answer), "stepped_at": now, "reason": reason[:500]}
    if command_id:
        columns["command_id"] = command_id
    with transaction.atomic():
        present = SecurityProfileChange.objects.filter(
            pk=change.pk, state=change.state, command=change.command_id, ended_at__isnull=True
        )
        if not present.update(**columns):
            return False
        if state == State.AWAITED:
            ChargePoint.objects.filter(pk=change.charge_point_id, next_security_profile=change.target).update(
                next_security_profile_until=now + timedelta(seconds=change.window)
            )
    change.refresh_from_db()
    return True


def withdraw(change: SecurityProfileChange, state: str, reason: str) -> None:
    """Admit the present profile only: the station has not been changed. Nothing if the change has ended."""
    with transaction.atomic():
        ChargePoint.objects.select_for_update().get(pk=change.charge_point_id)
        row = SecurityProfileChange.objects.filter(pk=change.pk, ended_at__isnull=True).first()
        if row is not None:
            _close(row, state, reason)


def cancel(charge_point_pk: int, reason: str) -> None:
    """End an open change: an operator has set the profile. The caller clears the columns of the station."""
    for row in SecurityProfileChange.objects.filter(charge_point=charge_point_pk, ended_at__isnull=True):
        _end(row, State.CANCELLED, reason, datetime.now(UTC))


def returned(charge_point_pk: int, profile: int) -> None:
    """The station has connected at this profile while two are admitted."""
    with transaction.atomic():
        station = ChargePoint.objects.select_for_update().get(pk=charge_point_pk)
        row = station.security_profile_changes.filter(ended_at__isnull=True).order_by("-pk").first()
        if station.next_security_profile is None or row is None:
            return
        if profile == station.next_security_profile:
            _take(station, row)
        elif _is_over(station, row) and _is_back(station, row, is_connecting=True):
            _close(row, State.FELL_BACK, _fallen_back(row))


def settle() -> None:
    """End the changes of connected stations that have returned at the old profile in their time.

    A 2.x station restarts first, maybe hours later when its sessions have ended: before its boot, a lost
    connection means nothing.
    """
    open_ones = SecurityProfileChange.objects.filter(
        ended_at__isnull=True,
        state=State.AWAITED,
        charge_point__is_online=True,
        charge_point__next_security_profile_until__lt=datetime.now(UTC),
        charge_point__connected_at__gt=F("created_at"),
    ).order_by("pk")
    for pk in open_ones.values_list("pk", flat=True)[:_AT_ONCE]:
        _settle(pk)


def _settle(change_pk: int) -> None:
    with transaction.atomic():
        row = SecurityProfileChange.objects.get(pk=change_pk)
        station = ChargePoint.objects.select_for_update().get(pk=row.charge_point_id)
        row.refresh_from_db()
        is_open = row.ended_at is None and station.next_security_profile == row.target
        if is_open and _is_back(station, row):
            _close(row, State.FELL_BACK, _fallen_back(row))


def _is_over(station: ChargePoint, row: SecurityProfileChange) -> bool:
    until = station.next_security_profile_until
    return row.state == State.AWAITED and (until is None or until < datetime.now(UTC))


def _is_back(station: ChargePoint, row: SecurityProfileChange, *, is_connecting: bool = False) -> bool:
    """Whether the station has returned since the last command was sent: by a connection in 1.6, a boot in
    2.x.
    """
    sent_at = datetime.fromisoformat(row.steps[-1]["at"])
    connected_at = datetime.now(UTC) if is_connecting else station.connected_at
    returned_at = in_dialect(station.ocpp_version, connected_at, station.last_boot_at)
    return returned_at is not None and returned_at > sent_at


def _steps(row: SecurityProfileChange, answer: str) -> list[dict[str, str]]:
    """The steps with the present one: when it began, and the answer that ended it."""
    return [*row.steps, {"state": row.state, "at": row.stepped_at.isoformat(), "answer": answer[:100]}]


def _fallen_back(row: SecurityProfileChange) -> str:
    sentence = f"The station has returned at security profile {row.previous}: it could not use {row.target}."
    if row.slot is None:
        return sentence
    return (
        f"{sentence} Slot {row.slot} may still be first in OCPPCommCtrlr.NetworkConfigurationPriority: the "
        "station tries it again when it restarts."
    )


def _take(station: ChargePoint, row: SecurityProfileChange) -> None:
    ChargePoint.objects.filter(pk=station.pk).update(security_profile=row.target, **_NONE)
    _end(row, State.PROVED, "", datetime.now(UTC))
    sentence = f"From {row.previous} to {row.target}: a connection at {row.previous} is refused now."
    security.record(charge_point=station, type="SecurityProfileChanged", tech_info=sentence)
    outbox.emit(
        events.UPDATED,
        station=station.identity,
        site=station.site_id,
        changed=["securityProfile"],
        actor=row.actor,
    )


def _close(row: SecurityProfileChange, state: str, reason: str) -> None:
    """End a change without success; the station keeps its profile."""
    ChargePoint.objects.filter(pk=row.charge_point_id, next_security_profile=row.target).update(**_NONE)
    _end(row, state, reason, datetime.now(UTC))
    if state == State.FELL_BACK:
        security.record(charge_point=row.charge_point, type="SecurityProfileFellBack", tech_info=reason)


def _end(row: SecurityProfileChange, state: str, reason: str, now: datetime) -> None:
    row.steps = _steps(row, "")
    row.state, row.reason, row.ended_at, row.stepped_at = state, reason[:500], now, now
    row.save(update_fields=["steps", "state", "reason", "ended_at", "stepped_at"])
    outbox.emit(
        events.SECURITY_PROFILE,
        station=row.charge_point.identity,
        site=row.charge_point.site_id,
        state=row.state,
        previous=row.previous,
        target=row.target,
        reason=row.reason,
        actor=row.actor,
    )
