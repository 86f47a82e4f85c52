"""Fields whose values are never repaired, and lists that lose no item: the rules of decision 0064.

The rules read the names on the way from the payload to the field. A test lists the fields that they find in
the schemas of all versions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

Kind = Literal["request", "response"]
Names = Sequence[str]

_TOKENS: Final = frozenset(
    {"idTag", "parentIdTag", "idToken", "idTokens", "additionalIdToken", "customerIdentifier",
     "prioritizedEMAIDs"}
)  # fmt: skip
_ID: Final = re.compile(r"^id$|I[dD]s?$")
# These end like ids, but no id of the server comes back in them: a vendor's names, and the number that a
# station gives to an event of its own.
_NO_IDS: Final = frozenset({"vendorId", "messageId", "eventId"})
_ADDRESSES: Final = frozenset({"connectorId", "evseId", "evseIds"})
_SIGNED: Final = re.compile(
    r"^(?:issuerNameHash|issuerKeyHash|hashAlgorithm|certificate|certificateChain|signingCertificate|csr"
    r"|exiRequest|exiResponse|ocspResult|digestValue|checksum|signature|priceScheduleSignature)$"
)
_STATUSES: Final = frozenset({"status", "attributeStatus"})
# 1.6 registers: a bill depends on them, and true is no reading.
_REGISTERS: Final = frozenset({"meterStart", "meterStop"})


def is_exact(kind: Kind, names: Names) -> bool:
    """Whether the value is taken as it is: a token, an id that comes back to the server, signed data, or the
    status of an answer.
    """
    name = names[-1]
    return name in _TOKENS or is_id(names) or is_signed(names) or (kind == "response" and name in _STATUSES)


def is_id(names: Names) -> bool:
    """Whether the value is an id. EVSEs and connectors are counted: their numbers are addresses."""
    name = names[-1]
    return _ID.search(name) is not None and name not in _NO_IDS and not is_address(names)


def is_address(names: Names) -> bool:
    """Whether the value is the number of an EVSE or connector: "1" is 1, but 1.5 and true are no place."""
    return names[-1] in _ADDRESSES or tuple(names[-2:]) == ("evse", "id")


def is_register(names: Names) -> bool:
    """Whether the value is a register that a bill depends on."""
    return names[-1] in _REGISTERS


def is_signed(names: Names) -> bool:
    """Whether the value is signed, a hash, or part of a certificate."""
    is_serial_of_certificate = names[-1] == "serialNumber" and any(
        name.endswith(("HashData", "Certificate")) for name in names[:-1]
    )
    return (
        _SIGNED.match(names[-1]) is not None or "signedMeterValue" in names[:-1] or is_serial_of_certificate
    )


# --- items of lists -----------------------------------------------------------------------------------------

# These requests ask the server: the answer to a part of a question would be taken for the answer to all of
# it. Authorize without one of its certificate hashes would accept a revoked certificate.
_QUESTIONS: Final = frozenset({"Authorize", "Get15118EVCertificate", "GetCertificateChainStatus"})
# The items inside of these belong together: a schedule without one period allows another current.
_WHOLES: Final = frozenset(
    {"chargingSchedule", "schedule", "chargingProfile", "curve", "limitMaxDischarge", "costDetails",
     "evEnergyOffer", "idToken", "certificateHashDataChain", "tariffAssignments"}
)  # fmt: skip


def is_result_of_change(kind: Kind, names: Names) -> bool:
    """Whether the list has the results of a change, such as setVariableResult: a missing result would look
    like a success.
    """
    name = names[-1]
    return kind == "response" and name.endswith("Result") and not name.startswith("get")


def may_lose_items(action: str, kind: Kind, names: Names) -> bool:
    """Whether an item that stays invalid is dropped, so that the others are kept.

    It may where each item is a statement of its own: a key, a reading, an event, a row of a report.
    """
    if kind == "request" and action in _QUESTIONS:
        return False
    return not is_result_of_change(kind, names) and _WHOLES.isdisjoint(names[:-1])
