"""Primary keys as users write them in URLs and searches."""

from __future__ import annotations

LARGEST = 2**63 - 1


def row_number(text: str) -> int | None:
    """The primary key in a text; None when the text cannot be one.

    Passing any text to a query would raise: Django for a text that is no number, SQLite for a number beyond
    63 bits, and Python for thousands of digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
        return None
    number = int(text)
    return number if 1 <= number <= LARGEST else None
