"""The simulator uploads its log to the server, and fails to in the ways of real stations."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Station
from simulator.misbehaviour import Misbehaviour
from simulator.uploads import content
from tests.conformance.peer import V16, VERSIONS, eventually, fresh
from tests.conformance.uploading import in_state

LABELS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}


async def asked(server: Any, operator: Any, version: str, misbehaviour: Misbehaviour, **body: Any) -> Any:
    """A station that was asked for its log: the station, and the number of the log."""
    simulated = Station(
        fresh("SIM"),
        LABELS[version],
        server.ocpp,
        speed=1000,
        misbehaviour=misbehaviour,
        ping_interval_s=None,
    )
    await simulated.start()
    command = "get-diagnostics" if version == V16 and not body else "get-log"
    path = f"/api/v1/chargepoints/{simulated.identity}/{command}"
    _, answer = await operator.request("POST", path, body)
    return simulated, answer["data"]["logId"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("body", [{}, {"withLogin": True, "logType": "SecurityLog"}], ids=["plain", "login"])
async def test_a_simulated_station_uploads_its_log(server, operator, records, version, body):
    simulated, number = await asked(server, operator, version, Misbehaviour(), **body)
    try:
        row = await in_state(operator, simulated, number, "received")
        await eventually(lambda: records.charge_point(simulated.identity)["diagnostics_status"] == "Uploaded")
    finally:
        await simulated.stop()

    assert row["size"] == len(content(simulated))
    assert row["fileName"].endswith(f"{simulated.serial}.log")


@pytest.mark.parametrize(
    ("misbehaviour", "state"),
    [
        (Misbehaviour(stops_uploads=True), "failed"),
        (Misbehaviour(never_uploads=True), "accepted"),
        (Misbehaviour(rejects_logs=True), "rejected"),
    ],
)
@pytest.mark.parametrize("version", [V16, "ocpp2.0.1"])
async def test_a_simulated_station_fails_to_upload_its_log(server, operator, version, misbehaviour, state):
    simulated, number = await asked(server, operator, version, misbehaviour)
    try:
        row = await in_state(operator, simulated, number, state)
    finally:
        await simulated.stop()

    assert (row["hasFile"], row["size"]) == (False, None)
