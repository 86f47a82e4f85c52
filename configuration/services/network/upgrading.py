"""The change of a station's security profile over OCPP: what is needed before, and the steps (A05).

1.6: ChangeConfiguration SecurityProfile. 2.x: the profile in a free slot, this slot first in
NetworkConfigurationPriority, and a reset when the station is idle. The module of the same purpose in
`configuration.commands.variables` sends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from chargepoints.models import ChargePoint, Command, SecurityProfileChange
from chargepoints.services.provisioning import security_profiles, trust
from chargepoints.services.provisioning.passwords import was_refused
from chargepoints.services.provisioning.security_profiles import State
from configuration.models import NetworkProfile, ReportedKey
from configuration.services.network import listeners, slot_in_use
from configuration.services.variables import reported
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.transport import outcomes
from ocpp_server.transport.handshake.profiles import WITH_CERTIFICATE, WITH_PASSWORD, WITH_TLS

PRIORITY: Final = "OCPPCommCtrlr.NetworkConfigurationPriority"
DOWNGRADE: Final = "SecurityCtrlr.AllowSecurityProfileDowngrade"
# The 1.6 key.
KEY: Final = "SecurityProfile"
# Slots that are tried where the station has not reported which ones it has.
_USUAL_SLOTS: Final = range(1, 10)
# The actions that are sent in the states after the first.
ACTIONS: Final[dict[str, str]] = {State.ORDERING: "SetVariables", State.RESTARTING: "Reset"}
# Seconds that a station has to return, unless the operator gives another time.
DEFAULT_WINDOW: Final = 900
# A command that has no row after this time was not sent: its process has died.
_LOST_AFTER: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Step:
    """The next step of a change: `state` is the one that it enters, and `action` what is sent then, if it is.

    The change ends with a `state` that is an end. `reason` is a sentence for people.
    """

    state: str
    action: str = ""
    reason: str = ""


# -- before anything is sent ---------------------------------------------------------------------------------


def check(charge_point_pk: int, target: int, version: str) -> None:
    """Raises Conflict for a change that OCPP or this server does not allow, with its sentence."""
    station = ChargePoint.objects.get(pk=charge_point_pk)
    allows = reported.values(station.pk, [DOWNGRADE]).get(DOWNGRADE, "")
    problem = security_profiles.fault(
        present=station.security_profile,
        target=target,
        version=version,
        allows_downgrade=allows.strip().casefold() == "true",
    )
    if not problem and target in WITH_PASSWORD and not (station.password_hash or station.next_password_hash):
        problem = "The station has no password: send rotate-password first."
    if problem:
        raise Conflict(f"{problem} Nothing was sent.", field="targetProfile")


def obstacles(charge_point_pk: int, target: int) -> list[str]:
    """The known obstacles to the change, as sentences. An operator may send it in spite of them."""
    found = [listeners.fault(target)]
    if target >= WITH_TLS and trust.port.app.trusts_server(charge_point_pk) is False:
        found.append("The station does not have the root of this server's certificate: install it first.")
    if target >= WITH_CERTIFICATE and not trust.port.app.has_certificate(charge_point_pk):
        found.append("This server knows no client certificate of the station that it would accept.")
    return [one for one in found if one]


def doubts(charge_point_pk: int, target: int) -> str:
    """The unknown prerequisite, as a sentence; empty if nothing is."""
    if target >= WITH_TLS and trust.port.app.trusts_server(charge_point_pk) is None:
        return (
            "It is not known whether the station trusts the server's certificate. If it does not, it returns "
            "at its present profile, or stays away."
        )
    return ""


def slots(charge_point_pk: int, wanted: int | None) -> tuple[int, int]:
    """The slot for the new profile and the one in use, by what the station has reported.

    Raises Conflict if it has not reported the one in use, or if none is free; Invalid for a slot in use.
    """
    used = slot_in_use(charge_point_pk)
    if used is None:
        raise Conflict(
            f"The station has not reported {PRIORITY}: read it first, so that the present slot can stay the "
            "second. Nothing was sent."
        )
    if wanted is not None:
        if wanted == used:
            raise Invalid(f"The station is connected by slot {used}.", field="slot")
        return wanted, used
    row = ReportedKey.objects.filter(charge_point=charge_point_pk, key__iexact=PRIORITY, gone_at=None).first()
    listed = _numbers(str((row.characteristics or {}).get("valuesList") or "")) if row is not None else []
    taken = {used, *(_numbers(row.value or "") if row is not None else ())}
    taken |= _foreign(charge_point_pk)
    free = [slot for slot in listed or _USUAL_SLOTS if slot not in taken]
    if not free:
        raise Conflict("Each slot of the station has a profile: name the `slot` to overwrite.", field="slot")
    return free[0], used


def _foreign(charge_point_pk: int) -> set[int]:
    """The slots with a profile that this server has set for something else than a change."""
    confirmed = NetworkProfile.objects.filter(
        charge_point=charge_point_pk, state=NetworkProfile.State.CONFIRMED
    )
    own = SecurityProfileChange.objects.filter(charge_point=charge_point_pk, slot__isnull=False)
    return set(confirmed.exclude(slot__in=own.values("slot")).values_list("slot", flat=True))


def _numbers(text: str) -> list[int]:
    parts = (part.strip() for part in text.split(","))
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10]  # noqa: PLR2004 - fits a 32-bit number


def order(charge_point_pk: int, slot: int) -> str:
    """The new value of the priority: this slot, then those of the present order, the one in use at least."""
    found = _numbers(reported.values(charge_point_pk, [PRIORITY]).get(PRIORITY, ""))
    used = slot_in_use(charge_point_pk)
    rest = found or ([] if used is None else [used])
    return ",".join(str(one) for one in dict.fromkeys((slot, *rest)))


# -- the steps -----------------------------------------------------------------------------------------------


def next_step(state: str, *, has_slots: bool, command: Command) -> Step:
    """The step after the answer to the command of this step, or after its time.

    A change ends when the station certainly has not taken it. Without an answer it may have: both profiles
    stay.
    """
    answer = command.status or command.error_code
    words = outcomes.words_of(command.action)
    is_refused = was_refused(command)
    said = f" ({answer})" if answer else ""
    if state == State.RESTARTING:
        if is_refused:
            return Step(
                State.AWAITED, reason=f"It refused the reset{said}: it changes with its next restart."
            )
        return Step(State.AWAITED)  # many stations restart before they answer
    if is_refused:
        return Step(State.REFUSED, reason=_why(command))
    is_taken = command.status in words.done
    if not has_slots:
        if command.status == "RebootRequired":
            return Step(State.AWAITED, reason="The station changes with its next restart: reset it.")
        return Step(State.AWAITED, reason="" if is_taken else f"No usable answer{said}: it may have changed.")
    if state == State.SENT:
        if is_taken:
            return Step(State.ORDERING, ACTIONS[State.ORDERING])
        return Step(State.FAILED, reason=f"No usable answer{said} to the network profile.")
    if is_taken:
        return Step(State.RESTARTING, ACTIONS[State.RESTARTING])
    return Step(State.AWAITED, reason=f"No usable answer{said}: it may change with its next restart.")


def _why(command: Command) -> str:
    reason = command.outcome.reason or command.error_description
    words = ": ".join(filter(None, (command.status or command.error_code, reason)))
    return f"The station answered {command.action} with {words or 'a refusal'}."


def due(limit: int) -> list[int]:
    """The open changes whose present command has ended, or was never sent."""
    now = datetime.now(UTC)
    is_answered = Q(command__finished_at__isnull=False)
    is_lost = Q(command__state__isnull=True, stepped_at__lt=now - _LOST_AFTER)
    needs_no_socket = Q(slot__isnull=True) | Q(state=State.RESTARTING, command__finished_at__isnull=False)
    rows = SecurityProfileChange.objects.filter(ended_at__isnull=True).exclude(state=State.AWAITED)
    rows = rows.filter(is_answered | is_lost).filter(needs_no_socket | Q(charge_point__is_online=True))
    return list(rows.order_by("stepped_at").values_list("pk", flat=True)[:limit])


def load(change_pk: int) -> tuple[SecurityProfileChange, Command | None] | None:
    """A change with a step to take, and the command of its present step; None if there is no such change.

    The command is None if it was not sent.
    """
    row = (
        SecurityProfileChange.objects.select_related("charge_point")
        .filter(pk=change_pk, ended_at__isnull=True)
        .exclude(state=State.AWAITED)
        .first()
    )
    return None if row is None else (row, Command.objects.filter(pk=row.command_id).first())


def is_lost(change: SecurityProfileChange) -> bool:
    """Whether the command of the present step was never sent, if it has no row."""
    return change.stepped_at < datetime.now(UTC) - _LOST_AFTER


def followed(charge_point_pk: int, value: str, *, command_id: str) -> None:
    """A 1.6 station has taken a higher SecurityProfile from the generic command: admit it, too."""
    if value.strip() in {"1", "2", "3"}:
        _follow(charge_point_pk, int(value), command_id)


def reordered(charge_point_pk: int, value: str, *, command_id: str) -> None:
    """A 2.x station has taken another order of its slots: admit the profile of the first one, if it is known
    and higher.
    """
    first = _numbers(value)[:1]
    row = NetworkProfile.objects.filter(
        charge_point=charge_point_pk, slot__in=first, state=NetworkProfile.State.CONFIRMED
    ).first()
    if row is not None and row.security_profile <= WITH_CERTIFICATE:
        _follow(charge_point_pk, row.security_profile, command_id, slot=row.slot, csms_url=row.csms_url)


def _follow(charge_point_pk: int, target: int, command_id: str, **columns: Any) -> None:
    """Make the row of a change that no command of ours has begun. The steps of our own have one."""
    station = ChargePoint.objects.get(pk=charge_point_pk)
    changes = station.security_profile_changes
    if changes.filter(Q(first_command=command_id) | Q(ended_at__isnull=True)).exists():
        return
    if target <= station.security_profile:
        return
    actor = Command.objects.filter(pk=command_id).values_list("actor", flat=True).first() or ""
    change = security_profiles.offer(
        station.pk, target=target, window=DEFAULT_WINDOW, command_id=command_id, actor=actor, **columns
    )
    security_profiles.step(change, State.AWAITED, answer="Accepted")


def shown(change: SecurityProfileChange) -> dict[str, Any]:
    """The fields of a change in the answer to a request."""
    return {"changeId": change.pk, "state": change.state, "reason": change.reason}
