"""A group of stations with shared latencies, session counters and an orderly stop."""

import asyncio
from collections import Counter

from simulator.lab_pki import LabPki
from simulator.latency import Latencies
from simulator.responder import Responder
from simulator.session import Session
from simulator.station import Station


class StationGroup:
    """Base of :class:`Fleet` and :class:`Demo`, which add the drivers.

    ``sessions_done`` counts completed sessions, ``sessions_refused`` sessions whose token the CSMS rejected,
    ``energy_wh`` is the energy of all sessions.
    """

    def __init__(self) -> None:
        self.latencies = Latencies()
        self.stations: list[Station] = []
        self.sessions_done = 0
        self.sessions_refused = 0
        self.energy_wh = 0
        self._workers: list[asyncio.Task[None]] = []
        self._responder: Responder | None = None
        self._ocsp_port = 0

    @property
    def online(self) -> int:
        return sum(station.online.is_set() for station in self.stations)

    @property
    def accepted(self) -> int:
        """Number of stations the server has accepted at least once."""
        return sum(station.boots > 0 for station in self.stations)

    @property
    def not_accepted(self) -> dict[str, int]:
        """Reasons of the stations that were never accepted, with counts, the most common first."""
        return dict(Counter(filter(None, (one.not_accepted_reason for one in self.stations))).most_common())

    @property
    def charging_now(self) -> int:
        return sum(
            connector.session is not None for station in self.stations for connector in station.connectors
        )

    def answer_ocsp(self, lab: LabPki, port: int) -> None:
        """Answer OCSP requests about certificates of this lab from :meth:`start_responder` on."""
        self._responder, self._ocsp_port = Responder(lab), port

    async def start_responder(self) -> None:
        """Start the OCSP responder, if the group has one. Raises OSError."""
        if self._responder is not None:
            await self._responder.start(port=self._ocsp_port)

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End every session, wait for its last messages, close every socket."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await asyncio.gather(*(station.stop(grace_s=grace_s) for station in self.stations))
        if self._responder is not None:
            await self._responder.stop()

    async def finish_session(self, work: "asyncio.Task[Session]") -> None:
        """Wait for a session. When the group stops, the station still ends the session in order, and it is
        counted.
        """
        work.add_done_callback(self._count)
        await asyncio.shield(work)

    def _count(self, work: "asyncio.Task[Session]") -> None:
        if work.cancelled() or work.exception():
            return
        session = work.result()
        self.sessions_done += not session.refused
        self.sessions_refused += session.refused
        self.energy_wh += session.energy_wh
