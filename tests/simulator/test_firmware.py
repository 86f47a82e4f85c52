"""The firmware update of a simulated station: a real download, and each way to fail."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from simulator import Station, downloads
from simulator.misbehaviour import Misbehaviour
from tests.simulator.csms import Csms
from tests.simulator.file_server import CONTENT, FileServer, file_server, signed

V16, V201 = "1.6", "2.0.1"
DIGEST = hashlib.sha256(CONTENT).digest()
MakeStation = Callable[..., Awaitable[Station]]


@pytest.fixture
async def files() -> AsyncIterator[FileServer]:
    async with file_server() as found:
        yield found


async def updated(
    make_station: MakeStation, csms: Csms, url: str, *, version: str = V16, outcome: str = "", **switches: Any
) -> tuple[Station, list[str]]:
    """A station that was sent a signed update, and its statuses up to the last one."""
    station = await make_station(version, misbehaviour=Misbehaviour(**switches))
    station.firmware_outcome = outcome or station.firmware_outcome
    signature, certificate = signed()
    firmware = {"location": url, "retrieveDateTime": "2026-05-04T12:00:00Z"}
    firmware |= {"signature": signature, "signingCertificate": certificate}
    name = "SignedUpdateFirmware" if version == V16 else "UpdateFirmware"
    await csms.call(station.identity, name, {"requestId": 7, "firmware": firmware})
    action = "SignedFirmwareStatusNotification" if version == V16 else "FirmwareStatusNotification"
    last = switches.get("firmware_stops_after") or outcome or "Installed"
    await csms.wait_for(action, status=last)
    return station, [one["status"] for one in csms.payloads(action)]


@pytest.mark.parametrize("version", [V16, V201])
async def test_a_signed_file_is_downloaded_verified_and_installed(
    make_station: MakeStation, csms: Csms, files: FileServer, version: str
) -> None:
    station, statuses = await updated(make_station, csms, files.url, version=version)

    steps = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
    assert statuses == steps
    assert (files.ranges, station.firmware, station.boots) == ([""], "2.0", 2)


async def test_a_broken_download_is_resumed(make_station: MakeStation, csms: Csms, files: FileServer) -> None:
    _, statuses = await updated(make_station, csms, files.url, breaks_downloads=2)

    half = len(CONTENT) // 2
    assert files.ranges == ["", str(half), str(half + half // 2)]
    assert statuses[2] == "SignatureVerified"  # the parts make the whole file


async def test_a_download_begins_again_where_the_server_sends_no_part(files: FileServer) -> None:
    files.takes_ranges = False

    found = await downloads.download(files.url, breaks=1)

    assert (found.size, len(files.ranges)) == (len(CONTENT), 2)


@pytest.mark.parametrize(
    ("outcome", "steps"),
    [
        ("DownloadFailed", ["Downloading"]),
        ("InvalidSignature", ["Downloading", "Downloaded"]),
        ("InstallationFailed", ["Downloading", "Downloaded", "SignatureVerified", "Installing"]),
        ("InstallVerificationFailed", ["Downloading", "Downloaded", "SignatureVerified", "Installing"]),
    ],
)
async def test_an_update_fails_as_it_is_told_to(
    make_station: MakeStation, csms: Csms, files: FileServer, outcome: str, steps: list[str]
) -> None:
    station, statuses = await updated(make_station, csms, files.url, outcome=outcome)

    assert statuses == [*steps, outcome]
    assert (station.firmware, station.boots) == ("1.0.0", 1)


async def test_a_file_that_is_not_there_is_a_failed_download(
    make_station: MakeStation, csms: Csms, files: FileServer
) -> None:
    files.status = 404
    station = await make_station(V16)
    request = {"location": files.url, "retrieveDate": "2026-05-04T12:00:00Z"}

    await csms.call(station.identity, "UpdateFirmware", request)
    await csms.wait_for("FirmwareStatusNotification", status="DownloadFailed")

    assert files.ranges == [""]


async def test_a_server_that_is_away_is_asked_again_after_the_interval(
    make_station: MakeStation, csms: Csms, files: FileServer
) -> None:
    files.refused = 4
    station = await make_station(V16)
    request = {"location": files.url, "retrieveDate": "2026-05-04T12:00:00Z"}
    began = time.monotonic()

    await csms.call(station.identity, "UpdateFirmware", request | {"retries": 4, "retryInterval": 50})
    await csms.wait_for("FirmwareStatusNotification", status="Downloaded")

    assert time.monotonic() - began >= 4 * 50 / station.clock.speed
    assert (files.ranges, station.firmware_file) == ([""] * 5, downloads.Downloaded(len(CONTENT), DIGEST))


async def test_a_failure_is_reported_after_a_lost_connection(
    make_station: MakeStation, csms: Csms, files: FileServer
) -> None:
    station = await make_station(V16, speed=20)
    station.firmware_outcome = "InstallationFailed"
    request = {"location": files.url, "retrieveDate": "2026-05-04T12:00:00Z"}

    await csms.call(station.identity, "UpdateFirmware", request)
    await csms.wait_for("FirmwareStatusNotification", status="Installing")
    await station.go_offline()
    while station.jobs["firmware"][1] != "InstallationFailed":
        await asyncio.sleep(0.01)  # poll: the simulator has no event for the steps of an update
    reported = [one["status"] for one in csms.payloads("FirmwareStatusNotification")]
    await station.go_online()
    await csms.wait_for("FirmwareStatusNotification", status="InstallationFailed")

    assert (reported[-1], station.boots) == ("Installing", 1)


async def test_a_station_may_stop_half_way(make_station: MakeStation, csms: Csms, files: FileServer) -> None:
    station, statuses = await updated(make_station, csms, files.url, firmware_stops_after="Downloaded")

    assert (statuses, station.boots) == (["Downloading", "Downloaded"], 1)


async def test_a_station_may_report_installed_and_not_boot(
    make_station: MakeStation, csms: Csms, files: FileServer
) -> None:
    station, statuses = await updated(
        make_station, csms, files.url, installed_before_boot=True, never_boots_firmware=True
    )

    assert (statuses[-1], station.boots, station.firmware) == ("Installed", 1, "1.0.0")


async def test_a_station_may_boot_with_its_old_version(
    make_station: MakeStation, csms: Csms, files: FileServer
) -> None:
    station, _ = await updated(make_station, csms, files.url, keeps_old_firmware=True)

    assert (station.firmware, station.boots) == ("1.0.0", 2)


def test_a_signature_of_another_file_is_not_valid() -> None:
    signature, certificate = signed()

    assert not downloads.is_signed(downloads.Downloaded(1, b"x" * 32), signature, certificate)
    assert not downloads.is_signed(downloads.Downloaded(1, b"x" * 32), "?", certificate)
    assert not downloads.is_signed(downloads.Downloaded(1, b"x" * 32), signature, "?")


@pytest.mark.parametrize(
    ("version", "switches", "answer"),
    [
        (V16, {"refuses_firmware": "Rejected"}, "Rejected"),
        (V201, {"refuses_firmware": "InvalidCertificate"}, "InvalidCertificate"),
        (V16, {"refuses_firmware": "RevokedCertificate"}, "RevokedCertificate"),
        (V201, {"needs_signed_firmware": True}, "Rejected"),
        (V16, {"lacks_signed_firmware": True}, "NotSupported"),
        (V201, {"refuses_firmware": "InternalError"}, "InternalError"),
    ],
)
async def test_a_station_may_refuse_an_update(
    make_station: MakeStation, csms: Csms, version: str, switches: dict[str, Any], answer: str
) -> None:
    station = await make_station(version, misbehaviour=Misbehaviour(**switches))
    firmware = {"location": "ftp://x/1", "retrieveDateTime": "2026-05-04T12:00:00Z"}
    if version == V16:
        firmware |= {"signature": "x", "signingCertificate": "y"}
    name = "UpdateFirmware" if version == V201 else "SignedUpdateFirmware"

    found = await csms.call(station.identity, name, {"requestId": 1, "firmware": firmware})

    assert found.get("status", found.get("error")) == answer
