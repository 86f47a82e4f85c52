"""A call that a message causes fails: a query, a write, a commit, or a service.

The n-th call fails, for n = 1, 2, ... until no call is left. Afterwards the live state equals the database,
nothing is answered that is not stored, and the same message sent again leaves what an undisturbed run leaves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocpp_server.process import engine
from tests.unit.live.unit_of_work.cases import Case
from tests.unit.live.unit_of_work.injecting import Database, Failure, failing_service
from tests.unit.live.unit_of_work.messages import IN_EVERY_RUN, MESSAGES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    made = Database()
    made.install(monkeypatch)
    # The database is back at once: the pause between two attempts is not what is tested.
    monkeypatch.setattr("ocpp_server.storage.journal.RETRY_S", (0.0,))
    # Without jobs, which would change rows in the background.
    await engine.start(serves=False)
    yield made
    settings.OCPP_JOURNAL_BUDGET = 5.0
    await engine.stop()


@pytest.fixture
async def case(database: Database, settings: Any, request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    made = Case(request.param, settings, database)
    await made.prepare()
    yield made
    made.snapshot.close()


async def fail_calls(case: Case, failure: Failure, numbers: range) -> None:
    """Fail the n-th call of the database that this failure concerns, until none is left."""
    may_be_stored = failure in (Failure.LOST, Failure.LOST_ONCE)
    for number in numbers:
        wire = await case.begin()
        # Without a budget, a message is given up at the first error.
        case.settings.OCPP_JOURNAL_BUDGET = 0.0 if failure in (Failure.AWAY, Failure.LOST) else 5.0
        with case.database.failing(number, failure):
            await case.send(wire)
        case.settings.OCPP_JOURNAL_BUDGET = 5.0
        if not case.database.place:
            return
        place = f"{failure.value} at call {number}: {case.database.place}"
        await case.check(wire, place, may_be_stored=may_be_stored)
    pytest.fail("the message never got through")


async def fail_services(case: Case, numbers: range) -> None:
    for number in numbers:
        wire = await case.begin()
        with failing_service(number) as places:
            await case.send(wire)
        if not places:
            return
        await case.check(wire, f"call {number}: {places[0]}")
    pytest.fail("the message never got through")


@pytest.mark.parametrize("case", IN_EVERY_RUN, indirect=True)
async def test_a_failing_call_stores_all_or_nothing_and_the_message_sent_again_succeeds(case: Case) -> None:
    """Every twentieth call fails, by every second fault; which ones differs from message to message."""
    faults = list(Failure)[len(case.name) % 2 :: 2]
    for place, failure in enumerate(faults, len(case.name)):
        await fail_calls(case, failure, range(1 + 7 * place % 20, 500, 20))
    await fail_services(case, range(1 + 3 * len(case.name) % 20, 500, 20))


@pytest.mark.soak
@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("case", MESSAGES, indirect=True)
async def test_each_single_call_of_the_database_that_fails(case: Case, failure: Failure) -> None:
    await fail_calls(case, failure, range(1, 500))


@pytest.mark.soak
@pytest.mark.parametrize("case", MESSAGES, indirect=True)
async def test_each_single_call_of_a_service_that_fails(case: Case) -> None:
    await fail_services(case, range(1, 500))
