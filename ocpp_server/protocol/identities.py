"""The identities that stations may have: one rule for the socket, the API, the admin and the queue.

A new station has at most 48 characters, the identifierString of 2.x. 1.6 names no limit, and stations with
longer identities were entered before the rule: they keep working everywhere.
"""

from __future__ import annotations

import re
from typing import Final

MAX_NEW: Final = 48
# The longest identity of a station that exists: the size of the column.
MAX_KNOWN: Final = 255
# A slash would change the URL, a colon ends the user name of Basic authentication (RFC 7617 2). U+FFFD is
# what remains of bytes that are not UTF-8.
_NEVER: Final = re.compile(r"[/:\\\x00-\x1f\x7f\ufffd]")


def fault(identity: str) -> str:
    """Why no station can have this identity, as a part of a sentence; empty for a possible one."""
    if not identity:
        return "must not be empty"
    if identity in (".", ".."):
        return "must not be '.' or '..'"
    if _NEVER.search(identity):
        return "must not contain '/', '\\', ':' or control characters"
    if len(identity) > MAX_KNOWN:
        return f"must have at most {MAX_KNOWN} characters"
    return ""


def fault_of_new(identity: str) -> str:
    """Why no new station can have this identity, as a part of a sentence; empty for a possible one."""
    if not identity.strip() or identity != identity.strip():
        return "must not be blank, and must not start or end with a space"
    if len(identity) > MAX_NEW:
        return f"must have at most {MAX_NEW} characters"
    if not identity.isprintable():
        return "must have printable characters only"
    return fault(identity)
