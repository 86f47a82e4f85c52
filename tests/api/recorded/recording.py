"""Reads, writes and compares recordings.

Record again with `RECORD_ANSWERS=1 python -m pytest tests/api/recorded`. That is allowed after adding a
request or a field; the diff of the JSON files must then contain additions only. An answer that changes, or a
field that disappears, breaks existing clients: change the code, not the recording.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
IS_RECORDING = bool(os.environ.get("RECORD_ANSWERS"))

# The headers that a client may depend on.
HEADERS = (
    "allow",
    "cache-control",
    "content-type",
    "etag",
    "idempotent-replayed",
    "location",
    "retry-after",
    "www-authenticate",
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EVENT = re.compile(r"evt_[0-9a-f]{32}")
_TICKET = re.compile(r"evtk_[A-Za-z0-9_-]{43}")
_SWAP = re.compile(r"Battery swap \d+")
_UPLOAD = re.compile(r"https?://[^/\s]+/uploads/(\d+)/[A-Za-z0-9_*-]+/")
# The full address of a next page.
_LINK = re.compile(r"https?://[^/]+")
_CURSOR = re.compile(r"cursor=[^&]+")
# A password that the server has generated: its 53 characters, or the same as hexadecimal digits.
_KEY = re.compile(r"ocs_[A-Za-z0-9_-]{43}")
_PREFIX = re.compile(r"\(ocs_[A-Za-z0-9_-]{4}…\)")
_PASSWORD = re.compile(r"[a-hj-km-np-zAC-HJ-NP-Z2-79]{20}|[0-9a-f]{40}")
_MAY_BE_PASSWORD = frozenset({"password", "passwordHex", "value", "attributeValue"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
# Fields whose values differ from run to run, and what replaces a value that is not null.
_VOLATILE = {
    "durationMs": "<number>",
    "size": "<number>",
    "next": "<cursor>",
    "cursor": "<cursor>",
    "detail": "<text>",
    "freeBytes": "<number>",
    "batches": "<number>",
    "committed": "<number>",
    "remoteStartId": "<number>",
    "position": "<number>",
    "sequence": "<number>",
    "etag": "<etag>",
    "prefix": "<prefix>",
}
_RECENT = timedelta(days=2)
# The time in a sentence about times, which was recent once.
_EXAMPLE = "2026-11-28T10:00:00Z"
# The scenario chooses smaller IDs; the server's own are random numbers of 31 bits.
_CHOSEN_ID = 1000
_NUMBERS = frozenset({"requestId", "reservationId", "reportRequestId", "publishRequestId", "swapRequestId"})


def normalised(value: Any, field: str = "") -> Any:
    """The value with placeholders for everything that differs from run to run."""
    if field == "clockSkewS":
        return "<number or null>"  # null until the station has sent the time of an event
    if value is None:
        return None
    if field in _NUMBERS and isinstance(value, int) and value > _CHOSEN_ID:
        return "<number>"
    if field in _MAY_BE_PASSWORD and isinstance(value, str) and _PASSWORD.fullmatch(value):
        return "<password>"
    if field == "secret" and isinstance(value, str) and value.startswith("whsec_"):
        return "<secret>"
    if field == "next" and isinstance(value, str) and _LINK.match(value):
        return _CURSOR.sub("cursor=<cursor>", _LINK.sub("<address>", value))
    if field in _VOLATILE and not isinstance(value, (dict, list)):
        return _VOLATILE[field]
    if isinstance(value, dict):
        return {normalised(name): normalised(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [normalised(item, field) for item in value]
    if isinstance(value, str):
        value = _PREFIX.sub("(<prefix>…)", _KEY.sub("<key>", value))
        value = _SWAP.sub("Battery swap <number>", value)
        value = _TICKET.sub("<ticket>", value)
        value = _UPLOAD.sub(r"<address>/uploads/\1/<secret>/", value)
        return _TIME.sub(_time, _UUID.sub(_uuid, _EVENT.sub("<event>", value)))
    return value


def _uuid(match: re.Match[str]) -> str:
    fixed = len(set(match[0])) < 9  # 11111111-2222-...: chosen by the scenario
    return match[0] if fixed else "<uuid>"


def _time(match: re.Match[str]) -> str:
    """Only times of this run are replaced; those that the scenario sends or stores are fixed."""
    if match[0] == _EXAMPLE:
        return _EXAMPLE
    moment = datetime.fromisoformat(match[0])
    return "<time>" if abs(datetime.now(UTC) - moment) < _RECENT else match[0]


def differences(path: str, was: Any, now: Any) -> Iterator[str]:
    """Each difference of two values: where, the recorded value and the present one."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted({*was, *now}):
            here = f"{path}.{name}" if path else name
            if name not in now:
                yield f"{here}: was {_short(was[name])}, is missing"
            elif name not in was:
                yield f"{here}: was missing, is {_short(now[name])}"
            else:
                yield from differences(here, was[name], now[name])
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (before, after) in enumerate(zip(was, now, strict=True)):
            yield from differences(f"{path}[{index}]", before, after)
    elif was != now or type(was) is not type(now):
        yield f"{path}: was {_short(was)}, is {_short(now)}"


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:300]


def check(name: str, exchanges: list[dict[str, Any]]) -> None:
    """Compare the exchanges with the recording `name`, or store them if this run records."""
    file = FOLDER / f"{name}.json"
    names = [one["name"] for one in exchanges]
    assert len(set(names)) == len(names), "two requests have the same name"
    if IS_RECORDING:
        file.write_text(json.dumps(exchanges, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        return
    recorded = {one["name"]: one for one in json.loads(file.read_text("utf-8"))}
    wrong = [f"{name}: is in the recording, but was not sent" for name in recorded.keys() - set(names)]
    for one in exchanges:
        if one["name"] not in recorded:
            wrong.append(f"{one['name']}: is not in the recording")
            continue
        wrong += [f"{one['name']}: {line}" for line in differences("", recorded[one["name"]], one)]
    assert not wrong, "\n".join(["Answers differ from the recording:", *wrong[:100]])
