"""Triggers whose messages came, came first, did not come, or were found in the message log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chargepoints.models import ChargePoint, Command, Message
from events.models import Event
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS
from ocpp_server.storage.journal import journal
from ocpp_server.transport.messages import StationCall
from tests.direct import messages
from tests.direct.station import DirectStation
from transactions.live.waiting_triggers import LAST_MESSAGES, TRIGGERS, LastMessages
from transactions.services.remote_control import triggers

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(seconds=60)


async def ask(charger: DirectStation, payload: dict[str, Any], action: str = "TriggerMessage") -> str:
    """Send a trigger; the id of its command. The station has not answered it."""
    now, live = datetime.now(UTC), charger.station
    command_id = f"c{await journal.run(Command.objects.count)}"
    await journal.run(
        Command.objects.create,
        id=command_id,
        charge_point_id=live.pk,
        action=action,
        payload=payload,
        created_at=now,
        deadline_at=now + MINUTE,
    )
    charger.wire.connection._outgoing.settled()
    await charger.wire.connection.call(
        StationCall(
            identity=live.identity, id=command_id, action=action, payload=payload, timeout=30, reply_to=""
        )
    )
    return command_id


async def answer(charger: DirectStation, command_id: str, status: str = "Accepted") -> None:
    await charger.wire.connection.received(orjson.dumps([3, command_id, {"status": status}]).decode())


async def fail(charger: DirectStation, command_id: str, code: str) -> None:
    await charger.wire.connection.received(orjson.dumps([4, command_id, code, "", {}]).decode())


async def effect(command_id: str) -> tuple[str, bool]:
    """The state of the effect, and whether it has a deadline."""
    row = await journal.run(Command.objects.get, pk=command_id)
    return row.effect, row.effect_until is not None


def events() -> list[tuple[str, dict[str, Any]]]:
    rows = Event.objects.filter(type__startswith="effect.").order_by("id")
    return [(row.type, row.content) for row in rows]


SEEN = {"effect": "message-received", "transactionId": None}


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_command_waits_for_its_message_and_takes_no_other(station: Any, version: str) -> None:
    charger = await station(version)
    place = {"connectorId": 2} if version == V16 else {"evse": {"id": 2, "connectorId": 1}}

    command_id = await ask(charger, {"requestedMessage": "StatusNotification", **place})
    await charger.status(evse=2)  # before the answer, and nothing of a trigger: see the next test
    LAST_MESSAGES.of(charger.station)._kept.clear()
    await answer(charger, command_id)
    waiting = await effect(command_id)
    await charger.status(evse=1)
    await charger.call("Heartbeat", {})
    still = await effect(command_id)
    await charger.status(evse=2)

    assert (waiting, still) == (("waiting", True), ("waiting", True))
    assert await effect(command_id) == ("seen", False)
    assert await journal.run(events) == [("effect.seen", {"requestId": command_id, **SEEN})]
    assert TRIGGERS.of(charger.station) == []


async def test_a_message_before_the_answer_counts_if_it_came_after_the_command(station: Any) -> None:
    charger = await station(V16)
    await charger.call("Heartbeat", {})

    early = await ask(charger, {"requestedMessage": "Heartbeat"})
    await answer(charger, early)
    first = await ask(charger, {"requestedMessage": "Heartbeat"})
    await charger.call("Heartbeat", {})
    was = await effect(early), await effect(first)
    await answer(charger, first)

    assert was == (("seen", False), ("", False))
    assert await effect(first) == ("seen", False)


async def test_a_reload_keeps_the_waiting_triggers_of_the_station(station: Any) -> None:
    charger, other = await station(V16), await station(V16, "CP-2")
    command_id = await ask(charger, {"requestedMessage": "MeterValues"})
    await answer(charger, command_id)

    await charger.reload()
    await other.call("MeterValues", {"connectorId": 1, "meterValue": []})
    was = await effect(command_id)
    sample = {"timestamp": "2026-05-04T12:00:00Z", "sampledValue": [{"value": "1"}]}
    await charger.ask(("MeterValues", {"connectorId": 1, "meterValue": [sample]}))

    assert was == ("waiting", True)
    assert await effect(command_id) == ("seen", False)


@pytest.mark.parametrize("status", ["Rejected", "NotImplemented"])
async def test_a_refused_trigger_waits_for_nothing(station: Any, status: str) -> None:
    charger = await station(V201)

    command_id = await ask(charger, {"requestedMessage": "Heartbeat"})
    await answer(charger, command_id, status)

    assert await effect(command_id) == ("", False)
    assert TRIGGERS.of(charger.station) == []


async def test_a_custom_trigger_has_no_message_to_wait_for(station: Any) -> None:
    charger = await station(V21)

    command_id = await ask(charger, {"requestedMessage": "CustomTrigger", "customTrigger": "x"})
    await answer(charger, command_id)

    assert await effect(command_id) == ("", False)


async def test_a_message_after_the_time_is_not_the_effect(station: Any) -> None:
    charger = await station(V16)
    command_id = await ask(charger, {"requestedMessage": "Heartbeat"})
    await answer(charger, command_id)
    waiting = TRIGGERS.of(charger.station)
    waiting[0] = type(waiting[0])(command_id, waiting[0].asked, datetime.now(UTC) - timedelta(seconds=1))

    await charger.call("Heartbeat", {})

    assert await effect(command_id) == ("waiting", True)
    assert TRIGGERS.of(charger.station) == []


def test_the_last_messages_are_few_and_not_old() -> None:
    now, known = datetime.now(UTC), LastMessages()

    for second in range(40):
        known.add(triggers.Sent("Heartbeat"), now + timedelta(seconds=second))
    many = len(known)
    known.add(triggers.Sent("Heartbeat"), now + timedelta(seconds=39 + 61))

    assert (many, len(known)) == (16, 1)


# -- the job -------------------------------------------------------------------------------------------------


def settle_later() -> None:
    """Run the job two minutes later."""
    Command.objects.filter(effect="waiting").update(
        created_at=datetime.now(UTC) - 3 * MINUTE, effect_until=datetime.now(UTC) + timedelta(seconds=1)
    )
    triggers.settle_overdue(datetime.now(UTC) + 2 * MINUTE)


async def test_the_job_ends_the_wait_for_a_message_that_did_not_come(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    command_id = await ask(charger, {"requestedMessage": "DiagnosticsStatusNotification"})
    await answer(charger, command_id)

    await run_orm(triggers.settle_overdue, datetime.now(UTC) + MINUTE)
    early = await effect(command_id)
    await run_orm(settle_later)
    await run_orm(settle_later)

    assert early == ("waiting", True)
    assert await effect(command_id) == ("missed", False)
    assert await run_orm(events) == [
        ("effect.missed", {"requestId": command_id, "effect": "message-received"})
    ]


async def test_the_job_finds_the_message_in_the_log(station: Any, run_orm: Any) -> None:
    """The process died after it stored the message and before it stored the effect; here, it forgets."""
    charger = await station(V16)
    seen = await ask(charger, {"requestedMessage": "StatusNotification", "connectorId": 1})
    await answer(charger, seen)
    missed = await ask(charger, {"requestedMessage": "StatusNotification", "connectorId": 2})
    await answer(charger, missed)
    TRIGGERS.of(charger.station).clear()
    await charger.status(evse=1)
    await charger.call("StatusNotification", {"connectorId": "two"})  # refused, and in the log

    await run_orm(settle_later)

    assert (await effect(seen), await effect(missed)) == (("seen", False), ("missed", False))
    assert [kind for kind, _ in await run_orm(events)] == ["effect.seen", "effect.missed"]


async def test_a_log_of_broken_rows_shows_nothing(station: Any, run_orm: Any) -> None:
    charger = await station(V201)
    command_id = await ask(charger, {"requestedMessage": "StatusNotification", "evse": {"id": 1}})
    await answer(charger, command_id)
    for text in ("{", "[]", '{"eventData": [{}]}', '{"eventData": 1}'):
        row = {"direction": "in", "message_id": "m", "action": "NotifyEvent", "size": 1}
        row |= {"charge_point_id": charger.pk, "request": text, "at": datetime.now(UTC)}
        await run_orm(Message.objects.create, **row)

    await run_orm(settle_later)

    assert await effect(command_id) == ("missed", False)


# -- not implemented -----------------------------------------------------------------------------------------


def missing(action: str = "TriggerMessage") -> set[str]:
    return set(triggers.missing(ChargePoint.objects.get(identity="CP-1"), action))


@pytest.mark.parametrize("version", VERSIONS)
async def test_not_implemented_is_remembered_until_the_station_sends_it(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version)

    await answer(charger, await ask(charger, {"requestedMessage": "MeterValues"}), "NotImplemented")
    await answer(charger, await ask(charger, {"requestedMessage": "Heartbeat"}), "NotImplemented")
    await answer(charger, await ask(charger, {"requestedMessage": "BootNotification"}), "Rejected")
    was = await run_orm(missing)
    await answer(charger, await ask(charger, {"requestedMessage": "Heartbeat"}))

    assert was == {"MeterValues", "Heartbeat"}
    assert await run_orm(missing) == {"MeterValues"}


async def test_new_firmware_may_have_implemented_it(station: Any, run_orm: Any) -> None:
    charger = await station(V16)
    action, boot = messages.boot(V16)
    await charger.ask((action, boot | {"firmwareVersion": "1"}))
    await answer(charger, await ask(charger, {"requestedMessage": "MeterValues"}), "NotImplemented")
    before = await run_orm(missing)

    await charger.ask((action, boot | {"firmwareVersion": "2"}))
    after = await run_orm(missing)
    await answer(charger, await ask(charger, {"requestedMessage": "Heartbeat"}), "NotImplemented")
    row = await run_orm(ChargePoint.objects.get)

    assert (before, after) == ({"MeterValues"}, set())
    assert row.missing_triggers == {"TriggerMessage.Heartbeat": "2"}


@pytest.mark.parametrize(
    ("code", "is_missing"), [("NotImplemented", True), ("NotSupported", True), ("GenericError", False)]
)
async def test_an_error_can_mean_the_same(station: Any, run_orm: Any, code: str, is_missing: bool) -> None:
    charger = await station(V16)
    asked = {"requestedMessage": "LogStatusNotification"}

    await fail(charger, await ask(charger, asked, "ExtendedTriggerMessage"), code)
    plain = await ask(charger, {"requestedMessage": "Heartbeat"})
    await fail(charger, plain, code)

    assert await run_orm(missing, "ExtendedTriggerMessage") == (
        {"LogStatusNotification"} if is_missing else set()
    )
    assert await run_orm(missing) == ({"Heartbeat"} if is_missing else set())
