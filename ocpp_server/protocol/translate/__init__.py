"""Types of 1.6 and 2.x translated into common ones: connectors, tokens, times and meter values.

Only these types are translated; whole messages are not.
"""

from .connectors import Place, connector, evse, place, zeros, zeros_of_evse
from .metering import samples_2x, samples_16
from .times import EARLIEST, FUTURE, moment, time
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
    "Verdict",
    "connector",
    "evse",
    "id_tag",
    "id_tag_info",
    "id_token",
    "id_token_info",
    "moment",
    "place",
    "samples_2x",
    "samples_16",
    "status_2x",
    "status_16",
    "time",
    "verdict",
    "zeros",
    "zeros_of_evse",
]
