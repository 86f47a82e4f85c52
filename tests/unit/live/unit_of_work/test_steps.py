"""The changes of a message are stored or rolled back as a whole: each handler fails at each of its lines.

A trace function raises at the n-th line that runs in the project's own handlers and services, for n = 1, 2,
... until no line raises any more. After every failure the live state of the station and the index of running
transactions must be the same as before.
"""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.live.extensions import load_station
from ocpp_server.protocol import actions
from ocpp_server.protocol.registry import registry
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.storage.journal import journal
from tests.unit.live.unit_of_work.failing import comparable, differences, failing_at, live_state
from tests.unit.live.unit_of_work.messages import IN_EVERY_RUN, MESSAGES, ORPHAN, START, at
from transactions.live.unmatched import ORPHANS

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_action_that_is_served_has_a_message_here() -> None:
    sent = {(version in (V201, V21), message[0]) for version, _, message in MESSAGES.values()}

    served = {
        (version != V16, action)
        for version, action in registry.registered("on")
        if action not in actions.SENDS  # no answer shows what became of it
    }

    assert served <= sent


@pytest.mark.parametrize("name", IN_EVERY_RUN)
async def test_a_failing_step_leaves_the_live_state_as_it_was(
    make_wire: Any, tokens: None, name: str
) -> None:
    """Every twentieth line fails; the first of them differs from message to message."""
    await fail_at_each(make_wire, name, range(1 + 7 * len(name) % 20, 2_000, 20))


@pytest.mark.soak
@pytest.mark.parametrize("name", MESSAGES)
async def test_every_single_step_that_fails_leaves_the_live_state_as_it_was(
    make_wire: Any, tokens: None, name: str
) -> None:
    await fail_at_each(make_wire, name, range(1, 2_000))


async def fail_at_each(make_wire: Any, name: str, steps: range) -> None:
    """Send a message repeatedly, each time with a failure at another line, until no line is left."""
    version, before, (action, payload) = MESSAGES[name]
    wire = await make_wire(version)
    for message in before:
        assert (await wire.call(*message))[0] == 3
    was = live_state(wire.station)

    for step in steps:
        with failing_at(step) as places:
            answer = await wire.call(action, payload)
        if not places:
            assert answer[0] == 3, answer
            break
        assert (answer[0], answer[2]) == (4, "InternalError"), places
        now = live_state(wire.station)
        # Connectors are stored in a transaction of their own, before the message that named them first.
        now["station"]["connectors"] = {
            place: connector
            for place, connector in now["station"]["connectors"].items()
            if place in was["station"]["connectors"]
        }
        assert differences(now, was) == [], places
        assert not wire.station.unit
        assert not (wire.station.opened or wire.station.claimed or wire.station.changed)
    else:
        pytest.fail("the message never got through")
    fresh = await journal.run(load_station, wire.station.pk, version)
    assert differences(comparable(wire.station.transactions), comparable(fresh.transactions)) == []


async def test_a_stop_that_cannot_be_joined_never_fails_the_start(make_wire: Any, tokens: None) -> None:
    """Every tenth line fails in turn: the start is answered and stored, and the stop stays queued."""
    joined = 0
    for step in range(1, 2_000, 10):
        wire = await make_wire(V16, f"CP-{step}")
        assert (await wire.call("StopTransaction", ORPHAN))[0] == 3
        with failing_at(step) as places:
            answer = await wire.call("StartTransaction", START)
        if not places:
            break
        if answer[0] == 4:
            continue  # the line is before the join, or starts the next round of it
        joined += 1
        (transaction,) = wire.station.transactions.values()
        assert (transaction.is_active, transaction.energy_mwh) == (True, 0), places
        assert transaction.suspect_reasons == ["connector-unknown: 1"], places
        assert ORPHANS.of(wire.station).count == 1, places
        fresh = await journal.run(load_station, wire.station.pk, V16)
        assert differences(comparable(wire.station.transactions), comparable(fresh.transactions)) == [], (
            places
        )
        await wire.call(
            "StopTransaction", {"transactionId": transaction.id, "meterStop": 1000, "timestamp": at()}
        )
    (transaction,) = wire.station.transactions.values()

    assert joined > 4
    assert (transaction.is_active, transaction.energy_mwh) == (False, 500_000)
    assert ORPHANS.of(wire.station).count == 0
