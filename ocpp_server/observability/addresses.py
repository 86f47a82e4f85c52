"""Addresses in texts without their secrets: logins, signatures, and what makes an address of ours secret."""

from __future__ import annotations

import re
from typing import Final

from ocpp_server.protocol import secrets
from ocpp_server.protocol.secrets import is_secret_name

MASK: Final = "***"

_RUN = re.compile(r"[^\s\"'<>]+")
# A host, with an optional port, before a path or query: an @ after it does not end a login.
_HOST = re.compile(r"(?:[^@/?#:\[]*|\[[0-9A-Fa-f:.]*\])(?::[0-9]*)?[/?#]")
_QUERY = re.compile(r"([?&;#])([^=?&;#]{1,200})=([^&;#]+)")
_SIGNATURES = frozenset({"sig", "signature", "x-amz-signature", "x-goog-signature"})
# The address to which a station uploads a file, from which it downloads firmware, of a receipt, of the link
# that acknowledges an alert, or of a QR code, up to its secret.
_OURS = re.compile(
    rf"((?:(?:{secrets.UPLOADS}|{secrets.FIRMWARE}|{secrets.RECEIPTS}|{secrets.ACKNOWLEDGE})"
    rf"[0-9]{{1,20}}"
    rf"|{secrets.CHARGE}[^/?#\s\"'<>]{{1,100}}/[0-9]{{1,6}})/)[^/?#\s\"'<>]+"
)
_PATHS: Final = (secrets.UPLOADS, secrets.FIRMWARE, secrets.RECEIPTS, secrets.ACKNOWLEDGE, secrets.CHARGE)


def masked(text: str) -> str:
    """The text with masked logins and secrets in its addresses."""
    if "//" in text:
        text = _RUN.sub(_without_login, text)
    return masked_path(text)


def masked_path(path: str) -> str:
    """The path of an HTTP request without the secret of an upload, download, receipt, acknowledgement or
    QR code."""
    return _OURS.sub(rf"\1{MASK}", path) if holds_ours(path) else path


def holds_ours(text: str) -> bool:
    """Whether a text may hold an address of this server with a secret in its path."""
    return any(path in text for path in _PATHS)


def _without_login(match: re.Match[str]) -> str:
    """An address with a masked login and masked secrets in its query; other texts unchanged."""
    run = match[0]
    before, slashes, rest = run.partition("//")
    if not slashes:
        return run
    if "@" in rest and not _HOST.match(rest):
        rest = f"{MASK}@{rest.rpartition('@')[2]}"
    return f"{before}//{_QUERY.sub(_without_value, rest)}"


def _without_value(match: re.Match[str]) -> str:
    before, name, _ = match.groups()
    if name.casefold() in _SIGNATURES or is_secret_name(name):
        return f"{before}{name}={MASK}"
    return match[0]
