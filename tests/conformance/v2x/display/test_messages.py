"""Block O of the certification: messages on the displays of 2.x stations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.conformance.displays import (
    TEXT,
    ask,
    get,
    messages,
    path,
    report,
    show,
    states,
    stored,
    stored_states,
)
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import at, station


async def test_TC_O_01_a_message_is_set_and_shown_as_confirmed(server, operator, records, version):
    async with station(server, version) as peer:
        how = {"priority": "InFront", "state": "Idle", "format": "ASCII", "language": "en"}
        data, sent = await show(operator, peer, **how)
        (row,) = await messages(operator, peer, "?isCurrent=true")

    assert sent == {
        "id": data["messageId"],
        "priority": "InFront",
        "state": "Idle",
        "message": {"format": "ASCII", "language": "en", "content": TEXT},
    }
    assert sent["id"] > 0
    assert (data["status"], data["state"], data["reason"]) == ("Accepted", "confirmed", "")
    assert (row["id"], row["messageId"], row["content"]) == (data["displayMessageId"], sent["id"], TEXT)
    (kept,) = stored(records, peer)
    assert (kept["id"], kept["state"], kept["ended_at"]) == (data["requestId"], "confirmed", None)
    assert kept["actor"]


async def test_TC_O_02_all_messages_are_compared_with_those_known_here(server, operator, records, version):
    async with station(server, version) as peer:
        _, kept = await show(operator, peer)
        _, lost = await show(operator, peer)
        number, criteria = await get(operator, peer)
        foreign = {**lost, "id": 4711, "message": {"format": "UTF8", "content": "Hello"}}
        await report(peer, number, kept, more=True)
        before = await states(operator, peer)
        await report(peer, number, foreign, more=False)
        after = await states(operator, peer)
        (row,) = await messages(operator, peer, "?isForeign=true")

    assert criteria == {}
    assert before == {kept["id"]: "confirmed", lost["id"]: "confirmed"}
    assert after == {kept["id"]: "confirmed", lost["id"]: "missing", 4711: "confirmed"}
    assert stored_states(records, peer) == after
    assert (row["messageId"], row["content"], row["requestId"]) == (4711, "Hello", None)


async def test_TC_O_03_no_messages_at_all(server, operator, records, version):
    async with station(server, version) as peer:
        _, sent = await show(operator, peer)
        _, criteria = await get(operator, peer, "Unknown")
        found = await states(operator, peer)

    assert (criteria, found) == ({}, {sent["id"]: "missing"})
    (row,) = stored(records, peer)
    assert (row["number"], row["state"], bool(row["ended_at"])) == (sent["id"], "missing", True)


@pytest.mark.parametrize("status", ["Accepted", "Unknown"])
async def test_TC_O_04_TC_O_05_a_cleared_message_and_an_unknown_one_are_gone(
    server, operator, records, version, status
):
    async with station(server, version) as peer:
        _, sent = await show(operator, peer)
        shown, call = await ask(
            operator, peer, "clear-display-message", {"messageId": sent["id"]}, {"status": status}
        )

    assert call[2:] == ["ClearDisplayMessage", {"id": sent["id"]}]
    assert shown["data"]["status"] == status
    (row,) = stored(records, peer)
    assert row["state"] == {"Accepted": "cleared", "Unknown": "missing"}[status]
    assert row["ended_at"]


async def test_TC_O_06_a_message_of_a_session_ends_with_it(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        data, by_id = await show(operator, peer, transactionId=transaction, priority="AlwaysFront")
        _, other = await show(operator, peer)
        await peer.call("TransactionEvent", event("Updated", transaction, 1, trigger="ChargingStateChanged"))
        before = await states(operator, peer)
        await peer.call("TransactionEvent", event("Ended", transaction, 2, trigger="EVDeparted"))
        after = await states(operator, peer)

    assert (by_id["transactionId"], by_id["priority"]) == (transaction, "AlwaysFront")
    assert (data["messageId"], data["status"]) == (by_id["id"], "Accepted")
    assert "transactionId" not in other  # O01.FR.04
    assert before == {by_id["id"]: "confirmed", other["id"]: "confirmed"}
    assert after == {by_id["id"]: "ended", other["id"]: "confirmed"}
    rows = stored(records, peer)
    assert [(row["number"], row["transaction"], row["state"]) for row in rows] == [
        (by_id["id"], transaction, "ended"), (other["id"], "", "confirmed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"messageIds": [1234]}, {"id": [1234]}),
        ({"priority": "NormalCycle"}, {"priority": "NormalCycle"}),
        ({"state": "Charging"}, {"state": "Charging"}),
    ],
)
async def test_TC_O_07_TC_O_08_TC_O_09_messages_by_one_criterion(  # noqa: PLR0913, PLR0917 - fixtures
    server, operator, records, version, body, wanted
):
    async with station(server, version) as peer:
        _, asked = await show(operator, peer, messageId=1234, state="Charging")
        _, other = await show(operator, peer, messageId=5678, state="Idle", priority="InFront")
        number, criteria = await get(operator, peer, **body)
        await report(peer, number, asked)
        found = await states(operator, peer)
        number, _ = await get(operator, peer, **body)
        await report(peer, number, {**other, "id": 9})
        lacking = await states(operator, peer)

    assert criteria == wanted
    assert found == {asked["id"]: "confirmed", other["id"]: "confirmed"}
    # Only a message that was asked for can be missing.
    assert lacking == {asked["id"]: "missing", other["id"]: "confirmed", 9: "confirmed"}
    assert stored_states(records, peer) == lacking


async def test_TC_O_10_the_station_does_not_know_the_session(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        data, sent = await show(operator, peer, {"status": "UnknownTransaction"}, transactionId=transaction)

    assert sent["transactionId"] == transaction
    assert (data["state"], data["reason"]) == ("refused", "UnknownTransaction")
    (row,) = stored(records, peer)
    assert (row["number"], row["transaction"]) == (sent["id"], transaction)
    assert (row["state"], row["reason"]) == ("refused", "UnknownTransaction")


async def test_TC_O_10_a_session_of_another_station_is_not_sent(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as owner, station(server, version) as peer:
        await owner.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        number = records.transaction(owner.identity)["id"]
        for reference in (transaction, number):
            code, _ = await operator.request(
                "POST",
                path(peer, "set-display-message"),
                {"content": TEXT, "transactionId": reference},
            )
            assert code == 404
        await peer.heartbeat()  # it got no call

    assert stored(records, peer) == []


async def test_TC_O_11_an_unknown_id(server, operator, records, version):
    async with station(server, version) as peer:
        _, sent = await show(operator, peer, messageId=5)
        _, criteria = await get(operator, peer, "Unknown", messageIds=[6])
        found = await states(operator, peer)

    assert (criteria, found) == ({"id": [6]}, {sent["id"]: "confirmed"})
    assert stored_states(records, peer) == {5: "confirmed"}


async def test_TC_O_12_a_message_with_the_same_id_replaces_the_other(server, operator, records, version):
    async with station(server, version) as peer:
        _, first = await show(operator, peer)
        await show(operator, peer, {"status": "Rejected"}, messageId=first["id"], content="Refused")
        data, second = await show(operator, peer, messageId=first["id"], content="New", priority="InFront")
        shown = await messages(operator, peer)

    assert (second["id"], second["priority"]) == (first["id"], "InFront")
    assert (second["message"]["content"], data["state"]) == ("New", "confirmed")
    # A replacement that was refused left the first one as it was.
    rows = stored(records, peer)
    assert [(row["number"], row["content"], row["state"]) for row in rows] == [
        (first["id"], text, state)
        for text, state in ((TEXT, "replaced"), ("Refused", "refused"), ("New", "confirmed"))
    ]
    assert [row["state"] for row in shown] == [row["state"] for row in rows]


async def test_TC_O_13_TC_O_14_the_times_of_a_message(server, operator, records, version):
    begin = datetime.now(UTC) + timedelta(minutes=10)
    end = begin + timedelta(hours=1)
    async with station(server, version) as peer:
        data, sent = await show(operator, peer, startDateTime=begin.isoformat(), endDateTime=end.isoformat())
        code, refused = await operator.request(
            "POST", path(peer, "set-display-message"), {"content": TEXT, "endDateTime": at(-1)}
        )

    assert [sent[name][:19] for name in ("startDateTime", "endDateTime")] == [
        begin.isoformat()[:19], end.isoformat()[:19]
    ]  # fmt: skip
    assert (sent["id"], data["state"]) == (data["messageId"], "confirmed")
    assert (code, refused["data"]["errors"][0]["field"]) == (400, "endDateTime")
    (row,) = stored(records, peer)
    assert [row[name][:19] for name in ("starts_at", "ends_at")] == [
        time.strftime("%Y-%m-%d %H:%M:%S") for time in (begin, end)
    ]


@pytest.mark.parametrize(
    "status", ["NotSupportedPriority", "NotSupportedState", "NotSupportedMessageFormat", "Rejected"]
)
async def test_TC_O_17_TC_O_18_TC_O_19_TC_O_26_a_message_is_refused_with_its_reason(
    server, operator, records, version, status
):
    info = {"reasonCode": "Full", "additionalInfo": "no room"}
    async with station(server, version) as peer:
        data, sent = await show(operator, peer, {"status": status, "statusInfo": info}, state="Idle")

    assert sent["state"] == "Idle"
    assert (data["status"], data["state"]) == (status, "refused")
    (row,) = stored(records, peer)
    assert (row["state"], row["reason"]) == ("refused", f"{status}: Full: no room")


async def test_TC_O_25_a_message_for_one_state(server, operator, records, version):
    async with station(server, version) as peer:
        data, sent = await show(operator, peer, state="Charging")
        (shown,) = await messages(operator, peer)

    assert (sent["id"], sent["state"]) == (data["messageId"], "Charging")
    assert shown["shownWhile"] == "Charging"
    (row,) = stored(records, peer)
    assert (row["number"], row["station_state"], row["state"]) == (sent["id"], "Charging", "confirmed")


@pytest.mark.parametrize("name", ["startDateTime", "endDateTime"])
async def test_TC_O_27_TC_O_28_a_message_of_a_session_with_a_time(server, operator, records, version, name):
    transaction, time = new_transaction(), at(10)
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        data, sent = await show(operator, peer, transactionId=transaction, **{name: time})

    assert sent.keys() == {"id", "priority", "message", "transactionId", name}
    assert (sent["transactionId"], sent[name][:19]) == (transaction, time[:19])
    (row,) = stored(records, peer)
    assert (row["id"], row["transaction"], row["state"]) == (data["requestId"], transaction, "confirmed")
    times = {"startDateTime": row["starts_at"], "endDateTime": row["ends_at"]}
    assert times.pop(name)[:19] == time[:19].replace("T", " ")
    assert set(times.values()) == {None}


async def test_one_message_always_in_front_replaces_the_other(server, operator, version):
    async with station(server, version) as peer:
        _, first = await show(operator, peer, priority="AlwaysFront")
        _, left = await show(operator, peer, priority="AlwaysFront", display={"name": "Left"})
        _, second = await show(operator, peer, priority="AlwaysFront")
        found = await states(operator, peer)

    assert left["display"] == {"name": "Left"}
    assert found == {first["id"]: "replaced", left["id"]: "confirmed", second["id"]: "confirmed"}


async def test_a_message_of_the_generic_command_is_known_too(server, operator, records, version):
    sent = {"id": 7, "priority": "InFront", "message": {"format": "UTF8", "content": "Generic"}}
    async with station(server, version) as peer:
        body = {"action": "SetDisplayMessage", "payload": {"message": sent}}
        shown, _ = await ask(operator, peer, "commands", body, {"status": "Accepted"})

    (row,) = stored(records, peer)
    assert (row["id"], row["number"], row["state"]) == (shown["data"]["requestId"], 7, "confirmed")


async def test_a_message_that_another_one_has_replaced_at_the_station_is_foreign(server, operator, version):
    async with station(server, version) as peer:
        _, sent = await show(operator, peer)
        number, _ = await get(operator, peer)
        await report(peer, number, {**sent, "message": {"format": "UTF8", "content": "Another"}})
        rows = await messages(operator, peer)

    assert [(row["content"], row["state"], row["isForeign"]) for row in rows] == [
        (TEXT, "replaced", False), ("Another", "confirmed", True),
    ]  # fmt: skip


async def test_messages_survive_a_new_connection(server, operator, version):
    async with station(server, version) as peer:
        _, sent = await show(operator, peer)
    async with station(server, version, peer.identity) as again:
        await get(operator, again, "Unknown")
        found = await states(operator, again)

    assert found == {sent["id"]: "missing"}


async def test_a_format_that_the_station_does_not_report_is_not_sent(server, operator, records, version):
    variable = {
        "component": {"name": "DisplayMessageCtrlr"},
        "variable": {"name": "SupportedFormats"},
        "variableAttribute": [{"type": "Actual", "value": "ASCII,UTF8"}],
    }
    part = {"requestId": 7, "generatedAt": at(), "seqNo": 0, "tbc": False, "reportData": [variable]}
    async with station(server, version) as peer:
        body = {"action": "GetBaseReport", "payload": {"requestId": 7, "reportBase": "FullInventory"}}
        await ask(operator, peer, "commands", body, {"status": "Accepted"})
        await peer.call("NotifyReport", part)
        await show(operator, peer, format="ASCII")
        code, refused = await operator.request(
            "POST", path(peer, "set-display-message"), {"content": TEXT, "format": "HTML"}
        )

    assert (code, refused["data"]["code"]) == (409, "not-supported")
    assert "SupportedFormats=ASCII,UTF8" in refused["message"]
    assert len(stored(records, peer)) == 1
