"""Controls of distributed energy resources, and faults of the grid (2.1 R)."""

from __future__ import annotations

import pytest

from tests.conformance.peer import V21, V201, station
from tests.conformance.profiles import asked

ACCEPTED = {"status": "Accepted"}
DROOP = {
    "priority": 6, "overFreq": 50.2, "underFreq": 49.8, "overDroop": 40, "underDroop": 40, "responseTime": 5,
}  # fmt: skip
SERVICE = {"priority": 1, "highVoltage": 250, "lowVoltage": 210, "highFreq": 50.5, "lowFreq": 49.5}
CURVE = {
    "priority": 4,
    "yUnit": "PctMaxW",
    "curveData": [{"x": 49.8, "y": 100}, {"x": 50.2, "y": 0}],
    "startTime": "2026-05-04T12:00:00Z",
    "duration": 900,
}


async def controls(operator, identity, query="limit=100"):
    path = f"/api/v1/chargepoints/{identity}/der-controls?{query}"
    code, answer = await operator.request("GET", path)
    assert code == 200, answer
    return {row["controlId"]: row for row in answer["data"]["derControls"]}


async def set_(operator, peer, kind, settings, answer=ACCEPTED, **more):
    body = {"controlType": kind, "settings": settings, **more}
    return await asked(operator, peer, "set-der-control", body, answer)


async def test_TC_R_107_set_get_and_clear_controls(server, operator, records):
    async with station(server, V21) as peer:
        default = {"isDefault": True, "controlId": "droop"}
        _, _, droop = await set_(operator, peer, "FreqDroop", DROOP, **default)
        _, _, curve = await set_(operator, peer, "FreqWatt", CURVE, controlId="watt")
        superseding = {**ACCEPTED, "supersededIds": ["watt"]}
        code, answer, service = await set_(
            operator, peer, "EnterService", SERVICE, superseding, controlId="enter"
        )
        assert code == 200, answer
        after_setting = await controls(operator, peer.identity)

        _, _, asking = await asked(operator, peer, "get-der-control", {"kind": "default"})
        number = asking[3]["requestId"]
        entry = {"id": "droop", "isDefault": True, "isSuperseded": False, "freqDroop": DROOP}
        part = {"requestId": number, "freqDroop": [entry], "tbc": True}
        assert await peer.call("ReportDERControl", part) == {}
        foreign = {"id": "other", "enterService": SERVICE}
        await peer.call("ReportDERControl", {"requestId": number, "enterService": [foreign]})
        _, _, by_id = await asked(operator, peer, "get-der-control", {"controlId": "watt"})
        entry = {
            "id": "watt", "curveType": "FreqWatt", "isDefault": False, "isSuperseded": True, "curve": CURVE
        }  # fmt: skip
        await peer.call("ReportDERControl", {"requestId": by_id[3]["requestId"], "curve": [entry]})
        started = {
            "controlId": "watt",
            "started": True,
            "timestamp": "2026-05-04T12:00:00Z",
            "supersededIds": ["droop"],
        }
        assert await peer.call("NotifyDERStartStop", started) == {}
        after_reports = await controls(operator, peer.identity)
        _, _, clearing = await asked(operator, peer, "clear-der-control", {"kind": "default"})
        _, _, none = await asked(
            operator, peer, "clear-der-control", {"kind": "scheduled", "controlId": "enter"},
            {"status": "NotFound"},
        )  # fmt: skip
        at_last = await controls(operator, peer.identity)

    assert droop[2:] == [
        "SetDERControl",
        {"isDefault": True, "controlId": "droop", "controlType": "FreqDroop", "freqDroop": DROOP},
    ]
    assert curve[3] == {"isDefault": False, "controlId": "watt", "controlType": "FreqWatt", "curve": CURVE}
    assert set(service[3]) == {"isDefault", "controlId", "controlType", "enterService"}
    assert "only as a default" in answer["data"]["warning"]
    assert {name: one["state"] for name, one in after_setting.items()} == {
        "droop": "accepted", "watt": "superseded", "enter": "accepted",
    }  # fmt: skip
    assert asking[3] == {"requestId": number, "isDefault": True}
    assert by_id[3] == {"requestId": by_id[3]["requestId"], "controlId": "watt"}
    assert {name: one["state"] for name, one in after_reports.items()} == {
        "droop": "superseded", "watt": "superseded", "enter": "accepted", "other": "reported",
    }  # fmt: skip
    assert (after_reports["watt"]["isRunning"], after_reports["watt"]["priority"]) == (True, 4)
    assert after_reports["other"]["requestId"] is None
    assert after_reports["droop"]["settings"] == DROOP
    assert (clearing[2:], none[3]) == (
        ["ClearDERControl", {"isDefault": True}],
        {"isDefault": False, "controlId": "enter"},
    )
    assert {name: one["state"] for name, one in at_last.items()} == {
        "droop": "cleared", "watt": "superseded", "enter": "missing", "other": "cleared",
    }  # fmt: skip
    reports = records.of("chargepoints_reportassembly", peer.identity)
    assert [row["state"] for row in reports] == ["complete", "complete"]


async def test_TC_R_107_a_control_that_a_complete_report_lacks_is_missing(server, operator):
    async with station(server, V21) as peer:
        for name in ("one", "two"):
            await set_(operator, peer, "FreqWatt", CURVE, controlId=name)
        _, _, asking = await asked(operator, peer, "get-der-control", {"controlType": "FreqWatt"})
        entry = {
            "id": "one", "curveType": "FreqWatt", "isDefault": False, "isSuperseded": False, "curve": CURVE
        }  # fmt: skip
        await peer.call("ReportDERControl", {"requestId": asking[3]["requestId"], "curve": [entry]})
        await peer.heartbeat()
        found = await controls(operator, peer.identity)

    assert {name: one["state"] for name, one in found.items()} == {"one": "reported", "two": "missing"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"controlType": "FreqWatt", "settings": CURVE, "isDefault": True}, "settings"),
        ({"controlType": "FreqWatt", "settings": DROOP}, ""),
        ({"controlType": "Magic", "settings": DROOP}, "controlType"),
    ],
)
async def test_TC_R_107_settings_that_do_not_fit_are_not_sent(server, operator, body, wrong):
    async with station(server, V21) as peer:
        code, answer, call = await asked(operator, peer, "set-der-control", body)
        found = await controls(operator, peer.identity)

    assert (code, call, found) == (400, None, {})
    named = [error["field"] for error in answer["data"]["errors"]]
    assert named == [wrong] if wrong else all("curve" in field for field in named)


async def test_TC_R_107_a_refused_control_is_not_there_and_2_0_1_has_none(server, operator):
    async with station(server, V21) as peer:
        code, answer, _ = await set_(operator, peer, "FreqDroop", DROOP, {"status": "NotSupported"})
        found = await controls(operator, peer.identity)
    async with station(server, V201) as peer:
        refused, _, call = await set_(operator, peer, "FreqDroop", DROOP)

    assert (code, answer["success"], found) == (200, False, {})
    assert (refused, call) == (409, None)


async def test_TC_R_108_an_alarm_opens_a_fault_and_ends_it(server, operator, records):
    alarm = {
        "controlType": "LVMustTrip",
        "gridEventFault": "UnderVoltage",
        "alarmEnded": False,
        "timestamp": "2026-05-04T12:00:00Z",
        "extraInfo": "200 V",
    }
    async with station(server, V21) as peer:
        assert await peer.call("NotifyDERAlarm", alarm) == {}
        path = f"/api/v1/chargepoints/{peer.identity}/der-alarms"
        _, answer = await operator.request("GET", f"{path}?isOpen=true")
        (opened,) = answer["data"]["derAlarms"]
        ended = {**alarm, "alarmEnded": True, "timestamp": "2026-05-04T12:00:05Z"}
        assert await peer.call("NotifyDERAlarm", ended) == {}
        _, answer = await operator.request("GET", f"{path}?isOpen=true")

    assert (opened["controlType"], opened["gridEventFault"], opened["extraInfo"]) == (
        "LVMustTrip", "UnderVoltage", "200 V",
    )  # fmt: skip
    assert answer["data"]["derAlarms"] == []
    (row,) = records.of("smart_charging_deralarm", peer.identity)
    assert (row["control_type"], row["fault"], row["info"]) == ("LVMustTrip", "UnderVoltage", "200 V")
    assert (row["opened_at"], row["ended_at"]) == ("2026-05-04 12:00:00", "2026-05-04 12:00:05")


async def test_TC_R_108_an_end_without_a_fault_ends_all_faults_of_the_type(server, operator):
    at = "2026-05-04T12:00:00Z"
    async with station(server, V21) as peer:
        for fault in ("UnderVoltage", "OverVoltage"):
            alarm = {"controlType": "LVMustTrip", "gridEventFault": fault, "timestamp": at}
            await peer.call("NotifyDERAlarm", alarm)
        other = {"controlType": "VoltVar", "gridEventFault": "OverVoltage", "timestamp": at}
        await peer.call("NotifyDERAlarm", other)
        await peer.call("NotifyDERAlarm", {"controlType": "LVMustTrip", "alarmEnded": True, "timestamp": at})
        await peer.heartbeat()
        path = f"/api/v1/chargepoints/{peer.identity}/der-alarms?isOpen=true"
        _, answer = await operator.request("GET", path)

    assert [one["controlType"] for one in answer["data"]["derAlarms"]] == ["VoltVar"]
