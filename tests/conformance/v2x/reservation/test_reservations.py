"""Block H of the certification: reservations of OCPP 2.x."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.conftest import ALICE, BOB
from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import V21, at, station
from tests.conformance.reserving import cancel, events, refused, reserve, sent, states


def status(word, evse=1):
    return {"timestamp": at(), "connectorStatus": word, "evseId": evse, "connectorId": 1}


def update(number, word):
    return {"reservationId": number, "reservationUpdateStatus": word}


async def test_TC_H_01_a_reserved_evse_is_used_by_the_session_that_names_the_reservation(
    server, operator, records, version
):
    async with station(server, version) as peer:
        code, data, payload = await reserve(operator, peer, connectorId=1)
        assert (code, data["state"], payload["evseId"]) == (200, "accepted", 1)
        assert payload["idToken"] == token(ALICE)
        assert not payload.keys() & {"connectorType", "groupIdToken"}
        await peer.call("StatusNotification", status("Reserved"))
        started = event("Started", new_transaction(), 0, idToken=token(), reservationId=payload["id"])
        answer = await peer.call("TransactionEvent", started)

    assert answer["idTokenInfo"]["status"] == "Accepted"
    (row,) = records.of("transactions_reservation", peer.identity)
    assert (row["state"], row["transaction_id"]) == ("used", records.transaction(peer.identity)["id"])
    assert row["shown_at"]
    assert events(records, peer) == ["reservation.created", "reservation.used"]


async def test_TC_H_01_a_session_that_names_the_reservation_later_uses_it(server, operator, records, version):
    transaction = new_transaction()
    async with station(server, version) as peer:
        _, _, payload = await reserve(operator, peer, connectorId=1)
        plugged_in = event("Started", transaction, 0, trigger="CablePluggedIn", state="EVConnected")
        await peer.call("TransactionEvent", plugged_in)
        assert states(records, peer) == [("accepted", "")]
        authorized = event("Updated", transaction, 1, idToken=token(), reservationId=payload["id"])
        await peer.call("TransactionEvent", authorized)

    assert states(records, peer) == [("used", "")]
    assert records.transaction(peer.identity)["reservation_id"] == payload["id"]


async def test_TC_H_01_other_tokens_are_refused_at_the_reserved_evse_only(server, operator, records, version):
    async with station(server, version) as peer:
        await reserve(operator, peer, connectorId=1)
        answers = [
            await peer.call(
                "TransactionEvent", event("Started", new_transaction(), 0, evse=evse, idToken=token(BOB))
            )
            for evse in (1, 2)
        ]

    assert [one["idTokenInfo"]["status"] for one in answers] == ["NotAtThisLocation", "Accepted"]
    assert states(records, peer) == [("accepted", "")]


async def test_TC_H_07_the_station_reports_the_expiry(server, operator, records, version):
    async with station(server, version) as peer:
        _, data, payload = await reserve(operator, peer, connectorId=1)
        await peer.call("StatusNotification", status("Reserved"))
        await peer.call("StatusNotification", status("Available"))
        assert states(records, peer) == [("accepted", "")]  # 2.x has a message for it
        for _ in range(2):
            assert await peer.call("ReservationStatusUpdate", update(payload["id"], "Expired")) == {}
        assert await peer.call("ReservationStatusUpdate", update(1, "Expired")) == {}

    assert states(records, peer) == [("expired", "")]
    assert events(records, peer) == ["reservation.created", "reservation.expired"]
    follow_ups = records.of("chargepoints_followup", peer.identity)
    assert data["requestId"] in {row["command_id"] for row in follow_ups}


@pytest.mark.parametrize("body", [{}, {"connectorId": 0}])
async def test_TC_H_08_any_evse(server, operator, records, version, body):
    async with station(server, version) as peer:
        code, data, payload = await reserve(operator, peer, **body)

    assert (code, data["state"]) == (200, "accepted")
    assert not payload.keys() & {"evseId", "connectorType"}
    assert payload["idToken"] == token(ALICE)
    assert states(records, peer) == [("accepted", "")]


async def test_TC_H_14_every_evse_has_its_reservation(server, operator, records, version):
    async with station(server, version) as peer:
        numbers = [(await reserve(operator, peer, connectorId=evse))[2]["id"] for evse in (1, 2, 3)]

    assert len(set(numbers)) == 3
    assert states(records, peer) == [("accepted", "")] * 3


async def test_TC_H_15_a_type_of_connector(server, operator, records, version):
    async with station(server, version) as peer:
        code, data, payload = await reserve(operator, peer, connectorType="cType2")

    assert (code, data["state"]) == (200, "accepted")
    assert (payload["connectorType"], payload["idToken"]) == ("cType2", token(ALICE))
    assert "evseId" not in payload
    (row,) = records.of("transactions_reservation", peer.identity)
    assert row["number"] == payload["id"]
    assert (row["state"], row["connector_type"], row["evse_number"]) == ("accepted", "cType2", None)


async def test_TC_H_17_cancelled_with_the_same_id(server, operator, records, version):
    async with station(server, version) as peer:
        _, _, reserved = await reserve(operator, peer, connectorId=1)
        code, data, payload = await cancel(operator, peer, reserved["id"])

    assert (code, data["status"], payload) == (200, "Accepted", {"reservationId": reserved["id"]})
    (row,) = records.of("transactions_reservation", peer.identity)
    assert (row["number"], row["cancel_command_id"]) == (reserved["id"], data["requestId"])
    assert states(records, peer) == [("cancelled", "")]
    assert events(records, peer) == ["reservation.created", "reservation.cancelled"]


async def test_TC_H_19_the_group_of_the_token(server, operator, records, version):
    async with station(server, version) as peer:
        _, _, payload = await reserve(operator, peer, connectorId=1, idTag=BOB)
        started = event("Started", new_transaction(), 0, idToken=token("CAROL003"))
        answer = await peer.call("TransactionEvent", started)

    assert payload["groupIdToken"] == {"idToken": "FAMILY", "type": "Central"}
    assert answer["idTokenInfo"]["status"] == "Accepted"
    assert states(records, peer) == [("used", "")]


async def test_TC_H_20_a_fault_ends_the_reservation_once(server, operator, records, version):
    async with station(server, version) as peer:
        _, _, payload = await reserve(operator, peer, connectorId=1)
        await peer.call("StatusNotification", status("Reserved"))
        assert await peer.call("StatusNotification", status("Faulted")) == {}
        assert await peer.call("ReservationStatusUpdate", update(payload["id"], "Removed")) == {}

    assert states(records, peer) == [("ended", "faulted")]
    assert events(records, peer) == ["reservation.created", "reservation.failed"]


async def test_TC_H_20_the_station_removes_the_reservation(server, operator, records, version):
    async with station(server, version) as peer:
        _, _, payload = await reserve(operator, peer, connectorId=1)
        assert await peer.call("ReservationStatusUpdate", update(payload["id"], "Removed")) == {}

    assert states(records, peer) == [("ended", "removed")]


async def test_no_session_followed_the_use(server, operator, records):
    async with station(server, V21) as peer:
        _, _, payload = await reserve(operator, peer, connectorId=1)
        await peer.call("ReservationStatusUpdate", update(payload["id"], "NoTransaction"))

    assert states(records, peer) == [("ended", "no-transaction")]


@pytest.mark.parametrize("word", ["Rejected", "Faulted", "Occupied", "Unavailable"])
async def test_TC_H_22_the_station_refuses(server, operator, records, version, word):
    async with station(server, version) as peer:
        answer = {"status": word, "statusInfo": {"reasonCode": "Nope"}}
        code, data, payload = await sent(
            operator, peer, "reserve", answer, {"idTag": ALICE, "connectorId": 1}
        )

    assert (payload["evseId"], payload["idToken"]) == (1, token(ALICE))
    assert (code, data["status"], data["state"], data["reason"]) == (200, word, "refused", word.lower())
    assert states(records, peer) == [("refused", word.lower())]


async def test_a_station_that_reserves_only_evses_is_not_asked_for_any(server, operator, records, version):
    async with station(server, version) as peer:
        asked = asyncio.create_task(operator.command(peer.identity, "GetBaseReport", {
            "requestId": 7, "reportBase": "FullInventory"
        }))  # fmt: skip
        await peer.answer(await peer.next_call(), {"status": "Accepted"})
        assert (await asked)[0] == 200
        await peer.call(
            "NotifyReport",
            {
                "requestId": 7,
                "generatedAt": at(),
                "seqNo": 0,
                "tbc": False,
                "reportData": [
                    {
                        "component": {"name": "ReservationCtrlr"},
                        "variable": {"name": "NonEvseSpecific"},
                        "variableAttribute": [{"type": "Actual", "value": "false"}],
                    }
                ],
            },
        )
        code, data = await refused(operator, peer)
        assert (code, data["code"]) == (409, "not-supported")
