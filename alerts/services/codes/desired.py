"""Codes about what stations should have or do: configuration, local lists, charging profiles, commands."""

from __future__ import annotations

from typing import Final

from alerts.models import Severity
from alerts.services.codes.declaration import DAY, HOUR, MINUTE, Code, Parameter, Unit

CONFIGURATION: Final = Code(
    name="configuration_drift",
    label="Configuration differs",
    condition="A station has another value than the desired one: it has changed it, refused it, or does not "
    "know the key.",
    what_to_do="Open the desired values of the station. Apply them again, or change the desired value if the "
    "station can't have it.",
    severity=Severity.INFO,
    for_s=30 * MINUTE,
    every_s=MINUTE,
)
LOCAL_LIST: Final = Code(
    name="local_list_behind",
    label="Local list behind",
    condition="The local authorization list of a station is not up to date: its update is due, under way or "
    "has failed. An update that began while the station was online opens the alert.",
    what_to_do="A blocked token may charge there while the station is offline, and a new one may not. Read "
    "the reason, then synchronize the list of the station.",
    severity=Severity.INFO,
    for_s=30 * MINUTE,
    every_s=MINUTE,
)
PROFILE: Final = Code(
    name="profile_unconfirmed",
    label="Charging profile unconfirmed",
    condition="A station may have lost a charging profile: it runs OCPP 1.6 and has booted since, or it has "
    "not answered SetChargingProfile within the last day.",
    what_to_do="The station may charge without the limit. Send the profile again, or clear it. A station "
    "with OCPP 2.x can be asked for its profiles.",
    severity=Severity.INFO,
    for_s=30 * MINUTE,
    parameters=(Parameter("within_s", "No answer within", DAY, Unit.SECONDS, HOUR, 31 * DAY),),
    every_s=MINUTE,
)
COMMANDS: Final = Code(
    name="command_failures",
    label="Commands without an answer",
    condition="More than 10 % and at least 5 of the commands to a station within an hour had no answer in "
    "time.",
    what_to_do="Look at the commands of the station and at its network. Its firmware may be busy or hang: "
    "restart it if it answers nothing at all.",
    severity=Severity.WARNING,
    parameters=(
        Parameter("times", "Commands", 5, Unit.TIMES, 1, 10_000),
        Parameter("percent", "Part of its commands", 10, Unit.PERCENT, 0, 99),
        Parameter("within_s", "Within", HOUR, Unit.SECONDS, MINUTE, DAY),
    ),
    every_s=MINUTE,
)

CODES: Final = (CONFIGURATION, LOCAL_LIST, PROFILE, COMMANDS)
