"""The rule of secrets: the column of THE TABLE, the pattern of names, and the setting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ocpp_server.protocol import schemas, secrets
from ocpp_server.protocol.actions import ACTIONS, FREE
from ocpp_server.protocol.versions import V16, V21, V201, VERSIONS


@pytest.fixture
def configured() -> Iterator[None]:
    secrets.configure(["CpoName", "Vendor.Code", "door-code"])
    yield
    secrets.configure([])


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


# --- every text of every schema -----------------------------------------------------------------------------

# Texts that are no secrets: the reason, and the names of their properties.
_REASONS = {
    "the names of a device and its versions": """
        chargeBoxSerialNumber chargePointModel chargePointSerialNumber chargePointVendor evInverterHwVersion
        evInverterManufacturer evInverterModel evInverterSerialNumber evInverterSwVersion firmwareVersion
        iccid imsi meterSerialNumber meterType model vendorName serialNumber iso15118SchemaVersion
        connectorType""",
    "prices, taxes and receipts, which are shown to the driver": """
        currency overstayRuleDescription paymentBrand paymentRecognition priceAlgorithm
        priceScheduleDescription salesTariffDescription serviceName taxRuleName receiptId statusInfo""",
    "an id or number of the server, of the station or of another party": """
        controlId id supersededIds[] tariffId tariffIds[] transactionId pspRef messageId vendorId identity""",
    "personal data: shown to operators, erased by other rules": """
        address1 address2 city country postalCode vatNumber customerIdentifier user group""",
    "a token: operators work with it, the logs shorten it": """
        additionalIdToken idTag idToken idTokens[] parentIdTag prioritizedEMAIDs[]""",
    "a certificate, signature, checksum or public key: public by design": """
        certificate certificateChain csr checksum digestValue issuerKeyHash issuerNameHash ocspResult
        priceScheduleSignature publicKey signature signedMeterData signingCertificate""",
    "encrypted for the vehicle by its sender": "exiRequest exiResponse",
    "a word of a list, a unit, a language or a time": """
        chargingLimitSource chargingLimitSource[] encodingMethod endTimeOfDay startTimeOfDay language
        language1 language2 preferredNetwork reasonCode signingMethod type unit validFromDate validToDate
        customTrigger""",
    "the name of something, not its value": """
        fileName filename instance key[] name unknownKey[] techCode vendorErrorCode""",
    "texts for the display of the station": "content",
    "a short reason or explanation that no user has set": """
        additionalInfo extraInfo failureReason info""",
    "a monitored variable by the id of its stream; write-only variables can't be monitored": "v",
    "the address of a VPN server; with a login it is masked as any address": "server",
    "the public addresses that a certificate itself names": "responderURL urls[]",
}
NOT_SECRET = {name: reason for reason, names in _REASONS.items() for name in names.split()}
# These properties are no secrets in these actions; in another action the test asks for a decision.
NOT_SECRET_HERE = {
    ("ChangeConfiguration", "key"): "the name of a key",
    ("GetConfiguration", "key"): "the name of a key",
    ("MeterValues", "value"): "a reading",
    ("StopTransaction", "value"): "a reading",
}


def texts(version: schemas.Version, action: str, kind: schemas.Kind) -> Iterator[str]:
    """The paths of all free texts of a message: neither an enumeration nor a time."""
    schema = schemas.message_schema(version, action, kind)

    def walk(node: schemas.Schema, path: str, inside: frozenset[str]) -> Iterator[str]:
        while "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name in inside:
                return
            node, inside = schema["definitions"][name], inside | {name}
        kind = node.get("type")
        if kind == "object":
            for name, below in node.get("properties", {}).items():
                if name != "customData":  # masked at any place
                    yield from walk(below, f"{path}.{name}".lstrip("."), inside)
        elif kind == "array":
            yield from walk(node["items"], f"{path}[]", inside)
        elif kind is None or (kind == "string" and "enum" not in node and node.get("format") != "date-time"):
            yield path

    return walk(schema, "", frozenset())


MESSAGES = [
    (version, action, kind)
    for version in VERSIONS
    for action in sorted(schemas.actions_of(version))
    for kind in ("request", "response")
    if schemas.has(version, action, kind)
]
TEXTS = [(*message, path) for message in MESSAGES for path in texts(*message)]


def decision(action: str, path: str) -> str:
    """The decision about a text of a schema, or "" when there is none."""
    names = path.replace("[]", "").split(".")
    leaf = path.rpartition(".")[2]
    if secrets.is_secret_path(action, names):
        return "masked by the table"
    if (action, leaf) in NOT_SECRET_HERE:
        return NOT_SECRET_HERE[action, leaf]
    if leaf in NOT_SECRET:
        return NOT_SECRET[leaf]
    if FREE in ACTIONS[action].secret_paths and leaf in BY_PATTERN:
        return "masked by the pattern"
    return ""


# Texts of FREE actions whose secrets are found by the names around or inside of them.
BY_PATTERN = {
    "value", "attributeValue", "actualValue", "valuesList",  # of keys and variables
    "data", "vendorInfo", "techInfo",  # of vendors: JSON, queries, sentences
    "location", "location[]", "remoteLocation", "ocppCsmsUrl", "receiptUrl",  # addresses
}  # fmt: skip


def test_every_text_of_every_schema_has_a_decision() -> None:
    assert len(TEXTS) > 900

    undecided = [
        f"{action} {kind} {version}: {path}"
        for version, action, kind, path in TEXTS
        if not decision(action, path)
    ]

    assert undecided == [], (
        "a secret? then `secret_paths` of THE TABLE; in a text of a vendor: FREE and BY_PATTERN; "
        "otherwise NOT_SECRET with the reason"
    )


def test_an_unknown_property_has_no_decision() -> None:
    for action in ("SetNetworkProfile", "GetConfiguration", "MeterValues", "DataTransfer"):
        assert decision(action, "new.nextSecret") == ""
    assert decision("SetVariables", "setVariableData[].key") == ""


def test_every_decision_is_about_a_text_that_exists() -> None:
    leaves = {path.rpartition(".")[2] for *_, path in TEXTS}
    pairs = {(action, path.rpartition(".")[2]) for _, action, _, path in TEXTS}

    assert (NOT_SECRET.keys() | BY_PATTERN) - leaves == set()
    assert NOT_SECRET_HERE.keys() - pairs == set()


def properties() -> set[tuple[str, str]]:
    """Every path of every schema, of texts and other types; list items are no step of a path."""
    found = set()
    for version, action, kind in MESSAGES:
        schema = schemas.message_schema(version, action, kind)
        waiting = [(schema, "")]
        while waiting:
            node, path = waiting.pop()
            while "$ref" in node:
                node = schema["definitions"][node["$ref"].rpartition("/")[2]]
            if node.get("type") == "array":
                waiting.append((node["items"], path))
            elif path.count(".") < 8:
                found.add((action, path))
                for name, below in node.get("properties", {}).items():
                    if name != "customData":
                        waiting.append((below, f"{path}.{name}".lstrip(".")))
    return found


def test_every_path_of_the_table_is_one_of_a_schema() -> None:
    known = properties()

    for row in ACTIONS.values():
        for path in set(row.secret_paths) - {FREE}:
            assert (row.name, path) in known


def test_messages_that_are_not_masked_have_only_the_published_fields() -> None:
    """A valid message may stay unmasked because an unknown field is a deviation, or is in customData."""
    open_ones = []
    for version, action, kind in MESSAGES:
        schema = schemas.message_schema(version, action, kind)
        for node in (schema, *schema.get("definitions", {}).values()):
            if node.get("type") == "object" and node.get("additionalProperties") is not False:
                open_ones.append((action, node.get("javaType", "")))

    assert {name for _, name in open_ones} == {"CustomData"}


@pytest.mark.parametrize(
    ("action", "names", "is_secret"),
    [
        ("SetNetworkProfile", ["connectionData", "vpn", "key"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "key", "below"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "type"], False),
        ("SetNetworkProfile", ["connectionData", "vpn"], False),
        ("SetNetworkProfile", ["vpn", "key"], False),
        ("SetNetworkProfile", [], False),
        ("Heartbeat", ["connectionData", "vpn", "key"], False),
    ],
)
def test_a_path_of_the_table_is_secret_to_its_end(action: str, names: list[str], is_secret: bool) -> None:
    assert secrets.is_secret_path(action, names) is is_secret


def test_the_paths_of_an_action_are_a_tree() -> None:
    assert secrets._tree(["a.b", "a.c.d", "e"]) == {"a": {"b": {}, "c": {"d": {}}}, "e": {}}
    assert secrets.paths_of("Heartbeat") == {}


# --- the station's password ---------------------------------------------------------------------------------


def variables(*names: tuple[str, str]) -> dict[str, object]:
    return {
        "setVariableData": [
            {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": "x"}
            for component, variable in names
        ]
    }


@pytest.mark.parametrize(
    ("version", "action", "payload", "field"),
    [
        (V16, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "x"}, "key"),
        (V16, "ChangeConfiguration", {"key": " AUTHORIZATIONkey", "value": "x"}, "key"),
        (V16, "ChangeConfiguration", {"key": "BasicAuthPassword", "value": "x"}, "key"),
        (V16, "ChangeConfiguration", {"key": "WifiPSK", "value": "x"}, ""),
        (V16, "GetConfiguration", {"key": ["AuthorizationKey"]}, ""),
        (
            V201,
            "SetVariables",
            variables(("SecurityCtrlr", "BasicAuthPassword")),
            "setVariableData[0].variable.name",
        ),
        (
            V21,
            "SetVariables",
            variables(("A", "B"), ("NetworkConfiguration", "basicauthpassword")),
            "setVariableData[1].variable.name",
        ),
        (V201, "SetVariables", variables(("SecurityCtrlr", "SecurityProfile")), ""),
        (V201, "SetVariables", variables(("BasicAuthPassword", "X")), "setVariableData[0].component.name"),
        (
            V201,
            "SetVariables",
            {
                "setVariableData": [
                    {
                        "component": {"name": "A", "instance": "B"},
                        "variable": {"name": "C", "instance": "Basic-Auth-Password"},
                    }
                ]
            },
            "setVariableData[0].variable.instance",
        ),
        (
            V201,
            "GetVariables",
            {
                "getVariableData": [
                    {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
                ]
            },
            "",
        ),
        (
            V21,
            "SetNetworkProfile",
            {"connectionData": {"basicAuthPassword": "x"}},
            "connectionData.basicAuthPassword",
        ),
        (V21, "SetNetworkProfile", {"connectionData": {"vpn": {"password": "x"}}}, ""),
    ],
)
def test_every_command_that_changes_the_password_of_a_station_is_known(
    version: str, action: str, payload: dict[str, object], field: str
) -> None:
    assert secrets.password_field(action, payload) == field


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"component": {"name": "AuthorizationKey"}, "variable": {"name": "B"}}, "component.name"),
        ({"component": {"name": "A", "instance": "BasicAuthPassword"}, "variable": {"name": "B"}},
         "component.instance"),
        ({"component": {"name": "A"}, "variable": {"name": "B", "instance": "BasicAuthPassword"}},
         "variable.instance"),
        ({"component": {"name": "A"}, "variable": {"name": "SecurityCtrlr.BasicAuthPassword"}},
         "variable.name"),
        ({"component": {"name": "A"}, "variable": {"name": "BasicAuthPasswordLength"}}, ""),
    ],
)  # fmt: skip
def test_the_password_of_a_station_is_known_in_every_part_of_a_name(
    place: dict[str, object], field: str
) -> None:
    found = secrets.password_field("SetVariables", {"setVariableData": [{**place, "attributeValue": "x"}]})

    assert found == (field and f"setVariableData[0].{field}")


# --- the parts of the rule ----------------------------------------------------------------------------------


def test_a_name_of_at_most_200_characters_is_matched_by_whole_words_too() -> None:
    assert secrets.is_secret_name("x" * 196 + "_psk")
    assert not secrets.is_secret_name("x" * 197 + "_psk")


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


@pytest.mark.parametrize(
    ("action", "names", "is_secret"),
    [
        ("SetNetworkProfile", ["connectionData", "apn"], True),
        ("SetNetworkProfile", ["connectionData", "apn", "apnName"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "password"], True),
        ("SetNetworkProfile", ["connectionData", "vpn", "server"], False),
        ("SetNetworkProfile", ["connectionData", "vpn"], False),
        ("SetNetworkProfile", ["connectionData"], False),
        ("SetNetworkProfile", ["apn"], False),
        ("SetNetworkProfile", [], False),
        ("NotifyCustomerInformation", ["data"], True),
        ("GetConfiguration", ["key"], False),
        ("Heartbeat", ["connectionData", "apn"], False),
        ("Nonsense", ["data"], False),
    ],
)
def test_the_table_names_the_paths_of_secrets(action: str, names: list[str], is_secret: bool) -> None:
    assert secrets.is_secret_path(action, iter(names)) == is_secret


def test_the_paths_of_an_action_are_a_tree_without_free_texts() -> None:
    assert secrets.paths_of("SetNetworkProfile") == {
        "connectionData": {
            "apn": {},
            "basicAuthPassword": {},
            "vpn": {"key": {}, "password": {}},
        }
    }
    assert secrets.paths_of("GetConfiguration") == {}
    assert secrets.paths_of("Heartbeat") == {}


def test_the_actions_that_may_hold_secrets_are_those_with_paths_or_free_texts() -> None:
    assert {row.name for row in ACTIONS.values() if row.secret_paths} == secrets.MAY_HOLD_SECRETS


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_every_secret_name_has_a_hint(name: str) -> None:
    """A text without a hint is not searched for secret names."""
    assert any(hint in name.casefold().replace("_", "").replace("-", "") for hint in secrets.HINTS)
