"""Compression of stored texts, OCPP payloads and samples of readings, with a dictionary of what they share.

The first byte of a value names its form, so that a later release can add a form and still read every row:

0: the bytes as they are, where compression does not pay
1: a zstd frame without its magic number, compressed with `dictionaries/1.zdict`, which is of payloads
2: the same with `dictionaries/2.zdict`, which is of the samples of readings

A dictionary that was released never changes, because rows that were written with it need it. A better one
gets the next number, and a form of its own. `scripts/train_dictionary.py` trains one and measures it.

A payload takes 2 to 3 microseconds to compress and 2 to decompress. Values are compressed by the journal's
thread, not by the event loop.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import zstandard

PLAIN: Final = 0
WITH_DICTIONARY_1: Final = 1
WITH_DICTIONARY_2: Final = 2
# A value that claims to be larger is corrupt. Frames have OCPP_MAX_FRAME_BYTES at most (default: 1 MiB).
MOST_BYTES: Final = 64 * 1024 * 1024
# A shorter value gains nothing, and most answers are {}.
LEAST_BYTES: Final = 12
LEVEL: Final = 3
_FORMAT: Final = zstandard.FORMAT_ZSTD1_MAGICLESS
_FOLDER: Final = Path(__file__).parent / "dictionaries"
_PLAIN: Final = bytes([PLAIN])
_COMPRESSED: Final = bytes([WITH_DICTIONARY_1])
_READING: Final = bytes([WITH_DICTIONARY_2])
# The samples of a reading begin so, and no payload does. Each form takes any bytes; the right one is shorter.
_OF_READING: Final = b"[["


class Unreadable(ValueError):
    """A stored value that this release cannot decompress."""


class Codec:
    """Compresses and decompresses zstd frames with one dictionary. Not safe for threads."""

    def __init__(self, dictionary: zstandard.ZstdCompressionDict) -> None:
        # The numbers of a dictionary and of a window are left out of the frame: the form names the
        # dictionary, and the size of the content is the window.
        parameters = zstandard.ZstdCompressionParameters.from_level(
            LEVEL, format=_FORMAT, write_dict_id=False, write_checksum=False, write_content_size=True
        )
        self._compressor = zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters)
        self.compress = self._compressor.compress
        self._decompressor = zstandard.ZstdDecompressor(dict_data=dictionary, format=_FORMAT)

    def compress_all(self, values: Sequence[bytes]) -> list[bytes]:
        """`compress` for each value, with one call: 10 microseconds and one for each value."""
        frames = self._compressor.multi_compress_to_buffer([*values])
        return [frames[number].tobytes() for number in range(len(values))]

    def decompress(self, frame: bytes | memoryview) -> bytes:
        """The content of a frame. Raises Unreadable for a frame that is corrupt or larger than MOST_BYTES."""
        try:
            size = zstandard.get_frame_parameters(frame, format=_FORMAT).content_size
            if size > MOST_BYTES:  # a size that is missing is larger too
                raise Unreadable(f"A stored value claims {size} bytes; {MOST_BYTES} are allowed.")
            return self._decompressor.decompress(frame, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise Unreadable(f"A stored value is corrupt: {error}") from error


class _OfThread(threading.local):
    """The codecs of a thread: zstd's contexts are not safe for threads."""

    def __init__(self) -> None:
        self.codec = Codec(_dictionary(WITH_DICTIONARY_1))
        self.of_readings = Codec(_dictionary(WITH_DICTIONARY_2))


@cache
def _dictionary(number: int) -> zstandard.ZstdCompressionDict:
    """A dictionary of the release, prepared for LEVEL. Shared by all threads, which only read it."""
    dictionary = zstandard.ZstdCompressionDict((_FOLDER / f"{number}.zdict").read_bytes())
    dictionary.precompute_compress(level=LEVEL)  # equivalent: only quicker
    return dictionary


@cache
def _of_thread() -> _OfThread:
    return _OfThread()  # not at import: only processes with a database need the dictionary


def compressed(data: bytes) -> bytes:
    """The stored form of bytes."""
    if not LEAST_BYTES <= len(data) <= MOST_BYTES:
        return _PLAIN + data
    codec, form = _codec(data.startswith(_OF_READING))
    frame = codec.compress(data)
    return form + frame if len(frame) < len(data) else _PLAIN + data


def compressed_all(values: Sequence[bytes]) -> list[bytes]:
    """The stored forms of many bytes. zstd gives the interpreter's lock away with every call, and to get it
    back beside a busy event loop costs the processor three times as much as to compress a payload.
    """
    found = [_PLAIN + data for data in values]
    groups: tuple[list[int], list[int]] = ([], [])
    for place, data in enumerate(values):
        if LEAST_BYTES <= len(data) <= MOST_BYTES:
            groups[data.startswith(_OF_READING)].append(place)
    for is_reading, places in enumerate(groups):
        if places:
            codec, form = _codec(bool(is_reading))
            frames = codec.compress_all([values[place] for place in places])
            for place, frame in zip(places, frames, strict=True):
                if len(frame) < len(values[place]):
                    found[place] = form + frame
    return found


def _codec(is_reading: bool) -> tuple[Codec, bytes]:
    """The codec and its form."""
    codecs = _of_thread()
    return (codecs.of_readings, _READING) if is_reading else (codecs.codec, _COMPRESSED)


def decompressed(value: bytes | memoryview) -> bytes:
    """The bytes of a stored form. Raises Unreadable."""
    if not value:
        raise Unreadable("A stored value has no form: it is empty.")
    form = value[0]
    if form == WITH_DICTIONARY_1:
        return _of_thread().codec.decompress(value[1:])
    if form == WITH_DICTIONARY_2:
        return _of_thread().of_readings.decompress(value[1:])
    if form == PLAIN:
        return bytes(value[1:])
    raise Unreadable(f"A stored value has the form {form}; this release knows 0 to 2.")
