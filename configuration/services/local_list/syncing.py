"""Bring the list of one station to the wanted one (1.6 5.10, 5.15; 2.0.1 D01, D02)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings

from accounts.models import Token
from chargepoints.models import ChargePoint, Command, Site
from configuration.models import LocalList
from configuration.services.local_list import contents, due, knowledge, planning
from configuration.services.local_list.limits import NEEDS, USUAL_CAPACITY, USUAL_ITEMS, Abilities, abilities
from configuration.services.local_list.planning import Entry, Known, Update
from configuration.services.local_list.selection import Pool
from ocpp_server import capabilities, live, splitting
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Conflict, DomainError, StationOffline
from ocpp_server.protocol.translate import local_list
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls, outcomes
from transactions.services.authorization import listing

log = structlog.get_logger(__name__)

SEND: Final = "SendLocalList"
ASK: Final = "GetLocalListVersion"
# A station stores the entries before it answers: flash memory is slow. Seconds.
_LEAST_TIMEOUT_S: Final = 30.0
_TOKENS_AT_ONCE: Final = 500
_MISMATCH: Final = "VersionMismatch"
# The answers of a station without a local list.
_NO_LIST: Final = frozenset({"NotSupported", "NotImplemented"})
_STOPPED: Final = "The process that updated it was stopped."
_State = LocalList.State


class Synced(NamedTuple):
    """The list after an update, and the command that decided how it ended."""

    row: LocalList
    command: Command


class _Ended(Exception):  # noqa: N818 - an end, not an error
    """The update ends in this state."""

    def __init__(self, state: str, reason: str) -> None:
        self.state, self.reason = state, reason


async def load_pool(version: str) -> Pool:
    """All tokens for the stations of a version, read in steps: the journal serves messages meanwhile."""
    pool, last = Pool(version, datetime.now(UTC)), 0
    while records := await journal.run(listing.listable, last, _TOKENS_AT_ONCE):
        pool.add(records)
        last = records[-1].pk
    return pool


async def sync(
    charge_point: ChargePoint,
    *,
    actor: str,
    timeout: float | None = None,
    is_full: bool = False,
    pool: Pool | None = None,
    asked: Command | None = None,
) -> Synced:
    """Ask the station for the version of its list, and send what it lacks.

    `is_full` replaces the list whatever the station has; a refused Differential update leads to a Full list
    too. `timeout` is in seconds, for each message. `asked` is a GetLocalListVersion that has ended just now:
    the station is not asked again. Raises StationOffline, NotSupported for a station without a local list,
    Conflict while another update runs, and the errors of `calls.call`. Every other end is in the row.
    """
    connection = await live.state().connection(charge_point.identity)
    if connection is None:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    charge_point.ocpp_version = connection.version
    row = await _claim(charge_point.pk)
    if row is None:
        raise Conflict(f"The local list of {charge_point.identity} is being updated already.")
    run = _Run(charge_point, row, actor=actor, timeout=timeout, pool=pool, asked=asked)
    try:
        try:
            await run.update(is_full=is_full)
            settled = await run.settle(_State.IN_SYNC, "")
        except _Ended as end:
            settled = await run.settle(end.state, end.reason)
    except StationOffline:
        await run.settle(_State.DUE, "The station went offline.")
        raise
    except asyncio.CancelledError:
        # Otherwise no other process updates the list before the claim is old (`knowledge.CLAIM_KEPT`).
        await run.settle(_State.DUE, _STOPPED)
        raise
    except DomainError as error:
        await run.settle(_State.FAILED, error.sentence)
        raise
    log.info("local_list.synced", station=charge_point.identity, state=settled.state, reason=settled.reason)
    if settled.state == _State.UNSUPPORTED:
        raise NotSupported(f"{charge_point.identity} has no local list. {settled.reason}")
    assert run.command is not None
    return Synced(settled, run.command)


async def _claim(charge_point_pk: int) -> LocalList | None:
    at = datetime.now(UTC)
    try:
        return await journal.run(knowledge.claim, charge_point_pk, at)
    except asyncio.CancelledError:
        # The journal writes the claim all the same.
        await journal.run(knowledge.release, charge_point_pk, at, datetime.now(UTC), _STOPPED)
        raise


class _Run:
    """One update of one station's list."""

    def __init__(
        self,
        charge_point: ChargePoint,
        row: LocalList,
        *,
        actor: str,
        timeout: float | None,
        pool: Pool | None,
        asked: Command | None,
    ) -> None:
        self._charge_point, self._row, self._actor, self._timeout = charge_point, row, actor, timeout
        self._version = charge_point.ocpp_version
        self._pool = pool if pool is not None and pool.version == self._version else None
        self._asked = asked
        self._changes_at: datetime | None = None
        self.command: Command | None = None

    async def settle(self, state: str, reason: str) -> LocalList:
        now = datetime.now(UTC)
        due_at = {
            _State.IN_SYNC: due.after_success(now, self._changes_at),
            _State.FAILED: due.after_failure(now, self._row.attempts),
            _State.DUE: now,
        }.get(_State(state))
        return await journal.run(knowledge.settle, self._row, now, state=state, reason=reason, due_at=due_at)

    async def update(self, *, is_full: bool) -> None:
        """Raises _Ended unless the station has the wanted list in the end."""
        able = await self._abilities()
        wanted = await self._wanted(able)
        updates = await self._plan(wanted, await self._reported(), is_full=is_full)
        for attempt in range(2):
            refused = await self._send_all(updates)
            if refused is None:
                return
            update, status = refused
            is_last = attempt == 1 or (update.is_full and status != _MISMATCH)
            if is_last:
                raise _Ended(_State.FAILED, f"The station answered {SEND} with {status}.")
            # A refused Differential update, or a version that the station has already: replace the list.
            updates = await self._plan(wanted, await self._reported(), is_full=True)

    # -- the station -------------------------------------------------------------------------------------

    async def _abilities(self) -> Abilities:
        """The station's limits. They are asked for if it has not reported them, or has no list by its
        earlier report.
        """
        names = {*local_list.limit_names(self._version), *NEEDS.names(self._version)}
        reports = capabilities.reports.app
        found = abilities(self._version, await journal.run(reports.values, self._charge_point.pk, names))
        if not found.is_known:
            action, payload = local_list.limits_request(self._version)
            if not _is_answered(await self._call(action, payload, self._timeout)):
                raise _Ended(_State.FAILED, f"The station did not answer {action}.")
            found = abilities(self._version, await journal.run(reports.values, self._charge_point.pk, names))
        if found.lacking:
            raise _Ended(_State.UNSUPPORTED, found.lacking)
        return found

    async def _reported(self) -> int:
        """The version of the list at the station, 0 for an empty list. Raises _Ended."""
        command, self._asked = self._asked, None
        if command is None:
            command = await self._call(ASK, {}, self._timeout)
        self.command = command
        if command.state == Command.State.ERROR and command.error_code in _NO_LIST:
            raise _Ended(_State.UNSUPPORTED, f"The station answered {ASK} with {command.error_code}.")
        if command.state not in outcomes.ANSWERED:
            raise _Ended(_State.FAILED, _without_answer(command))
        version = local_list.list_version(self._version, command.response or {})
        if version < 0:
            raise _Ended(_State.UNSUPPORTED, f"The station reports the list version {version}.")
        return version

    async def _send_all(self, updates: list[Update]) -> tuple[Update, str] | None:
        """Send the updates one after the other; the one that the station refused, with its answer."""
        for update in updates:
            payload = local_list.list_update(
                self._version, is_full=update.is_full, number=update.version, entries=update.entries
            )
            is_ours = await journal.run(
                knowledge.begin_part,
                self._row,
                datetime.now(UTC),
                version=update.version,
                digest=contents.payload_digest(payload),
                entries=contents.packed(update.after),
                is_full=update.is_full,
            )
            if not is_ours:
                return update, _MISMATCH
            seconds = settings.OCPP_CALL_TIMEOUT if self._timeout is None else self._timeout
            command = await self._call(SEND, payload, max(seconds, _LEAST_TIMEOUT_S))
            await journal.run(
                knowledge.end_part,
                self._row,
                datetime.now(UTC),
                command=command.id,
                is_certain=command.state in outcomes.ANSWERED,
            )
            if not _is_answered(command):
                raise _Ended(_State.FAILED, _without_answer(command))
            status = command.error_code or command.status
            if status in _NO_LIST:
                raise _Ended(_State.UNSUPPORTED, f"The station answered {SEND} with {status}.")
            if command.state != Command.State.ACCEPTED:
                return update, status
        return None

    async def _call(self, action: str, payload: dict[str, Any], timeout: float | None) -> Command:
        """Send a CALL and wait for its end."""
        self.command = await calls.call(
            self._charge_point, action, payload, actor=self._actor, timeout=timeout, wait=True
        )
        return self.command

    # -- the wanted list ---------------------------------------------------------------------------------

    async def _wanted(self, able: Abilities) -> list[Entry]:
        pk, site = self._charge_point.pk, self._charge_point.site_id
        if self._pool is None:
            self._pool = await load_pool(self._version)
        used = await journal.run(listing.used_at, pk, self._pool.now - listing.USED_WITHIN)
        most = USUAL_CAPACITY if able.capacity is None else able.capacity
        is_test = site is not None and await journal.run(Site.objects.filter(pk=site, is_test=True).exists)
        selection = self._pool.select(station=pk, site=site, used=used, most=most, is_test=is_test)
        self._changes_at = selection.changes_at
        entries = planning.entries(selection.tokens, self._version)
        await journal.run(
            knowledge.intend,
            self._row,
            wanted_digest=contents.digest(planning.contents_of(entries)),
            listed_count=len(entries),
            eligible_count=selection.eligible,
            unfit_count=selection.unfit,
            capacity=able.capacity,
        )
        return entries

    async def _plan(self, wanted: list[Entry], reported: int, *, is_full: bool) -> list[Update]:
        row = await journal.run(LocalList.objects.get, pk=self._row.pk)
        known = knowledge.known(row)
        limits = await splitting.limits_of(self._charge_point, SEND)
        if limits.items is None:
            limits = limits._replace(items=USUAL_ITEMS)

        def split(of: Any) -> list[list[Entry]]:
            return _parts(of, self._version, limits)

        updates = planning.plan(
            known,
            reported=reported,
            wanted=wanted,
            removed=await self._removed(known, wanted),
            split=split,
            is_full=is_full,
        )
        version = updates[-1].version if updates else reported
        await journal.run(knowledge.intend, self._row, wanted_version=version)
        return updates

    async def _removed(self, known: Known | None, wanted: list[Entry]) -> list[Entry] | None:
        at_station = known.contents if known is not None and known.contents is not None else {}
        gone = planning.gone(at_station, planning.contents_of(wanted))
        uids = await journal.run(_uids, sorted(gone)) if gone else {}
        return planning.removals(gone, uids, at_station, self._version)


def _is_answered(command: Command) -> bool:
    """Whether the station has answered it, if only with an error."""
    return command.state in {*outcomes.ANSWERED, Command.State.ERROR}


def _without_answer(command: Command) -> str:
    if command.state == Command.State.INVALID:
        return f"The station's answer to {command.action} is not valid."
    if command.state == Command.State.ERROR:
        return f"The station answered {command.action} with {command.error_code}."
    return f"The station did not answer {command.action}."


def _uids(pks: list[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(pks), _TOKENS_AT_ONCE):
        some = pks[start : start + _TOKENS_AT_ONCE]
        found |= dict(Token.objects.filter(pk__in=some).values_list("pk", "uid"))
    return found


def _parts(entries: list[Entry], version: str, limits: splitting.Limits) -> list[list[Entry]]:
    """The entries in parts that the station takes."""
    largest = local_list.LARGEST_VERSION
    # The longest payload without entries: of a Differential update.
    payload = local_list.list_update(version, is_full=False, number=largest, entries=[])
    found, start = [], 0
    for part in splitting.parts_of([entry.wire for entry in entries], SEND, payload, limits):
        found.append(entries[start : start + len(part)])
        start += len(part)
    return found
