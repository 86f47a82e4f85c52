"""Work that a process does about every second, so that its state and Redis stay equal."""

from __future__ import annotations

import pytest

from ocpp_server.live.redis.publisher import running_text
from ocpp_server.live.redis.state import RedisState
from tests.logged import captured_logs
from tests.unit.live.redis.stand_ins import LEASE_S, Processes, opened, running, station_of


class Notices:
    """The connections that a process was told about."""

    def __init__(self, state: RedisState) -> None:
        self.lost: list[str] = []
        self.regained: list[str] = []
        state.watch(lost=self._lost, regained=self._regained)

    async def _lost(self, connection_id: str) -> None:
        self.lost.append(connection_id)

    async def _regained(self, connection_id: str) -> None:
        self.regained.append(connection_id)


# -- leases --------------------------------------------------------------------------------------------


async def test_leases_are_renewed_three_times_within_their_length(processes: Processes) -> None:
    state, clients = await processes.alone(), processes.bench.keys.clients
    await state.connect(opened())

    for seconds, is_renewed in ((LEASE_S / 3 - 1, False), (1, True), (LEASE_S / 3 - 1, False), (1, True)):
        processes.bench.client.zadd(clients, {"CP-1": 1})
        await processes.tick(seconds)
        assert (processes.bench.client.zscore(clients, "CP-1") > 1) == is_renewed


async def test_a_lease_has_the_length_of_the_settings(processes: Processes) -> None:
    state = await processes.alone()

    await state.connect(opened())

    seconds, microseconds = processes.bench.client.time()
    until_ms = processes.bench.client.zscore(processes.bench.keys.clients, "CP-1")
    left_ms = until_ms - seconds * 1000 - microseconds / 1000
    assert LEASE_S * 1000 - 10_000 < left_ms < LEASE_S * 1000 + 1  # rounded


async def test_a_connection_that_was_replaced_or_lost_is_reported(processes: Processes) -> None:
    state = await processes.alone()
    notices = Notices(state)
    await state.connect(opened())
    await state.connect(opened("s2", "CP-2"))
    keys = processes.bench.keys
    processes.bench.client.hset(keys.session("CP-1"), mapping={"session_id": "newer", "fence": str(2**52)})
    processes.bench.client.delete(keys.session("CP-2"))

    await processes.tick(LEASE_S)

    assert (notices.lost, notices.regained) == (["s1"], ["s2"])


async def test_the_online_stations_are_read_once_in_the_length_of_a_lease(processes: Processes) -> None:
    state = await processes.alone()
    for seconds, is_read in ((LEASE_S - 1, False), (1, True), (LEASE_S - 1, False), (1, True)):
        await processes.received(["online", "CP-9"])
        await processes.tick(seconds)
        assert state.is_connected("CP-9") != is_read


# -- the housekeeper -----------------------------------------------------------------------------------


async def test_a_process_that_does_not_stand_is_never_elected(processes: Processes) -> None:
    state = await processes.alone()

    await processes.tick()

    assert state.is_housekeeper is False
    assert processes.bench.keys.housekeeper not in processes.bench.content()


async def test_one_of_two_processes_is_elected_as_long_as_it_renews(processes: Processes) -> None:
    one, other = await processes.alone(), await processes.start()
    one.stand_for_election(is_first=False)
    await processes.tick()
    other.stand_for_election(is_first=False)
    await processes.tick()
    assert (one.is_housekeeper, other.is_housekeeper) == (True, False)
    assert processes.bench.expires("server:housekeeper", LEASE_S * 1000)

    processes.clock.now += LEASE_S - 0.5
    assert one.is_housekeeper
    processes.clock.now += 0.5
    assert not one.is_housekeeper


async def test_a_process_with_the_role_takes_the_office_from_a_spare(processes: Processes) -> None:
    spare, first = await processes.alone(), await processes.start()
    spare.stand_for_election(is_first=False)
    await processes.tick()
    first.stand_for_election(is_first=True)
    await processes.tick()
    await processes.tick()
    await processes.tick()

    assert (spare.is_housekeeper, first.is_housekeeper) == (False, True)


async def test_a_process_that_stops_gives_up_the_office(processes: Processes) -> None:
    state = await processes.alone()
    state.stand_for_election(is_first=True)
    await processes.tick()
    assert "server:housekeeper" in processes.bench.content()

    await processes.stop(state)

    assert "server:housekeeper" not in processes.bench.content()


async def test_a_process_stops_also_while_redis_is_away(processes: Processes) -> None:
    state = await processes.alone()

    with processes.away(), captured_logs() as lines:
        await processes.stop(state)

    assert "redis.office_not_resigned" in [line["event"] for line in lines]


async def test_a_process_that_stops_writes_its_changes_first(processes: Processes) -> None:
    state = await processes.alone()

    state.station_changed(station_of(running()))
    await processes.stop(state)

    assert processes.bench.content()["business:transactions"] == {"1001": running_text(running())}


# -- reading everything again --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["closed", "news that cannot be read"])
async def test_after_a_gap_in_the_news_a_process_reads_what_it_has_missed(
    processes: Processes, how: str
) -> None:
    state, keys, client = await processes.alone(), processes.bench.keys, processes.bench.client
    state.transaction_changed(running(1000))
    await state.tokens("card")
    client.hset(keys.transactions, "1001", running_text(running()))
    client.zadd(keys.clients, {"CP-8": 2**52})
    await processes.received(["online", "CP-9"])
    forgotten = processes.stored.forgotten.count(None)

    if how == "closed":
        processes.close_connections_for_news()
        await processes.clock.someone_sleeps(0.1)
        processes.clock.move(0.1)
        await processes.until_up(state)
        assert processes.stored.forgotten.count(None) == forgotten + 1
    else:
        await processes.received(["running", "{}"])
        await processes.tick()

    assert await state.running("card") == [running()], "1000 has ended, and 1001 has begun"
    assert state.connected() == ["CP-8"]


@pytest.mark.parametrize("why", ["connected here", "served for a gateway"])
async def test_a_transaction_that_has_just_begun_here_may_be_missing_in_redis(
    processes: Processes, why: str
) -> None:
    state, bench = await processes.alone(), processes.bench
    if why == "connected here":
        await state.connect(opened())
    else:
        state.station_changed(station_of())
        await processes.published(state)
    state.transaction_changed(running())

    await processes.received(["rebuilt"])
    await processes.tick()

    assert await state.running("card") == [running()]
    assert bench.client.hlen(bench.keys.transactions) == 0


async def test_a_transaction_of_a_station_that_moved_away_has_ended_if_redis_does_not_show_it(
    processes: Processes,
) -> None:
    state = await processes.alone()
    state.station_changed(station_of())
    await processes.published(state)
    state.unserve("CP-1")
    state.transaction_changed(running())

    await processes.received(["rebuilt"])
    await processes.tick()

    assert await state.running("card") == []


async def test_what_redis_refused_is_written_with_the_next_tick(processes: Processes) -> None:
    state, bench = await processes.alone(), processes.bench
    with bench.full():
        state.station_changed(station_of(running()))
        while not state._publisher.is_behind:
            await processes.received()

    await processes.tick()
    await processes.published(state)

    assert bench.content()["business:transactions"] == {"1001": running_text(running())}
