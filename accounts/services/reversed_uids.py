"""A card's number with its bytes in the other order."""

from __future__ import annotations

import re


def reversed_uid(uid: str) -> str:
    """The bytes of a card's number in the other order, as some readers report them; empty when it is none.

    Only ever shown to the operator: two cards may well be each other's reverse (field notes 8).
    """
    digits = re.sub(r"[:\- ]", "", uid.strip())
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){3,10}", digits):
        return ""
    backwards = "".join(reversed([digits[at : at + 2] for at in range(0, len(digits), 2)]))
    return "" if backwards == digits else backwards
