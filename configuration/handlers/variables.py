"""Configuration (1.6 5.3, 5.8; 2.0.1 B05-B08): answers and reports of stations, requests of one family."""

from __future__ import annotations

from functools import partial
from typing import Any

from chargepoints.services.follow_ups import gathering
from chargepoints.services.follow_ups.recording import record, whole
from chargepoints.services.provisioning import passwords
from configuration.live import stored_keys
from configuration.services.network import upgrading
from configuration.services.variables import catalogue, described, drift, inventory, reading, reported
from configuration.services.variables.drift import Verdict
from ocpp_server.live.station import Station
from ocpp_server.protocol.registry import after, also, on, reply
from ocpp_server.protocol.secrets import is_password_name
from ocpp_server.protocol.versions import V2X, V16
from ocpp_server.storage import writes
from ocpp_server.storage.journal import journal
from ocpp_server.transport import outcomes

# The statuses of ChangeConfiguration (1.6 7.10) and of SetVariables (2.0.1 3.64).
_VERDICTS = {
    "Accepted": Verdict.ACCEPTED,
    "RebootRequired": Verdict.AFTER_REBOOT,
    "NotSupported": Verdict.UNKNOWN,
    "UnknownComponent": Verdict.UNKNOWN,
    "UnknownVariable": Verdict.UNKNOWN,
}


@also("BootNotification", V16, *V2X)
async def booted(station: Station, request: dict[str, Any]) -> None:
    """1.6 4.2, 2.0.1 B07.FR.14: nothing is read before the station is accepted."""
    if station.is_accepted:
        reading.booted(station=station, is_restart=request.get("reason") != "Triggered")


@on("GetConfiguration", V16, inbound=True)
async def get_configuration(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """Answer a station that requests its own keys with the stored ones."""
    connectors = len({evse for evse, _ in station.connectors})
    own = await stored_keys(station)
    known, unknown = catalogue.merged(own, connectors, request.get("key"))
    answer: dict[str, Any] = {}
    if known:
        answer["configurationKey"] = [
            {"key": key, "readonly": entry["readonly"]}
            | ({} if entry["value"] is None else {"value": entry["value"][:500]})
            for key, entry in known.items()
        ]
    if unknown:
        answer["unknownKey"] = [key[:50] for key in unknown]
    return answer


@on("ChangeConfiguration", V16, inbound=True)
async def change_configuration(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    change = partial(catalogue.change_sync, station.pk, request["key"], request["value"])
    status = await journal.run(writes.dry_run, change)
    # Not `writes.with_result`: the same value again is Accepted, also where its change needed a reboot.
    station.unit.run(change)
    return {"status": status}


@reply("GetConfiguration", V16)
async def configuration_reported(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    keys = {
        entry["key"]: (entry.get("value"), entry["readonly"])
        for entry in response.get("configurationKey", ())
    }
    reported.store(station=station, keys=keys)
    drift.unknown(station=station, names=response.get("unknownKey", ()))


@reply("ChangeConfiguration", V16)
async def configuration_changed(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    if is_password_name(request["key"]):
        verdict = _verdict("ChangeConfiguration", response["status"])
        await passwords.answered(station=station, value=request["value"], verdict=verdict)
    if response["status"] in ("Accepted", "RebootRequired"):
        if request["key"].strip().casefold() == upgrading.KEY.casefold():
            # Of the generic command; our own is known by its id.
            station.unit.run(upgrading.followed, station.pk, request["value"], command_id=command_id)
        reported.store(station=station, keys={request["key"]: (request["value"], False)})
    drift.answered(
        station=station,
        key=request["key"],
        value=request["value"],
        verdict=_VERDICTS.get(response["status"], Verdict.REFUSED),
    )


@reply("GetVariables", *V2X)
async def variables_reported(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    keys = {
        reported.placed_name(result): (result.get("attributeValue"), None)
        for result in response["getVariableResult"]
        if result["attributeStatus"] == "Accepted" and result.get("attributeType", "Actual") == "Actual"
    }
    reported.store(station=station, keys=keys)
    unknown = [
        reported.placed_name(result)
        for result in response["getVariableResult"]
        if result["attributeStatus"] in ("UnknownComponent", "UnknownVariable")
    ]
    drift.unknown(station=station, names=unknown)


@reply("SetVariables", *V2X)
async def variables_set(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    wanted = {
        reported.placed_name(data): data["attributeValue"]
        for data in request["setVariableData"]
        if data.get("attributeType", "Actual") == "Actual"
    }
    results = {
        name: result
        for result in response["setVariableResult"]
        if (name := reported.placed_name(result)) in wanted
    }
    keys: dict[str, reported.Entry] = {
        name: (wanted[name], False)
        for name, result in results.items()
        if result["attributeStatus"] in ("Accepted", "RebootRequired")
    }
    for name, result in results.items():
        if is_password_name(name):
            verdict = _verdict("SetVariables", result["attributeStatus"])
            if verdict is passwords.Verdict.TAKEN and is_of_network(result):
                verdict = passwords.Verdict.UNPROVED  # it takes effect with the profile
            await passwords.answered(station=station, value=wanted[name], verdict=verdict)
    reported.store(station=station, keys=keys)
    if upgrading.PRIORITY in keys:
        # Of the generic command; the steps of our own have their row.
        order = wanted[upgrading.PRIORITY]
        station.unit.run(upgrading.reordered, station.pk, order, command_id=command_id)
    for name, result in results.items():
        info = result.get("attributeStatusInfo") or {}
        drift.answered(
            station=station,
            key=name,
            value=wanted[name],
            verdict=_VERDICTS.get(result["attributeStatus"], Verdict.REFUSED),
            reason=": ".join(filter(None, (info.get("reasonCode"), info.get("additionalInfo")))),
        )


def is_of_network(result: dict[str, Any]) -> bool:
    """Whether a variable belongs to a network profile (2.1 NetworkConfiguration)."""
    return str(result["component"]["name"]).casefold() == "networkconfiguration"


def _verdict(action: str, status: str) -> passwords.Verdict:
    """The meaning of a status word for a new password."""
    if status == "Accepted":
        return passwords.Verdict.TAKEN
    is_refused = status in outcomes.words_of(action).refused
    return passwords.Verdict.REFUSED if is_refused else passwords.Verdict.UNPROVED


@on("NotifyReport", *V2X)
async def notify_report(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.0.1 B07, B08: store the part, and the variables that it reports with their limits."""
    record(station=station, request=request)
    data = request.get("reportData", ())
    reported.store(
        station=station,
        keys=reported.of_report(data),
        descriptions=described.in_report(data, reported.placed_name),
    )
    return {}


@after("NotifyReport", *V2X)
async def report_part_stored(station: Station, request: dict[str, Any]) -> None:
    await gathering.gather(station=station, request=request)
    if (number := whole(request["requestId"])) is not None:
        await journal.run(inventory.mark_gone, station.pk, number)


@reply("GetBaseReport", *V2X)
@reply("GetReport", *V2X)
async def report_requested(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    gathering.expect(station=station, request=request, response=response, command_id=command_id)
