"""TriggerMessage: the requested message is sent after the answer."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, FollowUp, answers, evse_number
from simulator.certificates import SECC, SECC_20, STATION
from simulator.versions import V16, V21, V201


@answers("TriggerMessage", V16, V201, V21)
@answers("ExtendedTriggerMessage", V16)
def trigger_message(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    """Answer TriggerMessage (1.6 section 5.17, security extension 5.3, 2.0.1 F06)."""
    wanted, number = payload["requestedMessage"], evse_number(payload)
    if wanted in station.misbehaviour.missing_triggers:
        return {"status": "NotImplemented"}
    if not 0 <= number <= len(station.connectors):
        return REJECTED
    if wanted == "StatusNotification" and number == 0 and station.version != V16:
        return REJECTED  # F06.FR.13
    if wanted == "BootNotification" and station.registration == "Accepted" and station.version != V16:
        return REJECTED  # F06.FR.17
    if wanted == "TransactionEvent" and not _charging(station, number):
        return REJECTED
    if (
        station.registration != "Accepted"
        and wanted != "BootNotification"
        and not wanted.startswith(
            "Sign"
        )  # credentials may be replaced before the boot is accepted (A00.FR.806)
        and not station.misbehaviour.no_boot
    ):
        return REJECTED
    follow_up = _follow_up(station, wanted, number)
    if follow_up is None:
        return {"status": "NotImplemented"}
    return ACCEPTED if station.misbehaviour.silent_triggers else (ACCEPTED, follow_up)


def _follow_up(station: Any, wanted: str, number: int) -> FollowUp | None:
    match wanted:
        case "BootNotification":
            return functools.partial(_boot, station)
        case "Heartbeat":
            return functools.partial(station.notify, "Heartbeat", {})
        case "StatusNotification":
            return functools.partial(_statuses, station, number)
        case "MeterValues":
            return functools.partial(_meter_values, station, number)
        case "TransactionEvent":
            return functools.partial(_transaction_events, station, number)
        case "FirmwareStatusNotification":
            return functools.partial(_job, station, wanted, "firmware", ("Installed",))
        case "LogStatusNotification" | "DiagnosticsStatusNotification":
            return functools.partial(_job, station, wanted, "log", ("Uploaded",))
        case "SignChargePointCertificate":
            return functools.partial(station.signing.request, STATION)
        case "SignChargingStationCertificate":
            return functools.partial(station.signing.request, STATION)
        case "SignV2GCertificate":
            return functools.partial(station.signing.request, SECC)
        case "SignV2G20Certificate":
            return functools.partial(station.signing.request, SECC_20)
        case "SignCombinedCertificate":
            return functools.partial(station.signing.request, STATION, SECC)
    return None


async def _boot(station: Any) -> None:
    if station.registration == "Accepted":
        await station.notify("BootNotification", station.dialect.boot(station, "Triggered"))
    else:
        station.boot_now()


async def _statuses(station: Any, number: int) -> None:
    for connector in station.connectors:
        if number in (0, connector.number):
            await station.announce(connector, again=True)


async def _meter_values(station: Any, number: int) -> None:
    for connector in station.connectors:
        if number in (0, connector.number):
            payload = station.dialect.meter_values(station, connector, context="Trigger")
            await station.notify("MeterValues", payload)


def _charging(station: Any, number: int) -> list[Any]:
    sessions = [one.session for one in station.connectors if number in (0, one.number) and one.session]
    return [session for session in sessions if session.began.is_set()]


async def _transaction_events(station: Any, number: int) -> None:
    for session in _charging(station, number):
        await session.report("Trigger")


async def _job(station: Any, action: str, job: str, finished: tuple[str, ...]) -> None:
    request_id, status = station.jobs.get(job, (None, "Idle"))
    status = "Idle" if status in finished else status
    payload: dict[str, Any] = {"status": status}
    # 1.6's plain notifications carry no request id; Idle must not carry one either (2.0.1 L01.FR.25,
    # N01.FR.20).
    if request_id is not None and status != "Idle" and action != "DiagnosticsStatusNotification":
        if station.version == V16 and action == "FirmwareStatusNotification":
            action = "SignedFirmwareStatusNotification"
        payload["requestId"] = request_id
    await station.notify(action, payload)
