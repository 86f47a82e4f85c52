"""The handshake of a station, before its socket is accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ocpp_server.transport.handshake.admission import Handshake


def handshake(identity: str = "CP-1", **more: Any) -> Handshake:
    """A handshake that offers no version and has no credentials; `more` are other fields."""
    plain = Handshake(
        path=f"/ocpp/{identity}",
        identity=identity,
        offered=[],
        address="192.0.2.1",
        authorization=None,
        origin="",
        is_tls=False,
        protocol_header="",
    )
    return replace(plain, **more)
