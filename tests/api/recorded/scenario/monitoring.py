"""Monitors and event streams of a 2.1 station."""

from __future__ import annotations

from typing import Any

from tests.api.recorded.playing import VIEWER, Player
from tests.conformance.peer import V21, at, new_id, station

V1 = "/api/v1"
ACCEPTED = {"status": "Accepted"}
POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


async def play(player: Player) -> None:
    """Set, read and clear monitors; open a stream and read its values; refusals of bad fields."""
    async with station(player.server, V21, "REC-21") as peer:
        base = f"{V1}/chargepoints/{peer.identity}"

        async def command(name: str, path: str, body: Any, reply: Any) -> None:
            await player.command(peer, f"2.1 {name}", "POST", f"{base}/{path}", body, reply)

        one = {"variable": "EVSE(1).Power", "type": "Periodic", "value": 5, "severity": 8, "interval": 60}
        result = {**POWER, "type": "Periodic", "severity": 8}
        set_path = "set-variable-monitoring"
        for word, more in (("Accepted", {"id": 1}), ("Duplicate", {})):
            answer = {"setMonitoringResult": [{**result, "status": word, **more}]}
            await command(f"{set_path}: {word}", set_path, {"monitors": [one]}, answer)
        for name, bad in (
            ("no list", {}),
            ("unknown type", [{**one, "type": "Sometimes"}]),
            ("unknown field", [{**one, "often": True}]),
        ):
            await player.ask(f"2.1 {set_path}: {name}", "POST", f"{base}/{set_path}", {"monitors": bad})
        shown = await player.ask("2.1 monitors: list", "GET", f"{base}/monitors?severity=8", key=VIEWER)
        await player.ask("2.1 monitor: get", "GET", f"{base}/monitors/{shown['monitors'][0]['id']}")
        await player.ask("2.1 monitor: unknown", "GET", f"{base}/monitors/999999")

        constant = {"id": 2, "variableMonitoringId": 1, "params": {"interval": 60}}
        await peer.call("OpenPeriodicEventStream", {"constantStreamData": constant})
        data = [{"t": 0, "v": "7.5"}, {"t": 5, "v": "8"}]
        values = {"id": 2, "pending": 0, "basetime": at(), "data": data}
        await peer.send([6, new_id(), "NotifyPeriodicEventStream", values])
        await peer.heartbeat()
        shown = await player.ask("2.1 event streams: list", "GET", f"{base}/event-streams?isOpen=true")
        key = shown["eventStreams"][0]["id"]
        await player.ask("2.1 event stream: get", "GET", f"{base}/event-streams/{key}")
        await player.ask("2.1 event stream: unknown", "GET", f"{base}/event-streams/nothing")
        shown = await player.ask("2.1 stream messages: list", "GET", f"{base}/stream-messages?streamId=2")
        number = shown["streamMessages"][0]["id"]
        await player.ask("2.1 stream message: get", "GET", f"{base}/stream-messages/{number}")
        event = {
            **POWER,
            "eventId": 7,
            "timestamp": at(),
            "trigger": "Alerting",
            "actualValue": "11000",
            "eventNotificationType": "CustomMonitor",
            "variableMonitoringId": 1,
            "severity": 8,
        }
        await peer.call("NotifyEvent", {"generatedAt": at(), "seqNo": 0, "eventData": [event]})
        shown = await player.ask("2.1 device events: list", "GET", f"{base}/device-events?trigger=Alerting")
        number = shown["deviceEvents"][0]["id"]
        await player.ask("2.1 device event: get", "GET", f"{base}/device-events/{number}")
        adjust = "adjust-periodic-event-stream"
        await command(f"{adjust}: accepted", adjust, {"streamId": 2, "interval": 30}, ACCEPTED)
        await player.ask(f"2.1 {adjust}: nothing given", "POST", f"{base}/{adjust}", {"streamId": 2})
        await command("get-periodic-event-streams: none", "get-periodic-event-streams", {}, {})

        report = "get-monitoring-report"
        await command(f"{report}: accepted", report, {"variables": ["EVSE(1)"]}, ACCEPTED)
        wanted = {"monitoringCriteria": ["DeltaMonitoring"]}
        await command(f"{report}: nothing", report, wanted, {"status": "EmptyResultSet"})
        await player.ask(f"2.1 {report}: bad name", "POST", f"{base}/{report}", {"variables": ["a.b.c"]})
        clear = "clear-variable-monitoring"
        for word in ("Accepted", "Rejected", "NotFound"):
            answer = {"clearMonitoringResult": [{"id": 1, "status": word}]}
            await command(f"{clear}: {word}", clear, {"monitorIds": [1]}, answer)
        await command("set-monitoring-level: accepted", "set-monitoring-level", {"severity": 4}, ACCEPTED)
        body = {"monitoringBase": "HardWiredOnly"}
        await command("set-monitoring-base: accepted", "set-monitoring-base", body, ACCEPTED)
