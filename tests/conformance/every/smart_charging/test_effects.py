"""From the REST call to the effect: a simulated station charges within the limits that it was sent."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from simulator import Misbehaviour, Station
from tests.conformance.conftest import ALICE
from tests.conformance.peer import TIMEOUT_S, eventually, fresh
from tests.conformance.profiles import listed, profiles
from tests.seeds import chosen_seed

LIMIT = [{"startPeriod": 0, "limit": 6.1, "numberPhases": 3}]
MOST_W = 6.1 * 230 * 3 + 1


@asynccontextmanager
async def simulated(server, version, **more):
    one = Station(
        fresh("SIM"),
        version.removeprefix("ocpp"),
        server.ocpp,
        speed=500,
        seed=chosen_seed("simulated station"),
        **more,
    )
    await one.start(timeout_s=TIMEOUT_S)
    try:
        yield one
    finally:
        await one.stop(grace_s=1)


async def sent(operator, station, command, body):
    """The HTTP status and `data` of a command."""
    code, answer = await operator.request("POST", f"/api/v1/chargepoints/{station.identity}/{command}", body)
    return code, answer.get("data")


async def test_a_default_limit_is_in_the_composite_schedule_and_in_the_power(
    server, operator, records, version
):
    body = {"chargingProfilePurpose": "TxDefaultProfile", "chargingSchedulePeriod": LIMIT, "connectorId": 1}
    async with simulated(server, version, settings={"sample_interval": 20}) as station:
        code, data = await sent(operator, station, "set-charging-profile", body)
        assert (code, data["status"]) == (200, "Accepted"), data
        wanted = {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}
        code, data = await sent(operator, station, "get-composite-schedule", wanted)
        assert [period["limit"] for period in data["schedule"]["chargingSchedulePeriod"]] == [6.1], data
        await station.charge(1, ALICE, duration_s=70)

    powers = [
        float(sample["value"])
        for sample in records.meter_values(station.identity)
        if sample["measurand"] == "Power.Active.Import"
    ]
    assert powers
    assert max(powers) <= MOST_W


async def test_the_profile_of_a_remote_start_limits_its_session_alone(server, operator, records, version):
    body = {"idTag": ALICE, "connectorId": 1, "chargingProfile": {"chargingSchedulePeriod": LIMIT}}
    async with simulated(server, version) as station:
        code, data = await sent(operator, station, "remote-start", body)
        assert code == 200, data
        await eventually(lambda: "installed" in [one[3] for one in profiles(records, station.identity)])
        assert station.limit_w(station.connector(1)) <= MOST_W
        (shown,) = await listed(operator, station.identity)
        number = shown["transactionId"]
        code, data = await sent(operator, station, "remote-stop", {"transactionId": number})
        assert code == 200, data
        await eventually(lambda: profiles(records, station.identity) == [("TxProfile", 1, 0, "ended")])
        assert station.profiles.installed == []


@pytest.mark.parametrize("word", ["Rejected", "NotSupported"])
async def test_a_station_that_refuses_profiles_has_none(server, operator, records, version, word):
    body = {"chargingProfilePurpose": "TxDefaultProfile", "chargingSchedulePeriod": LIMIT}
    misbehaviour = Misbehaviour(refuses_profiles=word)
    async with simulated(server, version, misbehaviour=misbehaviour) as station:
        code, data = await sent(operator, station, "set-charging-profile", body)

    assert (code, word in (data["status"], data.get("reasonCode"))) == (200, True), data
    assert profiles(records, station.identity) == []
