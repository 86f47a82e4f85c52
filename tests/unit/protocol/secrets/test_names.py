"""The names of secrets: the pattern, the setting, and the names of values and remarks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ocpp_server.protocol import secrets
from tests.unit.protocol.secrets.messages import properties

SECRET_NAMES = """
    AuthorizationKey authorizationkey BasicAuthPassword SecurityCtrlr.BasicAuthPassword WifiPSK
    wifi_psk wifipsk WPA2PSK wpa2psk wifi_password WiFi.Passphrase passphrase Passcode userpwd
    DB_PWD ftpPass pw pass secret ClientSecret WebPaymentsCtrlr.SharedSecret privateKey private_key
    privkey apikey API-Key api_key AccessKey sharedKey VpnKey NetworkConfiguration[1].VpnKey
    encryptionKey wifiKey credential Credentials pin PIN SimPin simpin PINCode pin_code userPin APN
    GPRS_APN apnPassword AccessToken authtoken token FcmToken totp OTP connectionString
    Wifi_Password_2 psk1 MasterPassword Passwort
"""
HARMLESS_NAMES = """
    PublicKey MeterPublicKey PublicKeyWithSignedMeterValue AuthorizationKeyboard KeyCode key value
    Keypad PINpad PinPad WebSocketPingInterval Mapping Shipping Spin idToken id_token groupIdToken
    idTag TokenReader MasterPassGroupId Bypass Compass PasswordLength password_required VpnEnabled
    ApnEnabled ApnUserName AuthCacheEnabled AuthorizeRemoteTxRequests AdditionalRootCertificateCheck
    CertificateSignedMaxChainSize SecurityProfile HeartbeatInterval Stop hotplug data component
"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_a_name_with_a_word_for_secrets_is_one(name: str) -> None:
    assert secrets.is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS_NAMES.split())
def test_a_name_that_only_looks_like_one_is_not(name: str) -> None:
    assert not secrets.is_secret_name(name)


def test_the_names_of_every_other_property_of_every_schema_are_no_secrets() -> None:
    names = {path.rpartition(".")[2] for _, path in properties()}

    found = {name for name in names if secrets.is_secret_name(name)}

    assert found == {"apn", "apnPassword", "basicAuthPassword", "password", "simPin"}


def test_a_long_name_is_matched_by_its_words_alone() -> None:
    assert secrets.is_secret_name("x" * 100_000 + "password")
    assert not secrets.is_secret_name("xpsk" * 100_000)


def test_a_name_of_200_characters_is_matched_by_all_rules() -> None:
    assert secrets.is_secret_name("x" * 196 + "_psk")
    assert not secrets.is_secret_name("x" * 197 + "_psk")


def test_a_name_of_at_most_200_characters_is_matched_by_whole_words_too() -> None:
    assert secrets.is_secret_name("x" * 196 + "_psk")
    assert not secrets.is_secret_name("x" * 197 + "_psk")


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_every_secret_name_has_a_hint(name: str) -> None:
    """A text without a hint is not searched for secret names."""
    assert any(hint in name.casefold().replace("_", "").replace("-", "") for hint in secrets.HINTS)


# --- the setting --------------------------------------------------------------------------------------------


@pytest.fixture
def configured() -> Iterator[None]:
    secrets.configure(["CpoName", "Vendor.Code", "door-code"])
    yield
    secrets.configure([])


def test_a_change_of_the_setting_counts_at_once() -> None:
    assert (secrets.is_secret_name("CpoName"), secrets.configured()) == (False, False)
    secrets.configure(["CpoName", "", "-"])
    changed = secrets.is_secret_name("CpoName"), secrets.configured()
    secrets.configure([""])

    assert changed == (True, True)
    assert (secrets.is_secret_name("CpoName"), secrets.configured()) == (False, False)


def test_the_setting_adds_names_in_any_spelling(configured: None) -> None:
    for name in ("CpoName", "cponame", "Vendor.Code", "vendor.CODE", "Doors.DoorCode", "DOOR_CODE"):
        assert secrets.is_secret_name(name)
    assert not secrets.is_secret_name("Other.Code")


def test_the_setting_is_matched_with_and_without_a_component(configured: None) -> None:
    assert secrets.configured()
    for name in ("CPO.Name", "x.cpo_name", "door code", "a/DoorCode[1]"):
        assert secrets.is_secret_name(name), name
    for name in ("Vendor", "Code", "CpoNames"):
        assert not secrets.is_secret_name(name), name


def test_without_the_setting_no_names_are_added(configured: None) -> None:
    assert secrets.is_secret_name("CpoName")

    secrets.configure(["", "..."])

    assert not secrets.configured()
    assert not secrets.is_secret_name("CpoName")
    assert not secrets.is_secret_name("")


# --- the names of values and remarks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_value"),
    [
        ("value", True), ("attributeValue", True), ("valuesList", True), ("VALUE", True), ("val", True),
        ("v", True), ("data", True), ("content", True), ("text", True), ("default", True), ("key", False),
        ("vendor", False), ("database", False), ("context", False),
    ],
)  # fmt: skip
def test_the_properties_that_hold_a_value_are_known_by_their_names(name: str, is_value: bool) -> None:
    assert secrets.holds_value(name) == is_value


@pytest.mark.parametrize(
    ("name", "is_remark"),
    [("additionalInfo", True), ("techInfo", True), ("info", False), ("techInfos", False)],
)
def test_the_remarks_of_a_station_are_known_by_their_names(name: str, is_remark: bool) -> None:
    assert secrets.is_remark(name) == is_remark
