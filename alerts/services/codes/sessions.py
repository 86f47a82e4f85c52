"""Codes about sessions, campaigns and messages about them."""

from __future__ import annotations

from typing import Final

from alerts.models import Severity
from alerts.services.codes.declaration import DAY, HOUR, MINUTE, Code, Parameter, Unit

LONG: Final = Code(
    name="session_long",
    label="Session too long",
    condition="A session is active for 24 hours.",
    what_to_do="Check whether a vehicle is still plugged in. End the session if it is not.",
    severity=Severity.INFO,
    waits=False,
    parameters=(Parameter("after_s", "Active for", DAY, Unit.SECONDS, MINUTE, 31 * DAY),),
    every_s=MINUTE,
)
NO_ENERGY: Final = Code(
    name="session_without_energy",
    label="Session without energy",
    condition="A session is active for 15 minutes, its connector reports Charging, and it has drawn less "
    "than 100 Wh.",
    what_to_do="Check the cable and the vehicle. If the next session of the connector draws nothing either, "
    "its meter or its contactor is broken.",
    severity=Severity.WARNING,
    parameters=(
        Parameter("after_s", "Active for", 15 * MINUTE, Unit.SECONDS, MINUTE, 31 * DAY),
        Parameter("energy_wh", "Less than", 100, Unit.WATT_HOURS, 1, 100_000),
    ),
    every_s=MINUTE,
)
SUSPECT: Final = Code(
    name="session_suspect",
    label="Suspect session",
    condition="A session has ended with suspicions that no operator has settled.",
    what_to_do="Open the session: it names each suspicion and the proposed fix. Settle it before the bill.",
    severity=Severity.INFO,
    waits=False,
    parameters=(Parameter("within_s", "Ended within", 31 * DAY, Unit.SECONDS, HOUR, 366 * DAY),),
    every_s=MINUTE,
)
UNAUTHORIZED: Final = Code(
    name="unauthorized_energy",
    label="Energy without authorization",
    condition="A session has drawn energy although its token was refused, and no operator has settled it.",
    what_to_do="The station charges without asking. Check its settings for offline and local authorization.",
    severity=Severity.CRITICAL,
    waits=False,
    parameters=(Parameter("within_s", "Ended within", 31 * DAY, Unit.SECONDS, HOUR, 366 * DAY),),
    every_s=MINUTE,
)
QUARANTINE: Final = Code(
    name="quarantine",
    label="Messages in quarantine",
    condition="Messages about sessions of a station could not be applied and wait for an operator.",
    what_to_do="Open the quarantined messages of the station, and resolve each one: a session may be unpaid.",
    severity=Severity.WARNING,
    waits=False,
    every_s=MINUTE,
)
CAMPAIGN: Final = Code(
    name="campaign_failed",
    label="Campaign failed",
    condition="A campaign pauses because too many stations failed, or ends with failed stations. 20 % of its "
    "stations or more are critical.",
    what_to_do="Open the campaign: it names the reason at each station. Correct it, then retry those.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(
        Parameter("percent", "Critical from", 20, Unit.PERCENT, 1, 100),
        Parameter("within_s", "Ended within", 7 * DAY, Unit.SECONDS, HOUR, 366 * DAY),
    ),
    every_s=MINUTE,
)

CODES: Final = (LONG, NO_ENERGY, SUSPECT, UNAUTHORIZED, QUARANTINE, CAMPAIGN)
