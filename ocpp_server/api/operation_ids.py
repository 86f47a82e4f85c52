"""The operation ids of the OpenAPI document: the names of the functions of a generated client.

A rule makes an id from the method and the path: `GET /chargepoints/{client_id}/notes` is
`listChargePointNotes`. NAMES has those that the rule would spell badly, NOUNS the nouns of paths that are no
nouns by themselves. An id is a contract: `tests/api/recorded/test_contract.py` refuses one that changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

# The first word of every id.
VERBS: Final = frozenset(
    (
        "accept", "acknowledge", "activate", "add", "adjust", "apply", "approve", "assign", "authorize",
        "block", "cancel", "change", "clear", "close", "compare", "confirm", "count", "create",
        "customize", "delete", "disable", "download", "enable", "end", "erase", "expand", "export",
        "fail", "forget", "get", "ignore", "import", "install", "limit", "list", "move", "notify",
        "pause", "plug", "preview", "publish", "reject", "release", "renew", "replay", "replace", "request",
        "reserve", "reset", "resolve", "resume", "retire", "retry", "revoke", "roll", "rotate", "run",
        "search", "send", "set", "settle", "snooze", "start", "stop", "subscribe", "sync", "tap",
        "test", "transfer", "trigger", "unblock", "unlock", "unplug", "unpublish", "update", "upgrade",
        "use", "verify",
    )
)  # fmt: skip
# Method and path -> id.
NAMES: Final = {
    "GET /health": "getHealth",
    "GET /health/ready": "getReadiness",
    "GET /metrics": "getMetrics",
    "GET /clients": "listOnlineChargePoints",
    "GET /alerts/statistics": "getAlertStatistics",
    "POST /authorize": "authorizeToken",
    "POST /campaigns/{campaign_id}/retry-failed": "retryFailedCampaignStations",
    "POST /chargepoints/{client_id}/availability": "changeAvailability",
    "POST /chargepoints/{client_id}/cancel-reservation": "cancelReservation",
    "POST /chargepoints/{client_id}/commands": "sendCommand",
    "POST /chargepoints/{client_id}/customer-information": "requestCustomerInformation",
    "POST /chargepoints/{client_id}/remote-start": "startSessionAtChargePoint",
    "POST /chargepoints/{client_id}/remote-stop": "stopSessionAtChargePoint",
    "POST /chargepoints/{client_id}/reserve": "reserveEvse",
    "POST /chargepoints/{client_id}/transaction-status": "requestTransactionStatus",
    "POST /chargepoints/{client_id}/trigger": "triggerMessage",
    "POST /chargepoints/{client_id}/unlock": "unlockConnector",
    "GET /chargepoints/{client_id}/commands/{request_id}": "getChargePointCommand",
    "POST /sandbox/stations/{client_id}/fail-next": "failNextCommand",
    "POST /transactions/remote-start": "startSession",
    "POST /transactions/remote-stop": "stopSession",
    "POST /unknown-tokens/{unknown_token_id}/add": "addUnknownToken",
}
# Fixed words of a path, joined by "/" -> singular and plural.
NOUNS: Final = {
    "audit-log": ("AuditEntry", "AuditEntries"),
    "certificates/authorities": ("CertificateAuthority", "CertificateAuthorities"),
    "certificates/authority-requests": ("CertificateAuthorityRequest", "CertificateAuthorityRequests"),
    "certificates/expiring": ("ExpiringCertificate", "ExpiringCertificates"),
    "certificates/issued": ("IssuedCertificate", "IssuedCertificates"),
    "certificates/revocation-lists": ("RevocationList", "RevocationLists"),
    "certificates/revocations": ("RevokedCertificate", "RevokedCertificates"),
    "certificates/root-sets": ("RootSet", "RootSets"),
    "certificates/roots": ("TrustedRoot", "TrustedRoots"),
    "certificates/signing-requests": ("SigningRequest", "SigningRequests"),
    "chargepoints": ("ChargePoint", "ChargePoints"),
    "chargepoints/configuration/live": ("LiveConfiguration", "LiveConfiguration"),
    "configuration/templates": ("ConfigurationTemplate", "ConfigurationTemplates"),
    "firmware": ("FirmwareFile", "FirmwareFiles"),
    "sandbox/stations": ("VirtualStation", "VirtualStations"),
    "quarantine": ("QuarantinedMessage", "QuarantinedMessages"),
    "tokens/by-uid": ("TokenByUid", "TokensByUid"),
    "tokens/imports": ("TokenImport", "TokenImports"),
    "transactions/monthly-energy": ("MonthlyEnergy", "MonthlyEnergy"),
}
_PREFIX: Final = ("api", "v1")
_BY_METHOD: Final = {"POST": "create", "PUT": "set", "PATCH": "update", "DELETE": "delete"}


def operation_id(method: str, path: str, *, is_list: bool, creates: bool = False) -> str:
    """The id of one operation.

    `is_list`: a GET answers with rows. `creates`: a POST adds a row to the collection of its path. Any other
    POST is an action, and the last word of its path is its verb.
    """
    method, parts = method.upper(), [part for part in path.split("/") if part and part not in _PREFIX]
    if name := NAMES.get(f"{method} /{'/'.join(parts)}"):
        return name
    fixed, last = [part for part in parts if not part.startswith("{")], parts[-1]
    of_one = len(parts) > 1 and parts[-2].startswith("{")
    if last.startswith("{"):
        return ("get" if method == "GET" else _BY_METHOD[method]) + noun(fixed)
    if method == "GET":
        return f"list{noun(fixed, is_plural=True)}" if is_list else _got(fixed, of_one=of_one)
    if method == "POST" and not creates:
        return _action(last, fixed[:-1], of_one=of_one)
    return _BY_METHOD[method] + noun(fixed)


def noun(fixed: Sequence[str], *, is_plural: bool = False) -> str:
    """The noun for the fixed words of a path: `chargepoints`, `notes` is ChargePointNote."""
    if not fixed:
        return ""
    for begin in range(len(fixed)):
        if pair := NOUNS.get("/".join(fixed[begin:])):
            return noun(fixed[:begin]) + pair[int(is_plural)]
    for count in range(len(fixed) - 1, 0, -1):
        if pair := NOUNS.get("/".join(fixed[:count])):
            return pair[0] + noun(fixed[count:], is_plural=is_plural)
    words = [*map(_singular, fixed[:-1]), fixed[-1] if is_plural else _singular(fixed[-1])]
    return "".join(map(_camel, words))


def _got(fixed: Sequence[str], *, of_one: bool) -> str:
    """The id of a GET that answers with one thing, such as a file or a state."""
    last = fixed[-1]
    if last in VERBS:  # .../export
        return last + noun(fixed[:-1], is_plural=not of_one)
    if last == "file":
        return f"download{noun(fixed[:-1])}"
    return f"get{noun(fixed, is_plural=True)}"


def _action(last: str, fixed: Sequence[str], *, of_one: bool) -> str:
    """The id of a POST that is no creation. `of_one`: the path names one row."""
    verb, *rest = last.split("-")
    if verb == "get":
        verb = "request"  # the command asks the station; "get" is for what the server has stored
    is_command = list(fixed) == ["chargepoints"]
    if is_command and verb not in VERBS:  # a noun that is sent
        return f"send{_camel(last)}"
    if rest and is_command:  # the name of a command is complete
        return verb + "".join(map(str.capitalize, rest))
    return verb + noun(fixed, is_plural=not of_one) + "".join(map(str.capitalize, rest))


def _camel(word: str) -> str:
    if word in NOUNS:
        return NOUNS[word][0]
    return "".join(
        part[:1].upper() + part[1:] for part in word.replace(".", "-").replace("_", "-").split("-")
    )


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y" if word != "series" else word
    if word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word
