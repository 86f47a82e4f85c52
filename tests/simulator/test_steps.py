"""Charging step by step, and commands that fail on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.models.step import FAILURES
from simulator import VERSIONS, CallFailed, connection, outbox
from simulator.answers.firmware import _outcome
from simulator.answers.table import NoReply
from simulator.failing import ERRORS, NO_ANSWER, REJECTED, Failure, failing_answer, refusal, take
from simulator.steps import Impossible, StepStation, plug, tap, unplug
from simulator.uploads import transfers
from tests.simulator.csms import TIMEOUT_S, Csms


@pytest.fixture
async def station(csms: Csms, version: str) -> AsyncIterator[StepStation]:
    made = StepStation("TEST-1", version, csms.url, speed=200.0, seed=7, call_timeout_s=TIMEOUT_S)
    await made.start(timeout_s=TIMEOUT_S)
    yield made
    await made.stop(grace_s=1)


async def test_plug_tap_and_unplug_make_a_session(station: StepStation) -> None:
    await plug(station, 1)
    assert (station.connector(1).status, station.connector(2).status) == ("Preparing", "Available")

    session = await tap(station, 1, "CARD-1")
    assert session.began.is_set() and not session.over.is_set()
    with pytest.raises(Impossible, match="another token"):
        await tap(station, 1, "CARD-2")

    assert await unplug(station, 1) is session
    assert (session.reason, station.connector(1).status) == ("EVDisconnected", "Available")
    assert not station.outbox.waiting


async def test_a_second_tap_ends_the_session_and_leaves_the_cable(station: StepStation) -> None:
    await plug(station, 1)
    session = await tap(station, 1, "CARD-1")

    assert await tap(station, 1, "card-1") is session

    assert (session.reason, station.connector(1).status) == ("Local", "Finishing")
    with pytest.raises(Impossible, match="has ended"):
        await tap(station, 1, "CARD-1")
    await unplug(station, 1)
    await plug(station, 1)
    assert (await tap(station, 1, "CARD-1")) is not session


async def test_a_session_waits_for_its_cable(station: StepStation) -> None:
    session = await tap(station, 1, "CARD-1")
    assert not session.began.is_set()

    await plug(station, 1)

    assert session.began.is_set()


async def test_steps_that_the_connector_can_not_take(station: StepStation) -> None:
    with pytest.raises(Impossible, match="no cable"):
        await unplug(station, 1)
    with pytest.raises(LookupError):
        await plug(station, 9)
    await plug(station, 1)
    with pytest.raises(Impossible, match="a cable already"):
        await plug(station, 1)


async def test_an_isolated_station_reaches_no_other_address(station: StepStation) -> None:
    station.is_isolated = True
    station.network.urls = {1: "ws://127.0.0.1:1/elsewhere"}

    await station.reconnect()

    assert station.online.is_set()
    assert not transfers(station, "http://127.0.0.1:1/file")
    assert (await _outcome(station, "http://127.0.0.1:1/file", "log")) == "Uploaded"


async def test_an_isolated_station_keeps_to_real_seconds(
    station: StepStation, csms: Csms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ISOLATED_INTERVAL_S", 0.2)
    station.is_isolated = True
    station.settings.put("sample_interval", 1)
    station.settings.put("heartbeat_interval", 1)
    station.boot_now()  # it uses the interval from its next wait on
    await plug(station, 1)
    await tap(station, 1, "CARD-1")

    await asyncio.sleep(0.5)

    samples = [
        one for one in csms.payloads("MeterValues") + csms.payloads("TransactionEvent") if _is_periodic(one)
    ]
    assert 1 <= len(samples) <= 3
    assert csms.actions().count("Heartbeat") <= 3


def _is_periodic(payload: dict[str, Any]) -> bool:
    return bool(payload.get("triggerReason", "MeterValuePeriodic") == "MeterValuePeriodic")


async def test_an_isolated_station_drops_updates_that_wait(
    station: StepStation, csms: Csms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_OF_ISOLATED", 3)
    await plug(station, 1)
    session = await tap(station, 1, "CARD-1")
    await station.outbox_drained()
    station.online.clear()  # the queue is not sent meanwhile

    for _ in range(9):
        await session.report("Trigger")
    assert len(station.outbox.waiting) == 9
    station.is_isolated = True
    await session.report("Trigger")

    assert len(station.outbox.waiting) == 9
    station.online.set()
    station.outbox.wake()
    assert await unplug(station, 1) is session


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failure_is_used_once_and_by_its_action(version: str) -> None:
    failures = [Failure(NO_ANSWER, "Reset"), Failure(REJECTED), Failure("InternalError", "Reset")]

    assert take(failures, "ClearCache") == Failure(REJECTED)
    assert [take(failures, "Reset") for _ in range(3)] == [
        Failure(NO_ANSWER, "Reset"),
        Failure("InternalError", "Reset"),
        None,
    ]
    assert failing_answer(version, "Reset", Failure(REJECTED)) == {"status": "Rejected"}
    with pytest.raises(NoReply):
        failing_answer(version, "Reset", Failure(NO_ANSWER))
    with pytest.raises(CallFailed, match="SecurityError"):
        failing_answer(version, "Reset", Failure("SecurityError"))


def test_a_refusal_follows_the_schema_of_its_action() -> None:
    assert refusal("1.6", "UnlockConnector") == {"status": "UnlockFailed"}
    assert refusal("1.6", "GetConfiguration") is None
    with pytest.raises(CallFailed, match="InternalError"):
        failing_answer("1.6", "GetConfiguration", Failure(REJECTED))


def test_the_api_knows_the_failures_of_the_simulator() -> None:
    assert (REJECTED, NO_ANSWER, *ERRORS) == FAILURES
