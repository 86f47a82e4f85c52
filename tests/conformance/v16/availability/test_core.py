"""OCPP 1.6 Core: availability that an operator sets, and the status that the station reports."""

from __future__ import annotations

import pytest

from tests.conformance.messages import commanded, connector_row, start, status, stop
from tests.conformance.peer import station


def inoperative(number):
    return {"connectorId": number, "type": "Inoperative"}


@pytest.mark.parametrize("kind", ["Operative", "Inoperative"])
@pytest.mark.parametrize("word", ["Accepted", "Rejected"])
async def test_16_CA_the_availability_of_the_station_and_of_a_connector(
    server, operator, records, kind, word
):
    async with station(server) as peer:
        for number in (0, 1):
            payload = {"connectorId": number, "type": kind}
            code, data, call = await commanded(
                operator, peer, "ChangeAvailability", payload, {"status": word}
            )
            assert (code, data["status"], call[2:]) == (200, word, ["ChangeAvailability", payload])

    rows = records.commands(peer.identity)
    assert [(row["state"], row["status"]) for row in rows] == [(word.lower(), word)] * 2


async def test_16_CA_a_change_during_a_session_is_scheduled_and_the_session_goes_on(
    server, operator, records
):
    async with station(server) as peer:
        number = (await peer.call("StartTransaction", start()))["transactionId"]
        await peer.call("StatusNotification", status(1, "Charging"))
        code, data, call = await commanded(
            operator, peer, "ChangeAvailability", inoperative(1), {"status": "Scheduled"}
        )
        assert (code, data["status"], call[3]) == (200, "Scheduled", inoperative(1))
        assert records.transaction(peer.identity)["status"] == "active"
        assert await peer.call("StopTransaction", stop(number)) == {}
        assert await peer.call("StatusNotification", status(1, "Unavailable")) == {}

    row = records.command(call[1])
    assert (row["state"], row["status"]) == ("accepted", "Scheduled")
    assert connector_row(records, peer.identity)["status"] == "Unavailable"
    assert records.transaction(peer.identity)["status"] == "ended"


async def test_16_024_a_lock_failure_is_stored(server, records):
    fault = {"connectorId": 1, "status": "Faulted", "errorCode": "ConnectorLockFailure", "info": "stuck"}
    async with station(server) as peer:
        assert await peer.call("StatusNotification", fault) == {}

    row = connector_row(records, peer.identity)
    assert (row["status"], row["error_code"], row["info"]) == ("Faulted", "ConnectorLockFailure", "stuck")
