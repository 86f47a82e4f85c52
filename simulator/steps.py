"""Charging step by step: plug, tap and unplug are requests of their own, instead of a session with a plan.

Each function returns when the station has sent what belongs to the step, and got its answers.
"""

import asyncio
from typing import Any

from simulator.connector import Connector
from simulator.session import Session
from simulator.station import Station


class Impossible(Exception):
    """The connector is in no state for this step; the text is a sentence."""


class StepSession(Session):
    """A session whose cable is plugged and unplugged from outside."""

    def __init__(self, *args: Any, **plan: Any) -> None:
        super().__init__(*args, **plan)
        self.settled = asyncio.Event()  # refused, started, or waiting for the cable
        self.cable = asyncio.Event()
        self.unplugged = asyncio.Event()
        self.left = asyncio.Event()

    async def _arrive(self) -> bool:
        if not await self._authorize():
            return False
        if not self.connector.is_plugged and not await self._plugged_in_time():
            return False
        return self._may_begin()

    async def _plugged_in_time(self) -> bool:
        """Wait for the cable, in real seconds: the one who plugs it is no faster at a higher speed."""
        await self.station.set_status(self.connector, "Preparing")
        self.settled.set()
        waits = {asyncio.create_task(one.wait()) for one in (self.cable, self._stop)}
        try:
            timeout = self.station.settings.number("connection_timeout")
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self.cable.is_set()

    async def _start(self) -> None:
        await super()._start()
        self.settled.set()

    async def _until_unplugged(self) -> None:
        if self.connector.is_plugged and not self.refused and not self.station.stopping:
            await self.unplugged.wait()

    async def _leave(self) -> None:
        try:
            await super()._leave()
        finally:
            self.settled.set()
            self.left.set()


class StepStation(Station):
    """A station whose sessions are of steps."""

    session_class = StepSession

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Stop as :meth:`Station.stop`; sessions that wait for their cable do not hold it up."""
        self.stopping = True
        for connector in self.connectors:
            if session := _session(connector):
                session.unplugged.set()
        await super().stop(grace_s=grace_s)


async def plug(station: Station, number: int) -> None:
    """Plug a cable in. A session that waits for it begins. Raises Impossible, LookupError."""
    place = station.connector(number)
    if place.is_plugged:
        raise Impossible(f"Connector {number} has a cable already.")
    if not place.operative or place.status in ("Faulted", "Unavailable"):
        raise Impossible(f"Connector {number} is {place.status}.")
    place.is_plugged = True
    place.meter.plug_in(battery=station.soc)
    session = _session(place)
    if session is None:
        await station.set_status(place, place.resting_status)
        return
    session.settled.clear()
    session.cable.set()
    await session.settled.wait()


async def tap(station: Station, number: int, token: str, *, token_type: str = "ISO14443") -> Session:  # noqa: S107
    """Show a token: it starts a session, or ends the one that it has started. Raises Impossible, LookupError.

    Without a cable, the session waits for it. ``status`` of the session is that of the token.
    """
    place = station.connector(number)
    session = _session(place)
    if session is None:
        try:
            station.begin(number, token, token_type=token_type)
        except RuntimeError:
            raise Impossible(f"Connector {number} is {place.status}.") from None
        session = _session(place)
        assert session is not None
        await session.settled.wait()
        return session
    if session.over.is_set():
        raise Impossible(f"The session at connector {number} has ended: unplug the cable first.")
    if session.token.lower() != token.lower():
        raise Impossible(f"Connector {number} is in use with another token.")
    session.request_stop("Local")
    await session.over.wait()
    await station.outbox_drained()
    return session


async def unplug(station: Station, number: int) -> Session | None:
    """Unplug the cable, which ends the session. Returns it. Raises Impossible, LookupError."""
    place = station.connector(number)
    if not place.is_plugged:
        raise Impossible(f"Connector {number} has no cable.")
    place.is_plugged = False
    session = _session(place)
    if session is None:
        await station.set_status(place, place.resting_status)
        return None
    session.request_stop("EVDisconnected")
    session.unplugged.set()
    await session.left.wait()
    await station.outbox_drained()
    return session


def power_lost(  # noqa: PLR0913 - what is left of a session
    station: Station, number: int, *, token: str, transaction_id: int | str, start_wh: int, seq_no: int
) -> Session:
    """A session that a power cut has ended. Its last message is sent after the next boot."""
    place = station.connector(number)
    session = StepSession(station, place, token)
    session.transaction_id, session.start_wh = transaction_id, start_wh
    session.started_at, session.stop_wh = station.clock.now(), place.meter.energy_wh
    session.seq_no = seq_no
    session.request_stop("PowerLoss")
    session.over.set()
    station.outbox.put(station.dialect.ended(session, place.meter.read()))
    return session


def _session(place: Connector) -> StepSession | None:
    return place.session if isinstance(place.session, StepSession) else None
