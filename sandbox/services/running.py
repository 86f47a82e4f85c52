"""Runs the virtual stations, in the elected housekeeper.

1. A look reads the stations and the steps that wait. Stations without a running one are started, those that
   are gone or ending are stopped. A station that has ended its sessions is then deleted with all its rows.
2. Each station takes its steps one after the other, in a task of its own.
3. The states are stored with the ends of the steps, so that the caller of a step finds what it has changed.

A process that is no longer elected stops its stations. The next one gives them other passwords, so that two
processes never run the same station.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.domain import DomainError
from ocpp_server.environment import roles
from ocpp_server.storage import database
from ocpp_server.transport import shutdown
from ocpp_server.transport.handshake.authentication import hash_password
from sandbox.models import Step, VirtualStation
from sandbox.services import stations, steps
from sandbox.services.virtual import Virtual

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOCK_WAIT_MS: Final = 2000
STATEMENT_MS: Final = 5000
# Each statement of a deletion has a few hundred rows, and their cascades.
DELETION_MS: Final = 60_000
# How often the process looks while there are stations, and while there are none.
BUSY_S, IDLE_S = 0.2, 1.0
# The energy of running sessions is stored this often; plugs, statuses and ends of steps at once.
REFRESH_S: Final = 2.0
# A station that can't be deleted is tried again after this time.
RETRY_S: Final = 60.0
# At a shutdown the connections are closed already: there is nothing to wait for.
_STOP_S: Final = 0.5


class Unreachable(Exception):
    """This process knows no address for its stations; the text is a sentence."""


@dataclass
class _Shown:
    """The stored state of a station, and the time of storing."""

    state: dict[str, Any]
    problem: str
    at: float


class Runner:
    """The running stations of this process, by the keys of their rows."""

    def __init__(self) -> None:
        self.running: dict[int, Virtual] = {}
        self._shown: dict[int, _Shown] = {}
        self._not_before: dict[int, float] = {}
        self._start_at: dict[int, float] = {}
        self._ending: dict[int, asyncio.Task[None]] = {}
        self._is_known = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
        # A thread of their own: the deletion of a much-used station takes longer than a look may.
        self._deletions = ThreadPoolExecutor(1, thread_name_prefix="sandbox deletions")

    @property
    def pause_s(self) -> float:
        return BUSY_S if self.running else IDLE_S

    async def look(self) -> None:
        """Look once; a process that is not elected, or that is shutting down, stops its stations."""
        if not live.state().is_housekeeper or shutdown.is_under_way():
            await self.stop()
            return
        try:
            await self._look()
        except DatabaseError as error:
            log.warning("sandbox.database_away", error=str(error).strip())

    async def stop(self) -> None:
        """Stop all stations. Their rows stay."""
        running, self.running = self.running, {}
        self._is_known = False
        self._shown.clear()
        ending = list(self._ending.values())
        for task in ending:
            task.cancel()
        await asyncio.gather(
            *ending, *(one.stop(grace_s=_STOP_S) for one in running.values()), return_exceptions=True
        )
        if running or ending:
            await self._in_thread(connection.close)
            await self._in_deletions(connection.close)

    async def _look(self) -> None:
        if not self._is_known:
            await self._in_thread(steps.begin_again)
            self._is_known = True
        rows = {row.pk: row for row in await self._in_thread(_rows)}
        await self._stop_failed()
        for pk, row in rows.items():
            if row.is_ending:
                self._end(pk)
            elif pk not in self.running:
                await self._start(row)
        for pk in self.running.keys() - rows.keys():
            self._end(pk)
        # Not of the ending ones, which are in `running` until their tasks begin.
        if going := [pk for pk in self.running if pk in rows and not rows[pk].is_ending]:
            for step in await self._in_thread(steps.claim, going):
                if virtual := self.running.get(step.station_id):
                    virtual.take(step)
                else:
                    await self._in_thread(steps.store, step, "The station was stopped.")
        await self._store()

    # -- start and end -------------------------------------------------------------------------------------

    async def _stop_failed(self) -> None:
        """Stop the stations whose tasks an error has ended, and start them again after RETRY_S."""
        for pk, virtual in list(self.running.items()):
            if (failure := virtual.failure) is None:
                continue
            log.error("sandbox.station_failed", station=virtual.station.identity, exc_info=failure)
            self.running.pop(pk)
            self._shown.pop(pk, None)
            self._start_at[pk] = time.monotonic() + RETRY_S
            await virtual.stop(grace_s=_STOP_S)
            await self._in_thread(steps.refuse, pk)
            await self._in_thread(_note, pk, "The station failed. It is started again.")

    async def _start(self, row: VirtualStation) -> None:
        if self._start_at.get(row.pk, 0.0) > time.monotonic():
            return
        self._start_at.pop(row.pk, None)
        try:
            url, tls = endpoint()
        except Unreachable as reason:
            if row.problem != str(reason):
                log.error("sandbox.unreachable", reason=str(reason))
                await self._in_thread(_note, row.pk, str(reason))
            return
        password = secrets.token_urlsafe(24)
        await self._in_thread(_set_password, row.charge_point_id, password)
        self.running[row.pk] = Virtual(row, password, url, tls)

    def _end(self, pk: int) -> None:
        """Stop a station and delete its rows, in a task: its last messages are answered meanwhile."""
        if pk in self._ending or self._not_before.get(pk, 0.0) > time.monotonic():
            return
        self._start_at.pop(pk, None)
        task = asyncio.create_task(self._stop_and_delete(pk), name=f"sandbox end {pk}")
        self._ending[pk] = task
        task.add_done_callback(lambda _: self._ending.pop(pk, None))

    async def _stop_and_delete(self, pk: int) -> None:
        virtual = self.running.pop(pk, None)
        self._shown.pop(pk, None)
        if virtual is not None:
            await virtual.stop()
        try:
            # A process that stops ends the deletion after the rows that it is deleting.
            await self._in_deletions(stations.delete, pk, goes_on=lambda: self._is_known)
        except (DatabaseError, DomainError) as error:
            log.warning("sandbox.not_deleted", station=pk, error=str(error).strip())
            self._not_before[pk] = time.monotonic() + RETRY_S
        else:
            self._not_before.pop(pk, None)

    # -- storing -------------------------------------------------------------------------------------------

    async def _store(self) -> None:
        changed, now = [], time.monotonic()
        for pk, one in self.running.items():
            ended = list(one.ended)
            found, before = _Shown(one.state(), one.problem, now), self._shown.get(pk)
            if ended or before is None or _differs(found, before):
                changed.append((pk, found, ended))
        if changed:
            await self._in_thread(_store, changed)
            for pk, found, ended in changed:
                self._shown[pk] = found
                if pk in self.running:
                    del self.running[pk].ended[: len(ended)]

    async def _in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        call = functools.partial(function, *args, **kwargs)
        return await loop.run_in_executor(self._thread, _call, call, STATEMENT_MS)

    async def _in_deletions(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        loop = asyncio.get_running_loop()
        call = functools.partial(function, *args, **kwargs)
        await loop.run_in_executor(self._deletions, _call, call, DELETION_MS)


runner: Final = Runner()


def endpoint() -> tuple[str, ssl.SSLContext | None]:
    """The address of the stations' own server, and how to trust its certificate. Raises Unreachable."""
    if settings.SANDBOX_URL:
        return settings.SANDBOX_URL, None
    if roles.own_port(settings) is None:
        if not settings.PUBLIC_URL:
            raise Unreachable("This process has no port for stations: set SANDBOX_URL.")
        return settings.PUBLIC_URL.rstrip("/").replace("http", "ws", 1) + "/ocpp", None
    own = settings.LOOPBACK_URL.replace("http", "ws", 1) + "/ocpp"
    if not settings.TLS_CERT:
        return own, None
    # This very certificate, whatever name it has: the connection does not leave the machine.
    context = ssl.create_default_context(cafile=str(settings.TLS_CERT))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return own, context


def _differs(found: _Shown, before: _Shown) -> bool:
    if found.at - before.at >= REFRESH_S:
        return found.state != before.state or found.problem != before.problem
    return found.problem != before.problem or _without_meters(found.state) != _without_meters(before.state)


def _without_meters(state: dict[str, Any]) -> Any:
    places = [
        [one["status"], one["isPlugged"], (one["session"] or {}) | {"energyWh": 0}]
        for one in state["connectors"]
    ]
    return [places, state["failures"]]


# -- in the thread -----------------------------------------------------------------------------------------


def _call(function: Callable[[], T], statement_ms: int) -> T:
    if connection.connection is None:
        database.leave_pool(lock_wait_ms=LOCK_WAIT_MS, statement_ms=statement_ms)
    try:
        return function()
    except DatabaseError:
        connection.close()
        raise


def _rows() -> list[VirtualStation]:
    """The stations to run and to end."""
    rows = VirtualStation.objects.select_related("charge_point").order_by("pk")
    kept = [row for row in rows if not row.is_ending][: settings.SANDBOX_STATIONS]
    return [*kept, *(row for row in rows if row.is_ending)]


def _set_password(charge_point: int, password: str) -> None:
    ChargePoint.objects.filter(pk=charge_point).update(password_hash=hash_password(password))


def _note(pk: int, problem: str) -> None:
    VirtualStation.objects.filter(pk=pk).update(problem=problem[:300])


def _store(changed: list[tuple[int, _Shown, list[tuple[Step, str]]]]) -> None:
    """Store the states first: the caller of a step reads them when it has ended."""
    for pk, found, ended in changed:
        VirtualStation.objects.filter(pk=pk).update(state=found.state, problem=found.problem)
        for step, reason in ended:
            steps.store(step, reason)
