"""Sessions that started in another system and were imported with their stations: any transactionId."""

from __future__ import annotations

import asyncio
import sqlite3

from tests.conformance.every.transactions.test_ghost_sessions import values
from tests.conformance.messages import start, stop
from tests.conformance.peer import Operator, Records, at, station


async def test_an_imported_session_ends_under_its_number(make_server):
    """An imported session may have any number; the numbers of this server start at 1000."""

    server = make_server()
    records, operator = Records(server.database), Operator(server)
    async with station(server) as peer:
        for number, ocpp_id, evse in ((1001, "57", 1), (1002, "4711", 2)):
            _import(server, records, peer.identity, number, ocpp_id, evse=evse)
        assert await peer.call("MeterValues", values(57, 1500, -5)) == {}
        body = {"clientId": peer.identity, "transactionId": 1001}
        asking = asyncio.create_task(operator.request("POST", "/api/v1/transactions/remote-stop", body))
        call = await peer.next_call()
        assert call[2:] == ["RemoteStopTransaction", {"transactionId": 57}]
        await peer.answer(call, {"status": "Accepted"})
        assert (await asking)[0] == 200
        await peer.call("StopTransaction", stop(57, meter=2000))
        await peer.call("StopTransaction", stop(4711, meter=1800))

    first, second = records.transactions(peer.identity)
    assert (first["ended_by"], first["energy_wh"]) == ("station", 1000)
    assert (second["ended_by"], second["energy_wh"]) == ("station", 800)
    assert records.quarantined(peer.identity) == []


async def test_the_next_number_of_the_server_may_be_an_imported_one(make_server):
    server = make_server()
    records = Records(server.database)
    async with station(server) as peer:
        first = (await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=-9)))["transactionId"]
        await peer.call("StopTransaction", stop(first, minutes=-8))
        taken = first + 1
        _import(server, records, peer.identity, first + 500, str(taken), state="ended")

        answer = await peer.call("StartTransaction", start(tag="ANYBODY1", minutes=-7, meter=7000))
        number = answer["transactionId"]
        await peer.call("StopTransaction", stop(number, meter=7100))

    rows = {row["id"]: row for row in records.transactions(peer.identity)}
    assert rows[number]["energy_wh"] == 100
    assert rows[first + 500]["energy_wh"] == 0


def _import(server, records, identity, number, ocpp_id, *, evse=1, state="active"):

    pk = records.charge_point(identity)["id"]
    with sqlite3.connect(server.database, timeout=30) as database:
        database.execute(
            """INSERT INTO transactions_transaction (id, ocpp_id, generation, charge_point_id, evse_number,
            connector_number, id_token, id_token_type, group_id, authorization_status, authorization_reason,
            stop_fingerprint, status, ended_by, charging_state, stop_reason, stop_id_token,
            stop_authorization_status, stop_authorization_reason, meter_start_wh, meter_last_wh, energy_wh,
            missing_seq_nos, was_offline, is_interrupted, suspect, suspect_reasons, started_at,
            start_received_at, last_message_at)
            VALUES (?, ?, 0, ?, ?, ?, 'OLD', '', '', 'Accepted', '', '', ?, '', '', '', '', '', '',
            1000, 1000, 0, '[]', 0, 0, 0, '[]', ?, ?, ?)""",
            [number, ocpp_id, pk, evse, evse, state, *[at(-60).replace("T", " ").rstrip("Z")] * 3],
        )
    database.close()
