"""A charging session, from plugging in the cable to unplugging it."""

import asyncio
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.meter import Reading
from simulator.outbox import TransactionMessage
from simulator.versions import V16

if TYPE_CHECKING:
    from simulator.connector import Connector
    from simulator.station import Station
    from simulator.vehicles import Vehicle

UNPLUG_S = 2.0  # simulated seconds between the end of charging and unplugging
SHORTEST_WAIT_S = 0.2
REFUSED = (
    "Blocked",
    "Expired",
    "Invalid",
    "ConcurrentTx",
    "Unknown",
    "NoCredit",
    "NotAllowedTypeEVSE",
    "NotAtThisLocation",
    "NotAtThisTime",
)


class Session:
    """A driver and a vehicle at a connector. ``transaction_id`` is the server's number in 1.6, the station's
    text in 2.x.

    After :meth:`run`: ``reason`` is the stop reason, ``status`` the authorization status of the token,
    ``energy_wh`` the energy, and ``refused`` is set when the session never started.
    """

    def __init__(
        self,
        station: "Station",
        connector: "Connector",
        token: str,
        *,
        token_type: str = "ISO14443",  # noqa: S107 - a token type
        duration_s: float | None = None,
        energy_wh: float | None = None,
        remote: bool = False,
        remote_start_id: int | None = None,
        cable_first: bool = True,
        plugs_in: bool = True,
        battery: bool | None = None,
        authorize: bool = True,
        vehicle: "Vehicle | None" = None,
    ) -> None:
        self.station = station
        self.connector = connector
        self.token = token
        self.token_type = token_type
        self.duration_s = duration_s
        self.wanted_wh = energy_wh
        self.remote = remote
        self.remote_start_id = remote_start_id
        self.cable_first = cable_first
        self.plugs_in = plugs_in
        self.battery = station.soc if battery is None else battery
        self.authorizes = authorize
        self.vehicle = vehicle  # authorizes by its contract certificate
        self.transaction_id: Any = None if station.version == V16 else str(uuid.uuid4())
        self.status = "Accepted"
        self.refused = False
        self.reason = ""
        self.reservation_id: int | None = None
        self.tariff_id = ""  # of ChangeTransactionTariff
        self.start_wh = 0
        self.stop_wh: int | None = None
        self.started_at: datetime | None = None
        self.began = asyncio.Event()  # the transaction exists at the station
        self.over = asyncio.Event()  # no more energy flows
        self._stop = asyncio.Event()
        self.seq_no = -1
        self._elapsed_s = 0.0

    # -- requests from outside

    def request_stop(self, reason: str) -> None:
        """Request the end of the session; the first reason is kept."""
        if not self._stop.is_set():
            self.reason = reason
            self._stop.set()

    @property
    def energy_wh(self) -> int:
        """Energy in Wh so far, or of the whole session once it is over."""
        if self.started_at is None:
            return 0
        return (self.connector.meter.energy_wh if self.stop_wh is None else self.stop_wh) - self.start_wh

    def wire_transaction_id(self) -> int:
        """The transaction id to send in 1.6; -1 when the start was never answered (1.6 errata 3.18)."""
        return self.transaction_id if self.transaction_id is not None else -1

    def next_seq_no(self) -> int:
        self.seq_no += 2 if self.station.misbehaviour.seq_gaps and self.seq_no % 3 == 1 else 1
        return self.seq_no

    async def report(self, why: str) -> None:
        """Send the current meter values now, for example for a TriggerMessage."""
        self._send(self.station.dialect.updated(self, self.connector.meter.read(), why=why))

    # -- the session itself

    async def run(self) -> "Session":
        """Run the whole session. Returns it when each of its messages has been answered or given up."""
        self.connector.session = self
        try:
            if not await self._arrive():
                self.refused = True
                return self
            await self._start()
            await self._charge()
            last = await self._finish()
        finally:
            await self._leave()
        # The queue keeps its order: once the last message of the session is done, all of them are.
        await last.done.wait()
        return self

    async def _arrive(self) -> bool:
        station, connector = self.station, self.connector
        if self.cable_first and self.plugs_in:
            await self._plug_in()
        if not await self._authorize():
            return False
        if not self.plugs_in or not self.cable_first:
            await station.set_status(connector, "Preparing")
            if not self.plugs_in:
                # Without a cable the connector waits ConnectionTimeOut and becomes Available again (1.6
                # section 4.2).
                await self._wait(station.settings.number("connection_timeout"))
                return False
            connector.meter.plug_in(battery=self.battery)
        return self._may_begin()

    async def _authorize(self) -> bool:
        station = self.station
        if self.authorizes and (not self.remote or station.settings.boolean("authorize_remote")):
            if self.vehicle is None:
                self.status = await station.authorize(self.token, self.token_type)
            else:
                self.status = await station.contracts.authorize(self.vehicle)
        return self.status == "Accepted"

    def _may_begin(self) -> bool:
        """Whether the session goes on when cable and token are there; it uses up its reservation."""
        station, connector = self.station, self.connector
        if self._stop.is_set():
            return False
        held = connector.reservation
        if held and not held.admits(self.token, station.token_groups.get(self.token.lower())):
            return False
        if held:
            self.reservation_id = None if station.misbehaviour.forgets_reservations else held.id
            connector.reservation = None
        return True

    async def _plug_in(self) -> None:
        self.connector.meter.plug_in(battery=self.battery)
        await self.station.set_status(self.connector, "Preparing")

    async def _start(self) -> None:
        self.started_at = self.station.clock.now()
        self.start_wh = self.connector.meter.energy_wh
        message = self.station.dialect.started(self)
        message.on_answer = self._started_answer
        self._send(message)
        self.began.set()
        await self.station.answered_or_offline(message)

    def _started_answer(self, answer: dict[str, Any] | None) -> None:
        if answer is None:
            return
        if self.station.version == V16:
            self.transaction_id = answer.get("transactionId", self.transaction_id)
        self._apply_token_status(answer)

    def _apply_limits(self, limit: dict[str, Any]) -> None:
        """Keep to the limits of the CSMS, and confirm them (2.1 E16)."""
        lowest = {"maxEnergy": self.wanted_wh, "maxTime": self.duration_s}
        lowest |= {
            name: limit[name] if own is None else min(own, limit[name])
            for name, own in lowest.items()
            if name in limit
        }
        self.wanted_wh, self.duration_s = lowest["maxEnergy"], lowest["maxTime"]
        message = self.station.dialect.updated(self, self.connector.meter.read(), why="LimitSet")
        if message is not None:
            message.payload["transactionInfo"]["transactionLimit"] = limit
            self._send(message)

    def _apply_token_status(self, answer: dict[str, Any] | None) -> None:
        if answer and "transactionLimit" in answer:
            self._apply_limits(answer["transactionLimit"])
        status = self.station.dialect.token_status(answer or {})
        if status is None:
            return
        self.status = status
        if status in REFUSED and self.authorizes and self.station.settings.boolean("stop_on_invalid"):
            self.request_stop("DeAuthorized")

    async def _charge(self) -> None:
        station = self.station
        if not self._stop.is_set():
            await self._set_status("Charging")
        since_sample = 0.0
        while not self._stop.is_set():
            interval = max(station.settings.number("sample_interval") or 10**9, station.shortest_interval_s)
            wait = max(SHORTEST_WAIT_S, min(interval - since_sample, self._until_done(), 30.0))
            passed = await self._wait(wait)
            self._elapsed_s += passed
            since_sample += passed
            limit = station.limit_w(self.connector)
            self.connector.meter.run(passed, limit_w=limit)
            if not self._stop.is_set():
                await self._set_status("SuspendedEVSE" if limit is not None and limit < 1 else "Charging")
            if since_sample >= interval - SHORTEST_WAIT_S and not self._stop.is_set():
                since_sample = 0.0
                self._send(
                    station.dialect.updated(self, self.connector.meter.read(), why="MeterValuePeriodic")
                )
            if self._is_done():
                self.request_stop("Local")

    async def _set_status(self, status: str) -> None:
        if self.connector.status != status:
            await self.station.set_status(self.connector, status)
            self._send(
                self.station.dialect.updated(self, self.connector.meter.read(), why="ChargingStateChanged")
            )

    def _until_done(self) -> float:
        seconds = 10.0**9
        if self.duration_s is not None:
            seconds = self.duration_s - self._elapsed_s
        if self.wanted_wh is not None:
            left = self.wanted_wh - (self.connector.meter.register_wh - self.start_wh)
            seconds = min(seconds, left / max(self.connector.meter.max_power_w, 1) * 3600)
        return seconds

    def _is_done(self) -> bool:
        if self.duration_s is not None and self._elapsed_s >= self.duration_s - SHORTEST_WAIT_S / 2:
            return True
        return self.wanted_wh is not None and self.energy_wh >= self.wanted_wh

    async def _wait(self, seconds: float) -> float:
        """Wait until the time is over or a stop is requested; returns the simulated seconds that passed."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(max(seconds, 0.0) / self.station.clock.speed):
                await self._stop.wait()
        except TimeoutError:
            return seconds
        return min(seconds, (loop.time() - began) * self.station.clock.speed)

    async def _finish(self) -> TransactionMessage:
        station, connector = self.station, self.connector
        if self.reason == "EVDisconnected":
            await station.set_status(connector, "SuspendedEV")
        reading: Reading = connector.meter.read()
        self.stop_wh = reading.energy_wh
        connector.meter.stop()
        message = station.dialect.ended(self, reading)
        connector.status = "Finishing"  # before the message, so that 2.x reports EVConnected
        connector.changed_at = station.clock.now()
        self._send(message)
        self.over.set()
        station.profiles.forget_session(connector.number)
        await station.answered_or_offline(message)
        await station.announce(connector)
        return message

    async def _leave(self) -> None:
        station, connector = self.station, self.connector
        self.over.set()
        await self._until_unplugged()
        connector.session = None
        if connector.next_operative is not None:
            connector.operative, connector.next_operative = connector.next_operative, None
        await station.set_status(connector, connector.resting_status)
        station.session_ended()

    async def _until_unplugged(self) -> None:
        if self.plugs_in and not self.station.stopping:
            await self.station.clock.sleep(UNPLUG_S)

    def _send(self, message: TransactionMessage | None) -> None:
        if message is not None:
            if message.on_answer is None:
                message.on_answer = self._apply_token_status
            self.station.outbox.put(message)
