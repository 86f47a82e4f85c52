"""Reports of variables, their limits, and network profiles of a connected 2.x station."""

from __future__ import annotations

from typing import Any

from tests.api.recorded.playing import OPERATOR, VIEWER, Player
from tests.api.recorded.scenario.devices import ACCEPTED, V1
from tests.conformance.device_models import part, variable
from tests.conformance.peer import V16, V201, Peer, station

# The requestId of a report that no command has asked for: the same in each recording.
_NUMBER = 815


async def play(player: Player) -> None:
    async with station(player.server, V16, "REC-OLD") as old, station(player.server, V201, "REC-DM") as new:
        await device_model(player, old, new)


async def device_model(player: Player, old: Peer, new: Peer) -> None:
    base, path = f"{V1}/chargepoints/{new.identity}", f"{V1}/chargepoints/{old.identity}"
    empty = {"status": "EmptyResultSet"}
    await player.command(
        new, "get-base-report: empty", "POST", f"{base}/get-base-report",
        {"reportBase": "SummaryInventory"}, empty,
    )  # fmt: skip
    body: dict[str, Any] = {"criteria": ["Problem"], "keys": ["EVSE(1).AvailabilityState", "Connector"]}
    await player.command(new, "get-report: empty", "POST", f"{base}/get-report", body, empty)
    await player.ask("get-report: bad fields", "POST", f"{base}/get-report", {"criteria": ["Odd"]})
    for name in ("get-base-report", "get-report"):
        await player.ask(f"{name}: OCPP 1.6", "POST", f"{path}/{name}", {})
    limits = {"dataType": "integer", "unit": "s", "minLimit": 10, "maxLimit": 60}
    target = [{"type": "Target", "value": "30", "mutability": "ReadOnly"}]
    data = [variable("TxCtrlr", "EVConnectionTimeOut", "60", attributes=target, **limits)]
    await new.call("NotifyReport", part(_NUMBER, 0, data))
    await player.until(
        f"{base}/reports?requestId={_NUMBER}", lambda shown: [one["state"] for one in shown["reports"]]
    )
    await player.ask("report: collected", "GET", f"{base}/configuration/report?requestId={_NUMBER}")
    await player.ask("report: unknown", "GET", f"{base}/configuration/report?requestId=1")
    key = "TxCtrlr.EVConnectionTimeOut"
    shown = await player.ask("reported values", "GET", f"{base}/reported-values?key={key}", key=VIEWER)
    one = f"{base}/reported-values/{shown['reported'][0]['id']}"
    await player.ask("reported value: get", "GET", one)
    await player.ask("reported values: gone", "GET", f"{base}/reported-values?gone=true&component=TxCtrlr")
    await player.ask(
        "change-configuration: beyond the limits", "POST", f"{base}/change-configuration",
        {"key": key, "value": "61"},
    )  # fmt: skip
    await network(player, old, new)


async def network(player: Player, old: Peer, new: Peer) -> None:
    path = f"{V1}/chargepoints/{new.identity}/set-network-profile"
    body = {
        "slot": 1,
        "csmsUrl": "wss://ann:hunter2@csms.example.com/ocpp",
        "securityProfile": 2,
        "interface": "Wired1",
        "apn": "internet.example",
        "apnPassword": "hunter2",
        "apnAuthentication": "AUTO",
    }
    await player.command(new, "set-network-profile: accepted", "POST", path, body, ACCEPTED)
    failed = {"status": "Failed", "statusInfo": {"reasonCode": "InvalidNetworkConf"}}
    await player.command(new, "set-network-profile: failed", "POST", path, body, failed)
    await player.ask("set-network-profile: by an operator", "POST", path, body, key=OPERATOR)
    await player.ask("set-network-profile: bad fields", "POST", path, body | {"csmsUrl": "ftp://x"})
    await player.ask(
        "set-network-profile: OCPP 1.6", "POST", f"{V1}/chargepoints/{old.identity}/set-network-profile", body
    )
    shown = await player.ask("network profiles", "GET", f"{V1}/network-profiles?clientId=REC-DM", key=VIEWER)
    key = shown["networkProfiles"][0]["id"]
    await player.ask("network profile: get", "GET", f"{V1}/network-profiles/{key}")
    path = f"{V1}/chargepoints/{new.identity}/set-network-configuration"
    place = {"component": {"name": "NetworkConfiguration", "instance": "1"}}
    results = [place | {"variable": {"name": "Apn"}, "attributeStatus": "Accepted"}]
    await player.command(
        new, "set-network-configuration: accepted", "POST", path, body, {"setVariableResult": results}
    )
