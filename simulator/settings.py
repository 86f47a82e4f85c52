"""Settings of a station: the configuration keys of 1.6 and the variables of 2.x behind common names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Rule = Callable[[str], bool]

MEASURANDS = frozenset(
    f"{quantity}.{kind}.{direction}.{form}"
    for quantity in ("Energy",)
    for kind in ("Active", "Reactive")
    for direction in ("Import", "Export")
    for form in ("Register", "Interval")
) | {
    "Power.Active.Import",
    "Power.Active.Export",
    "Power.Reactive.Import",
    "Power.Reactive.Export",
    "Power.Offered",
    "Power.Factor",
    "Current.Import",
    "Current.Export",
    "Current.Offered",
    "Voltage",
    "Frequency",
    "Temperature",
    "SoC",
    "RPM",
}


def integer(low: int = 0, high: int = 2**31 - 1) -> Rule:
    """Return a rule: an integer within bounds."""
    return lambda text: text.strip().lstrip("+").isdigit() and low <= int(text) <= high


def flag(text: str) -> bool:
    return text.strip().lower() in ("true", "false")


def csv(allowed: frozenset[str] | set[str]) -> Rule:
    """Return a rule: a comma-separated list of allowed words, which may be empty."""
    return lambda text: all(part.strip() in allowed for part in text.split(",")) if text.strip() else True


def words(high: int = 500) -> Rule:
    return lambda text: len(text) <= high


class Settings(Protocol):
    """The settings the simulated station uses, under names common to all versions."""

    def text(self, name: str) -> str: ...

    def number(self, name: str) -> int: ...

    def boolean(self, name: str) -> bool: ...

    def put(self, name: str, value: object) -> None: ...

    def rebooted(self, *, loses: bool) -> None: ...

    def network_profile(self, slot: str) -> dict[str, Any] | None: ...


@dataclass(slots=True)
class Key:
    """A configuration key of 1.6 with its rule."""

    value: str
    rule: Rule
    readonly: bool = False
    reboot: bool = False
    hidden: bool = False


def standard_keys(connectors: int) -> dict[str, Key]:
    """Return the configuration keys of a new 1.6 station (1.6 chapter 9, and the security extension)."""
    measurands = csv(MEASURANDS)
    sampled = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
    profiles = "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    return {
        "AdditionalRootCertificateCheck": Key("false", flag, readonly=True),
        "AllowOfflineTxForUnknownId": Key("true", flag),
        "AuthorizationCacheEnabled": Key("true", flag),
        "AuthorizationKey": Key("", words(40), hidden=True),
        "AuthorizeRemoteTxRequests": Key("false", flag),
        "BlinkRepeat": Key("3", integer(0, 10)),
        "CentralContractValidationAllowed": Key("true", flag),
        "CertSigningRepeatTimes": Key("3", integer()),
        "CertSigningWaitMinimum": Key("60", integer()),
        "CertificateSignedMaxChainSize": Key("10000", integer(), readonly=True),
        "CertificateStoreMaxLength": Key("20", integer(), readonly=True),
        "ChargeProfileMaxStackLevel": Key("10", integer(1, 100), readonly=True),
        "ChargingScheduleAllowedChargingRateUnit": Key(
            "Current,Power", csv({"Current", "Power"}), readonly=True
        ),
        "ChargingScheduleMaxPeriods": Key("24", integer(1, 1000), readonly=True),
        # The simulated station sends no clock-aligned values, so anything but 0 (off) is refused, not
        # ignored.
        "ClockAlignedDataInterval": Key("0", integer(0, 0)),
        "ConnectionTimeOut": Key("60", integer(), reboot=True),
        "ConnectorPhaseRotation": Key("NotApplicable", words()),
        "ConnectorSwitch3to1PhaseSupported": Key("false", flag, readonly=True),
        "ContractValidationOffline": Key("false", flag),
        "CpoName": Key("", words()),
        "GetConfigurationMaxKeys": Key("100", integer(1, 1000), readonly=True),
        "HeartbeatInterval": Key("300", integer()),
        "ISO15118CertificateManagementEnabled": Key("true", flag),
        "ISO15118PnCEnabled": Key("true", flag),
        "LightIntensity": Key("50", integer(0, 100)),
        "LocalAuthListEnabled": Key("true", flag),
        "LocalAuthListMaxLength": Key("1000", integer(), readonly=True),
        "LocalAuthorizeOffline": Key("true", flag),
        "LocalPreAuthorize": Key("false", flag),
        "MaxChargingProfilesInstalled": Key("10", integer(1, 100), readonly=True),
        "MeterValueSampleInterval": Key("60", integer(0, 3600)),
        "MeterValuesAlignedData": Key("", measurands),
        "MeterValuesSampledData": Key(sampled, measurands),
        "NumberOfConnectors": Key(str(connectors), integer(), readonly=True),
        "ReserveConnectorZeroSupported": Key("true", flag, readonly=True),
        "ResetRetries": Key("3", integer()),
        "SecurityProfile": Key("0", integer(0, 3)),
        "SendLocalListMaxLength": Key("100", integer(), readonly=True),
        "StopTransactionOnEVSideDisconnect": Key("true", flag),
        "StopTransactionOnInvalidId": Key("true", flag),
        "StopTxnAlignedData": Key("", measurands),
        "StopTxnSampledData": Key("Energy.Active.Import.Register", measurands),
        "SupportedFileTransferProtocols": Key("FTP,FTPS,HTTP,HTTPS,SFTP", words(), readonly=True),
        "SupportedFeatureProfiles": Key(profiles, words(), readonly=True),
        "TransactionMessageAttempts": Key("3", integer(1)),
        "TransactionMessageRetryInterval": Key("10", integer()),
        "UnlockConnectorOnEVSideDisconnect": Key("true", flag),
        "WebSocketPingInterval": Key("60", integer(0, 3600), reboot=True),
    }


KEY_OF = {
    "heartbeat_interval": "HeartbeatInterval",
    "sample_interval": "MeterValueSampleInterval",
    "sampled": "MeterValuesSampledData",
    "sampled_at_end": "StopTxnSampledData",
    "attempts": "TransactionMessageAttempts",
    "retry_interval": "TransactionMessageRetryInterval",
    "connection_timeout": "ConnectionTimeOut",
    "authorize_remote": "AuthorizeRemoteTxRequests",
    "stop_on_invalid": "StopTransactionOnInvalidId",
    "offline_unknown": "AllowOfflineTxForUnknownId",
    "authorize_offline": "LocalAuthorizeOffline",
    "pre_authorize": "LocalPreAuthorize",
    "local_list": "LocalAuthListEnabled",
    "list_items": "SendLocalListMaxLength",
    "list_length": "LocalAuthListMaxLength",
    "organization": "CpoName",
    "profile": "SecurityProfile",
    "store_limit": "CertificateStoreMaxLength",
    "chain_limit": "CertificateSignedMaxChainSize",
    "checks_roots": "AdditionalRootCertificateCheck",
    "signing_wait": "CertSigningWaitMinimum",
    "signing_repeats": "CertSigningRepeatTimes",
    "plug_and_charge": "ISO15118PnCEnabled",
    "central_validation": "CentralContractValidationAllowed",
    "validation_offline": "ContractValidationOffline",
}
# Settings that 1.6 has no key for.
FIXED_16 = {"secc_id": "", "secc_organization": "", "country": ""}


class _Reader:
    """Reads numbers and booleans from the stored text."""

    def text(self, name: str) -> str:
        raise NotImplementedError

    def number(self, name: str) -> int:
        return int(self.text(name))

    def boolean(self, name: str) -> bool:
        return self.text(name).strip().lower() == "true"


class Keys16(_Reader):
    """The configuration keys of a 1.6 station."""

    def __init__(self, connectors: int) -> None:
        self.table = standard_keys(connectors)
        self.late: dict[str, str] = {}  # changes that the next reboot brings into effect

    def text(self, name: str) -> str:
        return FIXED_16[name] if name in FIXED_16 else self.table[KEY_OF[name]].value

    def network_profile(self, slot: str) -> None:
        """1.6 has no network profiles."""

    def put(self, name: str, value: object) -> None:
        self.table[KEY_OF[name]].value = str(value)

    def rebooted(self, *, loses: bool) -> None:
        """Bring late changes into effect; with ``loses``, set every key back instead."""
        late, self.late = self.late, {}
        if loses:
            number = int(self.table["NumberOfConnectors"].value)
            self.table = standard_keys(number)
            return
        for key, value in late.items():
            self.table[key].value = value

    def change(self, key: str, value: str, *, late: bool = False) -> str:
        """Apply ChangeConfiguration: returns Accepted, Rejected, RebootRequired or NotSupported (1.6 section
        5.3). A ``late`` change takes effect at the next reboot.
        """
        entry = self.table.get(key)
        if entry is None:
            return "NotSupported"
        if entry.readonly or not entry.rule(value):
            return "Rejected"
        changed = entry.value != value
        if late and changed and not entry.hidden:
            self.late[key] = value
            return "RebootRequired"
        entry.value = value
        return "RebootRequired" if entry.reboot and changed else "Accepted"


@dataclass(slots=True)
class Variable:
    """A variable of the 2.x device model with its characteristics."""

    value: str
    rule: Rule
    type: str = "string"
    mutability: str = "ReadWrite"
    reboot: bool = False
    instance: str | None = None
    unit: str | None = None
    choices: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
