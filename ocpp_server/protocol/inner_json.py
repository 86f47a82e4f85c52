"""JSON inside of a text: the data of a DataTransfer (1.6 4.3), in which vendors put objects.

The frame around it was parsed, but the bounds of frames did not reach into its texts.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from .frames import MAX_DEPTH, clean_escapes, too_deep

# The longest text, in characters. A certificate chain or an EXI request has 18,000 at most.
MOST_CHARACTERS: Final = 65_536


class Unreadable(ValueError):
    """A text holds no JSON that can be handled, or is too long (`is_too_large`)."""

    def __init__(self, reason: str, *, is_too_large: bool = False) -> None:
        super().__init__(reason)
        self.is_too_large = is_too_large


def read(text: str, *, most_characters: int = MOST_CHARACTERS) -> Any:
    """The value of a JSON text. NUL and lone surrogates, which no database stores, are read as U+FFFD.

    Raises Unreadable for other text, for a longer one, and for one that nests deeper than a frame may.
    """
    if len(text) > most_characters:
        raise Unreadable(f"longer than {most_characters:,} characters", is_too_large=True)
    if text.count("[") + text.count("{") > MAX_DEPTH and too_deep(text):
        raise Unreadable(f"nested deeper than {MAX_DEPTH} levels, or brackets do not match")
    if "\\u" in text:
        text, _ = clean_escapes(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"no valid JSON: {error}"[:200]) from None


def write(value: Any) -> str:
    """A value as the text of a field that takes text alone; a text stays as it is."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
