"""An operator ends and settles sessions of connected stations."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.conformance.messages import energy, event, status, stop, token
from tests.conformance.peer import V16, V201, Operator, Peer, at, fresh, station
from tests.servers import LiveServer

WHY = {"reason": "The station lost its memory."}
TRANSACTIONS = "/api/v1/transactions"


class Charging:
    """One session, with the messages of the dialect of its station."""

    def __init__(self, peer: Peer, uid: str, meter_wh: int = 1000) -> None:
        # An identical start would be a repetition: each session has another meter start.
        self.peer, self.uid, self.meter_wh, self.number, self.ocpp_id = peer, uid, meter_wh, 0, fresh("TX")
        # Readings of one moment count as one: each message of the session is a minute later.
        self._minutes = itertools.count(-20)

    async def start(self, moment: str = "") -> str:
        """Start the session; the status of the token."""
        if self.peer.version == V16:
            answer = await self.peer.call(
                "StartTransaction",
                {
                    "connectorId": 1,
                    "idTag": self.uid,
                    "meterStart": self.meter_wh,
                    "timestamp": moment or at(next(self._minutes)),
                },
            )
            self.number = answer["transactionId"]
            return str(answer["idTagInfo"]["status"])
        values = energy(self.meter_wh, next(self._minutes))
        started = event("Started", self.ocpp_id, 0, idToken=token(self.uid), meterValue=values)
        answer = await self.peer.call("TransactionEvent", started)
        return str(answer["idTokenInfo"]["status"])

    async def reading(self, wh: float) -> None:
        if self.peer.version == V16:
            values = [{"timestamp": at(next(self._minutes)), "sampledValue": [{"value": str(wh)}]}]
            await self.peer.call(
                "MeterValues", {"connectorId": 1, "transactionId": self.number, "meterValue": values}
            )
            return
        values = energy(wh, next(self._minutes))
        updated = event("Updated", self.ocpp_id, 1, trigger="MeterValuePeriodic", meterValue=values)
        await self.peer.call("TransactionEvent", updated)

    async def stop(self, wh: float, peer: Peer) -> None:
        if peer.version == V16:
            await peer.call("StopTransaction", stop(self.number, wh))
            return
        over = event(
            "Ended",
            self.ocpp_id,
            2,
            trigger="PowerLoss",
            meterValue=energy(wh, context="Transaction.End"),
            info={"stoppedReason": "PowerLoss"},
        )
        await peer.call("TransactionEvent", over)


async def authorized(peer: Peer, uid: str) -> str:
    if peer.version == V16:
        return str((await peer.call("Authorize", {"idTag": uid}))["idTagInfo"]["status"])
    return str((await peer.call("Authorize", {"idToken": token(uid)}))["idTokenInfo"]["status"])


async def available(peer: Peer) -> None:
    if peer.version == V16:
        await peer.call("StatusNotification", status(1, "Available"))
        return
    report = {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    await peer.call("StatusNotification", report)


async def shown(operator: Operator, client_id: str) -> dict[str, Any]:
    """The newest session of a station."""
    code, answer = await operator.request("GET", f"{TRANSACTIONS}?clientId={client_id}&limit=1")
    assert code == 200, answer
    row: dict[str, Any] = answer["data"]["transactions"][0]
    return row


def codes(row: dict[str, Any]) -> list[str]:
    return [reason.partition(":")[0] for reason in row["suspectReasons"]]


async def done(operator: Operator, number: int, what: str, **body: Any) -> dict[str, Any]:
    code, answer = await operator.request("POST", f"{TRANSACTIONS}/{number}/{what}", {**WHY, **body})
    assert code == 200, answer
    data: dict[str, Any] = answer["data"]
    return data


@pytest.mark.parametrize("version", [V16, V201])
async def test_after_a_power_cut_the_operator_releases_the_token_and_a_late_stop_amends_the_session(
    running_server: LiveServer, version: str
) -> None:
    operator, uid, identity = Operator(running_server), fresh("CARD"), fresh()
    await operator.add_token(uid)
    async with station(running_server, version, identity) as peer:
        await available(peer)
        charging = Charging(peer, uid)
        assert await charging.start() == "Accepted"
        await charging.reading(1300)
        peer.abort()

    async with station(running_server, version, identity) as back, station(running_server) as elsewhere:
        await available(back)
        stuck = await shown(operator, identity)
        assert stuck["status"] == "active"
        refused = Charging(elsewhere, uid)
        assert await refused.start() == "ConcurrentTx"
        await refused.stop(1000, elsewhere)

        ended = await done(operator, stuck["transactionId"], "end")

        assert (ended["endedBy"], ended["meterStop"], ended["energyWh"]) == ("operator", 1300, 300)
        again = Charging(elsewhere, uid, 1500)
        assert await again.start() == "Accepted"

        await charging.stop(1500, back)
        amended = await shown(operator, identity)
        assert (amended["endedBy"], amended["meterStop"], amended["energyWh"]) == ("station", 1500, 500)
        assert not amended["suspect"]
        await again.stop(2000, elsewhere)


@pytest.mark.parametrize("version", [V16, V201])
async def test_a_reading_after_the_end_does_not_reopen_the_session(
    running_server: LiveServer, version: str
) -> None:
    operator, uid = Operator(running_server), fresh("CARD")
    await operator.add_token(uid)
    async with station(running_server, version) as peer, station(running_server) as elsewhere:
        charging = Charging(peer, uid)
        await charging.start()
        row = await shown(operator, peer.identity)
        code, answer = await operator.request("POST", f"{TRANSACTIONS}/{row['transactionId']}/end", WHY)
        assert (code, "use remote-stop" in answer["message"]) == (409, True)

        await done(operator, row["transactionId"], "end", force=True)
        await charging.reading(1300)

        after = await shown(operator, peer.identity)
        assert (after["status"], after["endedBy"]) == ("ended", "operator")
        other = Charging(elsewhere, uid)
        assert await other.start() == "Accepted"
        await other.stop(2000, elsewhere)


async def test_a_message_after_settling_restores_no_old_suspicion(running_server: LiveServer) -> None:
    operator, uid = Operator(running_server), fresh("CARD")
    await operator.add_token(uid)
    async with station(running_server) as peer:
        charging = Charging(peer, uid)
        await charging.start("1970-01-01T00:00:00Z")
        row = await shown(operator, peer.identity)
        assert codes(row) == ["clock-implausible", "connector-unknown"]

        await done(operator, row["transactionId"], "settle", fix="ignore")
        await charging.reading(1300)
        quiet = await shown(operator, peer.identity)
        # A new suspicion writes all reasons of the session.
        await charging.reading(500)
        noisy = await shown(operator, peer.identity)

        assert (quiet["suspect"], quiet["suspectReasons"]) == (False, [])
        assert noisy["suspect"]
        assert not {"clock-implausible", "connector-unknown"} & set(codes(noisy))


async def test_a_corrected_energy_stays_when_late_readings_and_another_stop_come(
    running_server: LiveServer,
) -> None:
    operator, uid = Operator(running_server), fresh("CARD")
    await operator.add_token(uid)
    async with station(running_server) as peer:
        charging = Charging(peer, uid)
        await charging.start()
        await charging.reading(9_000_000)
        row = await shown(operator, peer.identity)
        await done(operator, row["transactionId"], "end", force=True)
        await done(operator, row["transactionId"], "settle", fix="correct-energy", energyWh=700)

        await charging.reading(9_000_100)
        late = await shown(operator, peer.identity)
        await charging.stop(9_000_200, peer)
        stopped = await shown(operator, peer.identity)

    assert (late["energyWh"], late["suspect"], late["endedBy"]) == (700, False, "operator")
    assert (stopped["energyWh"], stopped["meterStop"], stopped["endedBy"]) == (700, 9_000_200, "station")
    assert codes(stopped) == ["stop-after-settlement"]
