"""Codes about the monitors of OCPP 2.x stations: a value has passed a limit that the station watches."""

from __future__ import annotations

from typing import Any, Final

from alerts.models import Severity
from alerts.services.codes.declaration import DAY, Code, Kind, Parameter, Unit

_LIMITS: Final = (
    # 2.0.1 SetVariableMonitoring: 0 danger, 1 hardware failure, 2 system failure, 3 critical, 4 error, ...
    Parameter("severity", "OCPP severity up to", 3, Unit.LEVEL, 0, 9),
    Parameter("critical_severity", "Critical up to", 2, Unit.LEVEL, 0, 9),
)
# `ends` is the usual end. A station that was replaced never sends it.
_COMMON: Final[dict[str, Any]] = {
    "severity": Severity.WARNING,
    "kind": Kind.OCCURRENCE,
    "keep_for_s": 31 * DAY,
    "ends": "when the station reports its end",
    "parameters": _LIMITS,
    "waits": False,
}

TEMPERATURE: Final = Code(
    name="temperature",
    label="Temperature out of range",
    condition="A station reports (NotifyEvent, trigger Alerting) a temperature beyond the limit of a "
    "monitor, with a severity of 0 to 3; 0 to 2 are critical. If the message has no severity, that of the "
    "monitor counts.",
    what_to_do="Look at the device events of the station. Reduce its power or take it out of service until "
    "the cause is known: a fan, a filter, a loose contact, the sun.",
    **_COMMON,
)
POWER_LOST: Final = Code(
    name="power_lost",
    label="Power supply of a station",
    condition="The same as `temperature` for the supply of a station: its components ElectricalFeed, "
    "ELVSupply, DistributionPanel and UpstreamProtectionTrigger.",
    what_to_do="Check the fuses and the residual current device of its feed, and other stations on it.",
    **_COMMON,
)
MONITOR: Final = Code(
    name="monitor",
    label="Monitor of a station",
    condition="The same as `temperature` for any other component and variable.",
    what_to_do="Look at the device events of the station, and at what the monitor watches.",
    **_COMMON,
)

CODES: Final = (TEMPERATURE, POWER_LOST, MONITOR)
