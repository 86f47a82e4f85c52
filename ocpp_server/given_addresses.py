"""Addresses that operators give, for stations to fetch a file from or to put one there."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from ocpp_server.domain import Invalid

SCHEMES: Final = ("http", "https", "ftp", "ftps", "sftp")
# 2.0.1 and the 1.6 security extension: location and remoteLocation have at most 512 characters.
MOST_CHARACTERS: Final = 512


def check_address(url: str, field: str) -> SplitResult:
    """The parts of an address that a station could use (2.x N01, S17). Raises Invalid."""
    try:
        parts = urlsplit(url)
        is_wrong = parts.scheme.lower() not in SCHEMES or not parts.hostname or parts.port == 0
    except ValueError:
        is_wrong = True
    if is_wrong:
        raise Invalid(
            f"Use an address that begins with one of {', '.join(SCHEMES)} and has a host.", field=field
        )
    if not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("Use printable ASCII without spaces; encode other characters with %.", field=field)
    if len(url) > MOST_CHARACTERS:
        raise Invalid(f"OCPP allows {MOST_CHARACTERS} characters.", field=field)
    return parts
