"""The live state in memory: tokens, the energy of their budgets, and their running transactions."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from django.utils import timezone

from ocpp_server.live import memory
from ocpp_server.live.memory import MemoryState
from tests.unit.live.memory.states import AT, running, stored, token


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


async def test_the_energy_of_a_budget_is_read_again_after_thirty_seconds_and_on_another_day(
    state: MemoryState, clock: SimpleNamespace, queries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await state.consumed("token:1")).day_mwh == 1
    clock.now += 29.9
    assert (await state.consumed("token:1")).day_mwh == 1
    clock.now += 0.1
    assert (await state.consumed("token:1")).day_mwh == 2

    monkeypatch.setattr(timezone, "localdate", lambda: date(2026, 5, 5))
    assert (await state.consumed("token:1")).day_mwh == 3


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
