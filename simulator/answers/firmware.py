"""Firmware updates and log uploads, with the notifications of a real station. No firmware is transferred; a
log is really uploaded over HTTP.
"""

import functools
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from simulator import uploads
from simulator.answers.table import ACCEPTED, Answer, answers
from simulator.versions import V16, V21, V201

STEP_S = 5.0  # simulated seconds a download, an installation or an upload takes

# Statuses sent before each outcome; Installed is sent after the reboot.
_STEPS = {
    "Installed": ["Downloading", "Downloaded", "Installing"],
    "DownloadFailed": ["Downloading", "DownloadFailed"],
    "InstallationFailed": ["Downloading", "Downloaded", "Installing", "InstallationFailed"],
    "InvalidSignature": ["Downloading", "Downloaded", "InvalidSignature"],
}


def _new_version(location: str) -> str:
    return PurePosixPath(urlsplit(location).path).stem[:50] or "unnamed"


async def _update(station: Any, action: str, request_id: int | None, location: str) -> None:
    steps = _STEPS[station.firmware_outcome]
    signed = request_id is not None
    for status in steps:
        if not await _notify(station, action, "firmware", request_id, status):
            return  # a newer request replaced this job
        if status == "Downloaded" and signed and station.firmware_outcome != "InvalidSignature":
            await _notify(station, action, "firmware", request_id, "SignatureVerified")
        await station.clock.sleep(STEP_S)
    if station.firmware_outcome == "Installed":
        station.firmware = _new_version(location)
        if signed:
            await _notify(station, action, "firmware", request_id, "InstallRebooting")
        await station.reboot("FirmwareUpdate", stop_reason="ImmediateReset")
        await _notify(station, action, "firmware", request_id, "Installed")


async def _notify(station: Any, action: str, job: str, request_id: int | None, status: str) -> bool:
    if station.jobs[job][0] != request_id:
        return False
    station.jobs[job] = (request_id, status)
    payload: dict[str, Any] = {"status": status}
    if request_id is not None:
        payload["requestId"] = request_id
    await station.notify(action, payload)
    return True


def _start_job(station: Any, job: str, request_id: int | None, busy: tuple[str, ...]) -> dict[str, Any]:
    """Start a job and cancel an unfinished one of the same kind (2.0.1 L01.FR.24, N01.FR.12)."""
    running = station.jobs.get(job, (None, "Idle"))[1] in busy
    station.jobs[job] = (request_id, "Idle")
    return {"status": "AcceptedCanceled"} if running else ACCEPTED


_BUSY_FIRMWARE = ("Downloading", "Downloaded", "SignatureVerified", "Installing")


@answers("UpdateFirmware", V16)
def update_firmware_16(station: Any, payload: dict[str, Any]) -> Answer:
    _start_job(station, "firmware", None, _BUSY_FIRMWARE)
    return {}, functools.partial(_update, station, "FirmwareStatusNotification", None, payload["location"])


@answers("SignedUpdateFirmware", V16)
@answers("UpdateFirmware", V201, V21)
def update_firmware(station: Any, payload: dict[str, Any]) -> Answer:
    action = "SignedFirmwareStatusNotification" if station.version == V16 else "FirmwareStatusNotification"
    answer = _start_job(station, "firmware", payload["requestId"], _BUSY_FIRMWARE)
    location = payload["firmware"]["location"]
    return answer, functools.partial(_update, station, action, payload["requestId"], location)


async def _upload(station: Any, action: str, request_id: int | None, url: str, name: str) -> None:
    if station.misbehaviour.never_uploads:
        return
    if await _notify(station, action, "log", request_id, "Uploading"):
        await station.clock.sleep(STEP_S)
        outcome = await _outcome(station, url, name)
        failed = "UploadFailed" if action == "DiagnosticsStatusNotification" else "UploadFailure"
        await _notify(station, action, "log", request_id, outcome or failed)


async def _outcome(station: Any, url: str, name: str) -> str:
    """Upload the log; the status to send, or an empty text if the upload has failed."""
    if station.log_outcome == "Uploaded" and uploads.transfers(url):
        body = uploads.content(station)
        stops_at = len(body) // 2 if station.misbehaviour.stops_uploads else 0
        try:
            await uploads.upload(url, name, body, tls=station.tls, stops_at=stops_at)
        except uploads.UploadFailed:
            return ""
    return str(station.log_outcome)


@answers("GetDiagnostics", V16)
def get_diagnostics(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    if station.misbehaviour.rejects_logs:
        return {}
    _start_job(station, "log", None, ("Uploading",))
    name = f"diagnostics-{station.serial}.log"[:255]
    action, url = "DiagnosticsStatusNotification", payload["location"]
    return {"fileName": name}, functools.partial(_upload, station, action, None, url, name)


@answers("GetLog", V16, V201, V21)
def get_log(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    if station.misbehaviour.rejects_logs:
        return {"status": "Rejected"}
    number, url = payload["requestId"], payload["log"]["remoteLocation"]
    answer = _start_job(station, "log", number, ("Uploading",))
    name = f"{payload['logType'].lower()}-{station.serial}.log"[:255]
    follow_up = functools.partial(_upload, station, "LogStatusNotification", number, url, name)
    return answer | {"filename": name}, follow_up
