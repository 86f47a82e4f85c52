"""The examples of the OpenAPI document: for each operation one request and its answer.

They are recorded answers of a real server (`tests/api/recorded/answers.json`), whose placeholders for
values of one run are replaced by plausible values. `manage.py api_docs` writes examples.json from them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE = Path(__file__).with_name("examples.json")
RECORDED = Path(__file__).resolve().parents[2] / "tests" / "api" / "recorded" / "answers.json"

Example = dict[str, Any]  # `status`, `answer`, and `body` if the request has one

# Values of one run, as the recording spells them -> values for readers.
_PLACEHOLDERS: Final[Mapping[str, Any]] = {
    "<time>": "2026-11-28T10:00:00Z",
    "<uuid>": "7d5f0f5e-3c0a-4c3b-9a53-1f6a2f1f0c11",
    "<event>": "evt_019123ab45cd7ef08123456789abcdef",
    "<number>": 4711,
    "<number or null>": 0.4,
    "<text>": "It answers.",
    "<cursor>": "WzEwMDRd",
    "<etag>": '"5d41402abc4b2a76"',
    "<seconds>": 10,
    "<secret>": "b2hXc1Zk",
    "<key>": "ocs_Vt3nQ8sL0pYc5RmZ2wKd7HxB",
    "<prefix>": "ocs_Vt3n",
    "<ticket>": "evtk_Jm5sT9qWx2Zr7NcL4vBd8KpY",
    "<address>": "https://csms.example.com",
    "<password>": "Kp7mXw3nRt9vBq2hLs5d",
}
_PLACEHOLDER = re.compile("|".join(map(re.escape, _PLACEHOLDERS)))
# A list in an example is shortened to this length, and a text to that.
_ITEMS: Final = 2
_CHARACTERS: Final = 400

# Of operations whose answers differ from run to run, or are no JSON.
_BY_HAND: Final[Mapping[str, Example]] = {
    "deleteWebhook": {
        "status": 200,
        "answer": {
            "success": True,
            "message": "Webhook Billing deleted.",
            "data": {
                "id": 1,
                "name": "Billing",
                "url": "https://receiver.example.com/hook",
                "types": ["transaction.ended"],
                "station": "",
                "siteId": None,
                "format": "standard",
                "personalData": "masked",
                "headers": [],
                "ordering": "station",
                "timeoutS": 15,
                "contactEmail": "",
                "state": "active",
                "stateReason": "",
                "position": 918273,
                "failureCount": 0,
                "failingSince": None,
                "nextAttemptAt": None,
                "lastSuccessAt": "2026-11-28T10:00:00Z",
                "lastStatus": 204,
                "lastError": "",
                "previousSecretUntil": None,
                "createdBy": "ann",
                "createdAt": "2026-11-28T10:00:00Z",
                "updatedAt": "2026-11-28T10:00:00Z",
            },
        },
    },
    "getEventStream": {
        "status": 200,
        "answer": ": connected\n\nid: 918273\nevent: transaction.ended\n"
        'data: {"id":"evt_019123ab45cd7ef08123456789abcdef","type":"transaction.ended"}\n\n',
    },
    "getMetrics": {
        "status": 200,
        "answer": "# HELP ocpp_stations_connected Stations that are connected now.\n"
        "# TYPE ocpp_stations_connected gauge\nocpp_stations_connected 118.0\n",
    },
    "getAlertStatistics": {
        "status": 200,
        "answer": {
            "success": True,
            "message": "1 row of statistics.",
            "data": {
                "statistics": [
                    {
                        "month": "2026-11",
                        "code": "offline",
                        "opened": 37,
                        "reopened": 4,
                        "acknowledged": 31,
                        "meanTimeToAcknowledgeS": 412.5,
                        "resolved": 36,
                        "meanTimeToResolveS": 5230.1,
                    }
                ],
                "count": 1,
            },
        },
    },
    "listExpiringCertificates": {
        "status": 200,
        "answer": {
            "success": True,
            "message": "1 of 1 certificates.",
            "data": {
                "certificates": [
                    {
                        "kind": "installed",
                        "id": 12,
                        "certificateType": "V2GCertificate",
                        "subject": "CN=GARAGE 1",
                        "sha256": "2f1d4c0a9b8e7f6a5d4c3b2a190817f6e5d4c3b2a1908f7e6d5c4b3a29180706",
                        "clientId": "GARAGE 1",
                        "notAfter": "2026-12-24T00:00:00Z",
                        "days": 24,
                    }
                ],
                "count": 1,
                "total": 1,
            },
        },
    },
}


def of_operations(document: Mapping[str, Any], exchanges: Iterable[Mapping[str, Any]]) -> dict[str, Example]:
    """The best recorded exchange of each operation, by its operation id."""
    chosen: dict[str, tuple[int, Example]] = {}
    patterns = _patterns(document)
    for exchange in exchanges:
        if exchange["status"] >= 300 or "answer" not in exchange or not _is_readable(exchange["answer"]):
            continue
        name = _operation(patterns, exchange["method"], exchange["path"].partition("?")[0])
        if name is None:
            continue
        worth = _worth(exchange)
        if name not in chosen or worth > chosen[name][0]:
            chosen[name] = (worth, _example(exchange))
    names = {name for _, _, name in patterns}
    by_hand = {name: example for name, example in _BY_HAND.items() if name in names}
    return by_hand | {name: example for name, (_, example) in sorted(chosen.items())}


def _is_readable(answer: Any) -> bool:
    return bool(answer != "<binary>")


def _patterns(document: Mapping[str, Any]) -> list[tuple[str, list[str], str]]:
    """Method, parts of the path and operation id. Paths with fewer parameters come first: they win."""
    found = [
        (method.upper(), path.strip("/").split("/"), operation["operationId"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return sorted(found, key=lambda one: sum(part.startswith("{") for part in one[1]))


def _operation(patterns: list[tuple[str, list[str], str]], method: str, path: str) -> str | None:
    parts = path.strip("/").split("/")
    for wanted, pattern, name in patterns:
        if method == wanted and len(parts) == len(pattern):
            pairs = zip(pattern, parts, strict=True)
            if all(want == part or want.startswith("{") for want, part in pairs):
                return name
    return None


def _worth(exchange: Mapping[str, Any]) -> int:
    """How much an exchange shows: a result more than a 202, rows more than an empty list, a body more than
    none. The first of equals is taken.
    """
    answer = exchange["answer"]
    data = answer.get("data", {}) if isinstance(answer, dict) else {}
    lists = [value for value in data.values() if isinstance(value, list)]
    points = 8 if exchange["status"] != 202 else 0
    points += 4 if not isinstance(answer, dict) or answer.get("success") else 0
    points += 2 if not lists or any(lists) else 0
    return points + int(bool(exchange.get("body")))


def _example(exchange: Mapping[str, Any]) -> Example:
    example: Example = {"status": exchange["status"], "answer": _answer(exchange["answer"])}
    if exchange.get("body") is not None:
        example["body"] = readable(exchange["body"])
    return example


def _answer(answer: Any) -> Any:
    shown = readable(answer)
    if not isinstance(shown, dict) or not isinstance(shown.get("data"), dict):
        return shown
    data, was = shown["data"], answer["data"]
    for name, value in data.items():
        if isinstance(value, list) and len(value) < len(was[name]) and was.get("count") == len(was[name]):
            data["count"] = len(value)
            shown["message"] = re.sub(r"^\d+ ", f"{len(value)} ", shown["message"])
    return shown


def readable(value: Any, field: str = "") -> Any:
    """The value without placeholders, long lists and long texts."""
    if isinstance(value, dict):
        return {str(readable(name)): readable(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [readable(item, field) for item in value[:_ITEMS]]
    if not isinstance(value, str):
        return value
    if field == "passwordHex" and value == "<password>":
        return "4b70376d5877336e5274397642713268"
    if value in _PLACEHOLDERS:
        return _PLACEHOLDERS[value]
    text = _PLACEHOLDER.sub(lambda match: str(_PLACEHOLDERS[match[0]]), value)
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 40]}...{text[-30:]}"


# -- the document --------------------------------------------------------------------------------------------


@cache
def stored() -> dict[str, Example]:
    """The examples of examples.json."""
    found: dict[str, Example] = json.loads(FILE.read_text("utf-8"))
    return found


def with_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give each operation of the document its example."""
    for item in result["paths"].values():
        for operation in item.values():
            if example := stored().get(operation["operationId"]):
                _put(operation["responses"].get(str(example["status"]), {}), example["answer"])
                if "body" in example:
                    _put(operation.get("requestBody", {}), example["body"])
    return result


def _put(part: dict[str, Any], example: Any) -> None:
    for kind, content in part.get("content", {}).items():
        if (kind == "application/json") != isinstance(example, str):
            content["example"] = example


def text() -> str:
    """The text of examples.json, from the recording and the document of now."""
    from ocpp_server.api.pages import document  # it reads this module's file

    found = of_operations(document(), json.loads(RECORDED.read_text("utf-8")))
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
