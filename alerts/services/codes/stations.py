"""Codes about stations, their connections and their connectors."""

from __future__ import annotations

from typing import Final

from alerts.models import Severity
from alerts.services.codes.declaration import DAY, HOUR, MINUTE, Code, Kind, Parameter, Unit

OFFLINE: Final = Code(
    name="offline",
    label="Station offline",
    condition="An accepted station that was online in the last 30 days has no connection.",
    what_to_do="Check its power and its network. If other stations of the site are online, restart the "
    "station, and look at its refused connections.",
    severity=Severity.WARNING,
    for_s=5 * MINUTE,
    keep_for_s=2 * MINUTE,
    critical_after_s=HOUR,
)
SITE_OFFLINE: Final = Code(
    name="site_offline",
    label="Site offline",
    condition="At least 3 stations and 50 % of the stations of a site are offline at once.",
    what_to_do="Check the router and the power of the site. Its stations have no alerts of their own "
    "meanwhile.",
    severity=Severity.CRITICAL,
    for_s=2 * MINUTE,
    keep_for_s=2 * MINUTE,
    parameters=(
        Parameter("stations", "Stations", 3, Unit.STATIONS, 2, 10_000),
        Parameter("percent", "Part of the site", 50, Unit.PERCENT, 1, 100),
    ),
)
FLEET_OFFLINE: Final = Code(
    name="fleet_offline",
    label="Many stations offline",
    condition="At least 10 stations and 20 % of all went offline within 15 minutes, and 10 % are still gone.",
    what_to_do="Look at the network of this server first: its address, its certificate, its proxy. Then ask "
    "the mobile operator of the stations.",
    severity=Severity.CRITICAL,
    keep_for_s=MINUTE,
    parameters=(
        Parameter("stations", "Stations", 10, Unit.STATIONS, 2, 100_000),
        Parameter("percent", "Part of all stations", 20, Unit.PERCENT, 1, 100),
        Parameter("within_s", "Within", 15 * MINUTE, Unit.SECONDS, MINUTE, DAY),
    ),
)
NEVER_CONNECTED: Final = Code(
    name="never_connected",
    label="Station never connected",
    condition="A station was added and has not connected once.",
    what_to_do="Check the address and the password that were entered in the station; its attempts are among "
    "the refused connections.",
    severity=Severity.INFO,
    for_s=0,
    parameters=(Parameter("after_s", "After", DAY, Unit.SECONDS, MINUTE, 31 * DAY),),
    every_s=5 * MINUTE,
)
FAULTED: Final = Code(
    name="faulted",
    label="Connector faulted",
    condition="A station or a connector of an online station reports Faulted. With the error code NoError "
    "it must last five times as long.",
    what_to_do="Read the error code and the text of the station. Reset the station once; if the fault "
    "returns, take the connector out of service and send a technician.",
    severity=Severity.WARNING,
    for_s=2 * MINUTE,
    keep_for_s=30,
)
UNAVAILABLE: Final = Code(
    name="unavailable",
    label="Connector unavailable",
    condition="A connector of an online station reports Unavailable, although no operator took it out of "
    "service.",
    what_to_do="Send Change availability (Operative). If it stays, read the station's log.",
    severity=Severity.INFO,
    for_s=15 * MINUTE,
)
STUCK: Final = Code(
    name="stuck_status",
    label="Connector stuck",
    condition="A connector of an online station reports Preparing for 30 minutes, or Finishing for 12 hours.",
    what_to_do="A vehicle may be plugged in without charging. Ask the driver, or unlock the connector.",
    severity=Severity.INFO,
    parameters=(
        Parameter("preparing_s", "Preparing", 30 * MINUTE, Unit.SECONDS, MINUTE, 31 * DAY),
        Parameter("finishing_s", "Finishing", 12 * HOUR, Unit.SECONDS, MINUTE, 31 * DAY),
    ),
)
FLAPPING: Final = Code(
    name="flapping",
    label="Connection flapping",
    condition="A station connects 6 times in 30 minutes. Resolves below 2 in this time.",
    what_to_do="Look at the signal of its modem, and at the interval of its pings. A second device with the "
    "same identity has an alert of its own.",
    severity=Severity.WARNING,
    parameters=(
        Parameter("times", "Connections", 6, Unit.TIMES, 3, 1000),
        Parameter("within_s", "Within", 30 * MINUTE, Unit.SECONDS, MINUTE, DAY),
    ),
)
BOOT_LOOP: Final = Code(
    name="boot_loop",
    label="Station restarts again and again",
    condition="A station sends 4 accepted BootNotifications in 30 minutes.",
    what_to_do="Look at the boot reasons and the firmware. Get its diagnostics between two boots, then "
    "update or replace it.",
    severity=Severity.CRITICAL,
    keep_for_s=HOUR,
    parameters=(
        Parameter("times", "Boots", 4, Unit.TIMES, 2, 1000),
        Parameter("within_s", "Within", 30 * MINUTE, Unit.SECONDS, MINUTE, DAY),
    ),
)
REFUSED: Final = Code(
    name="refused_connections",
    label="Connections refused",
    condition="More than 20 connections of one identity are refused in 10 minutes.",
    what_to_do="Open the refused connections: the reason says what to correct. Accept the station there if "
    "it is yours.",
    severity=Severity.INFO,
    keep_for_s=30 * MINUTE,
    parameters=(
        Parameter("times", "Refusals", 20, Unit.TIMES, 2, 10_000),
        Parameter("within_s", "Within", 10 * MINUTE, Unit.SECONDS, MINUTE, DAY),
    ),
)
DUPLICATE: Final = Code(
    name="duplicate_identity",
    label="Two devices with one identity",
    condition="Two devices connect with the identity of one station.",
    what_to_do="Find the second device by the two addresses, and give it an identity of its own. Change the "
    "password if you do not know it.",
    severity=Severity.CRITICAL,
    kind=Kind.OCCURRENCE,
    keep_for_s=DAY,
)
SECURITY: Final = Code(
    name="security_event",
    label="Critical security event",
    condition="A station reports a security event that OCPP lists as critical.",
    what_to_do="Read the event in the security log. The station may have been opened or changed: check "
    "it before you resolve this alert.",
    severity=Severity.CRITICAL,
    kind=Kind.OCCURRENCE,
    auto_resolve=False,
)
CLOCK: Final = Code(
    name="clock_offset",
    label="Clock wrong",
    condition="The clock of an online station is more than 60 s off; more than 10 minutes is critical.",
    what_to_do="The times of its sessions are wrong. Restart the station, which then takes the time of the "
    "server, or set its time server.",
    severity=Severity.WARNING,
    for_s=5 * MINUTE,
    parameters=(
        Parameter("limit_s", "Offset", 60, Unit.SECONDS, 31, 31 * DAY),
        Parameter("critical_s", "Critical offset", 10 * MINUTE, Unit.SECONDS, 31, 31 * DAY),
    ),
)
SILENT: Final = Code(
    name="silent",
    label="Station silent",
    condition="A station has a connection, answers its pings, and has sent no message for 3 heartbeat "
    "intervals.",
    what_to_do="Its network works and its software does not. Trigger a Heartbeat; reset the station if "
    "nothing comes, or cut its power if it does not answer the reset.",
    severity=Severity.WARNING,
    parameters=(Parameter("intervals", "Heartbeat intervals", 3, Unit.TIMES, 2, 1000),),
)
CODES: Final = (
    FLEET_OFFLINE,
    SITE_OFFLINE,
    OFFLINE,
    NEVER_CONNECTED,
    FAULTED,
    UNAVAILABLE,
    STUCK,
    FLAPPING,
    BOOT_LOOP,
    REFUSED,
    DUPLICATE,
    SECURITY,
    CLOCK,
    SILENT,
)
