"""Triggers without a socket: the message that settles one, the times that count, and what is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command, Site
from chargepoints.tables import COMMANDS
from events.models import Event
from ocpp_server.live.extensions import load_stations
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import Sent, Trigger
from ocpp_server.protocol.versions import V16, V201
from tests.unit.chargepoints.in_memory import NOON, a_station, changed, events
from tests.unit.transactions.at_once import at_once, run_at_once
from transactions.handlers import remote_control as handlers
from transactions.live.waiting_triggers import LAST_MESSAGES, TRIGGERS, LastMessages, WaitingTrigger
from transactions.services.remote_control import triggers

MINUTE, MOMENT = timedelta(seconds=60), timedelta(microseconds=1)
HEARTBEAT, STATUS = {"requestedMessage": "Heartbeat"}, {"requestedMessage": "StatusNotification"}
SEEN = {"effect": "seen", "effect_until": None}
EVENT = {"effect": "message-received", "transactionId": None}


def waits(station: Station, command_id: str, asked: Trigger, until: datetime = NOON + MINUTE) -> None:
    TRIGGERS.of(station).append(WaitingTrigger(command_id, asked, until))


def waiting(station: Station) -> list[str]:
    return [one.command_id for one in TRIGGERS.of(station)]


async def send(station: Station, action: str, request: dict[str, Any]) -> None:
    station.action = action
    await handlers.triggered(station, request)


# -- the message ---------------------------------------------------------------------------------------------


async def test_a_message_settles_the_triggers_that_asked_for_it() -> None:
    station = a_station()
    waits(station, "c-1", Trigger("StatusNotification", 2))
    waits(station, "c-2", Trigger("StatusNotification", 1))
    waits(station, "c-3", Trigger("Heartbeat"))
    waits(station, "c-4", Trigger("StatusNotification"))

    await send(station, "StatusNotification", {"connectorId": 2})

    assert changed(station, COMMANDS) == {"c-1": SEEN, "c-4": SEEN}
    assert events(station) == [("effect.seen", {"requestId": name, **EVENT}) for name in ("c-1", "c-4")]
    assert waiting(station) == ["c-2", "c-3"]


@pytest.mark.parametrize(("until", "is_seen"), [(NOON, True), (NOON - MOMENT, False)])
async def test_a_trigger_waits_until_its_time(until: datetime, is_seen: bool) -> None:
    station = a_station()
    waits(station, "c-1", Trigger("Heartbeat"), until)
    waits(station, "c-2", Trigger("MeterValues"), until)

    await send(station, "Heartbeat", {})

    assert changed(station, COMMANDS) == ({"c-1": SEEN} if is_seen else {})
    assert waiting(station) == (["c-2"] if is_seen else [])


async def test_a_message_that_no_trigger_leads_to_is_not_kept() -> None:
    station = a_station(version=V201)

    await send(station, "TransactionEvent", {"triggerReason": "MeterValuePeriodic"})
    await send(station, "NotifyEvent", {"eventData": []})
    assert len(LAST_MESSAGES.of(station)) == 0
    await send(station, "TransactionEvent", {"triggerReason": "Trigger"})

    assert len(LAST_MESSAGES.of(station)) == 1
    assert waiting(station) == []


def test_the_last_messages_of_a_minute_are_kept() -> None:
    for pause, count in ((MINUTE, 2), (MINUTE + MOMENT, 1)):
        known = LastMessages()
        known.add(Sent("Heartbeat"), NOON)
        known.add(Sent("Heartbeat"), NOON + pause)
        assert len(known) == count


def test_the_oldest_of_the_last_messages_leaves_first() -> None:
    known = LastMessages()
    for action in ("BootNotification", *["Heartbeat"] * 14, "MeterValues"):
        known.add(Sent(action), NOON)
    assert known.answer(Trigger("BootNotification"), NOON)

    known.add(Sent("Heartbeat"), NOON)

    assert len(known) == 16
    assert not known.answer(Trigger("BootNotification"), NOON)
    assert known.answer(Trigger("MeterValues"), NOON)


def test_last_messages_are_equal_by_their_content() -> None:
    known, same = LastMessages(), LastMessages()
    known.add(Sent("Heartbeat"), NOON)
    assert known != same
    same.add(Sent("Heartbeat"), NOON)

    assert known == same and known != [(NOON, Sent("Heartbeat"))]


# -- the answer ----------------------------------------------------------------------------------------------


@pytest.fixture
def charger(monkeypatch: pytest.MonkeyPatch, db: None) -> Station:
    """A station that got a trigger at noon and answers it a second later."""
    run_at_once(monkeypatch)
    row = ChargePoint.objects.create(identity="CP-1", ocpp_version=V16, firmware_version="1")
    station = Station(pk=row.pk, identity="CP-1", version=V16)
    station.asked_at, station.received_at = NOON, NOON + timedelta(seconds=1)
    return station


@at_once
async def test_an_accepted_trigger_waits_a_minute_for_its_message(charger: Station) -> None:
    until = charger.received_at + MINUTE

    await handlers.trigger_message(charger, STATUS | {"connectorId": 2}, {"status": "Accepted"}, "c-1")

    assert TRIGGERS.of(charger) == [WaitingTrigger("c-1", Trigger("StatusNotification", 2), until)]
    assert changed(charger, COMMANDS) == {"c-1": {"effect": "waiting", "effect_until": until}}
    assert events(charger) == []


@pytest.mark.parametrize(("came_at", "is_seen"), [(NOON, True), (NOON - MOMENT, False)])
@at_once
async def test_a_message_between_the_trigger_and_its_answer_counts(
    charger: Station, came_at: datetime, is_seen: bool
) -> None:
    LAST_MESSAGES.of(charger).add(Sent("Heartbeat"), came_at)

    await handlers.trigger_message(charger, HEARTBEAT, {"status": "Accepted"}, "c-1")

    assert waiting(charger) == ([] if is_seen else ["c-1"])
    assert events(charger) == ([("effect.seen", {"requestId": "c-1", **EVENT})] if is_seen else [])
    if is_seen:
        assert changed(charger, COMMANDS) == {"c-1": SEEN}


@at_once
async def test_another_message_before_the_answer_does_not_count(charger: Station) -> None:
    LAST_MESSAGES.of(charger).add(Sent("MeterValues"), NOON)

    await handlers.extended_trigger_message(charger, HEARTBEAT, {"status": "Accepted"}, "c-1")

    assert waiting(charger) == ["c-1"]


@pytest.mark.parametrize("status", ["Rejected", "NotImplemented", "Whatever"])
@at_once
async def test_another_answer_waits_for_nothing(charger: Station, status: str) -> None:
    for handler in (handlers.trigger_message, handlers.extended_trigger_message):
        await handler(charger, HEARTBEAT, {"status": status}, "c-1")

    assert (waiting(charger), charger.unit.updates, events(charger)) == ([], [], [])


@at_once
async def test_a_message_that_the_server_does_not_know_is_not_awaited(charger: Station) -> None:
    await handlers.trigger_message(
        charger, {"requestedMessage": "CustomTrigger"}, {"status": "Accepted"}, "c"
    )

    assert (waiting(charger), charger.unit.updates) == ([], [])


# -- messages that are not implemented -----------------------------------------------------------------------


def remembered() -> dict[str, str] | None:
    return ChargePoint.objects.get(identity="CP-1").missing_triggers


@at_once
async def test_an_answer_not_implemented_is_remembered_by_its_action(charger: Station) -> None:
    await handlers.trigger_message(charger, HEARTBEAT, {"status": "NotImplemented"}, "c-1")
    await handlers.extended_trigger_message(charger, STATUS, {"status": "NotImplemented"}, "c-2")

    assert remembered() == {"TriggerMessage.Heartbeat": "1", "ExtendedTriggerMessage.StatusNotification": "1"}
    row = ChargePoint.objects.get(identity="CP-1")
    assert triggers.missing(row, "TriggerMessage") == {"Heartbeat"}
    assert triggers.missing(row, "ExtendedTriggerMessage") == {"StatusNotification"}
    row.firmware_version = "2"
    assert triggers.missing(row, "TriggerMessage") == set()


@at_once
async def test_an_acceptance_forgets_what_was_not_implemented(charger: Station) -> None:
    ChargePoint.objects.create(identity="CP-2", missing_triggers={"TriggerMessage.Heartbeat": "1"})
    known = {"TriggerMessage.Heartbeat": "1", "ExtendedTriggerMessage.Heartbeat": "1"}
    ChargePoint.objects.filter(pk=charger.pk).update(missing_triggers=known)

    await handlers.trigger_message(charger, STATUS, {"status": "Accepted"}, "c-1")
    assert remembered() == known
    await handlers.trigger_message(charger, HEARTBEAT, {"status": "Accepted"}, "c-2")
    assert remembered() == {"ExtendedTriggerMessage.Heartbeat": "1"}
    await handlers.extended_trigger_message(charger, HEARTBEAT, {"status": "Accepted"}, "c-3")

    assert remembered() is None
    assert ChargePoint.objects.get(identity="CP-2").missing_triggers == {"TriggerMessage.Heartbeat": "1"}


@pytest.mark.parametrize("is_accepted", [True, False])
@at_once
async def test_the_words_of_another_firmware_are_forgotten(charger: Station, is_accepted: bool) -> None:
    ChargePoint.objects.filter(pk=charger.pk).update(missing_triggers={"TriggerMessage.MeterValues": "0"})
    status = "Accepted" if is_accepted else "NotImplemented"

    await handlers.trigger_message(charger, HEARTBEAT, {"status": status}, "c-1")

    assert remembered() == (None if is_accepted else {"TriggerMessage.Heartbeat": "1"})


@pytest.mark.parametrize(
    ("code", "is_missing"),
    [("NotImplemented", True), ("NotSupported", True), ("InternalError", False), ("", False)],
)
@at_once
async def test_an_error_may_mean_that_it_is_not_implemented(
    charger: Station, code: str, is_missing: bool
) -> None:
    await handlers.trigger_message_failed(charger, HEARTBEAT, code)
    await handlers.extended_trigger_message_failed(charger, STATUS, code)

    both = {"TriggerMessage.Heartbeat": "1", "ExtendedTriggerMessage.StatusNotification": "1"}
    assert remembered() == (both if is_missing else None)


# -- loading, and the job ------------------------------------------------------------------------------------


def a_command(row: ChargePoint, name: str, until: datetime | None, **more: Any) -> Command:
    values: dict[str, Any] = {"action": "TriggerMessage", "payload": HEARTBEAT, "state": "accepted"}
    values |= {"created_at": NOON, "deadline_at": NOON, "effect": "waiting", "effect_until": until, **more}
    return Command.objects.create(id=name, charge_point=row, **values)


@pytest.mark.django_db
def test_each_station_loads_the_triggers_that_wait_for_it() -> None:
    first, second = (ChargePoint.objects.create(identity=name) for name in ("CP-1", "CP-2"))
    later, over = datetime.now(UTC) + MINUTE, datetime.now(UTC)
    a_command(first, "c-1", later, payload={"requestedMessage": "MeterValues", "connectorId": 2})
    a_command(first, "c-2", later, action="Reset")
    a_command(first, "c-3", later, effect="seen")
    a_command(first, "c-4", over)
    a_command(second, "c-5", later, action="ExtendedTriggerMessage")

    loaded = load_stations([(first.pk, V16), (second.pk, V16)])

    assert TRIGGERS.of(loaded[0]) == [WaitingTrigger("c-1", Trigger("MeterValues", 2), later)]
    assert TRIGGERS.of(loaded[1]) == [WaitingTrigger("c-5", Trigger("Heartbeat"), later)]
    (alone,) = load_stations([(first.pk, V16)])
    assert TRIGGERS.of(alone) == TRIGGERS.of(loaded[0])


def effects() -> list[str]:
    return list(Command.objects.order_by("pk").values_list("effect", flat=True))


@pytest.mark.django_db
def test_the_job_waits_a_quarter_of_a_minute_for_the_process_of_the_station() -> None:
    site = Site.objects.create(name="Garage")
    row = ChargePoint.objects.create(identity="CP-1", site=site)
    a_command(row, "c-1", NOON - MOMENT)
    a_command(row, "c-2", NOON)
    a_command(row, "c-3", NOON - MOMENT, action="Reset")

    triggers.settle_overdue(NOON + timedelta(seconds=15))

    assert effects() == ["missed", "waiting", "waiting"]
    assert Command.objects.get(pk="c-1").effect_until is None
    event = Event.objects.get()
    assert (event.type, event.station, event.site_id) == ("effect.missed", "CP-1", site.pk)
    assert event.content == {"requestId": "c-1", "effect": "message-received"}


@pytest.mark.django_db
def test_a_trigger_whose_message_is_logged_has_its_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "_is_logged", lambda command: command.pk == "c-1")
    row = ChargePoint.objects.create(identity="CP-1")
    for name in ("c-1", "c-2"):
        a_command(row, name, NOON)

    triggers.settle_overdue(NOON + MINUTE)

    assert effects() == ["seen", "missed"]
    assert [event.type for event in Event.objects.order_by("pk")] == ["effect.seen", "effect.missed"]
    assert Event.objects.order_by("pk")[0].content == {"requestId": "c-1", **EVENT}


@pytest.mark.django_db
def test_a_trigger_that_its_process_settles_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ChargePoint.objects.create(identity="CP-1")
    for name in ("c-1", "c-2"):
        a_command(row, name, NOON)

    def settled_meanwhile(command: Command) -> bool:
        Command.objects.filter(pk="c-1").update(**SEEN)
        return False

    monkeypatch.setattr(triggers, "_is_logged", settled_meanwhile)
    triggers.settle_overdue(NOON + MINUTE)

    assert effects() == ["seen", "missed"]
    assert Event.objects.get().content["requestId"] == "c-2"


@pytest.mark.django_db
def test_a_run_of_the_job_settles_some_and_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert triggers._AT_ONCE == 200
    monkeypatch.setattr(triggers, "_AT_ONCE", 2)
    monkeypatch.setattr(triggers, "_is_logged", lambda command: False)
    row = ChargePoint.objects.create(identity="CP-1")
    for number in range(3):
        a_command(row, f"c-{number}", NOON - number * MOMENT)

    triggers.settle_overdue(NOON + MINUTE)

    assert effects() == ["waiting", "missed", "missed"]
