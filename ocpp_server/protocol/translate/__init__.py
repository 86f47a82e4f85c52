"""Types of 1.6 and 2.x translated into common ones: connectors, tokens, times, meter values and
charging profiles.

Only these types are translated; whole messages are not.
"""

from .charging_profiles import (
    ChargingProfile,
    Period,
    Schedule,
    charging_profile,
    charging_profile_2x,
    charging_profile_16,
    composite_2x,
    composite_16,
    has_schedule,
    schedule_json,
)
from .connectors import Place, connector, evse, place, zeros, zeros_of_evse
from .limits import limits, lowest, supported_limits, transaction_limit
from .metering import samples_2x, samples_16
from .reservations import Reserving, reserving
from .times import EARLIEST, FUTURE, moment, plain_time, sent_time, time
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
from .triggers import TRIGGERED, Sent, Trigger, answers, sent, trigger

__all__ = [
    "EARLIEST",
    "FUTURE",
    "ChargingProfile",
    "TRIGGERED",
    "Decision",
    "IdToken",
    "Period",
    "Place",
    "Reserving",
    "Schedule",
    "Verdict",
    "charging_profile",
    "charging_profile_2x",
    "charging_profile_16",
    "composite_2x",
    "composite_16",
    "Sent",
    "Trigger",
    "Verdict",
    "answers",
    "connector",
    "evse",
    "has_schedule",
    "id_tag",
    "id_tag_info",
    "id_token",
    "id_token_info",
    "limits",
    "lowest",
    "moment",
    "place",
    "reserving",
    "samples_2x",
    "samples_16",
    "plain_time",
    "sent_time",
    "schedule_json",
    "sent",
    "status_2x",
    "status_16",
    "supported_limits",
    "time",
    "transaction_limit",
    "trigger",
    "verdict",
    "zeros",
    "zeros_of_evse",
]
