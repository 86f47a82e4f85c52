"""Firmware that a local controller publishes (2.x L03, L04). Nothing is downloaded."""

import functools
from typing import Any

from simulator.answers.firmware import STEP_S
from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.versions import V21, V201

_BEFORE = {
    "Published": ("Downloading", "Downloaded", "ChecksumVerified"),
    "PublishFailed": ("Downloading", "Downloaded", "ChecksumVerified"),
    "InvalidChecksum": ("Downloading", "Downloaded"),
    "DownloadFailed": ("Downloading",),
}


@answers("PublishFirmware", V201, V21)
def publish_firmware(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    outcome = station.misbehaviour.publishing or "Published"
    if outcome == "Rejected":
        return REJECTED
    station.published[payload["checksum"].lower()] = "Downloading"
    return ACCEPTED, functools.partial(_publish, station, payload, outcome)


async def _publish(station: Any, payload: dict[str, Any], outcome: str) -> None:
    checksum = payload["checksum"].lower()
    for status in (*_BEFORE[outcome], outcome):
        if checksum not in station.published:
            return  # unpublished meanwhile
        station.published[checksum] = status
        report = {"status": status, "requestId": payload["requestId"]}
        if status == "Published":
            report["location"] = [f"http://{station.identity.lower()}.example/{checksum}.bin"]
        await station.notify("PublishFirmwareStatusNotification", report)
        await station.clock.sleep(STEP_S)
    if outcome != "Published":
        station.published.pop(checksum, None)


@answers("UnpublishFirmware", V201, V21)
def unpublish_firmware(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    checksum = payload["checksum"].lower()
    if station.published.get(checksum) == "Downloading":
        return {"status": "DownloadOngoing"}
    found = station.published.pop(checksum, None)
    return {"status": "Unpublished" if found else "NoFirmware"}
