"""The port of sessions for apps that may not import the app `transactions`."""

from __future__ import annotations

from typing import Protocol

from ocpp_server.domain import Conflict
from ocpp_server.ports import Port
from ocpp_server.transport.command_store import Addressee


class Sessions(Protocol):
    """Sessions and tokens. The app `transactions` fills the port. All functions use the database."""

    def station_id(self, charge_point: Addressee, reference: int | str) -> str:
        """The id by which the station knows one of its running sessions, from that id or the server's number.

        Raises Missing, and Conflict for a session that has ended.
        """

    def why_refused(self, charge_point: Addressee, uid: str) -> Conflict | None:
        """The error for a token that may not use the station now, an unknown one included; None for one that
        may. Sessions that the token has elsewhere do not count.
        """


sessions = Port[Sessions]("Sessions")
