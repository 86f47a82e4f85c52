"""Types of 1.6 and 2.x translated into common ones: connectors, tokens, times and meter values.

Only these types are translated; whole messages are not.
"""

from .connectors import Place, connector, evse, place, zeros, zeros_of_evse
from .metering import samples_2x, samples_16
from .reservations import Reserving, reserving
from .times import EARLIEST, FUTURE, moment, sent_time, time
from .tokens import (
    Decision,
    IdToken,
    Verdict,
    id_tag,
    id_tag_info,
    id_token,
    id_token_info,
    status_2x,
    status_16,
    verdict,
)

__all__ = [
    "EARLIEST",
    "FUTURE",
    "Decision",
    "IdToken",
    "Place",
    "Reserving",
    "Verdict",
    "connector",
    "evse",
    "id_tag",
    "id_tag_info",
    "id_token",
    "id_token_info",
    "moment",
    "place",
    "reserving",
    "samples_2x",
    "samples_16",
    "sent_time",
    "status_2x",
    "status_16",
    "time",
    "verdict",
    "zeros",
    "zeros_of_evse",
]
