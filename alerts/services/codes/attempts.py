"""Codes about what is attempted at stations and fails: remote starts, unknown tokens, updates of firmware."""

from __future__ import annotations

from typing import Final

from alerts.models import Severity
from alerts.services.codes.declaration import DAY, HOUR, MINUTE, Code, Parameter, Unit

START_FAILED: Final = Code(
    name="start_failed",
    label="Remote starts fail",
    condition="3 remote starts in a row at one connector were rejected by the station, or led to no session, "
    "within 24 hours. Resolves with the next one that succeeds.",
    what_to_do="If the station rejects them, look at its status and its configuration. If no session starts "
    "although it accepts them, no vehicle was plugged in, or the lock or the cable is broken.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(
        Parameter("times", "Failed starts", 3, Unit.TIMES, 2, 1000),
        Parameter("within_s", "Within", DAY, Unit.SECONDS, HOUR, 31 * DAY),
    ),
    every_s=MINUTE,
)
TOKEN_GUESSING: Final = Code(
    name="token_guessing",
    label="Tokens are tried out",
    condition="10 different unknown tokens were presented at one station within 10 minutes.",
    what_to_do="Someone may be trying out tokens: look at the refused tokens of the station and at the place "
    "itself. Many new drivers at once have the same effect.",
    severity=Severity.CRITICAL,
    keep_for_s=HOUR,
    waits=False,
    parameters=(
        Parameter("tokens", "Different tokens", 10, Unit.TIMES, 2, 1000),
        Parameter("within_s", "Within", 10 * MINUTE, Unit.SECONDS, MINUTE, DAY),
    ),
)
FIRMWARE: Final = Code(
    name="firmware_failed",
    label="Firmware update failed",
    condition="The last update of a station's firmware has failed (download, signature or installation), or "
    "the station has reported nothing for FIRMWARE_SILENCE, also no boot with the new version. It is "
    "critical when 20 % of the stations of its campaign have failed; the failure limit of the campaign, also "
    "20 % by default, pauses it. Resolves when the station boots with the version of that or of a later "
    "update.",
    what_to_do="Read the reason in the update, correct it, and repeat the update at this station.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(
        Parameter("percent", "Critical from", 20, Unit.PERCENT, 1, 100),
        Parameter("within_s", "Ended within", 7 * DAY, Unit.SECONDS, HOUR, 366 * DAY),
    ),
    every_s=MINUTE,
)

CODES: Final = (START_FAILED, TOKEN_GUESSING, FIRMWARE)
