"""Commands about files, charging profiles and passwords of connected stations."""

from __future__ import annotations

import asyncio

from tests.api.recorded.playing import OPERATOR, VIEWER, Player
from tests.conformance.peer import Peer
from tests.conformance.uploading import upload

V1 = "/api/v1"
ACCEPTED = {"status": "Accepted"}


async def logs(player: Player, old: Peer, new: Peer) -> None:
    """The file of the first log arrives; the other commands show their answers."""
    base, other = f"{V1}/chargepoints/{old.identity}", f"{V1}/chargepoints/{new.identity}"
    body = {"logType": "SecurityLog", "startTime": "2026-05-04T12:00:00Z"}
    asking = asyncio.create_task(player.ask("get-log: accepted", "POST", f"{base}/get-log", body))
    call = await old.next_call()
    await old.answer(call, {"status": "Accepted", "filename": "security.log"})
    made = await asking
    one = f"{base}/logs/{made['logId']}"
    await player.ask("log: no file yet", "GET", f"{one}/file")
    assert (await upload(call[3]["log"]["remoteLocation"], b"boot ok")).status == 200
    await player.ask("logs: list", "GET", f"{base}/logs?state=received", key=VIEWER)
    await player.ask("log: get", "GET", one)
    await player.ask("log: file", "GET", f"{one}/file", key=OPERATOR)
    await player.ask("log: file by a viewer", "GET", f"{one}/file", key=VIEWER)
    await player.ask("log: delete by an operator", "DELETE", one, key=OPERATOR)
    await player.ask("log: delete", "DELETE", one)
    await player.ask("log: unknown", "GET", one)

    path = f"{base}/get-diagnostics"
    elsewhere = {"url": "ftp://logs.example.com/in", "retries": 2, "retryInterval": 60}
    await player.command(
        old, "get-diagnostics: accepted", "POST", path, elsewhere, {"fileName": "diagnostics.zip"}
    )
    await player.command(old, "get-diagnostics: nothing to send", "POST", path, {}, {})
    await player.ask("get-diagnostics: bad fields", "POST", path, {"url": "gopher://example.com/"})
    await player.ask("get-diagnostics: OCPP 2.0.1", "POST", f"{other}/get-diagnostics", {})
    await player.command(
        new, "get-log: rejected", "POST", f"{other}/get-log", {"withLogin": True}, {"status": "Rejected"}
    )


async def charging_profiles(player: Player, peer: Peer, version: str) -> None:
    """Set, list, clear and refuse profiles, and read a composite schedule."""
    base = f"{V1}/chargepoints/{peer.identity}"
    limit = {
        "chargingProfilePurpose": "TxDefaultProfile",
        "connectorId": 1,
        "chargingProfileKind": "Relative",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
    }
    path = f"{base}/set-charging-profile"
    await player.command(peer, f"{version} profile: accepted", "POST", path, limit, ACCEPTED)
    await player.command(peer, f"{version} profile: rejected", "POST", path, limit, {"status": "Rejected"})
    wrong = {**limit, "validTo": "2020-01-01T00:00:00Z"}
    await player.ask(f"{version} profile: over already", "POST", path, wrong)
    await player.ask(
        f"{version} profile: no session", "POST", path, {**limit, "chargingProfilePurpose": "TxProfile"}
    )
    start = {"idTag": "SOMEBODY", "connectorId": 1, "chargingProfile": {"stackLevel": "1"}}
    await player.ask(f"{version} profile: of a remote start, wrong", "POST", f"{base}/remote-start", start)
    shown = await player.ask(
        f"{version} profiles: current", "GET", f"{base}/charging-profiles?isCurrent=true"
    )
    key = shown["chargingProfiles"][0]["id"]
    await player.ask(f"{version} profile: get", "GET", f"{base}/charging-profiles/{key}")
    await player.ask(f"{version} profile: unknown", "GET", f"{base}/charging-profiles/nothing")
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}
    started = "2026-05-04T12:00:00Z"
    found = (
        {"scheduleStart": started, "chargingSchedule": schedule}
        if version == "1.6"
        else {"schedule": {**schedule, "evseId": 1, "duration": 600, "scheduleStart": started}}
    )
    body = {"connectorId": 1, "duration": 600}
    path = f"{base}/get-composite-schedule"
    await player.command(peer, f"{version} composite: accepted", "POST", path, body, ACCEPTED | found)
    await player.command(peer, f"{version} composite: rejected", "POST", path, body, {"status": "Rejected"})
    path = f"{base}/clear-charging-profile"
    body = {"chargingProfilePurpose": "TxDefaultProfile"}
    await player.command(peer, f"{version} clear profiles: accepted", "POST", path, body, ACCEPTED)
    await player.command(
        peer, f"{version} clear profiles: unknown", "POST", path, body, {"status": "Unknown"}
    )
    await player.ask(f"{version} profiles: all", "GET", f"{base}/charging-profiles")


async def password(player: Player, old: Peer, new: Peer) -> None:
    """Refusals, and a change that needs a restart: the station's logons are not part of the scenario."""
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    for peer, version in ((old, "1.6"), (new, "2.0.1")):
        path = f"{V1}/chargepoints/{peer.identity}/rotate-password"
        for word in ("Rejected", "RebootRequired"):
            result = {"setVariableResult": [{**place, "attributeStatus": word}]}
            reply = {"status": word} if version == "1.6" else result
            await player.command(peer, f"{version} rotate-password: {word}", "POST", path, {}, reply)
        await player.ask(f"{version} rotate-password: unproved", "POST", path, {"form": "text"})
        await player.ask(
            f"{version} rotate-password: password set here", "PATCH", f"{V1}/chargepoints/{peer.identity}",
            {"password": ""},
        )  # fmt: skip


async def firmware(player: Player, old: Peer, new: Peer) -> None:
    """Updates that stations take or refuse, and what no station gets."""
    updates = f"{V1}/firmware-updates"
    base, other = f"{V1}/chargepoints/{old.identity}", f"{V1}/chargepoints/{new.identity}"
    body = {"location": "https://files.example.com/2.1.bin", "version": "2.1", "retries": 2}
    made = await player.command(
        old, "1.6 update-firmware: accepted", "POST", f"{base}/update-firmware", body, {}
    )
    await player.ask("firmware update: get", "GET", f"{updates}/{made['updateId']}")
    path = f"{other}/update-firmware"
    await player.command(new, "2.0.1 update-firmware: accepted", "POST", path, body, ACCEPTED)
    word = {"status": "InvalidCertificate"}
    await player.command(new, "2.0.1 update-firmware: refused", "POST", path, body, word)
    await player.ask("update-firmware: bad fields", "POST", path, {"location": "gopher://example.com/"})
    await player.ask("update-firmware: unknown firmware", "POST", path, {"firmware": 999_999})
    await player.ask("firmware updates: list", "GET", f"{updates}?clientId={old.identity}", key=VIEWER)
    await player.ask("firmware update: unknown", "GET", f"{updates}/999999")
