"""The port of an app that knows certificates: what a station needs for the security profiles 2 and 3."""

from __future__ import annotations

from typing import Final, Protocol

from ocpp_server.ports import Port


class Trust(Protocol):
    """Uses the database."""

    def has_certificate(self, charge_point_pk: int) -> bool | None:
        """Whether the station has a client certificate that this server accepts; None if unknown."""

    def trusts_server(self, charge_point_pk: int) -> bool | None:
        """Whether the station has a root of the server's certificate; None if unknown."""


class NotKnown:
    """The port without an app: nothing is known."""

    def has_certificate(self, charge_point_pk: int) -> bool | None:
        return None

    def trusts_server(self, charge_point_pk: int) -> bool | None:
        return None


port: Final = Port[Trust]("Trust", NotKnown())
