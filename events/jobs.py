"""Jobs of events: numbering, presence, retention."""

from __future__ import annotations

import asyncio
from typing import Final

from events.services import numbering, waking
from ocpp_server.observability import measures
from ocpp_server.process.scheduler import Job, Step
from ocpp_server.storage.journal import journal
from ocpp_server.transport.switchboard import switchboard


async def number() -> None:
    """Number all events that are committed. The pause lets wake-ups gather: at most 20 runs a second."""
    await switchboard.hear_of_events(waking.NUMBER_EVENTS.wake)
    while counts := await journal.run(numbering.number_some):
        for type, times in counts.items():
            measures.events.add(type, times=times)
        if counts.total() < numbering.BATCH:
            break
    await asyncio.sleep(waking.PAUSE_S)


JOBS: Final[tuple[tuple[Job, Step], ...]] = ((waking.NUMBER_EVENTS, number),)
