"""The settings of e-mail: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

from ocpp_server.environment.parsers import duration
from ocpp_server.environment.variable import Variable

_GROUP = "E-mail"

# The scheme with the usual port and the settings of Django.
_SCHEMES = {
    "smtps": (465, {"use_ssl": True, "use_tls": False}),
    "smtp": (587, {"use_ssl": False, "use_tls": True}),
    "smtp+plain": (25, {"use_ssl": False, "use_tls": False}),
}
_LIKE = "smtps://user:password@mail.example.com:465 or smtp://user:password@mail.example.com:587"


def email_url(value: str) -> dict[str, Any]:
    """The parts of the address of a mail server; an empty dict for none. Errors never repeat the value,
    because it holds a password.
    """
    if not value:
        return {}
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"it is not an address such as {_LIKE}") from None
    if parts.scheme not in _SCHEMES or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise ValueError(f"it is not an address such as {_LIKE}")
    usual_port, security = _SCHEMES[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("it needs both a user and a password, or neither; write an @ in them as %40")
    if user and parts.scheme == "smtp+plain":
        raise ValueError("smtp+plain would send the password unencrypted; use smtp (STARTTLS) or smtps")
    return {
        "host": parts.hostname,
        "port": port or usual_port,
        "user": user,
        "password": password,
        **security,
    }


def email_address(value: str) -> str:
    """An address, or a name and an address in angle brackets; empty is none."""
    address = parseaddr(value)[1]
    if value and (not value.isprintable() or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address)):
        raise ValueError(f"{value!r} is not an address such as csms@example.com or CSMS <csms@example.com>")
    return value


def _own_address(known: Mapping[str, Any]) -> str:
    user: str = known["EMAIL_URL"].get("user", "")
    return user if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", user) else ""


EMAIL_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "EMAIL_URL",
        "",
        email_url,
        "The mail server: smtps://user:password@host:465 (TLS from the first byte), "
        "smtp://user:password@host:587 (STARTTLS, which the server must have) or smtp+plain://host:25 (no "
        "encryption and no password, for a relay on the same machine). Certificates are verified. Special "
        "characters are percent-encoded. Empty: no mail is sent.",
        _GROUP,
    ),
    Variable(
        "EMAIL_FROM",
        _own_address,
        email_address,
        "The sender of all mails: csms@example.com or CSMS <csms@example.com>.",
        _GROUP,
        "the user of EMAIL_URL, if it is an address",
    ),
    Variable(
        "ALERT_GROUP_WAIT",
        "30s",
        duration,
        "How long the first mail about an alert waits: alerts of the same kind at the same site that follow "
        "leave in the same mail, and one that ends meanwhile sends none.",
        _GROUP,
    ),
)
