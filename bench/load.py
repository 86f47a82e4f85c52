"""The load generator: a process that reads jobs as lines of JSON and answers each with its figures."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import uvloop

from bench import silent
from bench.conversations import VARIABLES, Reporting
from bench.machine import LOAD_CORE
from bench.stations import STALLED_S, Fleet, LoadError, Station, percentiles

LONE_EVERY_S = 0.05
# In `burst`: the pause after a burst, and the pause of the lone station after an answer.
BURST_PAUSE_S, BURST_LONE_S = 0.2, 0.005


async def closed(job: dict[str, Any]) -> dict[str, Any]:
    """Run all stations in a closed loop; with `lone`, one more station only sends a Heartbeat from time to
    time.
    """
    fleet = Fleet(job)
    await fleet.connect(width=50)
    lone = await _lone(fleet) if job.get("lone") else None
    for station in fleet.stations:
        station.is_closed_loop = station is not lone
        if station.is_closed_loop:
            station.begin()
    beating = asyncio.create_task(_beat(lone)) if lone is not None else None
    await asyncio.sleep(job["warm"])
    figures = await fleet.measured(job["seconds"])
    if beating is not None:
        beating.cancel()
    return figures | {"sent": await fleet.finish()}


async def _lone(fleet: Fleet) -> Station:
    station = fleet.station(f"{fleet.job['prefix']}-lone", "CARD0")
    station.is_heartbeat_only = True
    station.latencies = fleet.recorder.lone
    await station.connect("127.0.0.1", fleet.ports[0])
    await station.ready
    fleet.stations.append(station)
    return station


async def _beat(station: Station) -> None:
    while True:
        await asyncio.sleep(LONE_EVERY_S)
        if station.idle.is_set():
            station.begin()


async def paced(job: dict[str, Any]) -> dict[str, Any]:
    """Send `rate` messages a second in total, independent of the answers; latency counts from the
    due time.
    """
    fleet = Fleet(job)
    await fleet.connect(width=50)
    loop = asyncio.get_running_loop()
    every = len(fleet.stations) / job["rate"]
    is_running = True

    def start(station: Station, due: float) -> None:
        def send(due: float) -> None:
            if not is_running:
                return
            station.send(due)
            following = due + every
            loop.call_later(max(following - time.perf_counter(), 0.0), tick, following)

        def tick(due: float) -> None:
            if station.idle.is_set():
                send(due)
            else:
                # The last answer is late: the message follows it at once, and counts from its due time.
                station.overdue = due

        station.paced_on = send
        loop.call_later(max(due - time.perf_counter(), 0.0), tick, due)

    origin = time.perf_counter()
    for number, station in enumerate(fleet.stations):
        start(station, origin + every * number / len(fleet.stations))
    await asyncio.sleep(job["warm"])
    figures = await fleet.measured(job["seconds"])
    is_running = False
    for station in fleet.stations:
        station.is_closed_loop = True
    await asyncio.sleep(0.1)
    return figures | {"sent": await fleet.finish()}


async def burst(job: dict[str, Any]) -> dict[str, Any]:
    """Let all stations send a whole cycle at once, pause, and do it again. One more station sends a Heartbeat
    after the other while a burst lasts.
    """
    fleet = Fleet(job)
    await fleet.connect(width=50)
    others = list(fleet.stations)
    lone = await _lone(fleet)
    for station in others:
        # A closed loop that ends with the cycle.
        station.is_closed_loop = station.is_finishing = True
    measuring: asyncio.Task[dict[str, Any]] | None = None
    bursts, warm_until = [], time.perf_counter() + job["warm"]
    while measuring is None or not measuring.done():
        if measuring is None and time.perf_counter() >= warm_until:
            measuring = asyncio.create_task(fleet.measured(job["seconds"]))
            await asyncio.sleep(0)
        began = time.perf_counter()
        for station in others:
            station.begin()
        while not all(station.idle.is_set() for station in others):
            lone.begin()
            await asyncio.wait_for(lone.idle.wait(), STALLED_S)
            await asyncio.sleep(BURST_LONE_S)
        bursts.append(time.perf_counter() - began)
        await asyncio.sleep(BURST_PAUSE_S)
    return measuring.result() | {"burst": percentiles(bursts), "sent": await fleet.finish()}


async def boots(job: dict[str, Any]) -> dict[str, Any]:
    """Connect and boot all stations at once."""
    fleet = Fleet(job)
    at = time.perf_counter()
    took = await fleet.connect(width=job["stations"])
    elapsed = time.perf_counter() - at
    return {
        "seconds": elapsed,
        "latency": percentiles(took),
        "accepted": len(took),
        "sent": await fleet.finish(),
    }


async def reports(job: dict[str, Any]) -> dict[str, Any]:
    """Let every station report its device model `reports` times, all at once. `unknown` of them have not
    reported before.
    """
    fleet = Fleet(job)
    fleet.kind = Reporting
    await fleet.connect(width=50)
    booted = fleet.recorder.sent["messages"]
    cpu, at = fleet.server.cpu_seconds(), time.perf_counter()
    fleet.recorder.is_on = True
    for _ in range(job["reports"]):
        for station in fleet.stations:
            station.is_closed_loop = station.is_finishing = True
            station.begin()
        await fleet.all_idle()
    seconds, cpu = time.perf_counter() - at, fleet.server.cpu_seconds() - cpu
    count = sum(station.conversation.cycles for station in fleet.stations)
    sent = await fleet.finish()
    return {
        "seconds": seconds / job["reports"],
        "cpu_ms": cpu / count * 1000,
        "us": cpu / (sent["messages"] - booted) * 1e6,
        "latency": percentiles(fleet.recorder.window),
        "reports": count,
        "sent": {"messages": sent["messages"], "variables": job["unknown"] * VARIABLES},
    }


async def idle(job: dict[str, Any]) -> dict[str, Any]:
    """Measure memory in bytes before, and with all stations connected, booted and silent."""
    fleet = Fleet(job)
    before = fleet.server.memory()
    await fleet.connect(width=50)
    await asyncio.sleep(job["settle"])
    after = fleet.server.memory()
    return {
        "before": before,
        "after": after,
        "per_connection": (after - before) / len(fleet.stations),
        "sent": await fleet.finish(),
    }


async def one_session(job: dict[str, Any]) -> dict[str, Any]:
    """Let one station charge once, with `readings` readings. Returns what was sent."""
    fleet = Fleet(job)
    kind = fleet.kind(job["identity"], "CARD0", fleet.samples, readings=job["readings"])
    station = Station(kind, fleet.recorder)
    await station.connect("127.0.0.1", fleet.ports[0])
    await station.ready
    fleet.stations.append(station)
    station.is_closed_loop = station.is_finishing = True
    station.begin()
    return {"sent": await fleet.finish()}


JOBS = {
    "closed": closed,
    "paced": paced,
    "burst": burst,
    "boots": boots,
    "reports": reports,
    "idle": idle,
    "one session": one_session,
    "hold": silent.hold,
    "back": silent.back,
    "release": silent.release,
}


async def _main() -> None:
    loop = asyncio.get_running_loop()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        if cores:
            is_pinned = job.get("pinned", True) and LOAD_CORE in cores
            os.sched_setaffinity(0, {LOAD_CORE} if is_pinned else cores)
        try:
            answer = await JOBS[job["job"]](job)
        except (LoadError, TimeoutError, OSError) as error:
            answer = {"error": str(error) or type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(_main())
