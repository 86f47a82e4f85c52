"""The envelopes between gateway and server (`ocpp-queue/1`): JSON around a frame, which keeps every byte.

Envelopes to the server are frames of stations, the controls `connect`, `disconnect` and `overflow` of the
gateway, and two controls of the server's own processes: `changed` (an operator changed the settings) and
`replaced` (the station has a newer connection elsewhere; the process at `reply_to` waits for a confirmation
with `message_id`). Envelopes to the gateway are frames, and the control `close` with a WebSocket `code` and
`reason`. Both sides ignore unknown fields.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec
import orjson

from ocpp_server.protocol import broken_text

VERSION = 1
CONTROL = 0

CONNECT, DISCONNECT, OVERFLOW = "connect", "disconnect", "overflow"
CHANGED, REPLACED = "changed", "replaced"
CLOSE = "close"
# The field of a session with the common name (CN) of the station's client certificate.
CERTIFICATE_NAME = "certificate_name"


class Unreadable(ValueError):
    """A text is not an envelope."""


class Envelope(msgspec.Struct, kw_only=True, omit_defaults=True, rename={"version": "v"}):
    """One envelope. `payload` is the whole OCPP-J array as raw JSON, `raw` a frame that is no JSON.

    `message_type`, `message_id` and `action` are for other readers; the server uses only the payload.
    """

    charge_point_id: str
    message_type: int = -1
    message_id: Any = None
    action: Any = None
    payload: msgspec.Raw = msgspec.Raw()
    raw: str | None = None
    timestamp: str = ""
    ws_server_id: str = ""
    version: int = 0
    session_id: str = ""
    protocol: str = ""
    seq: int = 0
    event: str = ""
    reason: str = ""
    code: int | None = None
    reply_to: str = ""

    @property
    def is_control(self) -> bool:
        return bool(self.event)

    @property
    def frame(self) -> str:
        """The text of the frame, byte for byte. A control has none."""
        return str(memoryview(self.payload), "utf-8") if self.raw is None else self.raw

    @property
    def at(self) -> datetime | None:
        """When the gateway received the frame; None without a readable timestamp."""
        try:
            at = datetime.fromisoformat(self.timestamp)
        except ValueError:
            return None
        return at.astimezone(UTC) if at.tzinfo else None


class Head(NamedTuple):
    """The front of a frame: message type, message id, and the action of a CALL or SEND. Parts that cannot be
    read are -1 and None. `is_json`: the frame can be the payload of an envelope.
    """

    is_json: bool
    kind: int
    message_id: str | None
    action: str | None


_decode = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.json.Encoder().encode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode
# These read the usual frames at once, `_head_of_parts` all others.
_decode_call = msgspec.json.Decoder(tuple[Literal[2], str, str, msgspec.Raw]).decode
_decode_result = msgspec.json.Decoder(tuple[Literal[3], str, msgspec.Raw]).decode
# The end of a timestamp, by its milliseconds.
_MILLISECONDS = tuple(f".{ms:03d}Z" for ms in range(1000))


def parse(text: str | bytes) -> Envelope:
    """Read an envelope. Raises Unreadable."""
    try:
        # msgspec does not check raw payloads, so bytes that are not UTF-8 must be rejected here.
        envelope = _decode(text if isinstance(text, str) else text.decode())
    except (msgspec.DecodeError, UnicodeEncodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    if not envelope.event and envelope.raw is None and not bytes(envelope.payload):
        raise Unreadable("neither an event nor a frame")
    return envelope


def pack_frame(
    frame: str,
    identity: str,
    *,
    session_id: str = "",
    ws_server_id: str = "",
    protocol: str = "",
    seq: int = 0,
    at: datetime | None = None,
    head: Head | None = None,
) -> bytes:
    """The envelope of a frame, in either direction; `head` is that of the frame, if it is known."""
    is_json, kind, message_id, action = head or read_head(frame)
    envelope = Envelope(
        charge_point_id=identity,
        timestamp=_rfc3339(at),
        ws_server_id=ws_server_id,
        version=VERSION,
        session_id=session_id,
        protocol=protocol,
        seq=seq,
    )
    if is_json:
        envelope.payload = msgspec.Raw(frame.encode())
        envelope.message_type, envelope.message_id, envelope.action = kind, message_id, action
    else:
        envelope.raw = frame
    return _encode(envelope)


def pack_control(
    event: str,
    identity: str,
    *,
    session_id: str = "",
    ws_server_id: str = "",
    protocol: str = "",
    reason: str = "",
    code: int | None = None,
    message_id: str | None = None,
    reply_to: str = "",
) -> bytes:
    """The envelope of a control."""
    return _encode(
        Envelope(
            charge_point_id=identity,
            message_type=CONTROL,
            message_id=message_id,
            timestamp=_rfc3339(None),
            ws_server_id=ws_server_id,
            version=VERSION,
            session_id=session_id,
            protocol=protocol,
            event=event,
            reason=reason,
            code=code,
            reply_to=reply_to,
        )
    )


def read_head(frame: str) -> Head:
    """The front of a frame, and whether the frame is JSON. One that is not JSON is read as far as it is: a
    broken answer still belongs to its command.
    """
    try:
        if frame.startswith("[2,"):  # equivalent: `_head_of_parts` reads the same, slowly
            _, message_id, action, _ = _decode_call(frame)
            return Head(True, 2, message_id, action)
        if frame.startswith("[3,"):  # equivalent: `_head_of_parts` reads the same, slowly
            _, message_id, _ = _decode_result(frame)
            return Head(True, 3, message_id, None)
    except (ValueError, RecursionError):
        pass  # `_head_of_parts` reads an unusual frame
    return _head_of_parts(frame)


def _head_of_parts(frame: str) -> Head:
    try:
        _decode_raw(frame)
    except (ValueError, RecursionError):
        return _broken_head(frame, is_json=False)
    try:
        parts = [orjson.loads(bytes(part)) for part in _decode_parts(frame)[:3]]
    except ValueError:
        # Not an array, or a front that only msgspec accepts: a number beyond a double.
        return _broken_head(frame, is_json=True)
    kind = parts[0] if parts and type(parts[0]) is int else -1
    message_id = parts[1] if parts[1:] and isinstance(parts[1], str) else None
    action = parts[2] if parts[2:] and isinstance(parts[2], str) and kind in (2, 6) else None
    return Head(True, kind, message_id, action)


def _broken_head(frame: str, *, is_json: bool) -> Head:
    front = broken_text.front(frame)
    if front is None:
        return Head(is_json, -1, None, None)
    named = front.action if front.kind in (2, 6) else ""
    return Head(is_json, front.kind, front.id if isinstance(front.id, str) else None, named or None)


def _rfc3339(at: datetime | None) -> str:
    if at is not None:
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    now = time.time()
    second = int(now)
    return _second(second) + _MILLISECONDS[int((now - second) * 1000)]


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    """The text of a moment, in seconds since 1970."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
