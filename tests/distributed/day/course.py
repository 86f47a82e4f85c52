"""A day of many stations in one deployment: what the operator does, while every process is replaced once.

The day has as many hours as processes. In each hour one process is replaced, a part of the operator's work is
done, and some stations lose their connection or their power. The seed decides the order of all that.

The campaign has an hour of its own: all stations restart in it, and would lose the answers to other commands.
Their drivers do not know that. Sessions that run are ended by their stations.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from simulator import V16
from tests.conformance.downloading import Firmware
from tests.distributed.cluster import Cluster
from tests.distributed.day import campaign
from tests.distributed.day.balancer import balancer
from tests.distributed.day.operator import DayOperator
from tests.distributed.day.stations import DRIVEN, REMOTE, RESERVED, DayStation
from tests.distributed.killing import RestartedProcess

# The operator waits for so many stations at once.
AT_ONCE = 8
# A request waits for its answer in a thread. The replacement of the process that must give the answer takes a
# thread too: with two cores asyncio has only six.
THREADS = 4 * AT_ONCE
# The campaign and the local lists end within this time of the last hour, also on a loaded machine.
SETTLED_S = 180.0
# An update of a list whose process was killed is taken over after five minutes (`knowledge.CLAIM_KEPT`). It
# is run by the housekeeper, and by the web process that is asked for it.
LISTS_S, UPDATING = 400.0, ("web", "housekeeping")
# A log is received when its last byte is; the server shows it soon after. Each is asked for so often at most.
LOG_SHOWN_S = 1.5
LOGS_ASKED_FOR = 4
LIMIT = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "connectorId": DRIVEN,
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
}
BLOCKED, NEW = "BLOCKED-AT-NOON", "NEW-AT-NOON"


@dataclass
class Day:
    """The day and its parts, for the checks in the evening."""

    cluster: Cluster
    stations: list[DayStation]
    operator: DayOperator
    choices: random.Random
    firmware: Firmware | None = None
    # The role of the process that was killed.
    killed: str = ""
    failing: list[DayStation] = field(default_factory=list)
    arriving: list[DayStation] = field(default_factory=list)
    # The stations whose answers may be lost: they lose their connection, or its server is killed.
    disturbed: list[DayStation] = field(default_factory=list)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Print the seconds of a part of the day."""
        began = time.monotonic()
        yield
        print(f"{what}: {time.monotonic() - began:.1f} s")

    @property
    def tokens(self) -> set[str]:
        """The tokens that may charge in the evening."""
        return {uid for station in self.stations for uid in station.tokens} | {NEW}


async def live_through(
    cluster: Cluster,
    count: int,
    roles: Mapping[str, int],
    *,
    killed: tuple[str, ...],
    upload_port: int,
    seed: int,
) -> Day:
    """Live through a day with so many stations; everything has settled in the end.

    `roles` has the number of processes of each role. One process of a role in `killed` is killed, and all
    others are stopped.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    choices = random.Random(seed)
    processes: list[RestartedProcess] = []
    for role, number in roles.items():
        processes += [RestartedProcess(one) for one in await asyncio.to_thread(cluster.add, number, role)]
    webs = [process.server for process in processes if process.server.role == "web"]
    doors = [process.server for process in processes if process.server.role in ("web", "gateway")]
    stations = [DayStation(number, doors[number % len(doors)].ocpp, seed=seed) for number in range(count)]
    day = Day(cluster, stations, DayOperator(cluster, webs), choices)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(balancer(upload_port, webs))
        for station in stations:
            stack.push_async_callback(station.station.stop, grace_s=0)
        with day.timed("morning"):
            await _morning(day)
        driving = [asyncio.create_task(station.drive()) for station in stations]
        stack.push_async_callback(_cancel, driving)
        await _hours(day, processes, killed)
        await _evening(day, driving)
    return day


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _gather(*work: Any) -> None:
    """Wait for all of these, AT_ONCE at the same time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(part: Any) -> None:
        async with gate:
            await part

    async with asyncio.TaskGroup() as group:
        for part in work:
            group.create_task(one(part))


async def _morning(day: Day) -> None:
    """Add the tokens and the firmware, start the stations, and give each its first local list."""
    operator = day.operator
    await _gather(*(operator.add_token(uid) for uid in sorted(day.tokens - {NEW} | {BLOCKED})))
    await _gather(*(station.station.start(timeout_s=SETTLED_S) for station in day.stations))
    plain = [station for station in day.stations if station.make.is_plain]
    day.failing = day.choices.sample(plain, len(campaign.OUTCOMES))
    campaign.let_fail(day.failing)
    day.firmware = await campaign.upload(operator, day.choices)
    day.arriving = [station for station in day.stations if day.choices.random() < 0.5]
    await _gather(*(_sync(day, station) for station in day.stations))


async def _sync(day: Day, station: DayStation) -> None:
    path = f"/api/v1/chargepoints/{station.identity}/sync-local-list"
    await day.operator.request("POST", path, {})


# -- the hours -----------------------------------------------------------------------------------------------


async def _hours(day: Day, processes: list[RestartedProcess], may_kill: tuple[str, ...]) -> None:
    """Replace one process in each hour, while a part of the work is done."""
    choices, operator = day.choices, day.operator
    order = choices.sample(processes, len(processes))
    killed = choices.choice([process for process in order if process.server.role in may_kill])
    day.killed = killed.server.role
    day.disturbed = [one for one in day.stations if one.make.leaves or one.station.url == killed.url]
    work: list[Callable[[], Any]] = [
        lambda station=station, number=number: _commands(station)[number](operator)  # type: ignore[misc]
        for station in day.stations
        for number in range(4)
    ]
    choices.shuffle(work)
    leaving = [station for station in day.stations if station.make.leaves]
    hours = len(order)
    noon, updating = choices.randrange(hours), choices.randrange(hours)
    others = [hour for hour in range(hours) if hour != updating]
    for hour, process in enumerate(order):
        parts: list[Any]
        if hour == updating:
            parts = [_campaign(day)]
        else:
            parts = [begin() for begin in work[others.index(hour) :: len(others)]]
        if hour == noon:
            parts.insert(0, _change_tokens(operator))
        how = "killed" if process is killed else "stopped"
        with day.timed(f"{process.server.role} {how}"):
            async with asyncio.TaskGroup() as group:
                group.create_task(_gather(*parts))
                for station in leaving[hour::hours]:
                    group.create_task(asyncio.wait_for(station.leave(), SETTLED_S))
                group.create_task(_replace(day, process, is_killed=process is killed))


async def _replace(day: Day, process: RestartedProcess, *, is_killed: bool) -> None:
    with day.timed("replacement"):
        if is_killed:
            await process.restart(after_s=0.2)
        else:
            status = await asyncio.to_thread(process.server.stop)
            assert status == 0, f"{process.server.role} ended with {status}"
            await asyncio.to_thread(process.server.start)
        if process.server.role == "housekeeping":
            await _take_over_jobs(day, process)


async def _take_over_jobs(day: Day, process: RestartedProcess) -> None:
    """Wait until the new process runs the jobs, and its deputy has ended its updates of lists.

    Any process may be the deputy. One that is killed during an update leaves the list claimed for minutes.
    """
    await _until(lambda: day.cluster.housekeeper() is process.server, "the housekeeper")
    sql = "SELECT id FROM configuration_locallist WHERE state = 'sending'"
    updated = {row["id"] for row in await asyncio.to_thread(day.cluster.rows, sql)}
    await _until(lambda: updated.isdisjoint(row["id"] for row in day.cluster.rows(sql)), "the deputy's lists")


def _commands(station: DayStation) -> list[Callable[[DayOperator], Any]]:
    """The four commands that each station gets."""
    is_16 = station.make.version == V16
    log = ("get-diagnostics", "GetDiagnostics") if is_16 else ("get-log", "GetLog")
    start = "RemoteStartTransaction" if is_16 else "RequestStartTransaction"
    reserving = {"idTag": station.guest, "connectorId": RESERVED, "minutes": 300}
    return [
        lambda operator: operator.ask(station, "reserve", "ReserveNow", reserving),
        lambda operator: operator.ask(station, "set-charging-profile", "SetChargingProfile", LIMIT),
        lambda operator: operator.ask(station, *log, {}),
        lambda operator: operator.ask(
            station, "remote-start", start, {"idTag": station.caller, "connectorId": REMOTE}
        ),
    ]


async def _change_tokens(operator: DayOperator) -> None:
    """Block one token and add another: the local lists of all stations follow."""
    await operator.block_token(BLOCKED)
    await operator.add_token(NEW)


async def _campaign(day: Day) -> None:
    """Run the campaign, and another for the stations that it did not reach in time."""
    assert day.firmware is not None
    again = day.stations
    with day.timed("campaign"):
        for _ in range(3):
            await campaign.start(day.operator, day.firmware, again)
            await _until(lambda: campaign.has_ended(day.cluster), "the campaign to end")
            again = await asyncio.to_thread(campaign.not_reached, day.cluster, day.stations)
            if not again:
                return
    raise AssertionError(f"the campaign does not reach {[station.identity for station in again]}")


# -- the evening ---------------------------------------------------------------------------------------------


async def _evening(day: Day, driving: list[asyncio.Task[None]]) -> None:
    """Let guests use some of the reservations, end all sessions, and wait until everything has settled."""
    for station in day.stations:
        station.is_ending = True
        await asyncio.wait_for(station.station.ready.wait(), SETTLED_S)
    with day.timed("sessions"):
        arriving = [station.use_reservation() for station in day.arriving if _holds(station)]
        await asyncio.wait_for(asyncio.gather(*arriving, *driving), SETTLED_S)
        await asyncio.wait_for(asyncio.gather(*(station.end() for station in day.stations)), SETTLED_S)
    with day.timed("logs and lists"):
        async with asyncio.TaskGroup() as group:
            group.create_task(_logs(day))
            group.create_task(_lists(day))


def _holds(station: DayStation) -> bool:
    return station.station.connector(RESERVED).reservation is not None


async def _until(condition: Callable[[], Any], what: str, seconds: float = SETTLED_S) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        await asyncio.sleep(0.25)


async def _logs(day: Day) -> None:
    """Ask again for each log that did not arrive, because a process was replaced during its upload.

    A station may have lost the report of a failed upload with its connection. The server shows such a log as
    under way until its address expires, so the operator asks again when the station has nothing to send.
    """
    sql = "SELECT c.identity, l.state FROM chargepoints_logupload l JOIN chargepoints_chargepoint c"
    sql += " ON c.id = l.charge_point_id ORDER BY l.id"

    def missing() -> list[DayStation]:
        states = {row["identity"]: row["state"] for row in day.cluster.rows(sql)}
        return [station for station in day.stations if states[station.identity] != "received"]

    for _ in range(LOGS_ASKED_FOR):
        await _until(lambda: not any(station.is_uploading for station in day.stations), "the uploads")
        with contextlib.suppress(TimeoutError):
            await _until(lambda: not missing(), "the logs", seconds=LOG_SHOWN_S)
            return
        await _gather(*(_commands(station)[2](day.operator) for station in await asyncio.to_thread(missing)))


async def _lists(day: Day) -> None:
    """Wait until each change of tokens has reached the lists, and update those that failed: their next
    attempt is minutes away.

    A list is in sync until the job has taken the change that it lacks, so the noted changes are read first.
    """
    noted = "SELECT 1 FROM configuration_listchange LIMIT 1"
    listed = (
        "SELECT c.identity, l.state FROM configuration_locallist l"
        " JOIN chargepoints_chargepoint c ON c.id = l.charge_point_id"
    )
    deadline = time.monotonic() + (LISTS_S if day.killed in UPDATING else SETTLED_S)
    while True:
        is_noted = bool(await asyncio.to_thread(day.cluster.rows, noted))
        rows = await asyncio.to_thread(day.cluster.rows, listed)
        states = {row["identity"]: row["state"] for row in rows}
        if not is_noted and set(states.values()) <= {"in_sync", "unsupported"}:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for the local lists: {states}, noted changes: {is_noted}")
        for station in day.stations:
            if states[station.identity] == "failed":
                await _sync(day, station)
        await asyncio.sleep(0.25)
