"""Commands and lists of smart charging, V2X and DER controls that only 2.x or 2.1 stations have."""

from __future__ import annotations

from tests.api.recorded.playing import VIEWER, Player
from tests.api.recorded.scenario.devices import ACCEPTED, V1
from tests.conformance.messages import event, token
from tests.conformance.peer import V21, Peer, station

BASE = f"{V1}/chargepoints/REC-21"
LIMIT = [{"startPeriod": 0, "limit": 16}]
DROOP = {
    "priority": 6, "overFreq": 50.2, "underFreq": 49.8, "overDroop": 40, "underDroop": 40, "responseTime": 5,
}  # fmt: skip


async def play(player: Player) -> None:
    async with station(player.server, V21, "REC-21") as peer:
        await profiles(player, peer)
        await sessions(player, peer)
        await controls(player, peer)
    for name in ("charging-limits", "charging-plans", "der-controls", "der-alarms"):
        await player.ask(f"{name}: list", "GET", f"{BASE}/{name}", key=VIEWER)


async def profiles(player: Player, peer: Peer) -> None:
    """A dynamic profile, its update, a report and a limit of someone else."""
    dynamic = {
        "chargingProfilePurpose": "TxDefaultProfile",
        "connectorId": 1,
        "chargingProfileKind": "Dynamic",
        "chargingSchedulePeriod": LIMIT,
    }
    path = f"{BASE}/set-charging-profile"
    await player.command(peer, "dynamic profile: accepted", "POST", path, dynamic, ACCEPTED)
    body = {"chargingProfileId": 2001000, "scheduleUpdate": {"limit": 10}}
    path = f"{BASE}/update-dynamic-schedule"
    await player.command(peer, "update-dynamic-schedule: accepted", "POST", path, body, ACCEPTED)
    await player.ask(
        "update-dynamic-schedule: bad values", "POST", path, {**body, "scheduleUpdate": {"x": 1}}
    )
    body = {"chargingProfilePurpose": "TxDefaultProfile"}
    path = f"{BASE}/get-charging-profiles"
    none = {"status": "NoProfiles"}
    await player.command(peer, "get-charging-profiles: none", "POST", path, body, none)
    await player.ask("get-charging-profiles: no criteria", "POST", path, {})
    await peer.call("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}})


async def sessions(player: Player, peer: Peer) -> None:
    """Priority and energy transfers of a session; its vehicle gets no profile."""
    await peer.call("TransactionEvent", event("Started", "REC-TX-21", 0, idToken=token()))
    session = {"transactionId": "REC-TX-21"}
    path = f"{BASE}/use-priority-charging"
    await player.command(peer, "use-priority-charging: accepted", "POST", path, session, ACCEPTED)
    none = {"status": "NoProfile"}
    await player.command(peer, "use-priority-charging: no profile", "POST", path, session, none)
    await player.ask("use-priority-charging: no session", "POST", path, {"transactionId": "NOTHING"})
    body = {**session, "allowedEnergyTransfer": ["DC"]}
    path = f"{BASE}/notify-allowed-energy-transfer"
    await player.command(peer, "notify-allowed-energy-transfer: accepted", "POST", path, body, ACCEPTED)
    needs = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC_BPT"}}
    await peer.call("NotifyEVChargingNeeds", needs)
    path = f"{BASE}/afrr-signal"
    await player.command(peer, "afrr-signal: accepted", "POST", path, {"signal": 3}, ACCEPTED)
    await peer.call("TransactionEvent", event("Ended", "REC-TX-21", 1))


async def controls(player: Player, peer: Peer) -> None:
    """A DER control from its setting to its end, and a fault of the grid."""
    body = {"controlType": "FreqDroop", "settings": DROOP, "isDefault": True, "controlId": "droop"}
    path = f"{BASE}/set-der-control"
    await player.command(peer, "set-der-control: accepted", "POST", path, body, ACCEPTED)
    wrong = {**body, "settings": {**DROOP, "duration": 5}}
    await player.ask("set-der-control: a timed default", "POST", path, wrong)
    missing = {"status": "NotFound"}
    path = f"{BASE}/get-der-control"
    body = {"kind": "scheduled"}
    await player.command(peer, "get-der-control: none", "POST", path, body, missing)
    path = f"{BASE}/clear-der-control"
    await player.command(peer, "clear-der-control: accepted", "POST", path, {"kind": "default"}, ACCEPTED)
    await player.command(peer, "clear-der-control: none", "POST", path, {"kind": "default"}, missing)
    alarm = {"controlType": "LVMustTrip", "timestamp": "2026-05-04T12:00:00Z"}
    await peer.call("NotifyDERAlarm", alarm)
