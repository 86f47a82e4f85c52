"""Reports of charging profiles of OCPP 2.x (K09), compared with the profiles that the server has set."""

from __future__ import annotations

import json

import pytest

from tests.conformance.messages import event, new_transaction, token
from tests.conformance.peer import eventually, station
from tests.conformance.profiles import asked, listed

ACCEPTED = {"status": "Accepted"}
DEFAULT = {
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
}
CONSTRAINT = {
    "id": 900,
    "stackLevel": 0,
    "chargingProfilePurpose": "ChargingStationExternalConstraints",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": [
        {
            "id": 1,
            "startSchedule": "2026-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        }
    ],
}


def part(request_id, evse, *profiles, source="CSO", more=False):
    return {
        "requestId": request_id,
        "chargingLimitSource": source,
        "evseId": evse,
        "chargingProfile": list(profiles),
        "tbc": more,
    }


async def states(operator, identity):
    """The state of each profile by its id and source, and whether a report has confirmed it."""
    rows = await listed(operator, identity, "limit=100")
    return {
        (row["chargingProfileId"], row["chargingLimitSource"]): (row["state"], row["confirmedAt"] is not None)
        for row in rows
    }


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (
            {"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile"},
            {"evseId": 0, "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}},
        ),
        (
            {"connectorId": 1, "chargingProfilePurpose": "TxProfile"},
            {"evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}},
        ),
        (
            {"chargingProfilePurpose": "TxDefaultProfile"},
            {"chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile"}},
        ),
        ({"chargingProfileId": 7}, {"chargingProfile": {"chargingProfileId": [7]}}),
        ({"connectorId": 1, "stackLevel": 2}, {"evseId": 1, "chargingProfile": {"stackLevel": 2}}),
        (
            {"connectorId": 1, "chargingLimitSource": ["EMS"]},
            {"evseId": 1, "chargingProfile": {"chargingLimitSource": ["EMS"]}},
        ),
        (
            {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
            {
                "evseId": 1,
                "chargingProfile": {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
            },
        ),
    ],
)
async def test_TC_K_29_TC_K_30_TC_K_31_TC_K_32_TC_K_33_TC_K_34_TC_K_35_TC_K_36_criteria(  # noqa: PLR0917 - cases
    server, operator, records, version, body, payload
):
    async with station(server, version) as peer:
        await peer.call("TransactionEvent", event("Started", new_transaction(), 0, idToken=token()))
        code, answer, call = await asked(operator, peer, "get-charging-profiles", body)
        number = call[3].pop("requestId")
        report = part(number, 1, {**CONSTRAINT, "id": 7}, source="EMS")
        assert await peer.call("ReportChargingProfiles", report) == {}
        await peer.heartbeat()

    assert code == 200, answer
    assert call[2:] == ["GetChargingProfiles", payload]
    assert 0 < number < 2**31
    (row,) = records.of("smart_charging_installedprofile", peer.identity, order="t.installed_at")
    assert (row["profile_id"], row["source"]) == (7, "EMS")
    (report,) = records.of("chargepoints_reportassembly", peer.identity)
    assert (report["request_id"], report["state"]) == (number, "complete")


@pytest.mark.parametrize("body", [{}, {"connectorId": 1}, {"chargingProfileId": 7, "stackLevel": 0}])
async def test_TC_K_32_criteria_are_never_empty_and_an_id_is_alone(server, operator, version, body):
    async with station(server, version) as peer:
        code, answer, call = await asked(operator, peer, "get-charging-profiles", body)

    assert (code, call) == (400, None)
    assert [error["field"] for error in answer["data"]["errors"]] == ["chargingProfileId"]


async def test_TC_K_31_TC_K_52_a_complete_report_confirms_misses_and_shows_those_of_others(
    server, operator, records, version
):
    async with station(server, version) as peer:
        sent = []
        for evse in (0, 1):
            body = {**DEFAULT, "connectorId": evse, "stackLevel": evse}
            sent.append((await asked(operator, peer, "set-charging-profile", body))[2])
        body = {"chargingLimitSource": ["CSO", "EMS"]}
        code, answer, call = await asked(operator, peer, "get-charging-profiles", body)
        number = call[3]["requestId"]
        # One that is set after the question need not be in the report.
        later = {**DEFAULT, "connectorId": 2, "stackLevel": 5}
        await asked(operator, peer, "set-charging-profile", later)
        profile = sent[0][3]["chargingProfile"]
        await peer.call("ReportChargingProfiles", part(number, 0, profile, more=True))
        assert (await states(operator, peer.identity))[2_001_001, "CSO"] == ("installed", False)
        assert await peer.call("ReportChargingProfiles", part(number, 0, CONSTRAINT, source="EMS")) == {}
        await peer.heartbeat()
        found = await states(operator, peer.identity)
        # The server can't clear what others have set.
        clear = {"connectorId": 0, "chargingProfilePurpose": "ChargingStationExternalConstraints"}
        refused, _, none = await asked(operator, peer, "clear-charging-profile", clear)

    assert found == {
        (2_000_000, "CSO"): ("installed", True),
        (2_001_001, "CSO"): ("missing", False),
        (2_002_005, "CSO"): ("installed", False),
        (900, "EMS"): ("installed", True),
    }
    assert (code, answer["success"], call[2]) == (200, True, "GetChargingProfiles")
    assert call[3]["chargingProfile"] == {"chargingLimitSource": ["CSO", "EMS"]}
    rows = records.of("smart_charging_installedprofile", peer.identity, order="t.profile_id")
    (external,) = [row for row in rows if row["source"] == "EMS"]
    assert external["purpose"] == "ChargingStationExternalConstraints"
    assert json.loads(external["payload"]) == CONSTRAINT
    assert (refused, none) == (400, None)


async def test_TC_K_30_an_incomplete_report_takes_nothing_away(server, operator, records, version):
    async with station(server, version) as peer:
        await asked(operator, peer, "set-charging-profile", DEFAULT)
        body = {"chargingProfilePurpose": "TxDefaultProfile"}
        _, _, call = await asked(operator, peer, "get-charging-profiles", body)
        report = part(call[3]["requestId"], 1, {**CONSTRAINT, "id": 901}, source="SO", more=True)
        await peer.call("ReportChargingProfiles", report)
        # A report that no command asked for says nothing about the others.
        await peer.call("ReportChargingProfiles", part(5, 1, CONSTRAINT, source="SO"))
        await peer.heartbeat()
        found = await states(operator, peer.identity)

    assert found[2_000_000, "CSO"] == ("installed", False)
    assert {row["state"] for row in records.of("chargepoints_reportassembly", peer.identity)} == {
        "collecting",
        "complete",
    }


async def test_TC_K_34_profiles_of_a_source_that_the_station_does_not_have(server, operator, version):
    async with station(server, version) as peer:
        await asked(operator, peer, "set-charging-profile", DEFAULT)
        await peer.call("ReportChargingProfiles", part(4, 0, CONSTRAINT, source="EMS"))
        body = {"chargingLimitSource": ["EMS"]}
        code, _, _ = await asked(operator, peer, "get-charging-profiles", body, {"status": "NoProfiles"})
        found = await states(operator, peer.identity)

    assert code == 200
    assert found == {(2_000_000, "CSO"): ("installed", False), (900, "EMS"): ("missing", True)}


async def test_TC_K_36_a_reported_profile_in_another_place_replaces_the_known_one(server, operator, version):
    async with station(server, version) as peer:
        _, _, sent = await asked(operator, peer, "set-charging-profile", DEFAULT)
        moved = {**sent[3]["chargingProfile"], "stackLevel": 3}
        await peer.call("ReportChargingProfiles", part(4, 0, moved))
        await peer.heartbeat()
        rows = await eventually_listed(operator, peer.identity)

    assert [(row["stackLevel"], row["state"]) for row in rows] == [(3, "installed"), (0, "replaced")]


async def eventually_listed(operator, identity):
    rows = await listed(operator, identity, "limit=100")
    return await eventually(lambda: rows)
