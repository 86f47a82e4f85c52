"""Which security events are critical: those that a station must send at once (1.6 security whitepaper, 2.0.1
part 2 appendix 1). A type is free text, so stations also send types of their own, of the other dialect, and
in another spelling.
"""

from __future__ import annotations

import re
from typing import Final

from .versions import V16

_ALWAYS: Final = (
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "MemoryExhaustion",
    "TamperDetectionActivated",
)
# In 2.x alone, with the names of 1.6 for the same. In 1.6 they are sent with the security log.
_IN_2X: Final = (
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidCsmsCertificate",
    "InvalidCentralSystemCertificate",
    "InvalidChargingStationCertificate",
    "InvalidChargePointCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "MaintenanceLoginAccepted",
    "MaintenanceLoginFailed",
    "DiscardedRenewedClientCertificate",
)

_NOT_WORD = re.compile(r"[\W_]+")
# The end of a type to which a station has added a remark: "TamperDetectionActivated: door".
_REMARK = re.compile(r"[:;,(\[\n]")


def _normalised(type: str) -> str:
    return _NOT_WORD.sub("", type).casefold()


_CRITICAL_16: Final = frozenset(map(_normalised, _ALWAYS))
_CRITICAL_2X: Final = _CRITICAL_16 | frozenset(map(_normalised, _IN_2X))


def is_critical(version: str, type: str) -> bool:
    """Whether an event of this type is critical in this version. Case, blanks and punctuation make no
    difference; an unknown type is a vendor's own and not critical.
    """
    critical = _CRITICAL_16 if version == V16 else _CRITICAL_2X
    return _normalised(type) in critical or _normalised(_REMARK.split(type, maxsplit=1)[0]) in critical
