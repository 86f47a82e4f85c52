"""The envelopes between gateway and server (`ocpp-queue/1`): JSON around a frame, which keeps every byte.

Envelopes to the server are frames of stations, the controls `connect`, `disconnect` and `overflow` of the
gateway, and two controls of the server's own processes: `changed` (an operator changed the settings) and
`replaced` (the station has a newer connection elsewhere; the process at `reply_to` waits for a confirmation
with `message_id`). Envelopes to the gateway are frames, and the control `close` with a WebSocket `code` and
`reason`. Both sides ignore unknown fields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from ocpp_server.protocol import broken_text

VERSION = 1
CONTROL = 0

CONNECT, DISCONNECT, OVERFLOW = "connect", "disconnect", "overflow"
CHANGED, REPLACED = "changed", "replaced"
CLOSE = "close"


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


_decode = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.json.Encoder().encode
_decode_header = msgspec.json.Decoder(list[msgspec.Raw]).decode


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
) -> bytes:
    """The envelope of a frame, in either direction."""
    envelope = Envelope(
        charge_point_id=identity,
        timestamp=_rfc3339(at),
        ws_server_id=ws_server_id,
        version=VERSION,
        session_id=session_id,
        protocol=protocol,
        seq=seq,
    )
    try:
        orjson.loads(frame)
    except ValueError:
        # Not JSON, or JSON that some readers reject (lone surrogates, numbers beyond a double).
        envelope.raw = frame
    else:
        envelope.payload = msgspec.Raw(frame.encode())
        envelope.message_type, envelope.message_id, envelope.action = header(frame)
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


def header(frame: str) -> tuple[int, str | None, str | None]:
    """Message type, message id, and the action of a CALL or SEND. Parts that cannot be read are -1
    and None. A frame that is not JSON is read as far as it is: a broken answer still belongs to its command.
    """
    try:
        parts = [orjson.loads(bytes(part)) for part in _decode_header(frame)[:3]]
    except (ValueError, RecursionError):
        front = broken_text.front(frame)
        if front is None:
            return -1, None, None
        named = front.action if front.kind in (2, 6) else ""
        return front.kind, front.id if isinstance(front.id, str) else None, named or None
    kind = parts[0] if parts and type(parts[0]) is int else -1
    message_id = parts[1] if parts[1:] and isinstance(parts[1], str) else None
    action = parts[2] if parts[2:] and isinstance(parts[2], str) and kind in (2, 6) else None
    return kind, message_id, action


def _rfc3339(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
