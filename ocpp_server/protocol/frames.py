"""The frames of OCPP-J: `parse` reads them and never raises, the `pack_...` functions write compact JSON.

`parse` decodes only the envelope; the payload stays the station's own text until a caller needs `json()`. So
the payload can be logged, hashed and stored byte for byte: 1.10 does not become 1.1.
"""

import re
from typing import Annotated, Any, Literal, TypeGuard

import msgspec
import orjson

from . import broken_text
from .errors import (
    DESCRIPTION_MAX,
    FormatViolation,
    MessageTypeNotSupported,
    OcppError,
    PropertyConstraintViolation,
    RpcFrameworkError,
)
from .versions import V16, V21, V201

MAX_DEPTH = 32  # the deepest schema of 2.1 needs ten levels
MAX_ID = 36
UNREADABLE_ID = "-1"  # 2.0.1 part 4 4.2.3

CALL, CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR, SEND = 2, 3, 4, 5, 6
_CALL_LENGTH = 4


# The deviations of a frame that was repaired before it was read, each with its detail.
UNSTORABLE_TEXT, CONTROL_CHARACTERS = "unstorable-text", "control-characters"
MISSING_PAYLOAD = "missing-payload"
REPAIRS = {
    UNSTORABLE_TEXT: "NUL or a lone surrogate was replaced",
    CONTROL_CHARACTERS: "raw control characters, which JSON does not allow, were escaped or removed",
    MISSING_PAYLOAD: "the frame has no payload: read as {}",
}


class _WithPayload(msgspec.Struct, frozen=True, gc=False):
    """The fields of every frame with a payload.

    `payload` is raw JSON text. `repairs` are the keys of REPAIRS that apply to the frame: escapes that no
    database or log can store (NUL, lone surrogates) are replaced by U+FFFD before a frame is parsed.
    """

    id: str
    payload: str
    repairs: tuple[str, ...] = ()

    @property
    def null_payload(self) -> bool:
        """Whether the payload is null. Some stations send it for an empty object: counted, not refused."""
        return self.payload == "null"

    def json(self) -> dict[str, Any]:
        """Decode the payload, a new dict each time; null reads as {}.

        Raises FormatViolation when it is not an object, PropertyConstraintViolation for a number that does
        not fit a double. An integer beyond 64 bits becomes a float, which no schema accepts as an integer.
        """
        try:
            decoded = orjson.loads(self.payload)
        except orjson.JSONDecodeError as error:
            if "infinity" in str(error):
                raise PropertyConstraintViolation("The payload holds a number that is too large.") from None
            raise FormatViolation("The payload is not valid JSON.") from None
        if type(decoded) is dict:
            return decoded
        if decoded is None:
            return {}
        raise FormatViolation("The payload is not a JSON object.")


class Call(_WithPayload, frozen=True, gc=False, kw_only=True):
    """[2, id, action, payload]: a request of either side."""

    action: str


class CallResult(_WithPayload, frozen=True, gc=False):
    """[3, id, payload]: the answer to a Call."""


class Send(_WithPayload, frozen=True, gc=False, kw_only=True):
    """[6, id, action, payload]: 2.1 only, never answered."""

    action: str


class CallError(msgspec.Struct, frozen=True):
    """[4, id, code, description, details]: a Call was refused. `code` is the station's own text."""

    id: str
    code: str
    description: str = ""
    details: dict[str, Any] = {}


class CallResultError(msgspec.Struct, frozen=True):
    """[5, id, code, description, details]: 2.1 only, the station refused a CallResult; never answered."""

    id: str
    code: str
    description: str = ""
    details: dict[str, Any] = {}


class Broken(msgspec.Struct, frozen=True):
    """A frame whose envelope is invalid.

    `error` is the answer to the sender, None where nothing may be answered (invalid answers and SENDs).
    `id` and `type` are None and `action` is empty where they could not be read.
    """

    reason: str
    error: OcppError | None = None
    id: str | int | None = None
    type: int | None = None
    action: str = ""


class BrokenAnswer(msgspec.Struct, frozen=True):
    """The answer to a call of the server that is not JSON. The call has no other answer.

    `payload` is the text of the whole frame. `type` is CALL_RESULT or CALL_ERROR.
    """

    id: str
    payload: str
    reason: str
    type: int

    def json(self) -> dict[str, Any]:
        """Raises FormatViolation: there is no payload."""
        raise FormatViolation(f"The answer is {self.reason}.")


class Unknown(msgspec.Struct, frozen=True):
    """A well-formed frame whose message type number this version does not have."""

    type: int
    id: str | None = None


Frame = Call | CallResult | CallError | CallResultError | Send | Broken | BrokenAnswer | Unknown

# --- reading ------------------------------------------------------------------------------------------------

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID)]
_Action = Annotated[str, msgspec.Meta(min_length=1)]

# These decode a correct frame in C; `_parse_closely` reads the frames that they refuse.
_decode_call = msgspec.json.Decoder(tuple[Literal[2], _Id, _Action, msgspec.Raw]).decode
_decode_result = msgspec.json.Decoder(tuple[Literal[3], _Id, msgspec.Raw]).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # the optional quote keeps the scan linear
_NOT_BRACKET = re.compile(r"[^][{}]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair is one character: keep it
    r"|u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|.)",
    re.DOTALL,
)
_TYPE_NUMBER = re.compile(rb"-?[0-9]{1,9}")


def parse(text: str, version: str, *, strict: bool = False) -> Frame:
    """Read one frame of a station. Never raises.

    With `strict`, a frame with raw control characters or without a payload is broken.
    """
    if text.count("[") + text.count("{") > MAX_DEPTH and too_deep(text):
        reason = f"nested deeper than {MAX_DEPTH} levels, or brackets do not match"
        return _unreadable(text, reason, version)
    repairs: tuple[str, ...] = ()
    if "\\u" in text:
        text, repairs = clean_escapes(text)
    try:
        if text.startswith("[2"):  # equivalent: `_parse_closely` reads the same, slowly
            _, call_id, action, payload = _decode_call(text)
            return Call(id=call_id, action=action, payload=str(payload, "utf-8"), repairs=repairs)
        if text.startswith("[3"):  # equivalent: `_parse_closely` reads the same, slowly
            _, call_id, payload = _decode_result(text)
            return CallResult(call_id, str(payload, "utf-8"), repairs)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass  # `_parse_closely` names the fault
    return _parse_closely(text, version, repairs, strict=strict)


def _parse_closely(text: str, version: str, repairs: tuple[str, ...], *, strict: bool) -> Frame:
    """Read an unusual frame, or name the fault of an invalid one."""
    if _LONE_SURROGATE.search(text):
        text, repairs = _LONE_SURROGATE.sub("\ufffd", text), (UNSTORABLE_TEXT,)
    try:
        parts = _decode_parts(text)
    except msgspec.ValidationError:
        return _unreadable(text, "not a JSON array", version)
    except (msgspec.DecodeError, RecursionError) as error:
        allowed = text if strict else broken_text.without_control_characters(text)
        if allowed != text:
            return _parse_closely(allowed, version, (*repairs, CONTROL_CHARACTERS), strict=strict)
        return _unreadable(text, f"not valid JSON: {_fault(error)}", version)
    if not parts:
        return _unreadable(text, "an empty array", version)

    number = bytes(parts[0])
    given_id = _decoded(parts[1]) if len(parts) > 1 else None
    if not _TYPE_NUMBER.fullmatch(number):
        return _broken("the message type is not an integer", given_id, None, version)
    kind = int(number)
    if kind == CALL or _is_send(kind, version):
        return _parse_request(kind, parts, given_id, version, repairs, strict=strict)
    if kind in _answers(version):
        return _parse_answer(kind, parts, given_id, repairs)
    return Unknown(kind, given_id if _is_id(given_id) else None)


def _is_send(kind: int, version: str) -> bool:
    return kind == SEND and version == V21


def _answers(version: str) -> tuple[int, ...]:
    """The message types that are never answered with a CALLERROR."""
    return (CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR if version == V21 else CALL_ERROR)


def _fault(error: Exception) -> str:
    """The fault that the parser found, without any of the text: "invalid character (byte 35)"."""
    if isinstance(error, RecursionError) or "truncated" in str(error):
        return "the text is cut off"
    return str(error).removeprefix("JSON is malformed: ")


def _parse_request(
    kind: int,
    parts: list[msgspec.Raw],
    given_id: object,
    version: str,
    repairs: tuple[str, ...],
    *,
    strict: bool,
) -> Frame:
    action = _decoded(parts[2]) if parts[2:] else ""
    action = action if isinstance(action, str) else ""
    if not _is_id(given_id):
        reason = f"the message id is not a string of 1 to {MAX_ID} characters"
        return _broken(reason, given_id, kind, version, action)
    if len(parts) == _CALL_LENGTH - 1 and action and not strict:
        parts, repairs = [*parts, msgspec.Raw(b"{}")], (*repairs, MISSING_PAYLOAD)
    if len(parts) != _CALL_LENGTH:
        reason = f"{len(parts)} elements instead of {_CALL_LENGTH}"
        return _broken(reason, given_id, kind, version, action)
    if not action:
        return _broken("the action is not a string", given_id, kind, version)
    frame = Call if kind == CALL else Send
    return frame(id=given_id, action=action, payload=str(parts[3], "utf-8"), repairs=repairs)


def _parse_answer(kind: int, parts: list[msgspec.Raw], given_id: object, repairs: tuple[str, ...]) -> Frame:
    """Read an answer leniently: a caller waits for it, and the id alone identifies its call."""
    if not isinstance(given_id, str) or not given_id:
        return Broken("the message id of an answer is not a string", None, None, kind)
    if kind == CALL_RESULT:
        return CallResult(given_id, str(parts[2], "utf-8") if parts[2:] else "null", repairs)
    code, description, details, *_ = (*map(_decoded, parts[2:]), None, None, None)
    frame = CallError if kind == CALL_ERROR else CallResultError
    return frame(
        id=given_id,
        code=code if isinstance(code, str) and code else "GenericError",
        description=description if isinstance(description, str) else "",
        details=details if isinstance(details, dict) else {} if details is None else {"details": details},
    )


def _unreadable(text: str, reason: str, version: str) -> Frame:
    """A text that is not JSON, or too deep: its first elements decide who has to know of it."""
    error = RpcFrameworkError(f"The frame is {reason}.")
    kind, given_id, action = broken_text.front(text) or (None, None, "")
    if kind is None:
        return Broken(reason, error)
    if kind == CALL:
        return Broken(reason, error, _echoable(given_id, version), kind, action)
    if kind in (CALL_RESULT, CALL_ERROR) and isinstance(given_id, str):
        return BrokenAnswer(given_id, text, reason, kind)
    if kind in _answers(version) or _is_send(kind, version):
        return Broken(reason, None, given_id, kind, action)
    return Unknown(kind, given_id if _is_id(given_id) else None)


def _broken(reason: str, given_id: object, kind: int | None, version: str, action: str = "") -> Broken:
    """A frame with valid JSON and an invalid envelope; a SEND is never answered (2.1 part 4 4.2.5)."""
    error = None if kind == SEND else RpcFrameworkError(f"The frame is not a valid RPC message: {reason}.")
    return Broken(reason, error, _echoable(given_id, version), kind, action)


def _echoable(given_id: object, version: str) -> str | int | None:
    """The id that an error about this frame may carry; None for an id that cannot be repeated.

    2.x uses "-1" in place of an invalid id. 1.6 has no such id, and a station without an answer waits for its
    timeout: an integer or a long text is returned as it is.
    """
    if _is_id(given_id):
        return given_id
    if version != V16 or isinstance(given_id, bool):
        return None
    if isinstance(given_id, int):
        return given_id
    return given_id or None if isinstance(given_id, str) and len(given_id) <= DESCRIPTION_MAX else None


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID


def _decoded(part: msgspec.Raw) -> Any:
    try:
        return orjson.loads(bytes(part))
    except orjson.JSONDecodeError:  # a number that does not fit a double: invalid in every position
        return None


def too_deep(text: str) -> bool:
    """Whether the brackets outside of strings nest deeper than MAX_DEPTH; linear, without parsing."""
    brackets = _NOT_BRACKET.sub("", _STRING.sub("", text))
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace("[]", "").replace("{}", "")
    return bool(brackets)


def clean_escapes(text: str) -> tuple[str, tuple[str, ...]]:
    r"""Replace \u0000, which PostgreSQL refuses, and lone surrogate escapes, which UTF-8 cannot encode."""
    found = False

    def replace(match: re.Match[str]) -> str:
        nonlocal found
        if match[1] is None:
            return match[0]
        found = True
        return "\\ufffd"

    text = _ESCAPE.sub(replace, text)
    return text, (UNSTORABLE_TEXT,) if found else ()


# --- writing ------------------------------------------------------------------------------------------------


def pack_call(id: str, action: str, payload: dict[str, Any]) -> str:
    """A CALL as compact JSON: several stations refuse whitespace or line breaks."""
    return orjson.dumps((CALL, id, action, payload)).decode()


def pack_result(id: str, payload: dict[str, Any] | str) -> str:
    """A CALLRESULT; a payload given as text is copied unchanged."""
    if isinstance(payload, str):
        return f"[3,{orjson.dumps(id).decode()},{payload}]"
    return orjson.dumps((CALL_RESULT, id, payload)).decode()


def pack_error(id: str | int, error: OcppError, version: str) -> str:
    """A CALLERROR with the code as the version spells it; the description is cut to 255 characters."""
    return _pack_refusal(CALL_ERROR, id, error, version)


def pack_result_error(id: str, error: OcppError, version: str) -> str | None:
    """A CALLRESULTERROR for an answer that breaks its schema; None before 2.1, which introduced it."""
    return None if version != V21 else _pack_refusal(CALL_RESULT_ERROR, id, error, version)


def _pack_refusal(kind: int, id: str | int, error: OcppError, version: str) -> str:
    description = _LONE_SURROGATE.sub("\ufffd", error.description)[:DESCRIPTION_MAX]
    return orjson.dumps((kind, id, error.code_for(version), description, error.details)).decode()


def error_of(frame: Broken | Unknown) -> OcppError:
    """The error of an invalid frame, for the logs also where it is not sent."""
    if isinstance(frame, Unknown):
        return MessageTypeNotSupported()
    return frame.error or RpcFrameworkError(f"The frame is {frame.reason}.")


def answer_to_broken(frame: Broken | Unknown, version: str) -> str | None:
    """The answer to an invalid frame; None where the version requires no answer.

    1.6 and 2.1 ignore unknown message types, 2.0.1 refuses them (part 4 4.4). 2.x answers an unreadable id
    with "-1"; 1.6 has no such id, and nothing is sent (conformance R16, R17, R19; decision 0065).
    """
    is_ignored = version != V201 if isinstance(frame, Unknown) else frame.error is None
    if is_ignored or (version == V16 and frame.id is None):
        return None
    return pack_error(UNREADABLE_ID if frame.id is None else frame.id, error_of(frame), version)
