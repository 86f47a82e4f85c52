"""The uid of an RFID card with its bytes in reverse order."""

from __future__ import annotations

import re


def reversed_uid(uid: str) -> str:
    """Reverse the bytes of a uid, as some card readers report them; empty when the text is not such a uid.

    This is only a hint for the operator: two different cards may be each other's reverse (field notes 8).
    """
    digits = re.sub(r"[:\- ]", "", uid.strip())
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){3,10}", digits):
        return ""
    reversed_digits = "".join(reversed([digits[at : at + 2] for at in range(0, len(digits), 2)]))
    return "" if reversed_digits == digits else reversed_digits
