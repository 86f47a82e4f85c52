"""Recognising a message that was sent before, with whatever message id."""

from __future__ import annotations

import hashlib


def fingerprint(*values: object) -> str:
    """32 hexadecimal digits of what makes two messages the same."""
    return hashlib.blake2b("|".join(map(str, values)).encode(), digest_size=16).hexdigest()
