"""Signed messages of 2.x (part 4, chapter 7): a flattened JWS is unpacked, and its content is processed.

`X-Signed` is the action of a signed X. An answer has no action: it is signed when it has the three fields
of a JWS. The signature is not checked, which the specification leaves open: the connection authenticates the
station. The server signs nothing, so its answers are plain.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec
import orjson

from .errors import FormatViolation
from .frames import (
    CALL,
    CALL_RESULT,
    MAX_DEPTH,
    SEND,
    Broken,
    BrokenAnswer,
    Call,
    CallResult,
    Frame,
    Send,
    clean_escapes,
    too_deep,
)
from .versions import V16

SUFFIX: Final = "-Signed"
_FIELDS: Final = ("payload", "protected", "signature")
_ACTION: Final = "OCPPAction"
# The text of the specification has a slip in the second one; both are read.
_TYPES: Final = ("OCPPMessageTypeId", "OCPPMessageTypedId")
_URL_SAFE: Final = str.maketrans("-_", "+/")


class _MalformedError(Exception):
    """The fault of a signed message, as a clause."""


def unpacked(frame: Frame, version: str) -> Frame:
    """The message inside of a signed frame of 2.x; any other frame unchanged. 1.6 has no signed messages.

    A malformed one is Broken with a FormatViolation that names the fault, and a BrokenAnswer as an answer.
    """
    if version == V16:
        return frame
    if isinstance(frame, Call | Send):
        return _request(frame) if frame.action.endswith(SUFFIX) else frame
    if isinstance(frame, CallResult) and '"protected"' in frame.payload and '"signature"' in frame.payload:
        return _answer(frame)
    return frame


def _request(frame: Call | Send) -> Frame:
    action = frame.action.removesuffix(SUFFIX)
    kind = CALL if isinstance(frame, Call) else SEND
    try:
        content, repairs = _content(_jws(frame.payload), action, kind)
    except _MalformedError as fault:
        error = FormatViolation(f"The signed message is malformed: {fault}.") if kind == CALL else None
        return Broken(f"signed message: {fault}", error, frame.id, kind, action)
    return msgspec.structs.replace(frame, action=action, payload=content, repairs=(*frame.repairs, *repairs))


def _answer(frame: CallResult) -> Frame:
    try:
        jws = _jws(frame.payload)
    except _MalformedError:  # the words are part of a plain answer
        return frame
    try:
        content, repairs = _content(jws, "", CALL_RESULT)
    except _MalformedError as fault:
        return BrokenAnswer(frame.id, frame.payload, f"a malformed signed message: {fault}", CALL_RESULT)
    return msgspec.structs.replace(frame, payload=content, repairs=(*frame.repairs, *repairs))


def _jws(text: str) -> dict[str, str]:
    """The fields of a flattened JWS (RFC 7515 7.2.2)."""
    try:
        jws = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _MalformedError("the payload is not valid JSON") from None
    if not isinstance(jws, dict):
        raise _MalformedError("the payload is not an object")
    for name in _FIELDS:
        if not isinstance(jws.get(name), str) or not jws[name]:
            raise _MalformedError(f"{name} is missing or not a text")
    return {name: jws[name] for name in _FIELDS}


def _content(jws: dict[str, str], action: str, kind: int) -> tuple[str, tuple[str, ...]]:
    """The JSON text inside, and its repairs. `action` is empty for an answer, which names none outside."""
    header = _header(jws["protected"])
    named = header.get(_ACTION)
    if not isinstance(named, str) or not named:
        raise _MalformedError(f"the protected header has no {_ACTION}")
    if action and named != action:
        raise _MalformedError(f"the protected header names another {_ACTION}")
    for name in _TYPES:
        if name in header and str(header[name]) != str(kind):
            raise _MalformedError(f"{name} in the protected header is not {kind}")
    text = _decoded(jws["payload"], "payload")
    if text.count("[") + text.count("{") > MAX_DEPTH and too_deep(text):
        raise _MalformedError(f"the signed payload is nested deeper than {MAX_DEPTH} levels")
    return clean_escapes(text)


def _header(text: str) -> dict[str, Any]:
    try:
        header = orjson.loads(_decoded(text, "protected"))
    except orjson.JSONDecodeError:
        raise _MalformedError("the protected header is not valid JSON") from None
    if not isinstance(header, dict):
        raise _MalformedError("the protected header is not an object")
    return header


def _decoded(text: str, name: str) -> str:
    """The UTF-8 text in base64url; padding is allowed although a JWS has none."""
    bare = text.rstrip("=")
    try:
        raw = base64.b64decode(bare.translate(_URL_SAFE) + "=" * (-len(bare) % 4), validate=True)
        return raw.decode()
    except (binascii.Error, ValueError):
        raise _MalformedError(f"{name} is not a text in base64url") from None
