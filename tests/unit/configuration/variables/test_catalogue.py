"""The table of stored keys: the default, rule and flags of each row, as its specification lists them."""

from __future__ import annotations

import pytest
from ocpp.v16.enums import ConfigurationKey, Measurand

from chargepoints.models import ChargePoint
from configuration.models import StoredKey
from configuration.services.variables import catalogue

SPECIFIED = [
    ("HeartbeatInterval", "300", "", ["0", "86400"], ["-1", "abc", "1.5", "", "²", "1e3"]),
    ("ConnectionTimeOut", "60", "B", ["0", "120"], ["-1"]),
    ("ResetRetries", "3", "", ["0"], ["-1"]),
    ("BlinkRepeat", "3", "", ["0", "10"], ["11", "-1"]),
    ("LightIntensity", "50", "", ["0", "100"], ["101"]),
    (
        "MeterValuesSampledData",
        "Energy.Active.Import.Register,Power.Active.Import",
        "",
        ["", "Voltage", " SoC , Current.Import.L1"],
        ["Speed", "Voltage,", "Voltage;SoC"],
    ),
    ("MeterValuesAlignedData", "Energy.Active.Import.Register", "", [""], ["x"]),
    ("MeterValueSampleInterval", "60", "", ["0", "3600"], ["3601"]),
    ("ClockAlignedDataInterval", "900", "", ["0", "86400"], ["86401"]),
    ("StopTxnSampledData", "Energy.Active.Import.Register", "", ["Temperature"], ["x"]),
    ("StopTxnAlignedData", "", "", ["Frequency"], ["x"]),
    ("LocalAuthorizeOffline", "true", "", ["FALSE", "True"], ["yes", "1", ""]),
    ("LocalPreAuthorize", "false", "", ["true"], ["no"]),
    ("AuthorizeRemoteTxRequests", "false", "", ["true"], ["no"]),
    ("ChargeProfileMaxStackLevel", "10", "R", [], ["5"]),
    ("ChargingScheduleAllowedChargingRateUnit", "Current,Power", "R", [], ["Current"]),
    ("ChargingScheduleMaxPeriods", "24", "R", [], ["5"]),
    ("MaxChargingProfilesInstalled", "10", "R", [], ["5"]),
    ("ConnectorSwitch3to1PhaseSupported", "false", "R", [], ["true"]),
    ("WebSocketPingInterval", "60", "B", ["0", "3600"], ["3601"]),
    ("GetConfigurationMaxKeys", "100", "R", [], ["5"]),
    ("SupportedFeatureProfiles", "Core,SmartCharging,RemoteTrigger", "R", [], ["Core"]),
    ("VendorName", "OCPP-Server", "R", [], ["x"]),
    ("Model", "v1.0", "R", [], ["x"]),
]


@pytest.fixture
def garage(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="GARAGE")


@pytest.mark.parametrize(("key", "default", "flags", "good", "bad"), SPECIFIED)
def test_a_key_has_its_default_rule_and_flags(  # noqa: PLR0917 - a table's columns
    garage: ChargePoint, key: str, default: str, flags: str, good: list[str], bad: list[str]
) -> None:
    assert catalogue.stored(garage)[key] == {"value": default, "readonly": flags == "R"}

    for value in bad:
        assert catalogue.change(garage, key, value) == "Rejected"
    assert catalogue.stored(garage)[key]["value"] == default

    for value in good:
        assert catalogue.change(garage, key, value) == ("RebootRequired" if flags == "B" else "Accepted")
        assert catalogue.change(garage, key, value) == "Accepted"


def test_every_standard_key_of_16_is_there(garage: ChargePoint) -> None:
    # given the list of the specification without plug and charge over 1.6, which needs keys of the station
    plug_and_charge = {
        "CentralContractValidationAllowed",
        "ContractValidationOffline",
        "ISO15118PnCEnabled",
        "CertSigningWaitMinimum",
        "CertSigningRepeatTimes",
    }

    missing = {key.value for key in ConfigurationKey} - {row.name for row in catalogue.CATALOGUE.values()}

    assert missing == plug_and_charge


@pytest.mark.parametrize("measurand", [one.value for one in Measurand])
def test_every_measurand_of_16_may_be_sampled(garage: ChargePoint, measurand: str) -> None:
    assert catalogue.change(garage, "MeterValuesSampledData", measurand) == "Accepted"


def test_every_default_is_valid_by_its_own_rule() -> None:
    for row in catalogue.CATALOGUE.values():
        if not row.is_secret:
            assert row.rule(row.default) == row.default


def test_a_key_that_is_not_listed_is_not_supported(garage: ChargePoint) -> None:
    assert catalogue.change(garage, "Nonsense", "1") == "NotSupported"
    assert catalogue.stored_sync(garage.pk, ["Nonsense", "Model"])[1] == ["Nonsense"]


def test_keys_are_found_without_case_and_spelled_as_in_the_table(garage: ChargePoint) -> None:
    assert catalogue.change(garage, "HEARTBEATINTERVAL", "5") == "Accepted"
    assert catalogue.stored_sync(garage.pk, [" heartbeatInterval"])[0] == {
        "HeartbeatInterval": {"value": "5", "readonly": False}
    }


def test_values_are_stored_in_their_normal_form(garage: ChargePoint) -> None:
    catalogue.change(garage, "LocalPreAuthorize", " TRUE ")
    catalogue.change(garage, "HeartbeatInterval", "007")
    catalogue.change(garage, "StopTxnSampledData", " soc ,voltage")

    stored = catalogue.stored(garage)

    assert stored["LocalPreAuthorize"]["value"] == "true"
    assert stored["HeartbeatInterval"]["value"] == "7"
    assert stored["StopTxnSampledData"]["value"] == "SoC,Voltage"


def test_only_a_value_that_differs_from_the_default_has_a_row(garage: ChargePoint) -> None:
    catalogue.change(garage, "HeartbeatInterval", "5")
    catalogue.change(garage, "HeartbeatInterval", "300")

    assert not StoredKey.objects.exists()


def test_stations_do_not_share_values(garage: ChargePoint) -> None:
    other = ChargePoint.objects.create(identity="OTHER")

    catalogue.change(garage, "HeartbeatInterval", "5")

    assert catalogue.stored(other)["HeartbeatInterval"]["value"] == "300"


@pytest.mark.parametrize("value", ["", "0011", "zz" * 16, "00" * 21])
def test_an_authorization_key_has_16_to_20_bytes_in_hex(garage: ChargePoint, value: str) -> None:
    assert catalogue.change(garage, "AuthorizationKey", value) == "Rejected"
    assert catalogue.change(garage, "AuthorizationKey", "0aF1" * 8) == "Accepted"
    assert "0aF1" not in StoredKey.objects.get().value


def test_a_list_of_stations_shows_the_values_alone(garage: ChargePoint) -> None:
    catalogue.change(garage, "HeartbeatInterval", "5")
    catalogue.change(garage, "AuthorizationKey", "0aF1" * 8)

    values = catalogue.values(garage)

    assert values["HeartbeatInterval"] == "5"
    assert values["NumberOfConnectors"] == "1"
    assert "AuthorizationKey" not in values
