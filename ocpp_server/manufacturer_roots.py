"""The port of the manufacturers' roots, for apps that may not import the app `certificates`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cryptography import x509

from ocpp_server.ports import Port


class ManufacturerRoots(Protocol):
    """The roots of manufacturers that this server trusts. The app `certificates` fills the port."""

    def certificates(self) -> Sequence[x509.Certificate]:
        """The enabled roots. Uses the database."""


manufacturer_roots = Port[ManufacturerRoots]("ManufacturerRoots")
