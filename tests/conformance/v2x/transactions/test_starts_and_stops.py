"""Every start and stop of a session (2.x E01 to E12); the cases have the numbers of the certification."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.conformance.conftest import ALICE
from tests.conformance.messages import energy, event, new_transaction, token
from tests.conformance.peer import Peer, Records, at, station
from tests.servers import LiveServer

SIGNED = [
    {
        "timestamp": at(),
        "sampledValue": [
            {
                "value": 1000.0,
                "context": "Transaction.Begin",
                "signedMeterValue": {
                    "signedMeterData": "OCMF|abc",
                    "encodingMethod": "OCMF",
                    "signingMethod": "ECDSA",
                    "publicKey": "abc",
                },
            }
        ],
    }
]


class Step(NamedTuple):
    """One TransactionEvent; the seqNo is its place."""

    kind: str
    trigger: str
    state: str = "Charging"
    reason: str = ""
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed


WITH_TOKEN = {"idToken": token()}
PLUGGED = Step("Started", "CablePluggedIn", "EVConnected")
CHARGING = (
    Step("Started", "Authorized", "EVConnected", more=WITH_TOKEN),
    Step("Updated", "CablePluggedIn", "EVConnected"),
    Step("Updated", "ChargingStateChanged"),
)


async def report(peer: Peer, status: str) -> None:
    report = {"timestamp": at(), "connectorStatus": status, "evseId": 1, "connectorId": 1}
    assert await peer.call("StatusNotification", report) == {}


async def play(peer: Peer, *steps: Step) -> list[dict[str, Any]]:
    """Send the events of a session; the answers."""
    answers, transaction = [], new_transaction()
    for seq_no, step in enumerate(steps):
        info = {"stoppedReason": step.reason} if step.reason else {}
        minutes = 10.0 * (seq_no - len(steps))
        readings = {} if step.kind == "Updated" else {"meterValue": energy(1000 * (seq_no + 1), minutes)}
        payload = event(
            step.kind,
            transaction,
            seq_no,
            trigger=step.trigger,
            minutes=minutes,
            state=step.state,
            info=info,
            **readings | step.more,
        )
        answers.append(await peer.call("TransactionEvent", payload))
    return answers


@pytest.mark.parametrize(
    ("steps", "state", "evse"),
    [
        pytest.param(
            (
                Step("Started", "ChargingStateChanged", "SuspendedEVSE", more=WITH_TOKEN),
                Step("Updated", "ChargingStateChanged"),
            ),
            "Charging",
            1,
            id="TC_E_01",
        ),
        pytest.param(
            (Step("Started", "ChargingStateChanged", more=WITH_TOKEN),), "Charging", 1, id="TC_E_02"
        ),
        pytest.param((PLUGGED,), "EVConnected", 1, id="TC_E_09"),
        pytest.param(
            (Step("Started", "Authorized", "Idle", more=WITH_TOKEN | {"evse": None}),),
            "Idle",
            None,
            id="TC_E_10",
        ),
        pytest.param(
            (
                Step(
                    "Started", "SignedDataReceived", "EVConnected", more=WITH_TOKEN | {"meterValue": SIGNED}
                ),
                Step("Updated", "ChargingStateChanged"),
            ),
            "Charging",
            1,
            id="TC_E_11",
        ),
        pytest.param((Step("Started", "EVDetected", "Idle"),), "Idle", 1, id="TC_E_12"),
    ],
)
async def test_TC_E_01_TC_E_02_TC_E_09_TC_E_10_TC_E_11_TC_E_12_every_start_opens_the_session(  # noqa: PLR0913
    server: LiveServer,
    records: Records,
    version: str,
    *,
    steps: tuple[Step, ...],
    state: str,
    evse: int | None,
) -> None:
    async with station(server, version) as peer:
        authorized = await peer.call("Authorize", {"idToken": token()})
        await report(peer, "Occupied")
        answers = await play(peer, *steps)

    row = records.transaction(peer.identity)
    has_token = "idToken" in steps[0].more
    assert authorized["idTokenInfo"]["status"] == "Accepted"
    if has_token:
        assert answers[0]["idTokenInfo"]["status"] == "Accepted"
    else:
        assert answers[0] == {}
    assert (row["status"], row["charging_state"], row["evse_number"]) == ("active", state, evse)
    assert (row["id_token"], row["last_seq_no"]) == (ALICE if has_token else "", len(steps) - 1)
    assert row["suspect"] == 0


@pytest.mark.parametrize("is_cable_first", [True, False], ids=["TC_E_03", "TC_E_04"])
async def test_TC_E_03_TC_E_04_the_cable_or_the_token_comes_first(
    server: LiveServer, records: Records, version: str, is_cable_first: bool
) -> None:
    authorized = Step("Updated", "Authorized", "EVConnected", more=WITH_TOKEN)
    steps = (PLUGGED, authorized) if is_cable_first else CHARGING[:2]
    async with station(server, version) as peer:
        answers = await play(peer, *steps, CHARGING[2])

    row = records.transaction(peer.identity)
    with_token = answers[1 if is_cable_first else 0]
    assert with_token["idTokenInfo"]["status"] == "Accepted"
    assert (row["status"], row["charging_state"], row["id_token"]) == ("active", "Charging", ALICE)


LOST = Step("Ended", "EVCommunicationLost", "Idle", "EVDisconnected")
SUSPENDED = Step("Updated", "ChargingStateChanged", "SuspendedEV")
STOPPED = Step("Updated", "StopAuthorized", more=WITH_TOKEN)
UNPLUGGED = Step("Updated", "ChargingStateChanged", "EVConnected")


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        pytest.param((*CHARGING, STOPPED, UNPLUGGED, LOST), "EVDisconnected", id="TC_E_14"),
        pytest.param((*CHARGING, SUSPENDED, LOST), "EVDisconnected", id="TC_E_20"),
        pytest.param((*CHARGING, SUSPENDED, LOST), "EVDisconnected", id="TC_E_17"),
        pytest.param(
            (*CHARGING, Step("Ended", "StopAuthorized", "EVConnected", "Local", WITH_TOKEN)),
            "Local",
            id="TC_E_15",
        ),
        pytest.param(
            (*CHARGING, Step("Ended", "StopAuthorized", "EVConnected", "", WITH_TOKEN)), "Local", id="TC_E_07"
        ),
        pytest.param(
            (*CHARGING, STOPPED, Step("Ended", "ChargingStateChanged", "EVConnected", "Local")),
            "Local",
            id="TC_E_08",
        ),
        pytest.param((*CHARGING, Step("Ended", "EVDeparted", "Idle", "Local")), "Local", id="TC_E_19"),
        pytest.param(
            (*CHARGING, Step("Ended", "ChargingStateChanged", "SuspendedEV", "StoppedByEV")),
            "StoppedByEV",
            id="TC_E_22",
        ),
        pytest.param(
            (CHARGING[0], Step("Ended", "EVConnectTimeout", "Idle", "Timeout")), "Timeout", id="TC_E_39"
        ),
    ],
)
async def test_TC_E_07_TC_E_08_TC_E_14_TC_E_15_TC_E_17_TC_E_19_TC_E_20_TC_E_22_TC_E_39_every_stop_ends_it(
    server: LiveServer, records: Records, version: str, steps: tuple[Step, ...], reason: str
) -> None:
    async with station(server, version) as peer:
        answers = await play(peer, *steps)

    row = records.transaction(peer.identity)
    for step, answer in zip(steps, answers, strict=True):
        assert ("idTokenInfo" in answer) is ("idToken" in step.more)
        assert answer.get("idTokenInfo", {}).get("status", "Accepted") == "Accepted"
    assert (row["status"], row["ended_by"], row["stop_reason"]) == ("ended", "station", reason)
    assert (row["charging_state"], row["suspect"]) == (steps[-1].state, 0)
    assert row["energy_wh"] == 1000 * (len(steps) - 1)


async def test_TC_E_16_a_refused_token_is_refused_and_the_station_ends_the_session(
    server: LiveServer, records: Records, version: str
) -> None:
    started = Step("Started", "Authorized", "EVConnected", more={"idToken": token("NOBODY99")})
    ended = Step("Ended", "Deauthorized", "EVConnected", "DeAuthorized")
    async with station(server, version) as peer:
        answers = await play(peer, started, ended)

    row = records.transaction(peer.identity)
    assert answers[0]["idTokenInfo"]["status"] == "Unknown"
    assert (row["status"], row["stop_reason"], row["authorization_status"]) == (
        "ended",
        "DeAuthorized",
        "Invalid",
    )


async def test_TC_E_26_TC_E_38_a_vehicle_that_is_not_ready_or_leaves_for_a_while_keeps_its_session(
    server: LiveServer, records: Records, version: str
) -> None:
    away = Step("Updated", "EVCommunicationLost", "Idle")
    async with station(server, version) as peer:
        await play(peer, *CHARGING[:2], SUSPENDED, away)
        await report(peer, "Available")
        suspended = records.transaction(peer.identity)
        again = event("Updated", suspended["ocpp_id"], 4, trigger="CablePluggedIn", state="EVConnected")
        assert await peer.call("TransactionEvent", again) == {}
        assert await peer.call("TransactionEvent", event("Updated", suspended["ocpp_id"], 5)) == {}

    row = records.transaction(peer.identity)
    assert (suspended["status"], suspended["charging_state"]) == ("active", "Idle")
    assert (row["status"], row["charging_state"], row["last_seq_no"]) == ("active", "Charging", 5)


@pytest.mark.parametrize("evse", [1, None], ids=["TC_J_07", "TC_J_08"])
async def test_TC_J_02_TC_J_03_TC_J_07_TC_J_08_TC_J_09_TC_J_10_the_values_of_every_kind_of_sample(
    server: LiveServer, records: Records, version: str, evse: int | None
) -> None:
    kinds = (
        ("Started", "CablePluggedIn", "Transaction.Begin", 1000),
        ("Updated", "MeterValuePeriodic", "Sample.Periodic", 2000),
        ("Updated", "MeterValueClock", "Sample.Clock", 3000),
        ("Ended", "EVCommunicationLost", "Transaction.End", 6000),
    )
    transaction = new_transaction()
    async with station(server, version) as peer:
        for seq_no, (kind, trigger, context, wh) in enumerate(kinds):
            minutes = seq_no - len(kinds)
            values = energy(wh, minutes, context)
            place = evse if seq_no == 0 else 1
            payload = event(
                kind, transaction, seq_no, trigger=trigger, minutes=minutes, evse=place, meterValue=values
            )
            assert await peer.call("TransactionEvent", payload) == {}

    row = records.transaction(peer.identity)
    values = records.meter_values(peer.identity)
    assert [(value["context"], value["value"]) for value in values] == [
        (context, float(wh)) for _, _, context, wh in kinds
    ]
    assert (row["energy_wh"], row["meter_start_wh"], row["meter_stop_wh"]) == (5000, 1000, 6000)
    assert (row["evse_number"], row["status"]) == (1, "ended")
