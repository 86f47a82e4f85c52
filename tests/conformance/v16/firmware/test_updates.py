"""Firmware updates of OCPP 1.6, plain and signed, and the common cases of block L of 2.x."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.conformance.peer import V16, VERSIONS, at, station
from tests.conformance.updating import (
    LOCATION,
    NEW,
    OLD,
    SIGNED,
    Asked,
    ask,
    boot,
    in_state,
    notify,
    shown,
)

ACCEPTED = {"status": "Accepted"}


def stored(records: Any, peer: Any) -> list[tuple[str, int | None]]:
    """The stored notifications, in order."""
    return [(one["status"], one["request_id"]) for one in records.of("chargepoints_followup", peer.identity)]


def row_of(records: Any, asked: Asked) -> dict[str, Any]:
    (row,) = records.rows("SELECT * FROM chargepoints_firmwareupdate WHERE id = ?", asked.id)
    return dict(row)


# -- plain ---------------------------------------------------------------------------------------------------


async def test_16_044_1_an_update_is_proved_by_the_boot(server, operator, records):
    async with station(server) as peer:
        await boot(peer, OLD)
        asked = await ask(
            operator, peer, {}, retries=2, retryInterval=60, retrieveAt="2026-05-04T14:00:00+02:00"
        )
        await notify(peer, "Downloading")
        await in_state(operator, asked.id, "downloading")
        await notify(peer, "Downloaded", "Installing")
        await in_state(operator, asked.id, "installing")
    async with station(server, V16, peer.identity, boot=False) as again:
        await boot(again, NEW)
        await notify(again, "Installed")
        row = await in_state(operator, asked.id, "installed")

    assert (asked.action, asked.status) == ("UpdateFirmware", 200)
    assert asked.payload == {
        "location": LOCATION,
        "retrieveDate": "2026-05-04T12:00:00.000Z",
        "retries": 2,
        "retryInterval": 60,
    }
    assert (row["version"], row["previousVersion"], row["bootedVersion"]) == (NEW, OLD, NEW)
    assert (row["fault"], row["signed"], row["action"]) == ("", False, "UpdateFirmware")
    assert row["commandId"] == asked.answer["data"]["requestId"]
    steps = ["Downloading", "Downloaded", "Installing", "Installed"]
    assert stored(records, peer) == [(status, None) for status in steps]
    kept = row_of(records, asked)
    assert (kept["state"], kept["stalls_at"]) == ("installed", None)
    assert kept["finished_at"]


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        (["Downloading", "DownloadFailed"], "could not download"),  # 16-044-2
        (["Downloading", "Downloaded", "Installing", "InstallationFailed"], "could not install"),  # 16-044-3
    ],
)
async def test_16_044_2_3_a_failure_is_shown_with_the_status(server, operator, records, steps, fault):
    async with station(server) as peer:
        asked = await ask(operator, peer, {})
        await notify(peer, *steps)
        row = await in_state(operator, asked.id, "failed")

    assert row["status"] == steps[-1]
    assert fault in row["fault"]
    assert [status for status, _ in stored(records, peer)] == steps
    assert row_of(records, asked)["stalls_at"] is None


async def test_16_044_1_installed_before_the_boot_waits_for_it(server, operator):
    async with station(server) as peer:
        await boot(peer, OLD)
        asked = await ask(operator, peer, {})
        await notify(peer, "Installing", "Installed")
        await in_state(operator, asked.id, "rebooting")
        await boot(peer, NEW)
        await in_state(operator, asked.id, "installed")


async def test_16_044_1_another_version_in_the_boot_disproves_installed(server, operator):
    async with station(server) as peer:
        await boot(peer, OLD)
        asked = await ask(operator, peer, {})
        await notify(peer, "Downloading", "Downloaded", "Installing")
        await boot(peer, OLD)
        await notify(peer, "Installed")
        row = await in_state(operator, asked.id, "failed")

    assert row["fault"] == "The station reported Installed and booted with 1.0, not with 1.1."


async def test_16_044_1_a_boot_with_the_wanted_version_needs_no_notification(server, operator):
    async with station(server) as peer:
        await boot(peer, OLD)
        asked = await ask(operator, peer, {})
        await boot(peer, NEW)
        row = await in_state(operator, asked.id, "installed")

    assert row["status"] == ""


async def test_16_044_1_idle_and_a_status_that_goes_back_are_stored_and_change_nothing(
    server, operator, records
):
    async with station(server) as peer:
        asked = await ask(operator, peer, {})
        await notify(peer, "Installing", "Downloading", "Idle")
        await notify(peer, "Downloaded", number=asked.id + 1000, signed=True)
        await peer.heartbeat()
        row = await in_state(operator, asked.id, "installing")

    assert row["status"] == "Installing"
    assert len(stored(records, peer)) == 4


async def test_16_044_1_a_second_update_replaces_the_first_and_gets_the_notifications(server, operator):
    async with station(server) as peer:
        first = await ask(operator, peer, {})
        await notify(peer, "Downloading")
        second = await ask(operator, peer, {})
        await in_state(operator, first.id, "superseded")
        await notify(peer, "Downloading", "Downloaded")
        await in_state(operator, second.id, "downloaded")
        row = await shown(operator, first.id)

    assert (row["state"], row["status"]) == ("superseded", "Downloading")


async def test_16_044_1_the_update_of_another_station_is_not_touched(server, operator):
    async with station(server) as peer, station(server) as other:
        asked = await ask(operator, peer, ACCEPTED, **SIGNED)
        await notify(other, "Installed", number=asked.id, signed=True)
        await boot(other, NEW)
        await notify(other, "Downloading")
        await other.heartbeat()
        row = await shown(operator, asked.id)

    assert (row["state"], row["bootedVersion"]) == ("accepted", "")


# -- signed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_16_080_TC_L_01_a_signed_update(server, operator, records, version):
    async with station(server, version) as peer:
        await boot(peer, OLD)
        asked = await ask(operator, peer, ACCEPTED, installAt="2030-01-01T00:00:00Z", **SIGNED)
        how = {"number": asked.id, "signed": version == V16}
        await notify(peer, "DownloadScheduled", "Downloading", "DownloadPaused", "Downloading", **how)
        await in_state(operator, asked.id, "downloading")
        await notify(peer, "Downloaded", "SignatureVerified", "InstallScheduled", **how)
        await in_state(operator, asked.id, "verified")
        await notify(peer, "Installing", "InstallRebooting", **how)
        await in_state(operator, asked.id, "rebooting")
        await boot(peer, NEW)
        await notify(peer, "Installed", **how)
        row = await in_state(operator, asked.id, "installed")

    assert asked.action == ("SignedUpdateFirmware" if version == V16 else "UpdateFirmware")
    assert asked.payload["requestId"] == asked.id
    firmware = asked.payload["firmware"]
    assert (firmware["location"], firmware["installDateTime"]) == (LOCATION, "2030-01-01T00:00:00.000Z")
    assert (firmware["signature"], row["signed"]) == (SIGNED["signature"], True)
    assert firmware["signingCertificate"].strip() == SIGNED["signingCertificate"].strip()
    assert {number for _, number in stored(records, peer)} == {asked.id}


async def security_event(peer: Any, kind: str) -> None:
    assert await peer.call("SecurityEventNotification", {"type": kind, "timestamp": at()}) == {}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        (["Downloading", "Downloaded", "InvalidSignature"], "signature of the file is not valid"),
        (["Downloading", "DownloadFailed"], "could not download"),
        (["Downloaded", "Installing", "InstallVerificationFailed"], "to be damaged"),
        (["Downloaded", "Installing", "InstallRebooting", "InstallationFailed"], "could not install"),
    ],
)
async def test_16_081_TC_L_06_TC_L_07_TC_L_08_TC_L_09_a_signed_update_fails(
    server, operator, records, version, *, steps, fault
):
    events = ["InvalidFirmwareSignature"] if steps[-1] == "InvalidSignature" else []
    async with station(server, version) as peer:
        asked = await ask(operator, peer, ACCEPTED, **SIGNED)
        how = {"number": asked.id, "signed": version == V16}
        await notify(peer, *steps[:-1], **how)
        if "InstallRebooting" in steps:
            await boot(peer, OLD)
        await notify(peer, steps[-1], **how)
        for kind in events:
            await security_event(peer, kind)
        row = await in_state(operator, asked.id, "failed")

    assert asked.payload["requestId"] == asked.id
    assert asked.payload["firmware"]["signature"] == SIGNED["signature"]
    assert (row["status"], fault in row["fault"]) == (steps[-1], True)
    assert stored(records, peer) == [(status, asked.id) for status in steps]
    kept = row_of(records, asked)
    assert (kept["state"], kept["status"], bool(kept["finished_at"])) == ("failed", steps[-1], True)
    assert [one["type"] for one in records.security_events(peer.identity)] == events


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("word", ["InvalidCertificate", "RevokedCertificate"])
async def test_TC_L_04_TC_L_05_the_signing_certificate_is_refused(server, operator, records, version, word):
    events = ["InvalidFirmwareSigningCertificate"] if word == "InvalidCertificate" else []
    async with station(server, version) as peer:
        asked = await ask(operator, peer, {"status": word}, **SIGNED)
        for kind in events:
            await security_event(peer, kind)
        row = await in_state(operator, asked.id, "failed")

    sent = asked.payload["firmware"]["signingCertificate"]
    assert (asked.payload["requestId"], sent.strip()) == (asked.id, SIGNED["signingCertificate"].strip())
    assert (asked.answer["success"], word in row["fault"]) == (False, True)
    kept = row_of(records, asked)
    assert (kept["state"], kept["answer"], bool(kept["finished_at"])) == ("failed", word, True)
    assert [one["type"] for one in records.security_events(peer.identity)] == events


@pytest.mark.parametrize("version", VERSIONS)
async def test_TC_L_10_a_second_request_cancels_the_first(server, operator, records, version):
    how = {"signed": version == V16}
    async with station(server, version) as peer:
        await boot(peer, OLD)
        first = await ask(operator, peer, ACCEPTED, **SIGNED)
        await notify(peer, "Downloading", number=first.id, **how)
        second = await ask(operator, peer, {"status": "AcceptedCanceled"}, **SIGNED)
        await in_state(operator, first.id, "superseded")
        steps = ("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting")
        await notify(peer, *steps, number=second.id, **how)
        await boot(peer, NEW)
        await notify(peer, "Installed", number=second.id, **how)
        await in_state(operator, second.id, "installed")

    assert second.action == first.action
    assert (first.payload["requestId"], second.payload["requestId"]) == (first.id, second.id)
    rows = records.of("chargepoints_firmwareupdate", peer.identity)
    assert [(row["id"], row["state"], row["answer"]) for row in rows] == [
        (first.id, "superseded", "Accepted"),
        (second.id, "installed", "AcceptedCanceled"),
    ]


# -- what a station takes ------------------------------------------------------------------------------------


async def test_a_16_station_without_the_extension_gets_the_plain_request_and_is_remembered(
    server, operator, records
):
    async with station(server) as peer:
        await boot(peer, OLD)
        first = await ask(operator, peer, "NotSupported", **SIGNED)
        second = await ask(operator, peer, {}, **SIGNED)
        await notify(peer, "Downloading")
        row = await in_state(operator, second.id, "downloading")

    assert (first.action, first.status, second.action) == ("UpdateFirmware", 200, "UpdateFirmware")
    assert (row["signed"], row["action"]) == (False, "UpdateFirmware")
    actions = [one["action"] for one in records.commands(peer.identity)]
    assert actions == ["SignedUpdateFirmware", "UpdateFirmware", "UpdateFirmware"]
    failed, *_ = records.of("chargepoints_firmwareupdate", peer.identity)
    assert (failed["state"], failed["answer"]) == ("failed", "NotSupported")


async def test_a_station_that_takes_signed_firmware_only_is_not_asked_again(server, operator):
    async with station(server) as peer:
        await boot(peer, OLD)
        refused = await ask(operator, peer, "NotSupported")
        path = f"/api/v1/chargepoints/{peer.identity}/update-firmware"
        status, answer = await operator.request("POST", path, {"location": LOCATION})
        await peer.heartbeat()
        await boot(peer, NEW)  # other firmware: it may be different
        again = await ask(operator, peer, {})

    assert refused.answer["success"] is False
    assert (status, answer["data"]["code"]) == (409, "not-supported")
    assert "signed firmware only" in answer["message"]
    assert again.status == 200


async def test_a_protocol_that_the_station_does_not_take_is_named(server, operator):
    async with station(server) as peer:
        read = asyncio.create_task(operator.command(peer.identity, "GetConfiguration", {}))
        key = {"key": "SupportedFileTransferProtocols", "readonly": True, "value": "FTP, FTPS"}
        await peer.answer(await peer.next_call(), {"configurationKey": [key], "unknownKey": []})
        await read
        path = f"/api/v1/chargepoints/{peer.identity}/update-firmware"
        status, answer = await operator.request("POST", path, {"location": LOCATION})
        asked = await ask(operator, peer, {}, location="ftp://me:of-mine@files.example.com/1.1.bin")
        row = await shown(operator, asked.id)

    assert status == 409
    assert "over HTTPS: it reports SupportedFileTransferProtocols=FTP, FTPS" in answer["message"]
    assert asked.payload["location"] == "ftp://me:of-mine@files.example.com/1.1.bin"
    assert row["location"] == "ftp://***@files.example.com/1.1.bin"


async def test_S04_the_login_of_an_address_is_nowhere_stored_or_shown(server, operator, records):
    async with station(server) as peer:
        asked = await ask(operator, peer, {}, location="https://me:pass-of-mine@files.example.com/1.1.bin")
        await shown(operator, asked.id)
        pages = [f"/api/v1/chargepoints/{peer.identity}{page}" for page in ("/messages", "/commands")]
        pages.append(f"/api/v1/firmware-updates?clientId={peer.identity}")
        seen = [await operator.request("GET", page) for page in pages]

    tables = ("message", "command", "firmwareupdate", "followup")
    kept = json.dumps([records.of(f"chargepoints_{table}", peer.identity) for table in tables], default=str)
    log = await asyncio.to_thread(server.log.read_text, "utf-8", "replace")
    for place in (json.dumps(seen), kept, log):
        assert "pass-of-mine" not in place


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "firmware"),
        ({"firmware": 10**9}, "firmware"),
        ({"firmware": 1, "version": "2"}, "version"),
        ({"location": "gopher://example.com/"}, "location"),
        ({"location": LOCATION, "retrieveAt": "tomorrow"}, "retrieveAt"),
        ({"location": LOCATION, "retrieveAt": "2030-01-02T00:00:00Z", "installAt": "2030-01-01T00:00:00Z"},
         "installAt"),
        ({"location": LOCATION, "installAt": "2030-01-01T00:00:00Z"}, "installAt"),
        ({"location": LOCATION, "signature": "x"}, "signingCertificate"),
        ({"location": LOCATION, **SIGNED, "sha256": ""}, "sha256"),
        ({"location": LOCATION, **SIGNED, "sha256": "0" * 64}, "signature"),
    ],
)  # fmt: skip
async def test_bad_fields_are_named_and_leave_no_row(server, operator, records, body, field):
    async with station(server) as peer:
        path = f"/api/v1/chargepoints/{peer.identity}/update-firmware"
        body = {name: value for name, value in body.items() if value != ""}
        status, answer = await operator.request("POST", path, body)
        await peer.heartbeat()

    assert (status, answer["data"]["errors"][0]["field"]) == (400, field)
    assert records.of("chargepoints_firmwareupdate", peer.identity) == []
