"""One connector (1.6) or EVSE with one connector (2.x) of a simulated station."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.meter import Meter

if TYPE_CHECKING:
    from simulator.session import Session


@dataclass(slots=True)
class Reservation:
    """A reservation for one token. ``connector`` 0 means any connector."""

    id: int
    connector: int
    token: str
    expires: datetime
    group: str | None = None

    def admits(self, token: str, group: str | None) -> bool:
        return token.lower() == self.token.lower() or (self.group is not None and self.group == group)


@dataclass(slots=True)
class Connector:
    """A connector with its meter. ``status`` is one of the nine of 1.6; 2.x sends fewer values on
    the wire.
    """

    number: int
    meter: Meter
    status: str = "Available"
    error_code: str = "NoError"
    operative: bool = True
    next_operative: bool | None = None  # a ChangeAvailability that waits for the transaction to end
    changed_at: datetime | None = None
    announced: str | None = None  # the status sent last
    session: "Session | None" = None
    reservation: Reservation | None = field(default=None)
    is_plugged: bool = False  # a cable that `simulator.steps` has plugged in

    @property
    def resting_status(self) -> str:
        """The status without a session."""
        if self.error_code != "NoError":
            return "Faulted"
        if not self.operative:
            return "Unavailable"
        if self.is_plugged:
            return "Preparing"
        return "Reserved" if self.reservation else "Available"

    @property
    def is_free(self) -> bool:
        return self.session is None and self.status in ("Available", "Preparing", "Reserved")
