"""The station answers every call of the CSMS. The small CSMS checks each answer against its schema."""

import asyncio
from typing import Any

import pytest

from simulator import V16, Misbehaviour, Station, schemas
from simulator.answers.table import ANSWERS
from tests.conformance.peer import eventually
from tests.simulator import samples
from tests.simulator.conftest import MakeStation
from tests.simulator.csms import TIMEOUT_S, Csms


async def test_every_supported_action_is_answered_as_the_specification_requires(
    make_station: MakeStation, version: str, csms: Csms
) -> None:
    # At real speed the firmware update does not reboot the station before the later requests.
    station = await make_station(version, speed=1)
    cases = samples.of_version(station.version)
    reset = cases.pop("Reset")

    for action, exchanges in [*cases.items(), ("Reset", reset)]:
        for request, expected in exchanges:
            answer = await csms.call(station.identity, action, request)
            assert answer | expected == answer, (action, request, answer)

    supported = {action for version, action in ANSWERS if version == station.version}
    assert supported == {*cases, "Reset"}


async def test_every_other_action_of_its_version_is_refused_as_not_supported(
    station: Station, csms: Csms
) -> None:
    others = schemas.actions(station.version) - {
        action for version, action in ANSWERS if version == station.version
    }

    link = csms.links[station.identity]
    for action in sorted(others):
        await link._send(f'[2,"refuse-{action}","{action}",{{}}]')
        answer = await link._get_specific_response(f"refuse-{action}", TIMEOUT_S)
        assert (answer.message_type_id, answer.error_code) == (4, "NotSupported")


async def test_unknown_action_and_broken_payload_are_refused_in_the_spelling_of_the_version(
    station: Station, csms: Csms
) -> None:
    link = csms.links[station.identity]

    await link._send('[2,"x-1","MakeCoffee",{}]')
    unknown = await link._get_specific_response("x-1", TIMEOUT_S)
    await link._send('[2,"x-2","DataTransfer",{}]')
    missing = await link._get_specific_response("x-2", TIMEOUT_S)

    assert unknown.error_code == "NotImplemented"
    spelling = "OccurenceConstraintViolation" if station.version == V16 else "OccurrenceConstraintViolation"
    assert missing.error_code == spelling


async def test_base_report_comes_in_numbered_parts(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station("2.0.1")

    await csms.call(station.identity, "GetBaseReport", {"requestId": 12, "reportBase": "FullInventory"})
    await csms.wait_for("NotifyReport", tbc=False)

    parts = csms.payloads("NotifyReport")
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert sum(len(part["reportData"]) for part in parts) == len(station.settings.table)


async def test_installed_certificate_is_listed_and_deleted_by_its_hash(station: Station, csms: Csms) -> None:
    kind = "ManufacturerRootCertificate"
    await csms.call(
        station.identity,
        "InstallCertificate",
        {"certificateType": kind, "certificate": samples.certificate()},
    )

    if station.version != V16:
        assert station.settings.text("certificates") == "1"
    wanted = kind if station.version == V16 else [kind]
    listed = await csms.call(station.identity, "GetInstalledCertificateIds", {"certificateType": wanted})
    data = (listed.get("certificateHashData") or listed["certificateHashDataChain"])[0]
    data = data.get("certificateHashData", data)
    first = await csms.call(station.identity, "DeleteCertificate", {"certificateHashData": data})
    second = await csms.call(station.identity, "DeleteCertificate", {"certificateHashData": data})

    assert (first["status"], second["status"]) == ("Accepted", "NotFound")


async def test_firmware_update_notifies_each_step_and_boots(station: Station, csms: Csms) -> None:
    location = "ftp://example.com/fw-2.3.bin"  # such a transfer is only pretended
    if station.version == V16:
        request = {"location": location, "retrieveDate": samples.LATER}
        steps = ["Downloading", "Downloaded", "Installing", "Installed"]
    else:
        request = {"requestId": 5, "firmware": {"location": location, "retrieveDateTime": samples.LATER}}
        steps = ["Downloading", "Downloaded", "Installing", "InstallRebooting", "Installed"]

    await csms.call(station.identity, "UpdateFirmware", request)
    await csms.wait_for("FirmwareStatusNotification", status="Installed")

    assert [one["status"] for one in csms.payloads("FirmwareStatusNotification")] == steps
    boot = csms.payloads("BootNotification")[1]
    assert "fw-2.3" in (boot.get("firmwareVersion"), boot.get("chargingStation", {}).get("firmwareVersion"))


async def test_log_upload_notifies_its_request(station: Station, csms: Csms) -> None:
    request = {"logType": "SecurityLog", "requestId": 8, "log": samples.LOG}

    answer = await csms.call(station.identity, "GetLog", request)
    await csms.wait_for("LogStatusNotification", status="Uploaded", requestId=8)

    assert answer["status"] == "Accepted"
    assert [one["status"] for one in csms.payloads("LogStatusNotification")] == ["Uploading", "Uploaded"]


async def test_reservation_is_held_for_its_token_and_used_up(station: Station, csms: Csms) -> None:
    if station.version == V16:
        request = {"connectorId": 1, "expiryDate": samples.LATER, "idTag": "ALICE", "reservationId": 3}
        reserved = {"status": "Reserved"}
    else:
        request = {"evseId": 1, "expiryDateTime": samples.LATER, "idToken": samples.TOKEN, "id": 3}
        reserved = {"connectorStatus": "Reserved"}

    await csms.call(station.identity, "ReserveNow", request)
    await csms.wait_for("StatusNotification", **reserved)
    with pytest.raises(RuntimeError):
        station.begin(1, "BOB")
    await station.charge(1, "alice", duration_s=2)

    start = csms.payloads("StartTransaction") or csms.payloads("TransactionEvent")
    assert start[0]["reservationId"] == 3
    assert station.connector(1).status == "Available"


PASSWORD_OF = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}


def new_password(version: str) -> tuple[str, dict[str, Any]]:
    if version == V16:
        return "ChangeConfiguration", {"key": "AuthorizationKey", "value": "00" * 16}
    return "SetVariables", {"setVariableData": [PASSWORD_OF | {"attributeValue": "a-long-password-1"}]}


def status_of(answer: dict[str, Any]) -> str:
    return str(answer.get("status") or answer["setVariableResult"][0]["attributeStatus"])


@pytest.mark.parametrize("refusal", ["Rejected", "NotSupported"])
async def test_a_refused_password_is_not_used(
    make_station: MakeStation, csms: Csms, version: str, refusal: str
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(password_change=refusal))

    answer = await csms.call(station.identity, *new_password(version))
    await station.reconnect()

    expected = "UnknownVariable" if refusal == "NotSupported" and version != V16 else refusal
    assert status_of(answer) == expected
    assert csms.authorization == [None, None]


async def test_a_password_that_needs_a_restart_is_used_after_it(
    make_station: MakeStation, csms: Csms, version: str
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(password_change="RebootRequired"))

    answer = await csms.call(station.identity, *new_password(version))
    await station.reconnect()
    await station.reboot("RemoteReset")

    assert status_of(answer) == "RebootRequired"
    assert [one is not None for one in csms.authorization] == [False, False, True]


async def test_a_password_may_be_taken_although_its_answer_is_lost(
    make_station: MakeStation, csms: Csms, version: str
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(password_change="lost"))

    calling = asyncio.create_task(csms.call(station.identity, *new_password(version)))
    await eventually(lambda: len(csms.authorization) == 2)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)

    assert csms.authorization[1] is not None


async def test_new_password_is_used_from_the_next_connection(station: Station, csms: Csms) -> None:
    await csms.call(station.identity, *new_password(station.version))
    await eventually(lambda: len(csms.authorization) == 2)

    assert csms.authorization[0] is None
    assert csms.authorization[1] is not None


@pytest.mark.parametrize("word", ["Rejected", "NotSupported"])
async def test_a_station_may_refuse_every_charging_profile(
    make_station: MakeStation, csms: Csms, version: str, word: str
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(refuses_profiles=word))
    request = (
        {"connectorId": 1, "csChargingProfiles": samples.profile_16()}
        if version == V16
        else {"evseId": 1, "chargingProfile": samples.profile_2()}
    )

    answer = await csms.call(station.identity, "SetChargingProfile", request)

    reason = {"statusInfo": {"reasonCode": word}}
    assert answer == ({"status": word} if version == V16 else {"status": "Rejected"} | reason)
    assert station.profiles.installed == []


async def test_a_station_may_accept_a_profile_and_ignore_it(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V16, misbehaviour=Misbehaviour(ignores_profiles=True))
    request = {"connectorId": 1, "csChargingProfiles": samples.profile_16()}

    assert await csms.call(station.identity, "SetChargingProfile", request) == {"status": "Accepted"}
    assert station.profiles.installed == []


async def test_a_station_may_lose_its_profiles_when_it_reboots(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station(V16, misbehaviour=Misbehaviour(loses_profiles=True))
    request = {"connectorId": 1, "csChargingProfiles": samples.profile_16()}
    assert await csms.call(station.identity, "SetChargingProfile", request) == {"status": "Accepted"}
    assert len(station.profiles.installed) == 1

    await station.reboot("RemoteReset")

    assert station.profiles.installed == []


async def test_composite_schedule_shows_where_the_limit_changes(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station(V16)
    profile = samples.profile_16()

    await csms.call(station.identity, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    answer = await csms.call(
        station.identity, "GetCompositeSchedule", {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}
    )

    limits = [period["limit"] for period in answer["chargingSchedule"]["chargingSchedulePeriod"]]
    assert limits == [15.9, 8.0]


async def test_monitors_are_set_reported_and_cleared(make_station: MakeStation, csms: Csms) -> None:
    station = await make_station("2.0.1")
    place = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    item = {**place, "type": "UpperThreshold", "value": 9000, "severity": 4}

    answer = await csms.call(
        station.identity, "SetVariableMonitoring", {"setMonitoringData": [item, item, {**item, "id": 77}]}
    )
    results = answer["setMonitoringResult"]
    asked = {"requestId": 5, "monitoringCriteria": ["ThresholdMonitoring"]}
    await csms.call(station.identity, "GetMonitoringReport", asked)
    report = await csms.wait_for("NotifyMonitoringReport", requestId=5)
    cleared = await csms.call(station.identity, "ClearVariableMonitoring", {"id": [results[0]["id"]]})
    nothing = await csms.call(station.identity, "GetMonitoringReport", asked)

    assert [one["status"] for one in results] == ["Accepted", "Duplicate", "Rejected"]
    (row,) = report["monitor"]
    assert (row["component"], row["variableMonitoring"][0]["value"]) == (place["component"], 9000)
    assert cleared["clearMonitoringResult"][0]["status"] == "Accepted"
    assert nothing["status"] == "EmptyResultSet"


async def test_a_2_1_station_opens_a_stream_and_closes_it_with_its_monitor(
    make_station: MakeStation, csms: Csms
) -> None:
    station = await make_station("2.1", speed=1)
    place = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    stream = {"periodicEventStream": {"interval": 60}}
    item = {**place, "type": "Periodic", "value": 10, "severity": 8, **stream}

    answer = await csms.call(station.identity, "SetVariableMonitoring", {"setMonitoringData": [item]})
    (result,) = answer["setMonitoringResult"]
    opened = (await csms.wait_for("OpenPeriodicEventStream"))["constantStreamData"]
    await eventually(lambda: station.monitors.streams)
    adjusted = await csms.call(
        station.identity, "AdjustPeriodicEventStream", {"id": opened["id"], "params": {"values": 5}}
    )
    listed = await csms.call(station.identity, "GetPeriodicEventStream", {})
    await csms.call(station.identity, "ClearVariableMonitoring", {"id": [result["id"]]})
    closed = await csms.wait_for("ClosePeriodicEventStream")

    assert opened["variableMonitoringId"] == result["id"]
    assert adjusted == {"status": "Accepted"}
    (one,) = listed["constantStreamData"]
    assert one["params"] == {"interval": 60, "values": 5}
    assert closed["id"] == opened["id"]


@pytest.mark.parametrize("word", ["Rejected", "UnsupportedMonitorType"])
async def test_a_station_refuses_monitors(make_station: MakeStation, csms: Csms, word: str) -> None:
    station = await make_station("2.0.1", misbehaviour=Misbehaviour(refuses_monitors=word))
    place = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    item = {**place, "type": "Delta", "value": 1, "severity": 8}

    answer = await csms.call(station.identity, "SetVariableMonitoring", {"setMonitoringData": [item]})

    assert [one["status"] for one in answer["setMonitoringResult"]] == [word]
