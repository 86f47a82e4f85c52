"""Charging profiles: set, clear, report and composite schedule; priority, dynamic profiles and V2X of 2.1."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.profiles import STATION_MAX, Installed
from simulator.versions import V16, V21, V201


@answers("SetChargingProfile", V16)
def set_profile_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return _install(station, Installed(payload["connectorId"], payload["csChargingProfiles"]))


@answers("SetChargingProfile", V201, V21)
def set_profile_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return _install(station, Installed(payload["evseId"], payload["chargingProfile"]))


def _install(station: Any, new: Installed) -> dict[str, Any]:
    """Install a profile (1.6 section 5.16, 2.0.1 K01). Each purpose needs a certain connector, a TxProfile a
    running transaction.
    """
    if refusal := station.misbehaviour.refuses_profiles:
        if station.version == V16:
            return {"status": refusal}
        return REJECTED | {"statusInfo": {"reasonCode": refusal}}
    if not 0 <= new.evse <= len(station.connectors):
        return REJECTED
    if new.purpose in STATION_MAX and new.evse != 0:
        return REJECTED
    if new.purpose == "ChargingStationExternalConstraints":
        return REJECTED  # K01.FR.22: the CSMS may not set external constraints
    if new.purpose == "TxProfile":
        session = station.connector(new.evse).session if new.evse else None
        wanted = new.profile.get("transactionId")
        if session is None or (wanted is not None and wanted != session.transaction_id):
            return REJECTED
    if station.misbehaviour.ignores_profiles:
        return ACCEPTED
    return ACCEPTED if station.profiles.install(new) else REJECTED


@answers("ClearChargingProfile", V16)
def clear_profile_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found = station.profiles.clear(
        lambda one: (
            payload.get("id", one.id) == one.id
            and payload.get("connectorId", one.evse) == one.evse
            and payload.get("chargingProfilePurpose", one.purpose) == one.purpose
            and payload.get("stackLevel", one.level) == one.level
        )
    )
    return ACCEPTED if found else {"status": "Unknown"}


@answers("ClearChargingProfile", V201, V21)
def clear_profile_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    criteria = payload.get("chargingProfileCriteria", {})
    found = station.profiles.clear(
        lambda one: payload.get("chargingProfileId", one.id) == one.id and _fits(one, criteria, criteria)
    )
    return ACCEPTED if found else {"status": "Unknown"}


def _fits(one: Installed, where: dict[str, Any], criteria: dict[str, Any]) -> bool:
    return bool(
        where.get("evseId", one.evse) == one.evse
        and criteria.get("chargingProfilePurpose", one.purpose) == one.purpose
        and criteria.get("stackLevel", one.level) == one.level
    )


@answers("GetChargingProfiles", V201, V21)
def get_profiles(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    criteria = payload["chargingProfile"]
    ids, sources = criteria.get("chargingProfileId"), criteria.get("chargingLimitSource")
    found = [
        one
        for one in station.profiles.installed
        if _fits(one, payload, criteria)
        and (ids is None or one.id in ids)
        and (sources is None or "CSO" in sources)
    ]
    if not found:
        return {"status": "NoProfiles"}
    return ACCEPTED, functools.partial(_report, station, payload["requestId"], found)


async def _report(station: Any, request_id: int, found: list[Installed]) -> None:
    for number, one in enumerate(found, start=1):
        await station.notify(
            "ReportChargingProfiles",
            {
                "requestId": request_id,
                "chargingLimitSource": "CSO",
                "evseId": one.evse,
                "chargingProfile": [one.profile],
                "tbc": number < len(found),
            },
        )


def _compose(station: Any, number: int, payload: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
    if not 0 <= number <= len(station.connectors):
        return None
    connector = station.connector(number) if number else station.connectors[0]
    unit = payload.get("chargingRateUnit", "W")
    start = station.clock.now()
    periods = station.profiles.composite(
        number,
        start,
        payload["duration"],
        unit=unit,
        phases=connector.meter.phases,
        session_start=connector.session.started_at if number and connector.session else None,
        max_power_w=station.power_w * (1 if number else len(station.connectors)),
    )
    schedule = {"duration": payload["duration"], "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    return schedule, station.clock.text(start)


@answers("GetCompositeSchedule", V16)
def composite_16(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    composed = _compose(station, payload["connectorId"], payload)
    if composed is None:
        return REJECTED
    schedule, start = composed
    return ACCEPTED | {
        "connectorId": payload["connectorId"],
        "scheduleStart": start,
        "chargingSchedule": schedule | {"startSchedule": start},
    }


@answers("GetCompositeSchedule", V201, V21)
def composite_2(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    composed = _compose(station, payload["evseId"], payload)
    if composed is None:
        return REJECTED
    schedule, start = composed
    return ACCEPTED | {"schedule": schedule | {"evseId": payload["evseId"], "scheduleStart": start}}


# -- 2.1 -----------------------------------------------------------------------------------------------------


@answers("UsePriorityCharging", V21)
def use_priority(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Replace the limits of a session by a profile for priority charging, which must be installed (K21)."""
    session = station.session_of(payload["transactionId"])
    if session is None:
        return REJECTED
    if not any(one.purpose == "PriorityCharging" for one in station.profiles.installed):
        return {"status": "NoProfile"}
    return ACCEPTED


@answers("UpdateDynamicSchedule", V21)
def update_dynamic(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Change the one period of a dynamic profile (K28)."""
    for one in station.profiles.installed:
        if one.id == payload["chargingProfileId"] and one.profile["chargingProfileKind"] == "Dynamic":
            one.schedule["chargingSchedulePeriod"][0].update(payload["scheduleUpdate"])
            return ACCEPTED
    return REJECTED | {"statusInfo": {"reasonCode": "InvalidProfileId"}}


@answers("NotifyAllowedEnergyTransfer", V21)
def allow_transfers(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    return REJECTED if station.session_of(payload["transactionId"]) is None else ACCEPTED


@answers("AFRRSignal", V21)
def afrr_signal(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """Accept a signal where a profile has a curve for it (Q08)."""
    periods = [
        period for one in station.profiles.installed for period in one.schedule["chargingSchedulePeriod"]
    ]
    return ACCEPTED if any("v2xSignalWattCurve" in period for period in periods) else REJECTED
