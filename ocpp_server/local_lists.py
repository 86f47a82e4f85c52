"""The port of local lists for apps that may not import the app `configuration`."""

from __future__ import annotations

from typing import Protocol

from ocpp_server.ports import Port


class LocalLists(Protocol):
    """The local authorization lists of stations. The app `configuration` fills the port."""

    def look_again(self, charge_point_pk: int) -> None:
        """Compare the list of a station with the wanted one soon, and send the changes: a person whose data
        the station has cleared must not stay in it. A station that has no list of this server gets none.
        Uses the database.
        """


local_lists = Port[LocalLists]("LocalLists")
