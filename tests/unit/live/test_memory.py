"""The live state in memory: connections, caches, and the index of running transactions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from ocpp_server.live import extensions, memory, probes, recent
from ocpp_server.live.interface import LiveStateUnavailable
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.probes import MemoryProbes
from ocpp_server.live.recent import MemoryRecent
from ocpp_server.live.records import (
    Budget,
    Connection,
    Consumption,
    Places,
    TokenRecord,
    TransactionState,
)
from ocpp_server.storage.journal import journal

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
TODAY = date(2026, 5, 4)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test sets."""
    clock = SimpleNamespace(now=1_000.0)
    clock.monotonic = lambda: clock.now
    for module in (memory, probes, recent):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(timezone, "localdate", lambda: TODAY)
    return clock


@pytest.fixture
def state(clock: SimpleNamespace) -> MemoryState:
    return MemoryState()


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch, state: MemoryState) -> list[str]:
    """The subjects and tokens that were read from the database, which is the stand-in of an app here."""
    asked: list[str] = []

    class Stored:
        records: tuple[TokenRecord, ...] = ()
        day = TODAY
        meanwhile: Any = staticmethod(lambda: None)

        def read_all_tokens(self, keys: list[str]) -> list[tuple[TokenRecord, ...]]:
            asked.extend(keys)
            self.meanwhile()
            return [self.records for _ in keys]

        def read_consumption(self, subject: str) -> Consumption:
            asked.append(subject)
            return Consumption(self.day, float(len(asked)), 0.0)

    async def run(function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    async def run_batched(many: Any, item: Any) -> Any:
        return many([item])[0]

    monkeypatch.setattr(journal, "run", run)
    monkeypatch.setattr(journal, "run_batched", run_batched)
    monkeypatch.setattr(extensions.tokens, "app", Stored())
    return asked


def stored() -> Any:
    return extensions.tokens.app


def token(pk: int = 1, *budgets: str) -> TokenRecord:
    limits = tuple(Budget(subject, 1000, None) for subject in budgets)
    return TokenRecord(pk, "CARD", "ISO14443", "Accepted", True, None, "", budgets=limits)


def connection(id: str, identity: str = "CP-1") -> Connection:
    return Connection(id, identity, "ocpp1.6", "process.1", "10.0.0.1", AT)


def running(number: int = 1, token_key: str = "card", group_id: str = "", **more: Any) -> TransactionState:
    times = {"started_at": AT, "last_message_at": AT}
    values = {"id": number, "ocpp_id": str(number), "station": "CP-1", "token_key": token_key}
    return TransactionState(**(values | times | {"group_id": group_id} | more))


# -- connections ------------------------------------------------------------------------------------------


async def test_the_newest_connection_of_an_identity_in_any_case_wins(state: MemoryState) -> None:
    assert await state.connect(connection("k1", "Cp-1")) is None

    replaced = await state.connect(connection("k2", "CP-1"))

    assert replaced is not None and replaced.id == "k1"
    current = await state.connection("cP-1")
    assert current is not None and current.id == "k2"
    assert state.is_connected("cp-1") and state.connected() == ["CP-1"]


async def test_only_the_close_of_the_current_connection_ends_it(state: MemoryState) -> None:
    await state.connect(connection("k1", "b"))
    await state.connect(connection("k2", "B"))
    await state.connect(connection("k3", "A"))

    assert await state.disconnect("B", "k1") is False
    assert state.connected() == ["A", "B"]
    assert await state.disconnect("b", "k2") is True
    assert await state.disconnect("b", "k2") is False
    assert (await state.connection("B"), state.connected(), state.is_connected("B")) == (None, ["A"], False)


async def test_answers_of_the_last_20000_stations_are_remembered(
    state: MemoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory.REPLAY_MEMORIES == 20_000
    monkeypatch.setattr(memory, "REPLAY_MEMORIES", 2)

    first, second = state.replay_memory("A"), state.replay_memory("B")
    assert state.replay_memory("a") is first and first is not second
    state.replay_memory("C")

    assert state.replay_memory("A") is first
    assert state.replay_memory("B") is not second


# -- tokens -----------------------------------------------------------------------------------------------


async def test_a_token_is_read_again_after_thirty_seconds(
    state: MemoryState, clock: SimpleNamespace, queries: list[str]
) -> None:
    stored().records = (token(),)
    assert await state.tokens("card") == (token(),)
    stored().records = (token(2),)

    clock.now += 29.9
    assert await state.tokens("card") == (token(),)
    clock.now += 0.1
    assert await state.tokens("card") == (token(2),)
    assert queries == ["card", "card"]


@pytest.mark.parametrize("forget", ["token", "tokens"])
async def test_a_changed_token_is_read_again_also_when_it_changes_during_its_query(
    state: MemoryState, queries: list[str], forget: str
) -> None:
    def change() -> None:
        state.forget_token("card") if forget == "token" else state.forget_tokens()

    await state.tokens("card")
    await state.tokens("other")
    change()
    stored().meanwhile = change
    await state.tokens("card")
    stored().meanwhile = lambda: None
    await state.tokens("card")
    await state.tokens("card")
    await state.tokens("other")

    assert queries == ["card", "other", "card", "card"] + ([] if forget == "token" else ["other"])


async def test_a_token_that_was_never_read_may_change(state: MemoryState) -> None:
    state.forget_token("card")


async def test_the_caches_of_tokens_are_bounded(
    state: MemoryState, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory.TOKEN_CACHE_SIZE == 100_000
    monkeypatch.setattr(memory, "TOKEN_CACHE_SIZE", 2)

    for key in ("a", "b", "a", "b", "c", "a"):
        await state.tokens(key)
    assert queries == ["a", "b", "c", "a"]

    queries.clear()
    for key in ("a", "b", "a", "b", "c", "a"):
        await state.consumed(key)
    assert queries == ["a", "b", "c", "a"]


async def test_the_last_use_of_each_token_is_taken_once(state: MemoryState) -> None:
    state.token_used(1, AT)
    state.token_used(2, AT)
    state.token_used(1, AT.replace(hour=13))

    assert state.take_used_tokens() == {1: AT.replace(hour=13), 2: AT}
    assert state.take_used_tokens() == {}


# -- energy of budgets ------------------------------------------------------------------------------------


async def test_the_energy_of_a_budget_is_read_again_after_thirty_seconds_and_on_another_day(
    state: MemoryState, clock: SimpleNamespace, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await state.consumed("token:1")).day_wh == 1
    clock.now += 29.9
    assert (await state.consumed("token:1")).day_wh == 1
    clock.now += 0.1
    assert (await state.consumed("token:1")).day_wh == 2

    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 5, 5))
    assert (await state.consumed("token:1")).day_wh == 3


async def test_the_end_of_a_transaction_makes_the_energy_of_its_budgets_be_read_again(
    state: MemoryState, queries: list[str]
) -> None:
    stored().records = (token(1, "token:1"), token(2, "contract:3"))
    await state.tokens("card")
    for subject in ("token:1", "contract:3", "token:9"):
        await state.consumed(subject)
    transaction = running()
    state.transaction_changed(transaction)
    queries.clear()

    transaction.is_active = False
    state.transaction_changed(transaction)
    for subject in ("token:1", "contract:3", "token:9"):
        await state.consumed(subject)

    assert queries == ["token:1", "contract:3"]


async def test_a_change_of_all_tokens_makes_the_energy_be_read_again(
    state: MemoryState, queries: list[str]
) -> None:
    await state.consumed("token:1")
    state.forget_tokens()
    await state.consumed("token:1")

    assert queries == ["token:1", "token:1"]


# -- running transactions ---------------------------------------------------------------------------------


async def test_a_transaction_runs_for_its_token_and_its_group_until_it_ends(state: MemoryState) -> None:
    first, second, other = running(1, group_id="Fleet"), running(2, group_id="FLEET"), running(3, "other")
    for transaction in (first, second, other, running(4, "")):
        state.transaction_changed(transaction)

    assert await state.running("card") == [first, second]
    assert await state.running_of_group("fleet") == [first, second]
    assert (await state.running("other"), await state.running("")) == ([other], [])
    assert await state.running_of_group("") == []

    first.is_active = False
    state.transaction_changed(first)
    assert (await state.running("card"), await state.running_of_group("Fleet")) == ([second], [second])

    state.transaction_undone(second)
    state.transaction_undone(second)
    assert (await state.running("card"), await state.running_of_group("Fleet")) == ([], [])
    assert not state._running.get("card") and not state._groups


async def test_a_job_ends_a_transaction_by_its_number(state: MemoryState) -> None:
    state.transaction_changed(running(1, group_id="Fleet"))

    state.transaction_abandoned(1, "card")
    state.transaction_abandoned(2, "unknown")

    assert (await state.running("card"), await state.running_of_group("fleet")) == ([], [])


async def test_a_loaded_station_replaces_the_transactions_that_ran_before(state: MemoryState) -> None:
    before, after = running(1), running(2)
    state.transaction_changed(before)

    state.station_loaded([after], before=[before])
    assert await state.running("card") == [after]

    state.station_loaded([before])
    assert await state.running("card") == [after, before]


async def test_numbers_go_on_from_the_highest_known(state: MemoryState) -> None:
    assert [await state.next_transaction_number() for _ in range(2)] == [1000, 1001]

    state.rebuild(last_number=900, active=[running(1)])
    assert await state.next_transaction_number() == 1002
    assert await state.running("card") == [running(1)]

    state.rebuild(last_number=5000, active=[])
    assert await state.next_transaction_number() == 5001


# -- a state that is not shared ---------------------------------------------------------------------------


async def test_a_process_alone_is_its_own_housekeeper_and_has_no_scripts(state: MemoryState) -> None:
    await state.connect(connection("k1"))

    assert (state.is_shared, state.is_housekeeper, state.is_current, state.away) == (False, True, True, None)
    assert (await state.status(), await state.gone({"CP-1": "k9"})) == ({}, [])
    assert await state.recent.note("a", "CP-1", "login") == 1
    assert await state.probes.requested() == []
    registered = await state.registered("cp-1")
    assert registered is not None and registered.id == "k1"
    with pytest.raises(LiveStateUnavailable):
        await state.run(None, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["stored key", "removed"])
def test_apps_discard_their_copies_of_a_station(
    state: MemoryState, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    forgotten: list[str | None] = []
    extension = extensions.Extension(name="one", forget=forgotten.append)
    monkeypatch.setattr(
        extensions, "_extensions", {"one": extension, "two": extensions.Extension(name="two")}
    )

    if change == "removed":
        state.station_removed("CP-1")
    else:
        state.stored_key_changed("CP-1", "key", None)

    assert forgotten == ["CP-1"]


# -- recent events ----------------------------------------------------------------------------------------


async def test_an_event_counts_for_a_minute_by_kind_address_and_identity(clock: SimpleNamespace) -> None:
    events = MemoryRecent()
    assert [await events.note("a", "CP-1", "login") for _ in range(2)] == [1, 2]
    clock.now += 59.9
    assert await events.note("a", "cp-1", "login") == 3

    assert await events.counts("a", "Cp-1", "login", "other") == [3, 0]
    assert await events.counts("b", "CP-1", "login") == await events.counts("a", "CP-2", "login") == [0]
    clock.now += 0.1
    assert await events.counts("a", "CP-1", "login") == [1]


async def test_an_event_above_the_limit_waits_until_the_oldest_is_a_minute_old(
    clock: SimpleNamespace,
) -> None:
    events = MemoryRecent()
    for _ in range(2):
        assert await events.take("a", "CP-1", "boot", 2) == 0
        clock.now += 10

    assert await events.take("a", "cp-1", "boot", 2) == pytest.approx(40)
    assert await events.counts("a", "CP-1", "boot") == [2]
    # With a lower limit, the latest ones count.
    assert await events.take("a", "CP-1", "boot", 1) == pytest.approx(50)

    await events.forget("a", "cp-1", "boot")
    await events.forget("a", "CP-9", "boot")
    assert await events.take("a", "CP-1", "boot", 2) == 0


async def test_the_events_that_were_noted_longest_ago_are_dropped_beyond_50000(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recent.TRACKED == 50_000
    monkeypatch.setattr(recent, "TRACKED", 2)
    events = MemoryRecent()

    for address in ("a", "b", "a", "c"):
        await events.note(address, "", "login")

    assert [await events.counts(address, "", "login") for address in "abc"] == [[2], [0], [1]]


# -- probes -----------------------------------------------------------------------------------------------


async def test_a_probe_and_its_confirmation_are_valid_for_five_seconds(clock: SimpleNamespace) -> None:
    asked = MemoryProbes()
    await asked.request("k1")
    await asked.confirm("k2")
    clock.now += 4.9
    assert (await asked.requested(), await asked.is_confirmed("k2")) == (["k1"], True)
    assert not await asked.is_confirmed("k1")

    clock.now += 0.1
    assert (await asked.requested(), await asked.is_confirmed("k2")) == ([], False)


# -- records ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("station", "site", "is_in"), [(1, None, True), (2, 5, True), (2, 6, False)])
def test_places_are_stations_and_sites(station: int, site: int | None, is_in: bool) -> None:
    assert Places(frozenset({1}), frozenset({5})).include(station, site) is is_in


def test_a_station_without_a_site_is_at_no_place_of_a_site() -> None:
    assert not Places(sites=frozenset({5})).include(5, None)
    assert not Places().include(1, 5)
