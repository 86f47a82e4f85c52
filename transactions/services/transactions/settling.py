"""An operator's decisions about sessions: end a running one, settle a suspect one. Each is recorded.

A settled session is no longer suspect; the settlement keeps its reasons. A later message may make it suspect
again. The energy is changed in the session's row, so that every total includes the change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models.token import normalise_uid
from ocpp_server.domain import Conflict, DomainError, Invalid, Missing
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate.energy import mwh_of, wh_of
from transactions.models import Settlement, Transaction
from transactions.services.metering import hours
from transactions.services.metering.energy import SETTLED
from transactions.services.metering.hours import Hours
from transactions.services.transactions import announcing, closing, fixes, proposing
from transactions.services.transactions.fixes import Proposal

Fix = Settlement.Fix

USE_REMOTE_STOP: Final = (
    "The vehicle is probably charging: use remote-stop, or send force=true to end it here anyway."
)
STOP_REASON: Final = "Operator"
MOST_AT_ONCE: Final = 200  # equivalent: only a bound of one request, which the API reads at import
MAX_REASON: Final = 300
MOST_ENERGY_WH: Final = 10_000_000.0
# Columns that a settlement keeps. No token: erasing a person must not have to search settlements.
_KEPT: Final = (
    "status",
    "ended_by",
    "stop_reason",
    "meter_start_wh",
    "meter_stop_wh",
    "meter_last_wh",
    "energy_wh",
    "energy_by_hour",
    "merged_into_id",
    "suspect_reasons",
    "stopped_at",
)

# The names of columns in the API, for events.
_SHOWN: Final = {
    "ended_by": "endedBy",
    "stop_reason": "stopReason",
    "meter_stop_wh": "meterStop",
    "energy_wh": "energyWh",
    "merged_into_id": "mergedInto",
    "suspect_reasons": "suspectReasons",
    "stopped_at": "stopTime",
}
# Columns that the first of two merged sessions takes from the second.
_END: Final = (
    "ended_by",
    "stop_reason",
    "stop_id_token",
    "stop_authorization_status",
    "stop_authorization_reason",
    "meter_stop_wh",
    "meter_last_wh",
    "stopped_at",
    "stop_received_at",
)


class Outcome(NamedTuple):
    """The result for one of several sessions; without a settlement, `sentence` is the reason."""

    number: int
    settlement: Settlement | None
    sentence: str


def end_session(number: int, *, actor: str, reason: str, force: bool = False) -> Settlement:
    """End a running session at its last reading and the time of its last message, without the station.

    Its token can charge elsewhere at once, and a stop that the station sends later replaces this end. Raises
    Missing, Invalid (no reason), and Conflict when the session has ended or, unless `force`, when the vehicle
    is evidently charging.
    """
    _check_reason(reason)
    with transaction.atomic():
        row = _locked(number)
        if row.status != Transaction.Status.ACTIVE:
            raise Conflict(
                f"Session {number} has ended already (ended by: {row.get_ended_by_display()}).",
                code=Code.TRANSACTION_ENDED,
            )
        if not force:
            _refuse_charging(row)
        before = _snapshot(row)
        _close(row, lambda present: [r for r in present if proposing.code(r) not in fixes.CONNECTOR_FREE])
        return _record(row, Fix.END, before=before, actor=actor, reason=reason)


def settle(  # noqa: PLR0913 - the choices of one decision
    number: int,
    *,
    fix: Settlement.Fix | None = None,
    actor: str,
    reason: str,
    energy_wh: float | None = None,
    other: int | None = None,
    by_hand: bool = False,
) -> Settlement:
    """Settle a suspect session, with the proposed fix unless `fix` is given.

    `energy_wh` and `other` (the session to merge with) default to the proposal's; other values need
    `by_hand`. Raises Missing, Invalid, Conflict, and PermissionDenied without `by_hand`.
    """
    _check_reason(reason)
    with transaction.atomic():
        row = _locked(number)
        if not row.suspect:
            raise Conflict(f"Session {number} is not suspect.", code=Code.NOT_SUSPECT)
        proposal = proposing.proposed(row)
        chosen = fix or proposal.fix
        if chosen is None:
            raise Conflict(proposal.words)
        before = _snapshot(row)
        match chosen:
            case Fix.CLOSE:
                _close_suspect(row)
            case Fix.CORRECT_ENERGY:
                _correct(row, _energy_of(proposal, energy_wh, by_hand=by_hand))
            case Fix.MERGE:
                return _merge(row, _other_of(proposal, other, by_hand=by_hand), actor, reason)
            case Fix.IGNORE:
                _ignore(row)
            case unknown:
                raise Invalid(f"{unknown} settles nothing.", field="fix")
        return _record(row, chosen, before=before, actor=actor, reason=reason)


def settle_many(
    numbers: Sequence[int], *, fix: Settlement.Fix | None = None, actor: str, reason: str
) -> list[Outcome]:
    """Settle each session separately: a session that can't be settled does not prevent the others."""
    _check_reason(reason)
    once = dict.fromkeys(numbers)
    return [_tried(number, settle, fix=fix, actor=actor, reason=reason) for number in once]


def end_many(numbers: Sequence[int], *, actor: str, reason: str) -> list[Outcome]:
    """End each session separately, except sessions whose vehicle is evidently charging."""
    _check_reason(reason)
    return [_tried(number, end_session, actor=actor, reason=reason) for number in dict.fromkeys(numbers)]


def _tried(number: int, decide: Callable[..., Settlement], **how: Any) -> Outcome:
    try:
        settlement = decide(number, **how)
    except DomainError as error:
        return Outcome(number, None, error.sentence)
    return Outcome(number, settlement, summary(settlement))


def summary(settlement: Settlement) -> str:
    """The settlement as a sentence."""
    number, after = settlement.transaction_id, settlement.after
    match settlement.fix:
        case Fix.END:
            return f"Session {number} ended. Its token can charge again."
        case Fix.CLOSE:
            return f"Session {number} closed with {_figure(after)} Wh."
        case Fix.CORRECT_ENERGY:
            before, now = _figure(settlement.before), _figure(after)
            return f"Energy of session {number} changed to {now} Wh (before: {before} Wh)."
        case Fix.MERGE:
            kept = after["merged_into_id"] or number
            return f"Sessions {number} and {settlement.merged_with_id} merged: session {kept} has the energy."
        case _:
            return f"Session {number} is no longer suspect. Nothing else was changed."


def _figure(snapshot: dict[str, Any]) -> str:
    return fixes.figure(mwh_of(snapshot["energy_wh"]))


# -- the fixes -----------------------------------------------------------------------------------------------


def _close_suspect(row: Transaction) -> None:
    _refuse_charging(row)
    _close(row, lambda present: [])


def _close(row: Transaction, reasons: closing.Reasons) -> None:
    by = Transaction.EndedBy.OPERATOR
    if not closing.close(row.pk, by=by, reasons=reasons, stop_reason=STOP_REASON):
        raise Conflict(f"Session {row.pk} has ended already.", code=Code.TRANSACTION_ENDED)


def _refuse_charging(row: Transaction) -> None:
    if proposing.is_evidently_charging(row):
        raise Conflict(
            f"Session {row.pk} had a message less than 5 minutes ago. {USE_REMOTE_STOP}",
            code=Code.STILL_CHARGING,
        )


def _ignore(row: Transaction) -> None:
    if row.status == Transaction.Status.ACTIVE and proposing.codes(row) & fixes.FOUND_AGAIN:
        raise Conflict(
            f"Session {row.pk} is running, so the server would report the same problem again. End it first, "
            "or settle it after its end.",
            code=Code.TRANSACTION_RUNNING,
        )
    _change(row)


def _correct(row: Transaction, energy_mwh: int) -> None:
    if row.status == Transaction.Status.ACTIVE:
        raise Conflict(
            f"Session {row.pk} is running: its energy is not final. End it first.",
            code=Code.TRANSACTION_RUNNING,
        )
    scaled = _scaled(hours.loaded(row.energy_by_hour), energy_mwh)
    _change(row, energy_wh=wh_of(energy_mwh), energy_by_hour=hours.column(scaled), registers=SETTLED)


def _energy_of(proposal: Proposal, energy_wh: float | None, *, by_hand: bool) -> int:
    wanted = proposal.energy_mwh if proposal.fix == Fix.CORRECT_ENERGY else None
    if energy_wh is None:
        if wanted is None:
            raise Invalid("Required, because no energy is proposed for this session.", field="energyWh")
        return wanted
    if not 0 <= energy_wh <= MOST_ENERGY_WH:
        raise Invalid(f"Must be 0 to {MOST_ENERGY_WH:.0f} Wh.", field="energyWh")
    energy_mwh = mwh_of(energy_wh)
    if energy_mwh != wanted and not by_hand:
        raise PermissionDenied("Only an administrator may set another energy than the proposed one.")
    return energy_mwh


def _other_of(proposal: Proposal, other: int | None, *, by_hand: bool) -> int:
    if other is None:
        if proposal.other is None:
            raise Invalid("Required, because no session to merge with is proposed.", field="into")
        return proposal.other
    if other != proposal.other and not by_hand:
        raise PermissionDenied("Only an administrator may merge with another session than the proposed one.")
    return other


def _merge(row: Transaction, other_number: int, actor: str, reason: str) -> Settlement:
    """Merge two sessions: the first gets the energy and the end of the second. The second keeps its readings
    and has no energy. No message or reading of the station is moved.

    A suspicion about the energy of either one also concerns the sum: the first session stays suspect for it.
    """
    if other_number == row.pk:
        raise Invalid("A session can't be merged with itself.", field="into")
    other = _other(other_number)
    _check_merge(row, other)
    first, second = sorted((row, other), key=lambda one: (one.started_at, one.pk))
    before = {one.pk: _snapshot(one) for one in (first, second)}
    energy_mwh = fixes.merged_energy(proposing.session(first), proposing.session(second))
    reasons = [
        reason
        for reason in first.suspect_reasons + second.suspect_reasons
        if proposing.code(reason) in fixes.ENERGY
    ]
    _change(
        first,
        reasons=reasons,
        energy_wh=wh_of(energy_mwh),
        energy_by_hour=hours.column(_together(first, second, energy_mwh)),
        registers=SETTLED,
        **{name: getattr(second, name) for name in _END},
    )
    none = hours.column(_scaled(hours.loaded(second.energy_by_hour), 0))
    _change(second, energy_wh=0.0, energy_by_hour=none, registers=SETTLED, merged_into=first)
    made = {
        one.pk: _record(
            one, Fix.MERGE, before=before[one.pk], actor=actor, reason=reason, merged_with=another
        )
        for one, another in ((first, second), (second, first))
    }
    return made[row.pk]


def _check_merge(row: Transaction, other: Transaction) -> None:
    if row.charge_point_id != other.charge_point_id or row.evse_number != other.evse_number:
        raise Conflict(f"Sessions {row.pk} and {other.pk} are not on the same EVSE.")
    for one in (row, other):
        if one.status == Transaction.Status.ACTIVE:
            raise Conflict(f"Session {one.pk} is running: end it first.", code=Code.TRANSACTION_RUNNING)
        if one.merged_into_id is not None:
            raise Conflict(f"Session {one.pk} was merged into {one.merged_into_id}.")
    if normalise_uid(row.id_token) != normalise_uid(other.id_token):
        raise Conflict(f"Sessions {row.pk} and {other.pk} have different tokens.")


def _together(first: Transaction, second: Transaction, energy_mwh: int) -> Hours | None:
    """The hours of both sessions. The energy between them belongs to no known hour and is spread over all."""
    both, more = hours.loaded(first.energy_by_hour), hours.loaded(second.energy_by_hour)
    if both is None or more is None:
        return None
    for hour, mwh in more.items():
        both[hour] = both.get(hour, 0) + mwh
    return _scaled(both, energy_mwh)


def _scaled(known: Hours | None, wanted_mwh: int) -> Hours | None:
    """The hours, scaled to another sum; None when the hours of the energy are unknown."""
    if not known or sum(known.values()) <= 0:
        return None if wanted_mwh else known
    return hours.scaled(known, wanted_mwh)


# -- reading and writing -------------------------------------------------------------------------------------


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("A reason is required.", field="reason")
    if len(reason) > MAX_REASON:
        raise Invalid(f"A reason has at most {MAX_REASON} characters.", field="reason")


def _locked(number: int) -> Transaction:
    # `of`: the station's row is only read.
    locked = Transaction.objects.select_for_update(of=("self",))  # equivalent: SQLite locks no rows
    row = locked.select_related("charge_point").filter(pk=number).first()
    if row is None:
        raise Missing(f"Session {number} not found.")
    return row


def _other(number: int) -> Transaction:
    try:
        return _locked(number)
    except Missing as missing:
        raise Invalid(missing.sentence, field="into") from None


def _change(row: Transaction, *, reasons: Sequence[str] = (), **columns: Any) -> None:
    """Write the columns. Only `reasons` remain as suspicions."""
    Transaction.objects.filter(pk=row.pk).update(
        suspect=bool(reasons), suspect_reasons=list(reasons), updated_at=timezone.now(), **columns
    )
    if row.status == Transaction.Status.ACTIVE:
        closing.reload_when_stored(row)
    else:
        closing.forget_when_stored(row)


def _record(
    row: Transaction,
    fix: Settlement.Fix,
    *,
    before: dict[str, Any],
    actor: str,
    reason: str,
    merged_with: Transaction | None = None,
) -> Settlement:
    after = _snapshot(Transaction.objects.get(pk=row.pk))
    changed = sorted(_SHOWN[name] for name in _SHOWN if before[name] != after[name])
    if before["status"] == Transaction.Status.ENDED and changed:
        announcing.settled(row, changed=changed, energy_wh=after["energy_wh"], why=fix.value)
    return Settlement.objects.create(
        transaction=row,
        merged_with=merged_with,
        fix=fix,
        actor=actor[:150],
        reason=reason,
        before=before,
        after=after,
    )


def _snapshot(row: Transaction) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in _KEPT}
    stopped_at = row.stopped_at and row.stopped_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return kept | {"stopped_at": stopped_at}
