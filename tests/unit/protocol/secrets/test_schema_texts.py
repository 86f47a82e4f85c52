"""Every free text of every schema is masked, or has a reason to be no secret."""

from __future__ import annotations

from collections.abc import Iterator

from ocpp_server.protocol import schemas, secrets
from ocpp_server.protocol.actions import ACTIONS, FREE
from tests.unit.protocol.secrets.messages import MESSAGES

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


TEXTS = [(*message, path) for message in MESSAGES for path in texts(*message)]

# Texts of FREE actions whose secrets are found by the names around or inside of them.
BY_PATTERN = {
    "value", "attributeValue", "actualValue", "valuesList",  # of keys and variables
    "data", "vendorInfo", "techInfo",  # of vendors: JSON, queries, sentences
    "location", "location[]", "remoteLocation", "ocppCsmsUrl", "receiptUrl",  # addresses
}  # fmt: skip


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
