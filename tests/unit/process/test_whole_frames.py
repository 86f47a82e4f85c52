"""The fast path for single-frame messages agrees with the parser of `websockets`."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from ocpp_server.process.whole_frames import text_bytes, text_frame

LIMIT = 1 << 20


def masked(opcode: Opcode, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535])
def test_a_whole_text_frame_is_unmasked(length: int) -> None:
    payload = bytes(range(32, 127)) * (length // 95 + 1)

    found = text_bytes(masked(Opcode.TEXT, payload[:length]), LIMIT)

    assert found == payload[:length]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",
        masked(Opcode.TEXT, b"x" * 65536),
        masked(Opcode.TEXT, b"half", fin=False),
        masked(Opcode.BINARY, b"bytes"),
        masked(Opcode.PING, b"ping"),
        masked(Opcode.CLOSE, b"\x03\xe8"),
        masked(Opcode.CONT, b"rest"),
        Frame(Opcode.TEXT, b"not masked").serialize(mask=False),
        masked(Opcode.TEXT, b"cut off")[:-1],
        masked(Opcode.TEXT, b"one") + masked(Opcode.TEXT, b"two"),
        b"\xc1" + masked(Opcode.TEXT, b"compressed, by its bit")[1:],
        b"\x81\xfe\x00\x05" + b"\0\0\0\0" + b"short",
        b"\x81\xfe\x01",
    ],
    ids=(
        "nothing",
        "one byte",
        "64 KiB",
        "a fragment",
        "binary",
        "ping",
        "close",
        "continuation",
        "not masked",
        "cut off",
        "two frames",
        "compressed",
        "a length that needs no two bytes",
        "half a header",
    ),
)
def test_everything_else_is_left_to_the_parser(data: bytes) -> None:
    assert text_bytes(data, LIMIT) is None


def test_a_frame_beyond_the_limit_is_left_to_the_parser_which_refuses_it() -> None:
    frame = masked(Opcode.TEXT, b"x" * 11)

    assert text_bytes(frame, 11) == b"x" * 11
    assert text_bytes(frame, 10) is None


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535])
def test_frames_that_are_sent_equal_those_of_the_library(length: int) -> None:
    text = "é" + "x" * (length - 2) if length > 2 else "x" * length

    assert text_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def test_a_frame_of_64_kib_is_left_to_the_library() -> None:
    assert text_frame("x" * 65536) is None
