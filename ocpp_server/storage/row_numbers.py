"""The numbers that the database gives its rows, as people write them in addresses and searches."""

from __future__ import annotations

LARGEST = 2**63 - 1


def row_number(text: str) -> int | None:
    """The number, where it can be one of a row; None otherwise.

    A number column raises for what is no number, SQLite for one beyond 63 bits, and Python for a text of
    thousands of digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
        return None
    number = int(text)
    return number if 1 <= number <= LARGEST else None
