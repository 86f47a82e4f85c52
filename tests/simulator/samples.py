"""At least one request of each CSMS action, for 1.6 and for 2.x."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.versions import V16, V21

LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
TOKEN = {"idToken": "ALICE", "type": "ISO14443"}
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "ab", "issuerKeyHash": "cd", "serialNumber": "1"}
LOG = {"remoteLocation": "ftp://example.com/log"}


def certificate() -> str:
    """A self-signed root in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test root")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(4711).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def profile_16(purpose: str = "TxDefaultProfile") -> dict[str, Any]:
    return {
        "chargingProfileId": 1,
        "stackLevel": 1,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": datetime.now(UTC).isoformat(),
            "duration": 3600,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 60, "limit": 8.0}],
        },
    }


def profile_2() -> dict[str, Any]:
    profile = profile_16()
    schedule = profile.pop("chargingSchedule") | {"id": 1}
    return profile | {"id": profile.pop("chargingProfileId"), "chargingSchedule": [schedule]}


# action: list of (request, expected fields of the answer)
Samples = dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]
OK = {"status": "Accepted"}
NO = {"status": "Rejected"}


def samples_16() -> Samples:
    pem = certificate()
    return {
        "CancelReservation": [({"reservationId": 99}, NO)],
        "CertificateSigned": [({"certificateChain": "no certificate"}, NO)],
        "ChangeAvailability": [
            ({"connectorId": 0, "type": "Operative"}, OK),
            ({"connectorId": 9, "type": "Operative"}, NO),
        ],
        "ChangeConfiguration": [
            ({"key": "MeterValueSampleInterval", "value": "30"}, OK),
            ({"key": "MeterValueSampleInterval", "value": "-1"}, NO),
            ({"key": "NumberOfConnectors", "value": "3"}, NO),
            ({"key": "ConnectionTimeOut", "value": "33"}, {"status": "RebootRequired"}),
            ({"key": "ConnectionTimeOut", "value": "33"}, OK),
            ({"key": "NoSuchKey", "value": "1"}, {"status": "NotSupported"}),
        ],
        "ClearCache": [({}, OK)],
        "ClearChargingProfile": [({"id": 7}, {"status": "Unknown"})],
        "DataTransfer": [
            ({"vendorId": "Nobody"}, {"status": "UnknownVendorId"}),
            ({"vendorId": "Simulated", "data": "x"}, OK | {"data": "x"}),
        ],
        "DeleteCertificate": [({"certificateHashData": HASH}, {"status": "NotFound"})],
        "ExtendedTriggerMessage": [({"requestedMessage": "SignChargePointCertificate"}, OK)],
        "GetCompositeSchedule": [
            ({"connectorId": 1, "duration": 600}, OK),
            ({"connectorId": 8, "duration": 60}, NO),
        ],
        "GetConfiguration": [({}, {}), ({"key": ["NoSuchKey"]}, {"unknownKey": ["NoSuchKey"]})],
        "GetDiagnostics": [({"location": "ftp://example.com/"}, {})],
        "GetInstalledCertificateIds": [
            ({"certificateType": "CentralSystemRootCertificate"}, {"status": "NotFound"})
        ],
        "GetLocalListVersion": [({}, {"listVersion": 0})],
        "GetLog": [({"logType": "SecurityLog", "requestId": 1, "log": LOG}, {})],
        "InstallCertificate": [
            ({"certificateType": "CentralSystemRootCertificate", "certificate": pem}, OK),
            ({"certificateType": "CentralSystemRootCertificate", "certificate": "x"}, NO),
        ],
        "RemoteStartTransaction": [({"idTag": "A", "connectorId": 9}, NO)],
        "RemoteStopTransaction": [({"transactionId": 5}, NO)],
        "ReserveNow": [
            ({"connectorId": 1, "expiryDate": LATER, "idTag": "ALICE", "reservationId": 3}, OK),
            (
                {"connectorId": 1, "expiryDate": LATER, "idTag": "BOB", "reservationId": 4},
                {"status": "Occupied"},
            ),
        ],
        "Reset": [({"type": "Soft"}, OK)],
        "SendLocalList": [
            (
                {
                    "listVersion": 2,
                    "updateType": "Full",
                    "localAuthorizationList": [{"idTag": "ALICE", "idTagInfo": {"status": "Accepted"}}],
                },
                OK,
            ),
            ({"listVersion": 2, "updateType": "Differential"}, {"status": "VersionMismatch"}),
        ],
        "SetChargingProfile": [
            ({"connectorId": 1, "csChargingProfiles": profile_16()}, OK),
            ({"connectorId": 1, "csChargingProfiles": profile_16("TxProfile")}, NO),
            ({"connectorId": 1, "csChargingProfiles": profile_16("ChargePointMaxProfile")}, NO),
        ],
        "SignedUpdateFirmware": [
            (
                {
                    "requestId": 2,
                    "firmware": {
                        "location": "ftp://example.com/v9.bin",
                        "retrieveDateTime": LATER,
                        "signingCertificate": "x",
                        "signature": "y",
                    },
                },
                {},
            )
        ],
        "TriggerMessage": [({"requestedMessage": "Heartbeat", "connectorId": 7}, NO)],
        "UnlockConnector": [
            ({"connectorId": 1}, {"status": "Unlocked"}),
            ({"connectorId": 9}, {"status": "NotSupported"}),
        ],
        "UpdateFirmware": [({"location": "ftp://example.com/v2.bin", "retrieveDate": LATER}, {})],
    }


NETWORK = {
    "ocppVersion": "OCPP20",
    "ocppTransport": "JSON",
    "ocppCsmsUrl": "wss://example.com",
    "messageTimeout": 30,
    "securityProfile": 1,
    "ocppInterface": "Wired0",
}


def samples_2() -> Samples:
    pem = certificate()
    known = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    unknown = {"component": {"name": "Nothing"}, "variable": {"name": "HeartbeatInterval"}}
    monitor = {**known, "type": "Delta", "value": 1, "severity": 8}
    message = {"id": 1, "priority": "InFront", "message": {"format": "UTF8", "content": "Hi"}}
    return {
        "CancelReservation": [({"reservationId": 99}, NO)],
        "CertificateSigned": [({"certificateChain": "no certificate"}, NO)],
        "ChangeAvailability": [
            ({"operationalStatus": "Operative"}, OK),
            ({"operationalStatus": "Operative", "evse": {"id": 9}}, NO),
        ],
        "ClearCache": [({}, OK)],
        "ClearChargingProfile": [({"chargingProfileId": 7}, {"status": "Unknown"})],
        "ClearDisplayMessage": [({"id": 4}, {"status": "Unknown"})],
        "ClearVariableMonitoring": [
            (
                {"id": [1, 99]},
                {
                    "clearMonitoringResult": [
                        {"id": 1, "status": "Rejected"},
                        {"id": 99, "status": "NotFound"},
                    ]
                },
            )
        ],
        "CostUpdated": [({"totalCost": 1.5, "transactionId": "T"}, {})],
        "CustomerInformation": [({"requestId": 1, "report": True, "clear": True, "idToken": TOKEN}, OK)],
        "DataTransfer": [({"vendorId": "Nobody"}, {"status": "UnknownVendorId"})],
        "DeleteCertificate": [({"certificateHashData": HASH}, {"status": "NotFound"})],
        "GetBaseReport": [({"requestId": 1, "reportBase": "FullInventory"}, OK)],
        "GetChargingProfiles": [({"requestId": 1, "chargingProfile": {}}, {"status": "NoProfiles"})],
        "GetCompositeSchedule": [({"duration": 600, "evseId": 1}, OK), ({"duration": 600, "evseId": 7}, NO)],
        "GetDisplayMessages": [({"requestId": 1}, {"status": "Unknown"})],
        "GetInstalledCertificateIds": [({}, {"status": "NotFound"})],
        "GetLocalListVersion": [({}, {"versionNumber": 0})],
        "GetLog": [({"logType": "DiagnosticsLog", "requestId": 1, "log": LOG}, {})],
        "GetMonitoringReport": [
            ({"requestId": 1}, OK),
            ({"requestId": 2, "monitoringCriteria": ["ThresholdMonitoring"]}, {"status": "EmptyResultSet"}),
        ],
        "GetReport": [
            ({"requestId": 1, "componentVariable": [{"component": {"name": "EVSE"}}]}, OK),
            ({"requestId": 2, "componentCriteria": ["Problem"]}, {"status": "EmptyResultSet"}),
            (
                {
                    "requestId": 3,
                    "componentCriteria": ["Available"],
                    "componentVariable": [{"component": {"name": "EVSE", "evse": {"id": 1}}}],
                },
                OK,
            ),
        ],
        "GetTransactionStatus": [
            ({"transactionId": "T"}, {"ongoingIndicator": False, "messagesInQueue": False})
        ],
        "GetVariables": [({"getVariableData": [known, unknown]}, {})],
        "InstallCertificate": [({"certificateType": "CSMSRootCertificate", "certificate": pem}, OK)],
        "PublishFirmware": [
            ({"requestId": 5, "location": "ftp://example.com/v9.bin", "checksum": "0" * 32}, OK)
        ],
        "RequestStartTransaction": [({"idToken": TOKEN, "evseId": 9, "remoteStartId": 1}, NO)],
        "RequestStopTransaction": [({"transactionId": "T"}, NO)],
        "ReserveNow": [({"id": 3, "expiryDateTime": LATER, "idToken": TOKEN, "evseId": 1}, OK)],
        "Reset": [({"type": "OnIdle"}, OK)],
        "SendLocalList": [({"versionNumber": 1, "updateType": "Full"}, OK)],
        "SetChargingProfile": [({"evseId": 1, "chargingProfile": profile_2()}, OK)],
        "SetDisplayMessage": [({"message": message}, OK)],
        "SetMonitoringBase": [({"monitoringBase": "All"}, OK)],
        "SetMonitoringLevel": [({"severity": 4}, OK), ({"severity": 10}, NO)],
        "SetNetworkProfile": [
            ({"configurationSlot": 1, "connectionData": NETWORK}, OK),
            (
                {"configurationSlot": 0, "connectionData": NETWORK},
                NO | {"statusInfo": {"reasonCode": "ActiveNetworkConf"}},
            ),
        ],
        "SetVariableMonitoring": [
            ({"setMonitoringData": [monitor, monitor]}, {}),
        ],
        "SetVariables": [
            ({"setVariableData": [known | {"attributeValue": "60"}, unknown | {"attributeValue": "1"}]}, {})
        ],
        "TriggerMessage": [
            ({"requestedMessage": "BootNotification"}, NO),
            ({"requestedMessage": "PublishFirmwareStatusNotification"}, {"status": "NotImplemented"}),
        ],
        "UnlockConnector": [({"evseId": 1, "connectorId": 1}, {"status": "Unlocked"})],
        "UnpublishFirmware": [
            ({"checksum": "0" * 32}, {"status": "DownloadOngoing"}),
            ({"checksum": "1" * 32}, {"status": "NoFirmware"}),
        ],
        "UpdateFirmware": [
            (
                {
                    "requestId": 2,
                    "firmware": {"location": "ftp://example.com/v9.bin", "retrieveDateTime": LATER},
                },
                {},
            )
        ],
    }


def samples_21() -> Samples:
    """The actions that only 2.1 has."""
    tariff = {"tariffId": "A", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.25}]}}
    other = {**tariff, "energy": {"prices": [{"priceKwh": 0.3}]}}
    long = {**tariff, "tariffId": "L", "energy": {"prices": [{"priceKwh": 0.3}] * 11}}
    assigned = {"tariffId": "A", "tariffKind": "DefaultTariff", "evseIds": [1, 2]}
    transaction = {"transactionId": "T"}
    droop = {"overFreq": 50.2, "underFreq": 49.8, "overDroop": 4, "underDroop": 4, "responseTime": 5}
    droop["priority"] = 1
    control = {"isDefault": True, "controlId": "C", "controlType": "FreqDroop", "freqDroop": droop}
    update = {"chargingProfileId": 99, "scheduleUpdate": {"limit": 6}}
    missing = {"status": "NotFound"}
    return {
        "AFRRSignal": [({"timestamp": LATER, "signal": 1}, NO)],
        "ClearDERControl": [({"isDefault": False}, missing)],
        "GetDERControl": [({"requestId": 1, "isDefault": False}, missing)],
        "NotifyAllowedEnergyTransfer": [({**transaction, "allowedEnergyTransfer": ["DC"]}, NO)],
        "SetDERControl": [
            (control, OK),
            ({"isDefault": True, "controlId": "D", "controlType": "VoltVar"}, NO),
        ],
        "UpdateDynamicSchedule": [(update, NO)],
        "UsePriorityCharging": [({**transaction, "activate": True}, NO)],
        "AdjustPeriodicEventStream": [({"id": 9, "params": {"interval": 5}}, NO)],
        "GetPeriodicEventStream": [({}, {})],
        "RequestBatterySwap": [({"requestId": 6, "idToken": TOKEN}, OK)],
        "SetDefaultTariff": [
            ({"evseId": 0, "tariff": tariff}, OK),
            ({"evseId": 1, "tariff": other}, {"status": "DuplicateTariffId"}),
            ({"evseId": 1, "tariff": long}, {"status": "TooManyElements"}),
            ({"evseId": 9, "tariff": tariff}, NO),
        ],
        "GetTariffs": [({"evseId": 0}, OK | {"tariffAssignments": [assigned]}), ({"evseId": 9}, NO)],
        "ClearTariffs": [
            ({"tariffIds": ["A"]}, {"clearTariffsResult": [{"tariffId": "A", "status": "Accepted"}]}),
            ({}, {"clearTariffsResult": [{"status": "NoTariff"}]}),
        ],
        "ChangeTransactionTariff": [({"transactionId": "T", "tariff": tariff}, {"status": "TxNotFound"})],
        "NotifyWebPaymentStarted": [({"evseId": 1, "timeout": 60}, {})],
    }


def of_version(version: str) -> Samples:
    if version == V16:
        return samples_16()
    return samples_2() | (samples_21() if version == V21 else {})
