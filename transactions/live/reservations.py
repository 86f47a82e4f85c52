"""The reservations that a station has accepted and that have not ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from accounts.models.token import normalise_uid
from ocpp_server.live.extensions import ByKey, Entry, Slot
from ocpp_server.live.station import Station
from transactions.models import Reservation
from transactions.models.reservation import EXPIRY_GRACE

# A station that names another unknown reservation in each message must not fill the memory.
_MOST_LOOKED_UP: Final = 64


class Held(msgspec.Struct, kw_only=True):
    """A reservation. `evse` is None for any EVSE of the station; `since` is when the station accepted it.

    `is_shown`: the station has reported Reserved since then.
    """

    pk: int
    number: int
    evse: int | None
    id_token: str
    token_key: str
    token_pk: int | None
    group_id: str
    expires_at: datetime
    since: datetime
    command_id: str
    is_shown: bool = False

    def admits(self, token_key: str, group_id: str) -> bool:
        """Whether the token may use it: the reserved one, or one of the same group (1.6 5.13, 2.0.1 H03)."""
        is_group = bool(self.group_id) and self.group_id.casefold() == group_id.casefold()
        return token_key == self.token_key or is_group

    def holds_at(self, at: datetime) -> bool:
        """Whether it keeps its place free at this moment."""
        return self.since <= at < self.expires_at


class Reservations(msgspec.Struct):
    """`held` has some that a job has ended, because they have expired. `looked_up` are numbers that are not
    held here and were looked up in the database already.
    """

    held: list[Held] = []
    looked_up: set[int] = set()

    def named(self, number: int) -> Held | None:
        """The one with this number."""
        return next((held for held in self.held if held.number == number), None)

    def add(self, held: Held, now: datetime) -> None:
        """Add or replace one, and remove those that have expired."""
        self.looked_up.discard(held.number)
        self.held = [*(one for one in self.unexpired(now) if one.number != held.number), held]

    def unexpired(self, now: datetime) -> list[Held]:
        """The reservations that no job has ended."""
        return [one for one in self.held if one.expires_at + EXPIRY_GRACE > now]

    def remove(self, number: int) -> None:
        self.held = [held for held in self.held if held.number != number]

    def remember(self, number: int) -> None:
        """Do not look up this number again."""
        if len(self.looked_up) >= _MOST_LOOKED_UP:
            self.looked_up.clear()
        self.looked_up.add(number)


class Shown(msgspec.Struct):
    """The form in Redis, for other processes."""

    held: list[Held]


def held_of(row: Reservation) -> Held:
    """The live form of a stored reservation."""
    return Held(
        pk=row.pk,
        number=row.number,
        evse=row.evse_number,
        id_token=row.id_token,
        token_key=normalise_uid(row.id_token),
        token_pk=row.token_id,
        group_id=row.group_id,
        expires_at=row.expires_at,
        since=row.accepted_at or row.requested_at,
        command_id=row.command_id or "",
        is_shown=row.shown_at is not None,
    )


def load_reservations(by_pk: ByKey) -> None:
    """Load the accepted reservations."""
    accepted = Reservation.objects.filter(charge_point__in=by_pk, state=Reservation.State.ACCEPTED)
    for row in accepted.order_by("pk"):
        for station in by_pk[row.charge_point_id]:
            RESERVATIONS.of(station).held.append(held_of(row))


def reservation_entries(station: Station) -> Iterator[Entry]:
    """The reservations of a station for Redis, in one field; nothing is written for a station without any."""
    held = RESERVATIONS.of(station).held
    mark = tuple((one.number, one.evse, one.token_key, one.expires_at, one.is_shown) for one in held)
    yield "held", mark or None, Shown(held)


RESERVATIONS = Slot(name="reservations", empty=Reservations, load=load_reservations, show=reservation_entries)
