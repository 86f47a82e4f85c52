"""The first file of a multipart/form-data body, read in parts of any size (RFC 7578). It keeps no file in
memory.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

MAX_HEADERS: Final = 8 * 1024
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_END_OF_HEADERS: Final = b"\r\n\r\n"


class MalformedForm(ValueError):  # noqa: N818 - named for the form, not for the error
    """The body is no valid form. `str(error)` is a sentence."""


class FirstFile:
    """Feed it the body, and it returns the content of the first file in it; other parts are discarded.

    A file is a part with a file name. `name` is that name once the content has begun, and `is_whole` is True
    when the content has ended.
    """

    def __init__(self, boundary: bytes) -> None:
        # Every boundary stands after a line break; the first one need not, so there is one before the body.
        self._delimiter = b"\r\n--" + boundary
        self._buffer = b"\r\n"
        self._is_in_headers = False
        self._is_in_file = False
        self._is_over = False
        self.name = ""
        self.is_whole = False

    def feed(self, data: bytes) -> bytes:
        """The content of the file in this part of the body. Raises MalformedForm."""
        if self.is_whole or self._is_over:
            return b""
        self._buffer += data
        found: list[bytes] = []
        while self._step(found):
            pass
        return b"".join(found)

    def _step(self, found: list[bytes]) -> bool:
        """Read one element of the form. Returns whether there may be another one in the buffer."""
        if self._is_over:
            return False
        return self._headers() if self._is_in_headers else self._content(found)

    def _content(self, found: list[bytes]) -> bool:
        before, delimiter, after = self._buffer.partition(self._delimiter)
        if not delimiter:
            # The end of the buffer may be the beginning of a delimiter.
            kept = len(self._delimiter) - 1
            self._take(self._buffer[:-kept], found)
            self._buffer = self._buffer[-kept:]
            return False
        if len(after) < 2:
            # Two more bytes decide whether this is the last delimiter: it stays in the buffer until then.
            self._take(before, found)
            self._buffer = delimiter + after
            return False
        self._take(before, found)
        self.is_whole = self._is_in_file
        self._is_over = self.is_whole or after.startswith(b"--")
        # White space may follow a delimiter (RFC 2046 5.1.1).
        self._is_in_headers, self._buffer = True, after
        return not self._is_over

    def _take(self, content: bytes, found: list[bytes]) -> None:
        if self._is_in_file:
            found.append(content)

    def _headers(self) -> bool:
        text, end, rest = self._buffer.partition(_END_OF_HEADERS)
        if len(text) > MAX_HEADERS:
            raise MalformedForm("The headers of a part of the form are too long.")
        if not end:
            return False
        name = _file_name(text)
        self._is_in_headers, self._is_in_file = False, name is not None
        self.name = name or ""
        self._buffer = rest
        return True


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a multipart/form-data body; None for another type. Raises MalformedForm."""
    message = Message()
    message["content-type"] = content_type
    if message.get_content_type() != "multipart/form-data":
        return None
    boundary = message.get_param("boundary", "")
    if not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
        raise MalformedForm("The form has no valid boundary.")
    return boundary.encode("ascii")


def _file_name(headers: bytes) -> str | None:
    """The file name of a part; None for a part that is no file."""
    for line in headers.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() == "content-disposition":
            message = Message()
            message["content-disposition"] = value.strip()
            return message.get_filename()
    return None
