"""The server's knowledge of the list at a station. All functions use the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from configuration.models import LocalList
from configuration.services.local_list import contents
from configuration.services.local_list.planning import Known

# An update that was claimed this long ago, and whose claim was not renewed, belongs to a dead process.
CLAIM_KEPT: Final = timedelta(minutes=5)
_State = LocalList.State


def claim(charge_point_pk: int, at: datetime) -> LocalList | None:
    """Claim the list of a station for one update; None while another one runs.

    The first update of a station makes its row: from then on, changes update the list.
    """
    LocalList.objects.get_or_create(charge_point_id=charge_point_pk, defaults={"is_automatic": True})
    free = ~Q(state=_State.SENDING) | Q(claimed_at__lt=at - CLAIM_KEPT)
    row = LocalList.objects.filter(charge_point=charge_point_pk).filter(free)
    # A mark that arrives from now on makes the list due again.
    if not row.update(state=_State.SENDING, claimed_at=at, due_at=None, reason="", updated_at=at):
        return None
    claimed = LocalList.objects.get(charge_point=charge_point_pk)
    if claimed.part_entries is not None:  # of a process that died before the answer
        forget_contents(claimed)
    return claimed


def release(charge_point_pk: int, claimed_at: datetime, now: datetime, reason: str) -> None:
    """End a claim of this time, if there is one, whose update will never run."""
    row = LocalList.objects.filter(
        charge_point=charge_point_pk, state=_State.SENDING, claimed_at=claimed_at
    ).first()
    if row is not None:
        settle(row, now, state=_State.DUE, reason=reason, due_at=now)


def forget_contents(row: LocalList) -> None:
    """The contents of the list are not known any more."""
    row.entries, row.digest, row.part_entries = None, "", None
    LocalList.objects.filter(pk=row.pk).update(entries=None, digest="", part_entries=None)


def known(row: LocalList) -> Known | None:
    """The list at the station; None if the server has never known one."""
    if row.version is None:
        return None
    return Known(row.version, None if row.entries is None else contents.unpacked(row.entries))


def intend(row: LocalList, **columns: Any) -> None:
    """Store the wanted list: its version, digest and counts."""
    LocalList.objects.filter(pk=row.pk).update(**columns)


def begin_part(
    row: LocalList, at: datetime, *, version: int, digest: str, entries: str, is_full: bool
) -> bool:
    """Store an update before it is sent, so that its answer is recognised.

    False if the list at the station is not what this update changes: an operator has sent one.
    """
    fresh = LocalList.objects.get(pk=row.pk)
    if not is_full and fresh.entries is None:
        return False
    part = {"part_version": version, "part_digest": digest, "part_entries": entries}
    LocalList.objects.filter(pk=row.pk).update(claimed_at=at, updated_at=at, **part)
    return True


def end_part(row: LocalList, at: datetime, *, command: str, is_certain: bool) -> None:
    """An update has ended. Without an answer, or after an error, the station may have carried it out."""
    LocalList.objects.filter(pk=row.pk).update(last_command=command, updated_at=at)
    fresh = LocalList.objects.get(pk=row.pk)
    if not is_certain and fresh.part_entries is not None:
        forget_contents(fresh)


def settle(row: LocalList, at: datetime, *, state: str, reason: str, due_at: datetime | None) -> LocalList:
    """End a claim. A mark that came during the update makes the list due at its time."""
    fresh = LocalList.objects.select_for_update().get(pk=row.pk)
    is_done = state == _State.IN_SYNC
    if fresh.due_at is not None and state != _State.UNSUPPORTED:
        due_at = min(fresh.due_at, due_at) if due_at is not None else fresh.due_at
        state = _State.DUE if state == _State.IN_SYNC else state
    elif not fresh.is_automatic:
        due_at = None
        state = _State.UNKNOWN if state == _State.DUE else state
    fresh.state, fresh.reason, fresh.due_at = state, reason[:300], due_at
    if state == _State.FAILED:
        fresh.attempts += 1
    elif is_done:
        fresh.attempts, fresh.synced_at = 0, at
    fresh.save(update_fields=["state", "reason", "due_at", "attempts", "synced_at", "updated_at"])
    return fresh


# -- answers of stations -------------------------------------------------------------------------------------


def version_reported(charge_point_pk: int, version: int, at: datetime) -> None:
    """The answer to a GetLocalListVersion. A version that differs from ours is another list; it makes the
    list due. A version below 0 is a station without a list (1.6 5.10).
    """
    row = _row(charge_point_pk).first()
    if row is None:
        return
    row.checked_at = at
    if row.state != _State.SENDING:
        if version < 0:
            row.state, row.due_at = _State.UNSUPPORTED, None
            row.reason = f"The station reports the list version {version}."
        elif row.state == _State.UNSUPPORTED or version != row.version:
            _forget(row, at)
            row.version = version
    row.save()


def answered(
    charge_point_pk: int, *, version: int, digest: str, is_accepted: bool, is_untouched: bool, at: datetime
) -> None:
    """The answer to a SendLocalList. `is_untouched`: the station has refused it before it changed anything.

    After an accepted one that the server did not derive, such as an operator's own through the generic
    command, the contents are not known, and the version is asked for again.
    """
    row = _row(charge_point_pk).first()
    if row is None:
        return
    if (row.part_version, row.part_digest) == (version, digest):
        # A second run of the handler finds no entries: the first one has taken them over.
        if row.part_entries is not None and is_accepted:
            row.version, row.entries = version, row.part_entries
            row.digest = contents.digest(contents.unpacked(row.part_entries))
        elif row.part_entries is not None and not is_untouched:
            row.entries, row.digest = None, ""
        row.part_entries = None
    elif is_accepted:
        row.version = version
        _forget(row, at)
        row.part_version, row.part_digest, row.part_entries = None, "", None
    row.save()


def _forget(row: LocalList, at: datetime) -> None:
    row.entries, row.digest = None, ""
    if row.state != _State.SENDING:
        row.state, row.reason = _State.UNKNOWN, ""
    if row.is_automatic:
        row.due_at = min(row.due_at or at, at)


def _row(charge_point_pk: int) -> QuerySet[LocalList]:
    return LocalList.objects.select_for_update().filter(charge_point=charge_point_pk)
