"""Firmware updates and log uploads, with the notifications of a real station. Firmware is really downloaded
over HTTP, and a log uploaded; nothing is installed.
"""

import contextlib
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator import downloads, uploads
from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.versions import V16, V21, V201
from simulator.wire import CallFailed, NoAnswer

Notify = Callable[[str], Awaitable[None]]

STEP_S = 5.0  # simulated seconds a download, an installation or an upload takes
_ATTEMPTS = 3  # of a download whose connection breaks, unless the request says more

# Outcomes that follow a successful download, and the statuses between the two.
_FAILURES: dict[str, tuple[str, ...]] = {
    "InvalidSignature": (),
    "InstallationFailed": ("Installing",),
    "InstallVerificationFailed": ("Installing",),
}
_BUSY_FIRMWARE = ("Downloading", "Downloaded", "SignatureVerified", "Installing")


class _Stopped(Exception):  # noqa: N818 - named for what happens
    """A newer request has replaced this job, or the station does nothing more."""


@dataclass(frozen=True)
class _Request:
    """A request to update the firmware. `number` is None for a plain one of 1.6."""

    number: int | None
    location: str
    signature: str = ""
    certificate: str = ""
    attempts: int = _ATTEMPTS
    pause_s: float = 0.0  # simulated seconds between two attempts

    @property
    def new_version(self) -> str:
        """The version that the firmware will report: the name of the file."""
        return PurePosixPath(unquote(urlsplit(self.location).path)).stem[:50] or "unnamed"


async def _update(station: Any, action: str, asked: _Request) -> None:
    async def notify(status: str) -> None:
        if not await _notify(station, action, "firmware", asked.number, status):
            raise _Stopped
        if status == station.misbehaviour.firmware_stops_after:
            raise _Stopped
        await station.clock.sleep(STEP_S)

    with contextlib.suppress(_Stopped):
        outcome = await _prepare_firmware(station, asked, notify)
        for status in _FAILURES.get(outcome, ()):
            await notify(status)
        if outcome != "Installed":
            await _report_failure(station, action, asked.number, outcome)
            return
        await _install(station, asked, notify)


async def _report_failure(station: Any, action: str, request_id: int | None, status: str) -> None:
    """Send a failure until the server has answered: unlike a success, no boot shows it."""
    station.jobs["firmware"] = (request_id, status)
    payload = {"status": status} if request_id is None else {"status": status, "requestId": request_id}
    while station.jobs["firmware"] == (request_id, status):
        await station.online.wait()
        try:
            await station.call(action, payload)
        except NoAnswer:
            await station.clock.sleep(STEP_S)
        except CallFailed:
            return
        else:
            return


async def _prepare_firmware(station: Any, asked: _Request, notify: Notify) -> str:
    """Download and verify the file; the outcome of the update."""
    await notify("Downloading")
    found = await _downloaded(station, asked)
    if found is None or station.firmware_outcome == "DownloadFailed":
        return "DownloadFailed"
    await notify("Downloaded")
    if not asked.signature:
        return str(station.firmware_outcome)
    is_pretended = not uploads.transfers(station, asked.location)
    if station.firmware_outcome == "InvalidSignature":
        return "InvalidSignature"
    if not is_pretended and not downloads.is_signed(found, asked.signature, asked.certificate):
        return "InvalidSignature"
    await notify("SignatureVerified")
    return str(station.firmware_outcome)


async def _downloaded(station: Any, asked: _Request) -> downloads.Downloaded | None:
    """The file; None if it could not be downloaded. At addresses without HTTP it is only said to be."""
    if not uploads.transfers(station, asked.location):
        return downloads.Downloaded(0, b"")
    try:
        file = await downloads.download(
            asked.location,
            tls=station.tls,
            attempts=asked.attempts,
            pause_s=asked.pause_s / station.clock.speed,
            breaks=station.misbehaviour.breaks_downloads,
        )
    except downloads.DownloadFailed:
        return None
    station.firmware_file = file
    return file


async def _install(station: Any, asked: _Request, notify: Notify) -> None:
    behaviour = station.misbehaviour
    await notify("Installing")
    if asked.number is not None:
        await notify("InstallRebooting")
    if behaviour.installed_before_boot:
        await notify("Installed")
    if behaviour.never_boots_firmware:
        return
    if not behaviour.keeps_old_firmware:
        station.firmware = asked.new_version
    await station.reboot("FirmwareUpdate", stop_reason="ImmediateReset")
    if not behaviour.installed_before_boot:
        await station.online.wait()
        await notify("Installed")


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


@answers("UpdateFirmware", V16)
def update_firmware_16(station: Any, payload: dict[str, Any]) -> Answer:
    behaviour = station.misbehaviour
    if behaviour.refuses_firmware:
        raise CallFailed("UpdateFirmware", _code(behaviour.refuses_firmware), "as the test asked")
    if behaviour.needs_signed_firmware:
        raise CallFailed("UpdateFirmware", "NotSupported", "only signed firmware is taken")
    _start_job(station, "firmware", None, _BUSY_FIRMWARE)
    asked = _Request(None, payload["location"], attempts=_attempts(payload), pause_s=_pause_s(payload))
    return {}, functools.partial(_update, station, "FirmwareStatusNotification", asked)


@answers("SignedUpdateFirmware", V16)
@answers("UpdateFirmware", V201, V21)
def update_firmware(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    behaviour, firmware = station.misbehaviour, payload["firmware"]
    name = "SignedUpdateFirmware" if station.version == V16 else "UpdateFirmware"
    if station.version == V16 and behaviour.lacks_signed_firmware:
        raise CallFailed(name, "NotSupported", "this station has no security extension")
    if behaviour.refuses_firmware:
        if behaviour.refuses_firmware in _REFUSALS:
            return {"status": behaviour.refuses_firmware}
        raise CallFailed(name, behaviour.refuses_firmware, "as the test asked")
    if behaviour.needs_signed_firmware and "signature" not in firmware:
        return REJECTED
    action = "SignedFirmwareStatusNotification" if station.version == V16 else "FirmwareStatusNotification"
    answer = _start_job(station, "firmware", payload["requestId"], _BUSY_FIRMWARE)
    asked = _Request(
        payload["requestId"],
        firmware["location"],
        firmware.get("signature", ""),
        firmware.get("signingCertificate", ""),
        _attempts(payload),
        _pause_s(payload),
    )
    return answer, functools.partial(_update, station, action, asked)


_REFUSALS = ("Rejected", "InvalidCertificate", "RevokedCertificate")


def _code(refusal: str) -> str:
    return "InternalError" if refusal in _REFUSALS else refusal


def _attempts(payload: dict[str, Any]) -> int:
    return max(int(payload.get("retries", 0)) + 1, _ATTEMPTS)


def _pause_s(payload: dict[str, Any]) -> float:
    return float(payload.get("retryInterval", 0))


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
    if station.log_outcome == "Uploaded" and uploads.transfers(station, url):
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
