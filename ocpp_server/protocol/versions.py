"""The versions this server speaks, named as on the wire, and which of them a station gets."""

from collections.abc import Iterable
from typing import Final

Version = str

V16: Final = "ocpp1.6"
V201: Final = "ocpp2.0.1"
V21: Final = "ocpp2.1"

# Two dialects, not three: 2.1 contains all of 2.0.1, so whatever holds for one holds for V2X.
V2X: Final = (V201, V21)
VERSIONS: Final = (V16, V201, V21)

_LABELS: Final = {V16: "1.6", V201: "2.0.1", V21: "2.1"}


def negotiate(offered: Iterable[str]) -> Version | None:
    """Choose the subprotocol of a handshake; None when the station offers nothing we speak.

    The client's order is its preference and wins (RFC 6455 1.9, 1.6J 3.1.2, 2.0.1 part 4 3.1.2). Names are
    compared exactly: a station that offers "OCPP1.6" would reject the spelling we echo.
    """
    return next((name for name in offered if name in _LABELS), None)


def label(version: Version) -> str:
    """The version as people write it: "1.6", "2.0.1" or "2.1"."""
    return _LABELS[version]
