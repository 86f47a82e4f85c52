"""Limits that others set at a station of OCPP 2.x (K11 to K14)."""

from __future__ import annotations

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import station

SCHEDULE = {
    "id": 1,
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}],
}
EMS = {"chargingLimitSource": "EMS"}


async def limits(operator, identity, query=""):
    path = f"/api/v1/chargepoints/{identity}/charging-limits?{query}"
    code, answer = await operator.request("GET", path)
    assert code == 200, answer
    return answer["data"]["chargingLimits"]


async def test_TC_K_48_a_limit_of_an_energy_management_system(server, operator, records, version):
    critical = {"chargingLimit": EMS | {"isGridCritical": True}, "chargingSchedule": [SCHEDULE]}
    async with station(server, version) as peer:
        assert await peer.call("NotifyChargingLimit", {"chargingLimit": EMS, "evseId": 1}) == {}
        assert await peer.call("NotifyChargingLimit", critical) == {}
        assert await peer.call("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SO"}}) == {}
        found = await limits(operator, peer.identity, "isInForce=true")

    shown = {(one["chargingLimitSource"], one["connectorId"]): one for one in found}
    assert shown.keys() == {("EMS", 1), ("EMS", 0), ("SO", 0)}
    assert shown["EMS", 0]["chargingSchedule"] == [SCHEDULE]
    assert [shown["EMS", evse]["isGridCritical"] for evse in (0, 1)] == [True, False]
    rows = records.of("smart_charging_externallimit", peer.identity)
    assert {row["cleared_at"] for row in rows} == {None}


async def test_TC_K_50_a_released_limit_is_no_longer_in_force(server, operator, records, version):
    async with station(server, version) as peer:
        for limit in ({"evseId": 1}, {}):
            await peer.call("NotifyChargingLimit", {"chargingLimit": EMS, **limit})
        assert await peer.call("ClearedChargingLimit", {**EMS, "evseId": 1}) == {}
        one_left = await limits(operator, peer.identity, "isInForce=true")
        assert await peer.call("ClearedChargingLimit", EMS) == {}
        none_left = await limits(operator, peer.identity, "isInForce=true")
        # The same source sets a limit again.
        await peer.call("NotifyChargingLimit", {"chargingLimit": EMS, "chargingSchedule": [SCHEDULE]})
        again = await limits(operator, peer.identity, "chargingLimitSource=EMS&isInForce=true")

    assert [one["connectorId"] for one in one_left] == [0]
    assert none_left == []
    assert [(one["connectorId"], one["clearedAt"]) for one in again] == [(0, None)]
    assert len(records.of("smart_charging_externallimit", peer.identity)) == 2


async def test_TC_K_51_a_limit_is_released_while_a_session_runs(server, operator, records, version):
    transaction = new_transaction()
    constraint = {
        "id": 900,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargingStationExternalConstraints",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [{**SCHEDULE, "startSchedule": "2026-01-01T00:00:00Z"}],
    }
    report = {"requestId": 4, "chargingLimitSource": "EMS", "evseId": 1, "chargingProfile": [constraint]}
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", transaction, 0, idToken=token()))
        await peer.call("NotifyChargingLimit", {"chargingLimit": EMS, "evseId": 1})
        await peer.call("ReportChargingProfiles", report)
        assert await peer.call("ClearedChargingLimit", {**EMS, "evseId": 1}) == {}
        changed = event("Updated", transaction, 1, trigger="ChargingRateChanged")
        assert isinstance(await peer.call("TransactionEvent", changed), dict)
        found = await limits(operator, peer.identity)

    assert [one["isInForce"] for one in found] == [False]
    # The profile of the limit is gone with it; the session goes on.
    (profile,) = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
    assert profile["state"] == "cleared"
    assert records.transaction(peer.identity)["status"] == "active"


async def test_TC_K_50_without_an_EVSE_the_limits_of_all_known_EVSEs_are_released(server, operator, version):
    async with station(server, version) as peer:
        for evse in (1, 2):
            status = {
                "evseId": evse, "connectorId": 1, "connectorStatus": "Available",
                "timestamp": "2026-05-04T12:00:00Z",
            }  # fmt: skip
            await peer.call("StatusNotification", status)
            await peer.call("NotifyChargingLimit", {"chargingLimit": EMS, "evseId": evse})
        await peer.call("ClearedChargingLimit", EMS)
        found = await limits(operator, peer.identity)

    assert [one["isInForce"] for one in found] == [False, False]
