"""Numbers of requests and messages, which a station sends back with what follows."""

from __future__ import annotations

import secrets

_MOST = 2**31 - 1


def new_number() -> int:
    """A number from 1 on with 31 bits, because stations store it in an int.

    Random, because a database that was restored from a backup would count up to numbers that stations hold:
    two reports under one number would mix, and the same number replaces a reservation (1.6 5.13).
    """
    return secrets.randbelow(_MOST) + 1
