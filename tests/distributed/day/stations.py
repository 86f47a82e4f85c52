"""Simulated stations of several makes, their drivers, and the record of every frame they got."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator import V16, V201, Misbehaviour, Station
from simulator.session import Session

# Simulated seconds in a real one.
SPEED = 30
# A session, and the pause before the next one, in simulated seconds.
SESSION_S = (40.0, 100.0)
PAUSE_S = (3.0, 20.0)
SAMPLE_S = 30
# How long a station is away that loses its connection, in simulated seconds.
AWAY_S = (15.0, 60.0)
DRIVEN, RESERVED, REMOTE = 1, 2, 3
MAX_FRAMES = 1_000_000
UPDATE, SIGNED_UPDATE = "UpdateFirmware", "SignedUpdateFirmware"


@dataclass(frozen=True)
class Make:
    """A make of stations.

    With `leaves`, its stations lose their connection or their power in the middle of the day.
    """

    name: str
    version: str = V16
    behaviour: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    leaves: str = ""

    @property
    def has_list(self) -> bool:
        return self.settings.get("local_list") != "false"

    @property
    def takes_profiles(self) -> bool:
        return "refuses_profiles" not in self.behaviour

    @property
    def takes_reservations(self) -> bool:
        return "refuses_reservations" not in self.behaviour

    @property
    def update(self) -> str:
        """The action by which its stations take signed firmware."""
        return UPDATE if self.version != V16 or self.lacks_signed else SIGNED_UPDATE

    @property
    def lacks_signed(self) -> bool:
        return "lacks_signed_firmware" in self.behaviour

    @property
    def is_plain(self) -> bool:
        return not (self.behaviour or self.settings or self.leaves)


# Every ten stations of a day have all makes.
MAKES = (
    Make("plain"),
    Make("no local list", behaviour={"lacks_signed_firmware": True}, settings={"local_list": "false"}),
    Make("no smart charging", behaviour={"refuses_profiles": "NotSupported"}),
    Make("no reservations", behaviour={"refuses_reservations": "Rejected"}),
    Make("slow", behaviour={"slow_answers_s": 1.0}),
    Make("loses its connection", leaves="connection"),
    Make("restarts", leaves="power"),
    Make("plain 2.0.1", V201),
    Make("restarts 2.0.1", V201, leaves="power"),
    Make("short messages", settings={"list_items": 20}),
)


class DayStation:
    """A station with a driver at EVSE 1, a reservation at EVSE 2 and a remote start at EVSE 3."""

    def __init__(self, number: int, url: str, *, seed: int) -> None:
        self.make = MAKES[number % len(MAKES)]
        self.identity = f"DAY-{number:03d}"
        self.choices = random.Random(f"{seed}:{self.identity}")
        self.driver, self.guest, self.caller = (f"{name}{number:03d}" for name in ("DRIVE", "GUEST", "CALL"))
        self.station = Station(
            self.identity,
            self.make.version,
            url,
            speed=SPEED,
            connectors=3,
            seed=seed,
            log_size=MAX_FRAMES,
            retry_connect=True,
            vendor=self.make.name,
            misbehaviour=Misbehaviour(**self.make.behaviour),
            settings={"sample_interval": SAMPLE_S, **self.make.settings},
        )
        self.is_ending = False

    @property
    def tokens(self) -> tuple[str, ...]:
        return (self.driver, self.guest, self.caller)

    # -- the course of the day

    async def drive(self) -> None:
        """Charge at EVSE 1 again and again until the day ends."""
        place = self.station.connector(DRIVEN)
        while not self.is_ending:
            if place.is_free:
                length = self.choices.uniform(*SESSION_S)
                await self.station.begin(DRIVEN, self.driver, duration_s=length)
            await self.station.clock.sleep(self.choices.uniform(*PAUSE_S))

    async def leave(self) -> None:
        """Lose the connection, or the power. Sessions go on without a connection, and end without power."""
        seconds = self.choices.uniform(*AWAY_S)
        if self.make.leaves == "connection":
            await self.station.go_offline(seconds)
        elif self.make.leaves == "power":
            await self.station.go_offline()
            await self.station.reboot("PowerUp", stop_reason="PowerLoss")

    async def use_reservation(self) -> None:
        """The guest comes and charges at the reserved EVSE."""
        await self.station.charge(RESERVED, self.guest, duration_s=self.choices.uniform(*SESSION_S))

    async def end(self) -> None:
        """End the session of the remote start, and wait until everything is delivered."""
        if session := self.station.connector(REMOTE).session:
            session.request_stop("Local")
        while self.station.outbox.waiting or any(one.session for one in self.station.connectors):
            await asyncio.sleep(0.05)  # poll: the simulator has no event for an empty queue of a station

    @property
    def is_uploading(self) -> bool:
        """Whether the station has a log to upload, or is uploading it."""
        return self.station.jobs.get("log", (None, ""))[1] in ("Idle", "Uploading")

    # -- the records of the station

    @property
    def reported_version(self) -> str:
        """The firmware version in its last confirmed boot."""
        boots = [payload for action, payload in self.confirmed if action == "BootNotification"]
        return str(boots[-1].get("chargingStation", boots[-1])["firmwareVersion"])

    @property
    def sessions(self) -> list[Session]:
        """The sessions that began."""
        return [session for session in self.station.sessions if session.began.is_set()]

    @property
    def received(self) -> list[list[Any]]:
        """Every CALL of the server, as it came. Threads call this while frames arrive."""
        messages = [frame.message for frame in list(self.station.log) if frame.direction == "in"]
        return [message for message in messages if message[0] == 2]

    def calls(self, *actions: str) -> list[list[Any]]:
        return [call for call in self.received if call[2] in actions]

    def got(self, message_id: str) -> bool:
        return any(call[1] == message_id for call in self.received)

    @property
    def confirmed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Action and payload of each own CALL that the server has confirmed."""
        answered = {
            frame.message[1]
            for frame in self.station.log
            if frame.direction == "in" and frame.message[0] == 3
        }
        for frame in self.station.log:
            if frame.direction == "out" and frame.action and frame.message[1] in answered:
                yield frame.action, frame.message[3]

    @property
    def listed(self) -> set[str]:
        """The tokens that the station's local list accepts, in lower case."""
        return {uid for uid, info in self.station.local_list.items() if info["status"] == "Accepted"}
