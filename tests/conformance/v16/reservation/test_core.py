"""Reservations of OCPP 1.6 (5.2, 5.13): the command, its answers, and the ends that a station shows."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import ALICE, BOB
from tests.conformance.messages import start, status
from tests.conformance.peer import at, eventually, fresh, station
from tests.conformance.reserving import cancel, events, refused, reserve, states


async def test_16_046_a_reserved_connector_is_used_by_the_start_that_names_the_reservation(
    server, operator, records
):
    async with station(server) as peer:
        await peer.call("StatusNotification", status(1, "Available"))
        code, data, sent = await reserve(operator, peer, connectorId=1)
        assert (code, data["status"], data["state"]) == (200, "Accepted", "accepted")
        assert (sent["connectorId"], sent["idTag"]) == (1, ALICE)
        assert sent["reservationId"] == data["reservationId"]
        assert "parentIdTag" not in sent
        await peer.call("StatusNotification", status(1, "Reserved"))
        answer = await peer.call("StartTransaction", start(reservationId=sent["reservationId"]))

    assert answer["idTagInfo"]["status"] == "Accepted"
    (row,) = records.of("transactions_reservation", peer.identity)
    assert (row["state"], row["transaction_id"]) == ("used", answer["transactionId"])
    assert row["shown_at"] and row["command_id"] == data["requestId"]
    assert events(records, peer) == ["reservation.created", "reservation.used"]
    assert records.transaction(peer.identity)["reservation_id"] == sent["reservationId"]
    (shown,) = records.rows(
        "SELECT data FROM api_events WHERE station = ? AND type = 'effect.seen'", peer.identity
    )
    assert data["requestId"] in shown["data"]


async def test_16_046_a_start_without_the_number_uses_the_reservation_of_its_token(server, operator, records):
    async with station(server) as peer:
        await reserve(operator, peer, connectorId=1)
        await peer.call("StartTransaction", start())

    assert states(records, peer) == [("used", "")]


async def test_16_046_other_tokens_are_refused_at_the_reserved_connector_only(server, operator, records):
    async with station(server) as peer:
        for number in (1, 2):
            await peer.call("StatusNotification", status(number, "Available"))
        await reserve(operator, peer, connectorId=1)
        here = await peer.call("StartTransaction", start(1, BOB))
        there = await peer.call("StartTransaction", start(2, BOB))

    assert (here["idTagInfo"]["status"], there["idTagInfo"]["status"]) == ("Invalid", "Accepted")
    assert states(records, peer) == [("accepted", "")]
    (refusal,) = records.of("transactions_refusal", peer.identity)
    assert "reserved" in refusal["reason"]


async def test_16_047_available_at_the_expiry_is_an_expiry(server, operator, records):
    async with station(server) as peer:
        until = at(0.7)
        code, data, sent = await reserve(operator, peer, connectorId=1, expiryDate=until)
        for word in ("Reserved", "Available"):
            assert await peer.call("StatusNotification", status(1, word)) == {}

    assert (code, data["state"], sent["expiryDate"][:19]) == (200, "accepted", until[:19])
    assert states(records, peer) == [("expired", "")]
    assert events(records, peer)[-1] == "reservation.expired"


async def test_16_047_available_long_before_the_expiry_ends_the_reservation(server, operator, records):
    async with station(server) as peer:
        await reserve(operator, peer, connectorId=1)
        # Not Reserved yet: this status was on its way when the station answered.
        assert await peer.call("StatusNotification", status(1, "Available")) == {}
        assert states(records, peer) == [("accepted", "")]
        for word in ("Reserved", "Available"):
            assert await peer.call("StatusNotification", status(1, word)) == {}

    assert states(records, peer) == [("ended", "released")]
    assert events(records, peer)[-1] == "reservation.failed"


@pytest.mark.parametrize("word", ["Faulted", "Occupied", "Unavailable", "Rejected"])
async def test_16_048_1_2_3_4_a_refusal_leaves_a_reservation_that_can_be_sent_again(
    server, operator, records, word
):
    async with station(server) as peer:
        code, data, sent = await reserve(operator, peer, word, connectorId=1)
        assert (code, data["status"]) == (200, word)
        assert (data["state"], data["reason"]) == ("refused", word.lower())
        again = await reserve(operator, peer, connectorId=1, reservationId=sent["reservationId"])
        assert again[2]["reservationId"] == sent["reservationId"]

    assert states(records, peer) == [("accepted", "")]
    assert events(records, peer) == ["reservation.failed", "reservation.created"]


async def test_an_error_leaves_a_reservation_that_can_be_sent_again(server, operator, records):
    async with station(server) as peer:
        asked = asyncio.create_task(refused(operator, peer, connectorId=1))
        call = await peer.next_call()
        await peer.send([4, call[1], "InternalError", "no", {}])
        assert (await asked)[0] == 502
        assert states(records, peer) == [("refused", "error")]
        await reserve(operator, peer, connectorId=1, reservationId=call[3]["reservationId"])

    assert states(records, peer) == [("accepted", "")]


async def test_after_silence_the_station_may_hold_it(server, operator, records):
    async with station(server) as peer:
        code, _ = await refused(operator, peer, connectorId=1, timeout=1)
        assert code == 408
        assert states(records, peer) == [("unanswered", "silent")]
        assert (await refused(operator, peer, connectorId=1))[0] == 409
        call = await peer.next_call()
        number = call[3]["reservationId"]
        # The same number replaces what the station may hold.
        await reserve(operator, peer, connectorId=1, reservationId=number)

    assert states(records, peer) == [("accepted", "")]


async def test_an_answer_after_the_deadline_counts(server, operator, records):
    async with station(server) as peer:
        assert (await refused(operator, peer, connectorId=1, timeout=1))[0] == 408
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        await eventually(lambda: states(records, peer) == [("accepted", "")])
        # The process that serves the station knows it too.
        refusal = await peer.call("StartTransaction", start(1, BOB))

    assert refusal["idTagInfo"]["status"] == "Invalid"


async def test_a_connection_that_ends_before_the_answer_leaves_it_unanswered(server, operator, records):
    async with station(server) as peer:
        asked = asyncio.create_task(refused(operator, peer, connectorId=1))
        await peer.next_call()
        peer.abort()
        assert (await asked)[0] in (408, 503)

    assert states(records, peer) == [("unanswered", "silent")]


async def test_nothing_is_stored_for_a_station_that_is_offline(server, operator, records):
    async with station(server) as peer:
        pass
    await eventually(lambda: records.charge_point(peer.identity)["is_online"] == 0)

    code, _ = await refused(operator, peer, connectorId=1)

    assert code == 503
    assert states(records, peer) == []


async def test_16_049_connector_0_reserves_any_connector(server, operator, records):
    async with station(server) as peer:
        for number in (1, 2):
            await peer.call("StatusNotification", status(number, "Available"))
        _, _, sent = await reserve(operator, peer)
        assert sent["connectorId"] == 0
        first = await peer.call("StartTransaction", start(1, BOB))
        last = await peer.call("StartTransaction", start(2, "CAROL003"))
        assert (first["idTagInfo"]["status"], last["idTagInfo"]["status"]) == ("Accepted", "Invalid")
        await peer.call("StartTransaction", start(2, reservationId=sent["reservationId"]))

    assert states(records, peer) == [("used", "")]


async def test_16_049_a_station_that_reserves_no_connector_0_is_not_asked(server, operator, records):
    async with station(server) as peer:
        asked = asyncio.create_task(operator.command(peer.identity, "GetConfiguration"))
        key = {"key": "ReserveConnectorZeroSupported", "readonly": True, "value": "false"}
        await peer.answer(await peer.next_call(), {"configurationKey": [key], "unknownKey": []})
        assert (await asked)[0] == 200

        code, data = await refused(operator, peer)
        assert (code, data["code"]) == (409, "not-supported")
        await reserve(operator, peer, connectorId=1)

    assert states(records, peer) == [("accepted", "")]


async def test_16_051_cancelled(server, operator, records):
    async with station(server) as peer:
        _, data, sent = await reserve(operator, peer, connectorId=1)
        await peer.call("StatusNotification", status(1, "Reserved"))
        code, answer, payload = await cancel(operator, peer, data["reservationId"])
        await peer.call("StatusNotification", status(1, "Available"))
        other = await peer.call("StartTransaction", start(1, BOB))

    assert (code, answer["status"]) == (200, "Accepted")
    assert payload == {"reservationId": sent["reservationId"]}
    assert other["idTagInfo"]["status"] == "Accepted"
    (row,) = records.of("transactions_reservation", peer.identity)
    assert (row["state"], row["cancel_command_id"]) == ("cancelled", answer["requestId"])
    assert events(records, peer) == ["reservation.created", "reservation.cancelled"]


async def test_16_051_available_before_the_answer_to_the_cancellation(server, operator, records):
    async with station(server) as peer:
        _, data, _ = await reserve(operator, peer, connectorId=1)
        await peer.call("StatusNotification", status(1, "Reserved"))
        path = f"/api/v1/chargepoints/{peer.identity}/cancel-reservation"
        asked = asyncio.create_task(operator.request("POST", path, {"reservationId": data["reservationId"]}))
        call = await peer.next_call()
        await peer.call("StatusNotification", status(1, "Available"))
        await peer.answer(call, {"status": "Accepted"})
        assert (await asked)[0] == 200

    assert states(records, peer) == [("cancelled", "")]
    assert events(records, peer) == ["reservation.created", "reservation.cancelled"]


async def test_16_052_a_rejected_cancellation_ends_the_reservation(server, operator, records):
    async with station(server) as peer:
        _, data, _ = await reserve(operator, peer, connectorId=1)
        code, answer, payload = await cancel(operator, peer, data["reservationId"], "Rejected")

    assert payload == {"reservationId": data["reservationId"]}
    assert (code, answer["status"]) == (200, "Rejected")
    assert states(records, peer) == [("ended", "unknown")]


async def test_16_052_an_unknown_reservation_is_cancelled_if_the_station_has_it(server, operator, records):
    """It may be one of the system that the station was connected to before."""
    async with station(server) as peer:
        code, answer, payload = await cancel(operator, peer, 1, "Rejected")

    assert (code, answer["status"], payload) == (200, "Rejected", {"reservationId": 1})
    assert states(records, peer) == []


async def test_16_052_a_reservation_that_was_used_is_not_cancelled(server, operator, records):
    async with station(server) as peer:
        _, data, _ = await reserve(operator, peer, connectorId=1)
        await peer.call("StartTransaction", start(reservationId=data["reservationId"]))
        path = f"/api/v1/chargepoints/{peer.identity}/cancel-reservation"
        code, _ = await operator.request("POST", path, {"reservationId": data["reservationId"]})

    assert code == 409
    assert states(records, peer) == [("used", "")]


async def test_16_053_the_parent_id_of_a_group_is_sent_and_its_tokens_are_admitted(server, operator, records):
    async with station(server) as peer:
        _, _, sent = await reserve(operator, peer, idTag=BOB, connectorId=1)
        assert sent["parentIdTag"] == "FAMILY"
        known = await peer.call("Authorize", {"idTag": "CAROL003"})
        answer = await peer.call(
            "StartTransaction", start(1, "CAROL003", reservationId=sent["reservationId"])
        )

    assert known["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FAMILY"}
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert states(records, peer) == [("used", "")]


@pytest.mark.parametrize("word", ["Faulted", "Unavailable"])
@pytest.mark.parametrize("connector", [0, 1])
async def test_a_fault_ends_the_reservation(server, operator, records, word, connector):
    async with station(server) as peer:
        await reserve(operator, peer, connectorId=1)
        await peer.call("StatusNotification", status(2, word))
        assert states(records, peer) == [("accepted", "")]
        await peer.call("StatusNotification", status(connector, word))

    assert states(records, peer) == [("ended", word.lower())]
    assert events(records, peer)[-1] == "reservation.failed"


async def test_one_connector_has_one_live_reservation(server, operator, records):
    async with station(server) as peer:
        _, first, _ = await reserve(operator, peer, connectorId=1)
        code, data = await refused(operator, peer, connectorId=1, idTag=BOB)
        assert (code, data["reservationId"]) == (409, first["reservationId"])
        await reserve(operator, peer, connectorId=2, idTag=BOB)

    assert states(records, peer) == [("accepted", ""), ("accepted", "")]


async def test_the_generic_command_makes_a_reservation_too(server, operator, records):
    async with station(server) as peer:
        payload = {"connectorId": 1, "expiryDate": at(30), "idTag": ALICE, "reservationId": 4711}
        for number in (4711, 4712):
            asked = asyncio.create_task(
                operator.command(peer.identity, "ReserveNow", payload | {"reservationId": number})
            )
            await peer.answer(await peer.next_call(), {"status": "Accepted"})
            assert (await asked)[0] == 200
        assert states(records, peer) == [("ended", "replaced"), ("accepted", "")]
        await peer.call("StartTransaction", start(reservationId=4712))

    assert states(records, peer) == [("ended", "replaced"), ("used", "")]


async def test_a_start_that_waited_in_the_queue_uses_a_reservation_that_was_cancelled(
    server, operator, records
):
    async with station(server) as peer:
        _, data, _ = await reserve(operator, peer, connectorId=1)
        await cancel(operator, peer, data["reservationId"])
        await peer.call("StartTransaction", start(minutes=-10, reservationId=data["reservationId"]))

    assert states(records, peer) == [("used", "")]


async def test_S10_a_station_can_not_use_the_reservation_of_another(server, operator, records):
    async with station(server) as peer, station(server, identity=fresh()) as other:
        _, data, _ = await reserve(operator, peer, connectorId=1)
        await other.call("StartTransaction", start(reservationId=data["reservationId"]))

    assert states(records, peer) == [("accepted", "")]


async def test_a_reservation_survives_a_reconnect(server, operator, records):
    async with station(server) as peer:
        await reserve(operator, peer, connectorId=1)
    async with station(server, identity=peer.identity) as again:
        answer = await again.call("StartTransaction", start(1, BOB))

    assert answer["idTagInfo"]["status"] == "Invalid"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"expiryDate": "2020-01-01T00:00:00Z"}, 400),
        ({"expiryDate": "soon"}, 400),
        ({"minutes": 0}, 400),
        ({"idTag": "BLOCKED1"}, 409),
        ({"reservationId": 5}, 404),
    ],
)
async def test_a_bad_request_is_not_sent(server, operator, records, body, code):
    async with station(server) as peer:
        found, _ = await refused(operator, peer, connectorId=1, **body)
        await peer.heartbeat()

    assert found == code
    assert states(records, peer) == []
