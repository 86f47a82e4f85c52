"""The clock of a station: real time on the wire, scaled time for timers and meters."""

import asyncio
from datetime import UTC, datetime, timedelta

# Smaller differences are ignored: following a server that answers in whole seconds would make the station's
# timestamps jump backwards.
SYNC_THRESHOLD = timedelta(seconds=5)


class Clock:
    """Keeps the station's time, and scales simulated seconds to real ones.

    ``speed`` shortens every wait: at 10 a meter interval of 60 s takes six real seconds and the meter counts
    the energy of 60. Timestamps stay real, because a station with a fast clock would be a different test.
    """

    def __init__(
        self, speed: float = 1.0, *, offset: timedelta = timedelta(0), follows_server: bool = True
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be above 0")
        self.speed = speed
        self.offset = offset
        self.follows_server = follows_server
        self.style = "%Y-%m-%dT%H:%M:%S.%f"
        self.zone = "Z"

    def now(self) -> datetime:
        """The station's time, in UTC."""
        return datetime.now(UTC) + self.offset

    def text(self, moment: datetime | None = None) -> str:
        """A time as sent on the wire, with milliseconds: ``2026-01-31T12:00:00.000Z``."""
        return (moment or self.now()).strftime(self.style)[:-3] + self.zone

    def sync(self, server_time: str) -> None:
        """Follow the ``currentTime`` of a BootNotification or Heartbeat answer; an unreadable time is
        ignored.
        """
        if not self.follows_server:
            return
        moment = parse_time(server_time)
        if moment is not None and abs(moment - self.now()) > SYNC_THRESHOLD:
            self.offset = moment - datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of simulated seconds."""
        await asyncio.sleep(seconds / self.speed)


def parse_time(text: object) -> datetime | None:
    """Parse an RFC 3339 time to UTC; None when it cannot be parsed. A time without a zone is UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
