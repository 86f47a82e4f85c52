"""The changes of a message are published when they are stored, and undone when they are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from ocpp_server.live import unit_of_work
from ocpp_server.live.unit_of_work import UnitOfWork
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.versions import V201
from ocpp_server.storage.journal import JournalUnavailable
from ocpp_server.storage.unit import Unit
from ocpp_server.storage.writes import ResultChanged
from tests.unit.transport.conversation.line import (
    AT,
    COUNTERS,
    Published,
    changed,
    gathered,
    running,
)


async def test_changes_are_published_once_after_they_are_stored(line: Any, state: Published) -> None:
    one = line()
    opened, other = changed(one, state)

    await UnitOfWork(one.station).store()

    assert one.kinds == ["stored"]
    assert state.log == [("changed", 1), ("changed", 2), ("station", "CP-1")]
    assert state.take_used_tokens() == {7: AT}
    assert gathered(one.station) == [] and not one.station.unit
    state.log.clear()
    await UnitOfWork(one.station).store()
    assert (one.kinds, state.log) == (["stored"], [("station", "CP-1")])


async def test_nothing_is_published_that_was_not_stored(line: Any, state: Published) -> None:
    one = line()
    changed(one, state)
    one.errors = [IntegrityError("taken")]

    with pytest.raises(CommitRefused, match="taken"):
        await UnitOfWork(one.station).store()

    assert state.log == [] and len(gathered(one.station)) == 5


@pytest.mark.parametrize("error", [LookupError("no row"), ResultChanged("changed")])
async def test_a_function_of_the_unit_that_fails_refuses_the_commit(
    line: Any, state: Published, error: Exception
) -> None:
    one = line()
    one.station.unit.run(list)
    one.errors = [error]

    with pytest.raises(CommitRefused, match=str(error.args[0])):
        await UnitOfWork(one.station).store()


async def test_a_database_that_is_away_refuses_no_commit(line: Any, state: Published) -> None:
    one = line()
    changed(one, state)
    one.errors = [JournalUnavailable("away")]

    with pytest.raises(StorageUnavailable):
        await UnitOfWork(one.station).store()


async def test_a_roll_back_reloads_the_station_and_replaces_its_transactions(
    line: Any, state: Published
) -> None:
    one = line()
    changed(one, state)
    # The database has closed this one meanwhile.
    one.station.transactions[4] = running(4)
    state.transaction_changed(running(4))
    state.log.clear()
    one.fresh.transactions = {2: running(2), 3: running(3)}

    await UnitOfWork(one.station).roll_back()

    assert [transaction.id for transaction in await state.running("card")] == [2, 3]
    assert list(one.station.transactions) == [2, 3] and one.station.in_doubt
    assert gathered(one.station) == [] and not one.station.unit
    assert state.log[0] == ("undone", 1) and state.take_used_tokens() == {}


async def test_an_abandoned_message_leaves_no_transaction_that_was_never_stored(
    line: Any, state: Published
) -> None:
    one = line()
    changed(one, state)

    with pytest.raises(LookupError), UnitOfWork(one.station):
        raise LookupError

    assert list(one.station.transactions) == [2]
    assert await state.running("card") == []
    assert state.log == [("undone", 1)]
    assert gathered(one.station) == [] and not one.station.unit


async def test_the_state_after_an_abandoned_message_is_not_published(line: Any, state: Published) -> None:
    one = line(V201)
    one.station.opened = [running(9)]
    UnitOfWork(one.station).abandon()
    assert state.log == []
    one.station.unit.insert(COUNTERS, name="a", value=1)

    UnitOfWork(one.station).abandon()

    assert state.log == [] and not one.station.unit


async def test_a_message_that_succeeds_is_not_abandoned(line: Any) -> None:
    one = line()

    with UnitOfWork(one.station) as work:
        one.station.unit.insert(COUNTERS, name="a", value=1)

    assert one.station.unit and isinstance(work, UnitOfWork)


async def test_a_unit_without_rows_is_not_committed(line: Any) -> None:
    one = line()

    await unit_of_work.store(Unit())

    assert one.log == []
