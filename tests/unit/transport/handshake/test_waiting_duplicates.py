"""The newer of two devices with one identity waits: when it enters, when it is refused, what it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ocpp_server.live.memory import MemoryState
from ocpp_server.observability import measures
from ocpp_server.observability.measures import Tally
from ocpp_server.storage.journal import JournalUnavailable
from ocpp_server.transport import shutdown
from ocpp_server.transport.handshake import duplicates
from tests.logged import captured_logs
from tests.unit.transport.clock import Clock
from tests.unit.transport.handshake.conftest import Reports
from tests.unit.transport.handshake.newer import NEWER, OLDER, Newer, answers, older

MakeNewer = Callable[..., Newer]


@pytest.fixture(autouse=True)
def _serving() -> Iterator[None]:
    shutdown.serve(tuple)
    yield
    shutdown.serve(tuple)


async def test_two_connections_enter_at_once_and_the_third_when_the_first_is_a_minute_ago(
    clock: Clock, state: MemoryState, newer: MakeNewer
) -> None:
    answering = asyncio.create_task(answers(state))
    assert clock.now == 0
    await asyncio.sleep(0.25)
    third = newer()

    assert await third.enters()

    assert (third.ended_at, third.sent) == (60.0, [])
    answering.cancel()


async def test_replacements_of_all_processes_and_releases_are_counted_under_one_name(
    state: MemoryState, newer: MakeNewer
) -> None:
    assert await state.recent.counts("", "CP-1", "replaced") == [2]


async def test_a_connection_enters_when_the_older_one_has_not_answered_for_five_seconds(
    state: MemoryState, newer: MakeNewer
) -> None:
    third = newer()

    assert await third.enters()

    assert third.ended_at == 5.0
    assert await state.probes.requested() == ["older"]


async def test_the_five_seconds_begin_again_with_each_answer_and_each_other_connection(
    clock: Clock, state: MemoryState, newer: MakeNewer
) -> None:
    third = newer()
    await asyncio.sleep(3.5)
    await state.connect(older("other"))
    await asyncio.sleep(3)
    # Valid for five seconds: the last poll that sees it is that of second 11.
    await state.probes.confirm("other")

    assert await third.enters()

    assert third.ended_at == 16.0


async def test_a_connection_enters_a_second_after_the_older_one_is_closed(
    state: MemoryState, newer: MakeNewer
) -> None:
    third = newer()
    await asyncio.sleep(0.5)
    await state.disconnect("CP-1", "older")

    assert await third.enters()

    assert third.ended_at == 1.0


async def test_a_newer_connection_takes_the_place_of_the_one_that_waits(
    state: MemoryState, newer: MakeNewer
) -> None:
    first = newer()
    await asyncio.sleep(0.25)
    second = newer("cp-1")
    await asyncio.sleep(0.25)
    third = newer("CP-1")

    assert [await first.enters(), await second.enters()] == [False, False]

    assert (first.status, first.ended_at, second.status, second.ended_at) == (503, 0.25, 503, 0.5)
    assert await third.enters() and not third.sent


async def test_a_connection_of_another_station_takes_no_place(
    clock: Clock, state: MemoryState, newer: MakeNewer
) -> None:
    await state.connect(older("other", "CP-2"))
    for _ in range(duplicates.LIMIT):
        assert await Newer(clock, "CP-2").enters()

    both = [newer(), newer("CP-2")]

    assert [await each.enters() for each in both] == [True, True]
    assert [each.ended_at for each in both] == [5.0, 5.0]


async def test_a_shutdown_refuses_a_connection_that_waits_within_a_second(newer: MakeNewer) -> None:
    third = newer()
    await asyncio.sleep(0.5)
    shutdown.begin()

    assert not await third.enters()

    assert (third.status, third.ended_at) == (503, 1.0)


async def test_a_client_that_leaves_is_noticed_at_once_and_answered_nothing(newer: MakeNewer) -> None:
    third = newer()
    await asyncio.sleep(0.25)
    third.leaves.set()

    assert not await third.enters()

    assert (third.sent, third.ended_at) == ([], 0.25)


async def test_after_the_wait_nothing_reads_the_socket_or_goes_on(newer: MakeNewer) -> None:
    before = asyncio.all_tasks()
    third = newer()
    await asyncio.sleep(0.25)
    assert third.reads == 1

    assert await third.enters()
    await asyncio.sleep(0)

    assert third.reads == 0
    assert asyncio.all_tasks() == before


async def test_a_thousand_stations_wait_and_only_one_more_is_refused(
    clock: Clock, state: MemoryState, newer: MakeNewer
) -> None:
    for number in range(1_001):
        await state.connect(older(str(number), f"S-{number}"))
        if number:
            for _ in range(duplicates.LIMIT):
                await state.recent.note("", f"S-{number}", duplicates.REPLACED)
    waiting = [Newer(clock, f"S-{number}") for number in range(1, 1_001)]
    await asyncio.sleep(0.25)
    assert all(each.is_waiting for each in waiting)

    one_more, another_of_the_first, may_replace = newer(), newer("S-1"), newer("S-0")
    await asyncio.sleep(0.25)

    assert (one_more.status, one_more.ended_at, await one_more.enters()) == (503, 0.25, False)
    assert another_of_the_first.is_waiting and waiting[0].status == 503
    assert await may_replace.enters()
    for each in (*waiting[1:], another_of_the_first):
        each.leaves.set()
    await asyncio.sleep(0.25)
    assert (await newer().enters()) is True


# --- the report ---------------------------------------------------------------------------------------------


async def test_the_storm_is_reported_every_twenty_seconds_while_both_devices_answer(
    clock: Clock, state: MemoryState, newer: MakeNewer, reports: Reports
) -> None:
    await asyncio.sleep(0.5)
    third = newer()
    await asyncio.sleep(0.25)
    answering = asyncio.create_task(answers(state))
    found = []
    while third.is_waiting:
        found.append((clock.now, len(reports.found)))
        await asyncio.sleep(0.5)

    assert await third.enters()

    times = [at for (at, count), (_, before) in zip(found[1:], found[:-1], strict=True) if count > before]
    # Its probes begin at 0.5; that of 1.5 is the first after an answer.
    assert times == [1.75, 21.75, 41.75]
    assert [entry[:2] for entry in reports.found] == [(7, (OLDER, NEWER))] * 3
    answering.cancel()


async def test_a_station_that_left_its_older_connection_is_no_second_device(
    newer: MakeNewer, reports: Reports
) -> None:
    assert await newer().enters()

    assert reports.found == []


@pytest.mark.parametrize("is_new", [True, False])
async def test_the_first_report_of_a_storm_is_counted_and_logged(
    monkeypatch: pytest.MonkeyPatch, reports: Reports, is_new: bool
) -> None:
    monkeypatch.setattr(measures, "replacements", Tally("kind"))
    reports.is_new = is_new

    with captured_logs() as lines:
        await duplicates.report(7, "CP-1", addresses=(OLDER, NEWER))

    ((pk, addresses, at),) = reports.found
    assert (pk, addresses) == (7, (OLDER, NEWER)) and datetime.now(UTC) - at < timedelta(minutes=1)
    assert measures.replacements.counts() == ({("duplicate-identity",): 1} if is_new else {})
    assert [line["addresses"] for line in lines] == ([[OLDER, NEWER]] if is_new else [])


async def test_a_connection_waits_on_when_its_report_can_not_be_stored(
    monkeypatch: pytest.MonkeyPatch, reports: Reports
) -> None:
    monkeypatch.setattr(measures, "replacements", Tally("kind"))
    reports.error = JournalUnavailable("away")

    await duplicates.report(7, "CP-1", addresses=(OLDER, NEWER))

    assert measures.replacements.counts() == {}
