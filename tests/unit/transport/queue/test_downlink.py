"""Messages from a process of the server to a station at a gateway, or about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_server.domain import QueueFull, StationOffline
from ocpp_server.live.records import Connection
from ocpp_server.protocol.versions import V201
from ocpp_server.transport.queue import downlink, envelope
from ocpp_server.transport.queue.envelope import Envelope
from tests.redis_scripts import START_MS, QueueBench
from tests.unit.transport.queue.command_rows import CommandRows, StateInRedis, a_command

pytestmark = pytest.mark.usefixtures("state")


def connection(session: str = "s1", **more: Any) -> Connection:
    values = {"version": V201, "channel": "", "remote_address": "192.0.2.1", "server": "gw"}
    return Connection(id=session, identity="A", connected_at=datetime.now(UTC), **(values | more))


def read(bench: QueueBench, name: str) -> list[Envelope]:
    return [envelope.parse(text) for text in bench.lists(name).get(name, [])]


def test_a_connection_without_a_channel_is_at_a_gateway() -> None:
    assert downlink.is_at_gateway(connection())
    assert not downlink.is_at_gateway(connection(channel="process.1"))


async def test_a_command_is_queued_with_all_that_its_answer_needs(
    bench: QueueBench, rows: CommandRows
) -> None:
    bench.connect("A")

    await downlink.submit(connection(), a_command(timeout=1.5))

    (sent,) = read(bench, "responses:A")
    assert sent.frame == '[2,"c1","TriggerMessage",{"requestedMessage":"Heartbeat"}]'
    assert (sent.charge_point_id, sent.session_id, sent.protocol) == ("A", "s1", V201)
    pending = bench.client.hgetall(bench.keys.pending("A"))
    assert envelope.parse(pending.pop("envelope")) == sent
    assert pending == {
        "message_id": "c1",
        "action": "TriggerMessage",
        "session_id": "s1",
        "sent_at": str(START_MS),
        "deadline": str(START_MS + 1500),
        "expires": str(START_MS + 1500),
        "timeout": "1500",
        "reply_to": "waiter",
        "actor": "ann",
    }


async def test_only_a_command_that_is_sent_at_once_is_stored_as_sent(
    bench: QueueBench, rows: CommandRows
) -> None:
    bench.connect("A")

    await downlink.submit(connection(), a_command("c1"))
    await downlink.submit(connection(), a_command("c2"))

    assert rows.stored == [("sent", "c1")]


async def test_a_command_over_an_earlier_connection_is_refused(bench: QueueBench, rows: CommandRows) -> None:
    bench.connect("A", session="s2")

    with pytest.raises(StationOffline, match="A has left its gateway"):
        await downlink.submit(connection(), a_command())

    assert rows.stored == []


async def test_64_commands_may_wait_behind_the_one_that_was_sent(
    bench: QueueBench, rows: CommandRows
) -> None:
    bench.connect("A")
    for number in range(65):
        await downlink.submit(connection(), a_command(f"c{number}"))

    with pytest.raises(QueueFull):
        await downlink.submit(connection(), a_command("one too many"))

    assert bench.client.llen(bench.keys.calls("A")) == 64


async def test_the_processor_learns_that_the_settings_of_a_station_have_changed(bench: QueueBench) -> None:
    bench.connect("A")

    await downlink.changed(connection())
    await downlink.changed(connection("s0"))

    (control,) = read(bench, "requests:A")
    assert (control.event, control.charge_point_id, control.session_id) == ("changed", "A", "s1")
    assert read(bench, "responses:A") == []


async def test_the_gateway_learns_that_it_has_to_close_the_socket(bench: QueueBench) -> None:
    bench.connect("A")

    await downlink.dismiss(connection(), 1008, "removed")

    (control,) = read(bench, "responses:A")
    assert (control.event, control.charge_point_id, control.session_id) == ("close", "A", "s1")
    assert (control.code, control.reason) == (1008, "removed")
    assert read(bench, "requests:A") == []


async def test_the_gateway_and_the_processor_learn_of_a_newer_connection_elsewhere(
    bench: QueueBench,
) -> None:
    await downlink.replaced(connection(), "r1", "process.2")

    (control,) = read(bench, "requests:A")
    assert (control.event, control.charge_point_id, control.session_id) == ("replaced", "A", "s1")
    assert (control.message_id, control.reply_to) == ("r1", "process.2")
    assert bench.lists("gateway:gw") == {"gateway:gw": ["A"]}


async def test_a_script_learns_how_long_the_state_of_a_dead_process_is_kept(
    bench: QueueBench, state: StateInRedis, settings: Any
) -> None:
    settings.REDIS_STATE_TTL = 7.5

    await downlink.changed(connection())

    assert state.kept_ms == 7500
