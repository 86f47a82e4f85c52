"""The frames of OCPP-J: `parse` reads them and never raises, the `pack_...` functions write compact JSON.

`parse` decodes only the envelope; the payload stays the station's own text until a caller needs `json()`. So
the payload can be logged, hashed and stored byte for byte: 1.10 does not become 1.1.
"""

import re
from typing import Annotated, Any, Literal

import msgspec
import orjson

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


class _WithPayload(msgspec.Struct, frozen=True, gc=False):
    """The fields of every frame with a payload.

    `payload` is raw JSON text. `cleaned`: escapes that no database or log can store (NUL, lone surrogates)
    were replaced by U+FFFD before the frame was parsed.
    """

    id: str
    payload: str
    cleaned: bool = False

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
    cleaned: bool = False


class CallResultError(msgspec.Struct, frozen=True):
    """[5, id, code, description, details]: 2.1 only, the station refused a CallResult; never answered."""

    id: str
    code: str
    description: str = ""
    details: dict[str, Any] = {}
    cleaned: bool = False


class Broken(msgspec.Struct, frozen=True):
    """A frame whose envelope is invalid.

    `error` is the answer to the sender, None where nothing may be answered (invalid answers and SENDs).
    `id` and `type` are None where they could not be read.
    """

    reason: str
    error: OcppError | None = None
    id: str | None = None
    type: int | None = None


class Unknown(msgspec.Struct, frozen=True):
    """A well-formed frame whose message type number this version does not have."""

    type: int
    id: str | None = None


Frame = Call | CallResult | CallError | CallResultError | Send | Broken | Unknown

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


def parse(text: str, version: str) -> Frame:
    """Read one frame of a station. Never raises."""
    if text.count("[") + text.count("{") > MAX_DEPTH and _too_deep(text):
        return _unreadable(f"nested deeper than {MAX_DEPTH} levels, or brackets do not match")
    cleaned = False
    if "\\u" in text:
        text, cleaned = _clean_escapes(text)
    try:
        if text.startswith("[2"):
            _, call_id, action, payload = _decode_call(text)
            return Call(id=call_id, action=action, payload=str(payload, "utf-8"), cleaned=cleaned)
        if text.startswith("[3"):
            _, call_id, payload = _decode_result(text)
            return CallResult(call_id, str(payload, "utf-8"), cleaned)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass  # `_parse_closely` names the fault
    return _parse_closely(text, version, cleaned)


def _parse_closely(text: str, version: str, cleaned: bool) -> Frame:
    """Read an unusual frame, or name the fault of an invalid one."""
    if _LONE_SURROGATE.search(text):
        text, cleaned = _LONE_SURROGATE.sub("\ufffd", text), True
    try:
        parts = _decode_parts(text)
    except msgspec.ValidationError:
        return _unreadable("not a JSON array")
    except (msgspec.DecodeError, RecursionError):
        return _unreadable("not valid JSON")
    if not parts:
        return _unreadable("an empty array")

    number = bytes(parts[0])
    given_id = _decoded(parts[1]) if len(parts) > 1 else None
    if not _TYPE_NUMBER.fullmatch(number):
        return _broken("the message type is not an integer", given_id, None, version)
    kind = int(number)
    if kind in (CALL, SEND if version == V21 else CALL):
        return _parse_request(kind, parts, given_id, version, cleaned)
    if kind in (CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR if version == V21 else CALL_ERROR):
        return _parse_answer(kind, parts, given_id, cleaned)
    return Unknown(kind, given_id if _is_id(given_id) else None)


def _parse_request(
    kind: int, parts: list[msgspec.Raw], given_id: object, version: str, cleaned: bool
) -> Frame:
    if not isinstance(given_id, str) or not _is_id(given_id):
        return _broken(f"the message id is not a string of 1 to {MAX_ID} characters", given_id, kind, version)
    if len(parts) != _CALL_LENGTH:
        return _broken(f"{len(parts)} elements instead of {_CALL_LENGTH}", given_id, kind, version)
    action = _decoded(parts[2])
    if not isinstance(action, str) or not action:
        return _broken("the action is not a string", given_id, kind, version)
    frame = Call if kind == CALL else Send
    return frame(id=given_id, action=action, payload=str(parts[3], "utf-8"), cleaned=cleaned)


def _parse_answer(kind: int, parts: list[msgspec.Raw], given_id: object, cleaned: bool) -> Frame:
    """Read an answer leniently: a caller waits for it, and the id alone identifies its call."""
    if not isinstance(given_id, str) or not given_id:
        return Broken("the message id of an answer is not a string", None, None, kind)
    if kind == CALL_RESULT:
        return CallResult(given_id, str(parts[2], "utf-8") if parts[2:] else "null", cleaned)
    code, description, details = ([_decoded(part) for part in parts[2:]] + [None] * 3)[:3]
    frame = CallError if kind == CALL_ERROR else CallResultError
    return frame(
        id=given_id,
        code=code if isinstance(code, str) and code else "GenericError",
        description=description if isinstance(description, str) else "",
        details=details if isinstance(details, dict) else {} if details is None else {"details": details},
        cleaned=cleaned,
    )


def _unreadable(reason: str) -> Broken:
    return Broken(reason, RpcFrameworkError(f"The frame is {reason}."))


def _broken(reason: str, given_id: object, kind: int | None, version: str) -> Broken:
    """A frame with valid JSON and an invalid envelope; a SEND is never answered (2.1 part 4 4.2.5)."""
    error = None if kind == SEND else RpcFrameworkError(f"The frame is not a valid RPC message: {reason}.")
    return Broken(reason, error, _echoable(given_id, version), kind)


def _echoable(given_id: object, version: str) -> str | None:
    """The id that an error about this frame may carry; None for an id that cannot be repeated.

    2.x uses "-1" in place of an invalid id. 1.6 has no such id, and a station without an answer waits for its
    timeout: an integer or a long text is returned as text.
    """
    if isinstance(given_id, str) and _is_id(given_id):
        return given_id
    if version != V16 or isinstance(given_id, bool):
        return None
    if isinstance(given_id, int):
        return str(given_id)
    return given_id if isinstance(given_id, str) and 0 < len(given_id) <= DESCRIPTION_MAX else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID


def _decoded(part: msgspec.Raw) -> Any:
    try:
        return orjson.loads(bytes(part))
    except orjson.JSONDecodeError:  # a number that does not fit a double: invalid in every position
        return None


def _too_deep(text: str) -> bool:
    """Whether the brackets outside of strings nest deeper than MAX_DEPTH; linear, without parsing."""
    brackets = _NOT_BRACKET.sub("", _STRING.sub("", text))
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace("[]", "").replace("{}", "")
    return bool(brackets)


def _clean_escapes(text: str) -> tuple[str, bool]:
    r"""Replace \u0000, which PostgreSQL refuses, and lone surrogate escapes, which UTF-8 cannot encode."""
    found = False

    def replace(match: re.Match[str]) -> str:
        nonlocal found
        if match[1] is None:
            return match[0]
        found = True
        return "\\ufffd"

    text = _ESCAPE.sub(replace, text)
    return text, found


# --- writing ------------------------------------------------------------------------------------------------


def pack_call(id: str, action: str, payload: dict[str, Any]) -> str:
    """A CALL as compact JSON: several stations refuse whitespace or line breaks."""
    return orjson.dumps((CALL, id, action, payload)).decode()


def pack_result(id: str, payload: dict[str, Any] | str) -> str:
    """A CALLRESULT; a payload given as text is copied unchanged."""
    if isinstance(payload, str):
        return f"[3,{orjson.dumps(id).decode()},{payload}]"
    return orjson.dumps((CALL_RESULT, id, payload)).decode()


def pack_error(id: str, error: OcppError, version: str) -> str:
    """A CALLERROR with the code as the version spells it; the description is cut to 255 characters."""
    return _pack_refusal(CALL_ERROR, id, error, version)


def pack_result_error(id: str, error: OcppError, version: str) -> str | None:
    """A CALLRESULTERROR for an answer that breaks its schema; None before 2.1, which introduced it."""
    return None if version != V21 else _pack_refusal(CALL_RESULT_ERROR, id, error, version)


def _pack_refusal(kind: int, id: str, error: OcppError, version: str) -> str:
    description = _LONE_SURROGATE.sub("\ufffd", error.description)[:DESCRIPTION_MAX]
    return orjson.dumps((kind, id, error.code_for(version), description, error.details)).decode()


def answer_to_broken(frame: Broken | Unknown, version: str) -> str | None:
    """The answer to an invalid frame; None where the version requires no answer.

    1.6 and 2.1 ignore unknown message types, 2.0.1 refuses them (part 4 4.4). 2.x answers an unreadable id
    with "-1"; 1.6 has no such rule, and nothing is sent (conformance R16, R17, R19).
    """
    if isinstance(frame, Unknown):
        if version != V201:
            return None
        return pack_error(frame.id or UNREADABLE_ID, MessageTypeNotSupported(), version)
    if frame.error is None or (version == V16 and frame.id is None):
        return None
    return pack_error(frame.id or UNREADABLE_ID, frame.error, version)
