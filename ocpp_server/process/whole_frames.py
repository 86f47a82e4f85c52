"""A fast path for WebSocket messages in one short, uncompressed frame, as most messages of stations are.

RFC 6455 section 5.2. Everything else (fragments, control frames, compression, several frames in one read, a
partial frame) goes to the parser of `websockets`, which costs four times as much for a short frame.
"""

from __future__ import annotations

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled wheel for this platform
    from websockets.utils import apply_mask

_FIN_TEXT = 0x81
_MASKED = 0x80
_LENGTH_OF_2 = 126
_LENGTH_OF_8 = 127
_KEY = 4


def text_bytes(data: bytes, limit: int) -> bytes | None:
    """The unmasked payload if `data` is exactly one masked text frame of at most `limit` bytes, else None."""
    if len(data) < 2 or data[0] != _FIN_TEXT:
        return None
    length, begin = data[1] - _MASKED, 2
    if length == _LENGTH_OF_2:
        length, begin = int.from_bytes(data[2:4], "big"), 4
        if length < _LENGTH_OF_2:
            return None
    elif length < 0 or length == _LENGTH_OF_8:
        return None
    if len(data) != begin + _KEY + length or length > limit:
        return None
    return apply_mask(data[begin + _KEY :], data[begin : begin + _KEY])


def text_frame(text: str) -> bytes | None:
    """The text as an unmasked frame, as servers send it; None for 64 KiB and more."""
    data = text.encode()
    length = len(data)
    if length < _LENGTH_OF_2:
        return b"\x81%c%b" % (length, data)
    if length < 1 << 16:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), data)
    return None
