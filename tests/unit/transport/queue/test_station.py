"""A station at a gateway: its envelopes are handled like the frames of a socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.db import IntegrityError

from ocpp_server import live
from ocpp_server.live.memory import MemoryState
from ocpp_server.live.station import Station
from ocpp_server.protocol.dispatch import CommitRefused, StorageUnavailable
from ocpp_server.protocol.versions import V16
from ocpp_server.storage.journal import JournalUnavailable
from ocpp_server.transport import quarantine
from ocpp_server.transport.queue import envelope
from ocpp_server.transport.queue.envelope import Envelope
from ocpp_server.transport.queue.station import Outcome, QueuedStation
from tests.redis_scripts import QueueBench
from tests.unit.transport.queue.command_rows import CommandRows, StateInRedis, a_command

Make = Callable[..., QueuedStation]
STATUS = '[2,"m1","StatusNotification",{"connectorId":0,"status":"Available","errorCode":"NoError"}]'
BROKEN = '[2,"m1","Heartbeat",{'


@pytest.fixture
def make(rows: CommandRows, confirmed: list[Any], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Load the station A, which is connected in session s1. Only commands need Redis."""

    async def keep_refused(*_: Any) -> None: ...

    memory = MemoryState()
    monkeypatch.setattr(live, "state", lambda: memory)
    monkeypatch.setattr(quarantine.port, "app", SimpleNamespace(keep_refused=keep_refused))

    def load(redis: Any = None, *, is_settled: bool = False) -> QueuedStation:
        station = Station(pk=7, identity="A", version=V16)
        station.registration_status = "Accepted"
        station.connection_id = "s1"
        return QueuedStation(station, redis, epoch=3, is_settled=is_settled)

    return load


@pytest.fixture
def commanded(make: Make, bench: QueueBench, state: StateInRedis) -> Any:
    """Load the station, and send it the command c1."""

    async def load() -> QueuedStation:
        bench.connect("A")
        station = make(bench.redis)
        await station.connection.call(a_command("c1"))
        return station

    return load


async def handle(station: QueuedStation, text: str, *, at: Any = None, is_repeated: bool = False) -> Outcome:
    message = envelope.parse(envelope.pack_frame(text, "A", session_id="s1", at=at))
    return await station.handle(message, is_repeated=is_repeated)


def sent(outcome: Outcome) -> list[Envelope]:
    return [envelope.parse(answer) for answer in outcome.answers]


def test_an_outcome_without_more_only_removes_the_head() -> None:
    outcome = Outcome()

    assert (outcome.session_id, outcome.answers) == ("", [])
    assert (outcome.ends, outcome.settles, outcome.letter) == ("", "", "")


def test_a_station_is_loaded_for_its_session_and_the_epoch_of_the_claim(make: Make) -> None:
    station = make()

    assert (station.session_id, station.epoch) == ("s1", 3)


async def test_a_request_is_answered_in_the_session_of_the_station(make: Make) -> None:
    outcome = await handle(make(), '[2,"m1","Heartbeat",{}]')

    (answer,) = sent(outcome)
    assert (answer.charge_point_id, answer.session_id, answer.protocol) == ("A", "s1", V16)
    assert orjson.loads(answer.frame)[:2] == [3, "m1"]
    assert (outcome.session_id, outcome.ends, outcome.letter) == ("s1", "", "")


async def test_the_answers_of_one_message_are_not_sent_again_with_the_next(make: Make) -> None:
    station = make()

    first = await handle(station, '[2,"m1","Heartbeat",{}]')
    second = await handle(station, '[2,"m2","Heartbeat",{}]')

    assert [orjson.loads(one.frame)[1] for one in sent(first) + sent(second)] == ["m1", "m2"]


@pytest.mark.parametrize(("days", "is_kept"), [(-1, True), (1, False), (None, False)])
async def test_a_message_has_the_time_at_the_gateway_unless_this_is_in_the_future(
    make: Make, days: int | None, is_kept: bool
) -> None:
    station, before = make(), datetime.now(UTC)
    at = None if days is None else before.replace(microsecond=0) + timedelta(days=days)
    packed = envelope.pack_frame('[2,"m1","Heartbeat",{}]', "A", at=at)
    message = envelope.parse(packed)
    if at is None:
        message.timestamp = ""

    await station.handle(message, is_repeated=False)

    received_at = station.station.received_at
    assert (received_at == at) if is_kept else (before <= received_at <= datetime.now(UTC))


# -- answers to commands -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ('[3,"c1",{"status":"Accepted"}]', "accepted"),
        ('[4,"c1","InternalError","",{}]', "error"),
        ('[3,"c1",{"status":', "invalid"),
        (' \t\r\n[3,"c1",{"status":"Accepted"}]', "accepted"),
        ('\ufeff\x00[3,"c1",{"status":"Accepted"}]', "invalid"),
    ],
)
async def test_an_answer_ends_its_command(commanded: Any, rows: CommandRows, text: str, end: str) -> None:
    station = await commanded()

    outcome = await handle(station, text)

    assert rows.stored[1:] == [("result", "c1", end)]
    assert (outcome.ends, outcome.session_id, sent(outcome)) == ("c1", "s1", [])


@pytest.mark.parametrize(("is_repeated", "in_doubt"), [(True, False), (False, True)])
async def test_an_answer_whose_command_is_finished_is_only_removed_when_it_may_be_a_repetition(
    commanded: Any, rows: CommandRows, is_repeated: bool, in_doubt: bool, confirmed: list[Any]
) -> None:
    station = await commanded()
    rows.finished.add("c1")
    station.station.in_doubt = in_doubt

    outcome = await handle(station, '[3,"c1",{"status":"Accepted"}]', is_repeated=is_repeated)

    assert rows.stored == [("sent", "c1")] and confirmed == [("c1", "waiter")]
    assert (outcome.ends, outcome.answers) == ("c1", [])


async def test_an_answer_is_handled_without_doubt_when_it_arrives_for_the_first_time(
    commanded: Any, rows: CommandRows
) -> None:
    station = await commanded()
    rows.finished.add("c1")
    station.station.in_doubt = False

    assert (await handle(station, '[3,"c1",{"status":"Accepted"}]')).ends == "c1"

    assert rows.stored[1:] == [("result", "c1", "accepted")]


@pytest.mark.parametrize("text", ['[3,5,{"status":"Accepted"}]', '[42,"c1",{}]', '[2,"c1","Heartbeat",{}]'])
async def test_only_an_answer_with_a_message_id_looks_for_a_command(commanded: Any, text: str) -> None:
    station = await commanded()

    outcome = await handle(station, text)

    assert outcome.ends == "" and not station.connection.is_awaited


async def test_the_next_message_ends_no_command_again(commanded: Any) -> None:
    station = await commanded()
    await handle(station, '[3,"c1",{"status":"Accepted"}]')

    assert (await handle(station, '[2,"m1","Heartbeat",{}]')).ends == ""


# -- settling ------------------------------------------------------------------------------------------


async def test_the_first_message_that_is_served_lets_the_commands_be_sent(make: Make) -> None:
    station = make()

    outcomes = [await handle(station, text) for text in (BROKEN, '[2,"m2","Heartbeat",{}]', STATUS)]

    assert [outcome.settles for outcome in outcomes] == ["", "0", ""]


async def test_a_station_that_has_settled_at_another_processor_does_not_settle_again(make: Make) -> None:
    assert (await handle(make(is_settled=True), '[2,"m1","Heartbeat",{}]')).settles == ""


# -- closing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "raised"), [(JournalUnavailable(), StorageUnavailable), (IntegrityError("no"), CommitRefused)]
)
async def test_a_message_that_is_not_stored_is_not_answered(
    make: Make, rows: CommandRows, error: Exception, raised: type[Exception]
) -> None:
    station = make()
    rows.error = error

    with pytest.raises(raised) as caught:
        await handle(station, STATUS)

    assert str(caught.value)
    rows.error = None
    assert len(sent(await handle(station, STATUS.replace("m1", "m2")))) == 1


@pytest.mark.parametrize("is_legacy", [False, True])
async def test_the_gateway_closes_the_socket_after_ten_broken_frames_unless_it_knows_no_controls(
    make: Make, is_legacy: bool
) -> None:
    station = make()
    assert station.is_at_legacy_gateway is False
    station.is_at_legacy_gateway = is_legacy

    for _ in range(9):
        assert all(answer.event == "" for answer in sent(await handle(station, BROKEN)))
    outcome = await handle(station, BROKEN)

    controls = [answer for answer in sent(outcome) if answer.event]
    assert [(one.event, one.charge_point_id, one.session_id, one.code, one.reason) for one in controls] == (
        [] if is_legacy else [("close", "A", "s1", 1002, "Too many broken frames in a row.")]
    )


def test_the_gateway_looks_for_silence_so_the_processor_never_does(make: Make) -> None:
    station = make()
    station.station.last_seen_at = datetime.now(UTC) - timedelta(days=1)

    assert not station.connection.is_silent(timedelta(0))
