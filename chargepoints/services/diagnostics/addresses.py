"""The addresses to which stations upload logs: ours, made for one request, or one that an operator gives."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets as randomness
from typing import Final, NamedTuple

from django.conf import settings

from ocpp_server import listening
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.environment.roles import Role
from ocpp_server.given_addresses import check_address
from ocpp_server.protocol.secrets import UPLOADS

# The user name in an address with a login. The password is random, so the name need not be.
USER: Final = "station"

_PATH: Final = re.compile(
    rf"{re.escape(UPLOADS)}([0-9]{{1,18}})/([A-Za-z0-9_-]{{20,100}})(?:/(.*))?", re.DOTALL
)
_SECRET_BYTES: Final = 24


class Secrets(NamedTuple):
    """The secrets of one address. Only their digests are stored. `password` is empty without a login."""

    key: str
    password: str = ""

    @property
    def login(self) -> str:
        """As in the header Authorization, before it is encoded."""
        return f"{USER}:{self.password}" if self.password else ""


class Target(NamedTuple):
    """The parts of the path of an upload. `name` is the file name; no file of that name is ever opened."""

    number: int
    key: str
    name: str


def new_secrets(*, with_login: bool) -> Secrets:
    return Secrets(
        randomness.token_urlsafe(_SECRET_BYTES),
        randomness.token_urlsafe(_SECRET_BYTES) if with_login else "",
    )


def digest(secret: str) -> str:
    """The stored form of a secret; empty for none. The secrets are random, so a plain hash suffices."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest() if secret else ""


def matches(secret: str, stored: str) -> bool:
    """Whether this is the secret of a stored digest, in constant time."""
    return bool(stored) and hmac.compare_digest(digest(secret), stored)


def address(number: int, secrets: Secrets) -> str:
    """The address for an upload. It ends with a slash: some stations append the name of the file.

    Raises Conflict if the server does not know at which address stations reach it.
    """
    scheme, host = base_address().split("://")
    login = f"{secrets.login}@" if secrets.password else ""
    return f"{scheme}://{login}{host}{UPLOADS}{number}/{secrets.key}/"


def base_address() -> str:
    """The address at which stations reach this server over HTTP. Raises Conflict if it is not known."""
    configured: str = settings.UPLOAD_URL or settings.PUBLIC_URL
    if configured:
        return configured
    if settings.OCPP_ROLE != Role.SERVER:
        # The process that sends a command need not be one that stations reach.
        raise Conflict(
            "Set UPLOAD_URL to the address at which stations reach the server, or give an address of your "
            "own (url)."
        )
    host = listening.in_url(listening.reachable_host(settings.LISTEN_ADDRESS))
    return f"{'https' if settings.TLS_CERT else 'http'}://{host}:{settings.HTTP_PORT}"


def target(path: str) -> Target | None:
    """The parts of the path of an upload; None for a path that no upload has."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    return Target(int(found[1]), found[2], shown_name(found[3] or ""))


def shown_name(name: str) -> str:
    """The last part of a file name that a station has sent, in characters that can be shown."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(character for character in last if character.isprintable()).strip()[:255]


def check(url: str) -> None:
    """Raises Invalid for an address that no station could use (2.x N01), in the field `url`."""
    parts = check_address(url, "url")
    if "#" in url:
        raise Invalid("An address for uploads has no fragment (#).", field="url")
    if parts.query.endswith("/"):
        raise Invalid("The query of an address for uploads must not end with a slash.", field="url")
