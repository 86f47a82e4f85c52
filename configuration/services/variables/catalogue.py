"""The stored OCPP 1.6 keys: the server's own values for each station, independent of the station's answers.

Only a value that differs from its default has a row. Keys are case-insensitive (CiString50); answers use the
spelling of this table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from django.db import transaction

from chargepoints.models import ChargePoint
from configuration.models import StoredKey
from configuration.services.variables.rules import (
    MEASURANDS,
    PROFILES,
    Rule,
    authorization_key,
    boolean,
    listed,
    phase_rotation,
    text,
    whole,
)
from ocpp_server import live
from ocpp_server.protocol.secrets import is_secret_name

ACCEPTED: Final = "Accepted"
REJECTED: Final = "Rejected"
REBOOT_REQUIRED: Final = "RebootRequired"
NOT_SUPPORTED: Final = "NotSupported"
SET: Final = "***"  # stored instead of a secret


@dataclass(frozen=True, slots=True)
class Key:
    """A row of the table. R: read-only. B: a change needs a reboot. W: write-only, never shown."""

    name: str
    default: str
    rule: Rule
    flags: str = ""

    @property
    def is_readonly(self) -> bool:
        return "R" in self.flags

    @property
    def is_secret(self) -> bool:
        return "W" in self.flags or is_secret_name(self.name)


class Entry(TypedDict):
    value: str | None
    readonly: bool


_measurands = listed(MEASURANDS)
_REGISTER = "Energy.Active.Import.Register"
_count = whole(0)

# fmt: off
_TABLE: Final = (
    # Core, 1.6 9.1
    Key("AllowOfflineTxForUnknownId",              "false", boolean),
    Key("AuthorizationCacheEnabled",               "true",  boolean),
    Key("AuthorizeRemoteTxRequests",               "false", boolean),
    Key("BlinkRepeat",                             "3",     whole(0, 10)),
    Key("ClockAlignedDataInterval",                "900",   whole(0, 86400)),
    Key("ConnectionTimeOut",                       "60",    _count, "B"),
    Key("ConnectorPhaseRotation",                  "Unknown", phase_rotation),
    Key("ConnectorPhaseRotationMaxLength",         "20",    _count, "R"),
    Key("GetConfigurationMaxKeys",                 "100",   whole(1, 1000), "R"),
    Key("HeartbeatInterval",                       "300",   _count),
    Key("LightIntensity",                          "50",    whole(0, 100)),
    Key("LocalAuthorizeOffline",                   "true",  boolean),
    Key("LocalPreAuthorize",                       "false", boolean),
    Key("MaxEnergyOnInvalidId",                    "0",     _count),
    Key("MeterValuesAlignedData",                  _REGISTER, _measurands),
    Key("MeterValuesAlignedDataMaxLength",         "22",    _count, "R"),
    Key("MeterValuesSampledData",                  f"{_REGISTER},Power.Active.Import", _measurands),
    Key("MeterValuesSampledDataMaxLength",         "22",    _count, "R"),
    Key("MeterValueSampleInterval",                "60",    whole(0, 3600)),
    Key("MinimumStatusDuration",                   "0",     _count),
    Key("NumberOfConnectors",                      "1",     _count, "R"),
    Key("ResetRetries",                            "3",     _count),
    Key("StopTransactionOnEVSideDisconnect",       "true",  boolean),
    Key("StopTransactionOnInvalidId",              "true",  boolean),
    Key("StopTxnAlignedData",                      "",      _measurands),
    Key("StopTxnAlignedDataMaxLength",             "22",    _count, "R"),
    Key("StopTxnSampledData",                      _REGISTER, _measurands),
    Key("StopTxnSampledDataMaxLength",             "22",    _count, "R"),
    Key("SupportedFeatureProfiles",                "Core,SmartCharging,RemoteTrigger", listed(PROFILES), "R"),
    Key("SupportedFeatureProfilesMaxLength",       "6",     _count, "R"),
    Key("TransactionMessageAttempts",              "3",     _count),
    Key("TransactionMessageRetryInterval",         "60",    _count),
    Key("UnlockConnectorOnEVSideDisconnect",       "true",  boolean),
    Key("WebSocketPingInterval",                   "60",    whole(0, 3600), "B"),
    # Local list management, 9.2
    Key("LocalAuthListEnabled",                    "true",  boolean),
    Key("LocalAuthListMaxLength",                  "10000", _count, "R"),
    Key("SendLocalListMaxLength",                  "1000",  _count, "R"),
    # Reservation, 9.3
    Key("ReserveConnectorZeroSupported",           "false", boolean, "R"),
    # Smart charging, 9.4
    Key("ChargeProfileMaxStackLevel",              "10",    whole(1, 100), "R"),
    Key("ChargingScheduleAllowedChargingRateUnit", "Current,Power", listed({"Current", "Power"}), "R"),
    Key("ChargingScheduleMaxPeriods",              "24",    whole(1, 1000), "R"),
    Key("ConnectorSwitch3to1PhaseSupported",       "false", boolean, "R"),
    Key("MaxChargingProfilesInstalled",            "10",    whole(1, 100), "R"),
    # Security extension, whitepaper 2.2
    Key("AdditionalRootCertificateCheck",          "false", boolean, "R"),
    Key("AuthorizationKey",                        "",      authorization_key, "W"),
    Key("CertificateSignedMaxChainSize",           "10000", whole(0, 10000), "R"),
    Key("CertificateStoreMaxLength",               "20",    _count, "R"),
    Key("CpoName",                                 "",      text),
    Key("SecurityProfile",                         "0",     whole(0, 3)),
    # This server's own
    Key("Model",                                   "v1.0",  text, "R"),
    Key("VendorName",                              "OCPP-Server", text, "R"),
)
# fmt: on

CATALOGUE: Final[Mapping[str, Key]] = {key.name.casefold(): key for key in _TABLE}
_SHOWN: Final = {
    key.name: Entry(value=key.default, readonly=key.is_readonly) for key in _TABLE if not key.is_secret
}
_DEFAULTS: Final = {name: entry["value"] for name, entry in _SHOWN.items()}


def names() -> list[str]:
    """Every key of the table, except secrets."""
    return list(_SHOWN)


def is_secret(name: str) -> bool:
    """Whether a key's value is never shown."""
    row = CATALOGUE.get(name.casefold())
    return is_secret_name(name) if row is None else row.is_secret


def stored(charge_point: ChargePoint) -> dict[str, Entry]:
    """All keys except secrets, with this station's own values."""
    return stored_sync(charge_point.pk)[0]


def stored_sync(
    charge_point_pk: int, keys: Sequence[str] | None = None
) -> tuple[dict[str, Entry], list[str]]:
    """The named keys (by default all except secrets), and the unknown names as given.

    A named write-only key is returned without its value.
    """
    changed = dict(StoredKey.objects.filter(charge_point=charge_point_pk).values_list("key", "value"))
    return merged(changed, _connectors(charge_point_pk), keys)


def merged(
    changed: Mapping[str, str], connectors: int, keys: Sequence[str] | None = None
) -> tuple[dict[str, Entry], list[str]]:
    """`stored_sync` for a station's own values and its number of connectors."""
    everything = {
        name: Entry(value=_value(name, entry["value"], changed, connectors), readonly=entry["readonly"])
        for name, entry in _SHOWN.items()
    }
    if not keys:
        return everything, []
    found: dict[str, Entry] = {}
    unknown: list[str] = []
    for asked in keys:
        key = CATALOGUE.get(asked.strip().casefold())
        if key is None:
            unknown.append(asked)
        else:
            found[key.name] = everything.get(key.name, Entry(value=None, readonly=False))
    return found, unknown


def values(charge_point: ChargePoint) -> dict[str, str | None]:
    """The values for a list of stations, from prefetched `stored_keys` and `evses`."""
    changed = {row.key: row.value for row in charge_point.stored_keys.all()}
    found = _DEFAULTS | {name: value for name, value in changed.items() if name in _DEFAULTS}
    found["NumberOfConnectors"] = str(len(charge_point.evses.all()) or 1)
    return found


def change(charge_point: ChargePoint, key: str, value: str) -> str:
    """Store a value. Returns Accepted, Rejected, RebootRequired or NotSupported (1.6 7.10)."""
    return change_sync(charge_point.pk, key, value)


def change_sync(charge_point_pk: int, key: str, value: str) -> str:
    """`change` by the station's primary key, for the journal."""
    row = CATALOGUE.get(key.strip().casefold())
    if row is None:
        return NOT_SUPPORTED
    wanted = None if row.is_readonly else row.rule(value)
    if wanted is None:
        return REJECTED
    if row.is_secret:
        # A secret is never shown and never sent, so only a marker is stored. The handshake checks the
        # password of the station's provisioning, not this key.
        _store(charge_point_pk, row, SET)
        return ACCEPTED
    with transaction.atomic():
        own = StoredKey.objects.filter(charge_point=charge_point_pk, key=row.name).first()
        if wanted == (own.value if own else row.default):
            return ACCEPTED
        _store(charge_point_pk, row, wanted)
    return REBOOT_REQUIRED if "B" in row.flags else ACCEPTED


def _store(charge_point_pk: int, row: Key, value: str) -> None:
    own = StoredKey.objects.filter(charge_point=charge_point_pk, key=row.name)
    if value == row.default:
        own.delete()
    else:
        StoredKey.objects.update_or_create(
            charge_point_id=charge_point_pk, key=row.name, defaults={"value": value}
        )
    if row.is_secret:
        return
    identity = ChargePoint.objects.values_list("identity", flat=True).get(pk=charge_point_pk)
    shown = None if value == row.default else value
    # Robust: a failed announcement must not make the stored change look failed.
    transaction.on_commit(lambda: live.state().stored_key_changed(identity, row.name, shown), robust=True)


def _connectors(charge_point_pk: int) -> int:
    return ChargePoint.objects.get(pk=charge_point_pk).evses.count()


def _value(name: str, default: str | None, changed: Mapping[str, str], connectors: int) -> str | None:
    if name == "NumberOfConnectors":
        return str(connectors or 1)
    return changed.get(name, default)
