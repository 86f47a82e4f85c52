"""Configuration keys (1.6), variables and reports (2.x), data transfer, network profiles and reset."""

import functools
from collections.abc import Callable
from typing import Any

from simulator.answers.certificates import plug_and_charge
from simulator.answers.table import ACCEPTED, REJECTED, Answer, NoReply, answers, evse_number
from simulator.pnc import VENDOR
from simulator.variables import place_of
from simulator.versions import V16, V21, V201
from simulator.wire import CallFailed

ITEMS_PER_REPORT = 20


@answers("GetConfiguration", V16)
def get_configuration(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    behaviour = station.misbehaviour
    if behaviour.refuses_whole_configuration and not payload.get("key"):
        raise CallFailed("GetConfiguration", "InternalError", "the answer is too long")
    wanted = payload.get("key") or sorted(station.settings.table)
    if behaviour.answers_one_key:
        wanted = wanted[:1]
    known, unknown = [], []
    for name in wanted:
        key = station.settings.table.get(name)
        if key is None:
            unknown.append(name)
        elif not key.hidden:  # a write-only key is neither returned nor reported unknown (1.6J errata 3.10)
            known.append({"key": name, "readonly": key.readonly, "value": key.value[:500]})
    return {"configurationKey": known} | ({"unknownKey": unknown} if unknown else {})


@answers("ChangeConfiguration", V16)
def change_configuration(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    key, value = payload["key"], payload["value"]
    if key == "AuthorizationKey" and not _is_key(value):
        return REJECTED
    if key == "AuthorizationKey" and (refusal := _refused_password(station)):
        return {"status": refusal}
    if key == "SecurityProfile":
        return _raise_profile(station, value)
    status = station.settings.change(key, value, late=station.misbehaviour.needs_reboot)
    if status == "Accepted" and key == "AuthorizationKey":
        # The key is sent as hex, used as raw bytes, and valid from the next connection (1.6J 6.2.1).
        return _take_password(station, bytes.fromhex(value), lambda status: {"status": status})
    return {"status": status}


def _raise_profile(station: Any, value: str) -> dict[str, Any] | Answer:
    """Use a higher security profile from the next connection on, which follows at once (1.6 security A05).
    A station that can't connect by it returns with the profile of before.
    """
    network = station.network
    if not value.isdigit() or int(value) not in range(4) or station.misbehaviour.refuses_security_profiles:
        return REJECTED
    profile = int(value)
    if profile == network.profile:
        return ACCEPTED
    if network.is_lower(profile) or network.missing(profile):
        return REJECTED
    network.raised_to = profile
    return ACCEPTED, station.reconnect


def _refused_password(station: Any) -> str:
    """The status with which the station refuses a new password, "" when it takes it."""
    wanted: str = station.misbehaviour.password_change
    if wanted == "NotSupported" and station.version != V16:
        return "UnknownVariable"
    return wanted if wanted in ("Rejected", "NotSupported") else ""


def _take_password(
    station: Any, password: str | bytes, shaped: Callable[[str], dict[str, Any]]
) -> Answer | dict[str, Any]:
    """Log on with a new password from the next connection, or from the next restart, and answer so."""
    match station.misbehaviour.password_change:
        case "RebootRequired":
            station.password_after_restart = password
            return shaped("RebootRequired")
        case "lost":
            station.password = password
            station.background(station.reconnect(abrupt=True), name="after a lost answer")
            raise NoReply
    station.password = password
    return shaped("Accepted"), station.reconnect


def _is_key(value: str) -> bool:
    try:
        return 16 <= len(bytes.fromhex(value)) <= 20
    except ValueError:
        return False


@answers("GetVariables", V201, V21)
def get_variables(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    wanted = payload["getVariableData"]
    if station.misbehaviour.answers_one_key:
        wanted = wanted[:1]
    return {"getVariableResult": [station.settings.get(item) for item in wanted]}


@answers("SetVariables", V201, V21)
def set_variables(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    late = station.misbehaviour.needs_reboot
    results, password, changed = [], None, {}
    for item in payload["setVariableData"]:
        # Of SecurityCtrlr; that of a network profile takes effect with the profile.
        is_password = (item["component"]["name"], item["variable"]["name"]) == (
            "SecurityCtrlr",
            "BasicAuthPassword",
        )
        if is_password and (refusal := _refused_password(station)):
            place = {"component": item["component"], "variable": item["variable"]}
            results.append({"attributeStatus": refusal, **place})
            continue
        if reason := _refused_priority(station, item):
            place = {"component": item["component"], "variable": item["variable"]}
            info = {"attributeStatusInfo": {"reasonCode": reason}}
            results.append({"attributeStatus": "Rejected", **place, **info})
            continue
        results.append(station.settings.set(item, late=late))
        if is_password and results[-1]["attributeStatus"] == "Accepted":
            password, changed = item["attributeValue"], results[-1]
    if password is None:
        return {"setVariableResult": results}

    def shaped(status: str) -> dict[str, Any]:
        changed["attributeStatus"] = status
        return {"setVariableResult": results}

    # 2.0.1 A01.FR.11: reconnect with the new password.
    return _take_password(station, password, shaped)


@answers("GetBaseReport", V201, V21)
def get_base_report(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    if station.misbehaviour.refuses_whole_configuration:
        return {"status": "NotSupported"}
    configuration = payload["reportBase"] == "ConfigurationInventory"
    rows = station.settings.report(writable_only=configuration)
    if payload["reportBase"] == "SummaryInventory":
        rows = [row for row in rows if row["variable"]["name"] in ("AvailabilityState", "Available")]
    return ACCEPTED, functools.partial(_report, station, payload["requestId"], rows)


@answers("GetReport", V201, V21)
def get_report(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    rows = [row for row in station.settings.report() if _is_wanted(row, payload.get("componentVariable", []))]
    if criteria := payload.get("componentCriteria"):
        meets = station.settings.places_with(criteria)
        rows = [row for row in rows if place_of(row["component"]) in meets]
    if not rows:
        return {"status": "EmptyResultSet"}
    return ACCEPTED, functools.partial(_report, station, payload["requestId"], rows)


def _is_wanted(row: dict[str, Any], wanted: list[dict[str, Any]]) -> bool:
    if not wanted:
        return True
    for one in wanted:
        variable = one.get("variable", {}).get("name", row["variable"]["name"])
        evse = one["component"].get("evse", row["component"].get("evse", {})).get("id")
        same_evse = evse == row["component"].get("evse", {}).get("id")
        if (
            one["component"]["name"] == row["component"]["name"]
            and variable == row["variable"]["name"]
            and same_evse
        ):
            return True
    return False


async def _report(station: Any, request_id: int, rows: list[dict[str, Any]]) -> None:
    generated_at = station.clock.text()
    parts = [rows[at : at + ITEMS_PER_REPORT] for at in range(0, len(rows), ITEMS_PER_REPORT)]
    for number, part in enumerate(parts):
        await station.notify(
            "NotifyReport",
            {
                "requestId": request_id,
                "generatedAt": generated_at,
                "seqNo": number,
                "tbc": number + 1 < len(parts),
                "reportData": part,
            },
        )


@answers("SetNetworkProfile", V201, V21)
def set_network_profile(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if payload["configurationSlot"] < 0:
        return REJECTED
    if str(payload["configurationSlot"]) == station.network.slot:
        return _refused("ActiveNetworkConf")
    data = payload["connectionData"]
    if station.misbehaviour.refuses_security_profiles and data["securityProfile"] != station.network.profile:
        return REJECTED
    if station.network.is_lower(data["securityProfile"]):
        return _refused("NoSecurityDowngrade")
    station.network_profiles[payload["configurationSlot"]] = data
    station.settings.take_network_profile(payload["configurationSlot"], data)
    return ACCEPTED


def _refused(reason: str) -> dict[str, Any]:
    return REJECTED | {"statusInfo": {"reasonCode": reason}}


def _refused_priority(station: Any, item: dict[str, Any]) -> str:
    """The reason code for a priority that the station can't use: an empty slot, or a network profile of which
    a prerequisite is missing (2.0.1 A05.FR.02 and 03, B09); "" when it can.
    """
    if item["variable"]["name"] != "NetworkConfigurationPriority":
        return ""
    for slot in item["attributeValue"].split(","):
        data = station.network.slot_data(slot)
        if data is None and slot != "0":
            return "InvalidNetworkConf"
        if data is not None and (missing := station.network.missing(data["securityProfile"])):
            return str(missing)
    return ""


@answers("DataTransfer", V16, V201, V21)
def data_transfer(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    """Answer DataTransfer: the station supports its own vendor id with the message id Echo."""
    if payload["vendorId"] == VENDOR and station.version == V16:
        return plug_and_charge(station, payload)
    if payload["vendorId"] != station.vendor:
        return {"status": "UnknownVendorId"}
    if payload.get("messageId", "Echo") != "Echo":
        return {"status": "UnknownMessageId"}
    return ACCEPTED | ({"data": payload["data"]} if "data" in payload else {})


@answers("Reset", V16)
def reset_16(station: Any, payload: dict[str, Any]) -> Answer:
    """Answer Reset: Soft ends the transactions and delivers their messages first, Hard restarts at once (1.6
    section 5.14).
    """
    if payload["type"] == "Soft":
        return ACCEPTED, functools.partial(_soft_reset, station)
    return ACCEPTED, functools.partial(station.reboot, "RemoteReset", stop_reason="ImmediateReset")


async def _soft_reset(station: Any) -> None:
    for connector in station.connectors:
        if connector.session:
            connector.session.request_stop("OnIdleReset")
            await connector.session.over.wait()
    await station.outbox_drained()
    await station.reboot("RemoteReset")


@answers("Reset", V201, V21)
def reset_2(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    number, kind = evse_number(payload), payload["type"]
    if number > len(station.connectors):
        return REJECTED
    connectors = [one for one in station.connectors if number in (0, one.number)]
    busy = [one for one in connectors if one.session]
    if number:
        return _reset_evse(station, connectors[0], kind)
    if kind == "OnIdle" and busy:
        station.when_idle(functools.partial(station.reboot, "ScheduledReset"))
        return {"status": "Scheduled"}
    if kind == "ImmediateAndResume":  # 2.1 B11: the transactions continue after the reboot
        return ACCEPTED, functools.partial(_reboot_and_resume, station)
    return ACCEPTED, functools.partial(station.reboot, "RemoteReset", stop_reason="ImmediateReset")


def _reset_evse(station: Any, connector: Any, kind: str) -> dict[str, Any] | Answer:
    """Restart one EVSE: its transaction ends, the connection stays (2.0.1 B11, B12)."""
    session = connector.session
    if session is None:
        return ACCEPTED
    if kind == "OnIdle":
        return {"status": "Scheduled"}
    if kind == "ImmediateAndResume":
        return REJECTED

    async def end() -> None:
        session.request_stop("ImmediateReset")

    return ACCEPTED, end


async def _reboot_and_resume(station: Any) -> None:
    await station.reboot("RemoteReset")
    for connector in station.connectors:
        if connector.session:
            await connector.session.report("TxResumed")
