"""The criticality of security events (1.6 security whitepaper, 2.0.1 appendix 1)."""

from __future__ import annotations

import pytest

from ocpp_server.protocol.security_events import is_critical
from ocpp_server.protocol.versions import V2X, V16, VERSIONS

ALWAYS = [
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "ResetOrReboot",
    "SecurityLogWasCleared",
    "MemoryExhaustion",
    "TamperDetectionActivated",
]
IN_2X = [
    "InvalidFirmwareSignature",
    "InvalidFirmwareSigningCertificate",
    "InvalidCsmsCertificate",
    "InvalidChargingStationCertificate",
    "InvalidTLSVersion",
    "InvalidTLSCipherSuite",
    "MaintenanceLoginAccepted",
    "MaintenanceLoginFailed",
    "DiscardedRenewedClientCertificate",
    "InvalidCentralSystemCertificate",
    "InvalidChargePointCertificate",
]
NEVER = [
    "FailedToAuthenticateAtCsms",
    "FailedToAuthenticateAtCentralSystem",
    "CsmsFailedToAuthenticate",
    "CentralSystemFailedToAuthenticate",
    "ReconfigurationOfSecurityParameters",
    "InvalidMessages",
    "AttemptedReplayAttacks",
    "Door7Opened",
    "",
    ":",
    "door: TamperDetectionActivated",
]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_decides_which_types_are_critical(version: str) -> None:
    assert [one for one in ALWAYS if not is_critical(version, one)] == []
    assert [one for one in IN_2X if is_critical(version, one)] == (IN_2X if version in V2X else [])
    assert [one for one in NEVER if is_critical(version, one)] == []


@pytest.mark.parametrize(
    "spelling",
    [
        "tamperdetectionactivated",
        "TAMPER_DETECTION_ACTIVATED",
        "Tamper detection activated",
        " TamperDetectionActivated ",
        "TamperDetectionActivated: door 7",
        "TamperDetectionActivated (door, left)",
    ],
)
def test_spelling_and_remarks_make_no_difference(spelling: str) -> None:
    assert is_critical(V16, spelling)
