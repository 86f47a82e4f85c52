"""Messages and look-ups that several files of the catalogue share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.conformance.conftest import ALICE
from tests.conformance.peer import V16, at, eventually, fresh


def status(connector, word, **more):
    return {"connectorId": connector, "status": word, "errorCode": "NoError", **more}


def start(connector=1, tag=ALICE, meter=1000, minutes=0.0, **more):
    return {"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at(minutes), **more}


def stop(number, meter=5000, minutes=0.0, **more):
    return {"transactionId": number, "meterStop": meter, "timestamp": at(minutes), **more}


async def commanded(operator, peer, action, payload, answer):
    """Send a command that the station answers. The HTTP status, the data of the answer, and the CALL."""
    sent = asyncio.create_task(operator.command(peer.identity, action, payload))
    call = await peer.next_call()
    await peer.answer(call, answer)
    return (*await sent, call)


def connector_row(records, identity, number=1):
    rows = [row for row in records.of("chargepoints_connector", identity) if row["number"] == number]
    return rows[0] if rows else None


async def deviations(records, identity):
    """The deviations of a station by kind, once its connection has ended.

    The server counts in memory and stores from time to time, the rest when the socket is closed: before that
    moment the rows may be there in part.
    """
    await eventually(lambda: _has_left(records.charge_point(identity)))
    rows = records.of("chargepoints_deviation", identity)
    assert rows, f"{identity} has no deviations"
    return {row["kind"]: row for row in rows}


def _has_left(row):
    return row["disconnected_at"] is not None and row["disconnected_at"] >= row["connected_at"]


def spelled(code, version):
    """An error code in the spelling of a version: 1.6 misspells two of them (errata J 5.1, 5.2)."""
    if version != V16:
        return code
    return {
        "FormatViolation": "FormationViolation",
        "OccurrenceConstraintViolation": "OccurenceConstraintViolation",
    }.get(code, code)


def token(value=ALICE, kind="ISO14443"):
    return {"idToken": value, "type": kind}


def event(kind, transaction, seq, *, trigger="Authorized", minutes=0.0, evse=1, state="Charging", **more):
    info = {"transactionId": transaction, "chargingState": state} | more.pop("info", {})
    payload = {
        "eventType": kind,
        "timestamp": at(minutes),
        "triggerReason": trigger,
        "seqNo": seq,
        "transactionInfo": info,
        **more,
    }
    if evse is not None:
        payload["evse"] = {"id": evse, "connectorId": 1}
    return payload


def energy(wh, minutes=0.0, context="Sample.Periodic"):
    sample = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register"}
    return [{"timestamp": at(minutes), "sampledValue": [sample]}]


def new_transaction():
    return fresh("TX")


def moment(text):
    """A time in the text form of SQLite."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
