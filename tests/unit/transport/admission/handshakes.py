"""Handshakes of stations that are stored in memory, and their refusals."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.transport.handshake import admission, authentication
from ocpp_server.transport.handshake.admission import Handshake, Refusal
from tests.unit.transport import handshakes

V16, V201 = "ocpp1.6", "ocpp2.0.1"
PASSWORD = "0123456789abcdef"
HASH = authentication.hash_password(PASSWORD)
HERE, THERE = "192.0.2.1", "192.0.2.2"


@dataclass
class Row:
    """A stored station."""

    identity: str = "CP-1"
    serial_number: str = ""
    security_profile: int = 0
    password_hash: str = ""
    next_password_hash: str = ""
    next_password_until: datetime | None = None
    next_security_profile: int | None = None
    next_security_profile_until: datetime | None = None
    checks_username: bool = False
    pk: int = 7
    ocpp_version: str = ""
    heartbeat_interval: int = 0


class Stations:
    """The port of the engine, filled with stations in memory."""

    def __init__(self) -> None:
        self.rows = {"CP-1": Row()}
        self.is_full = False
        self.recorded: list[tuple[Handshake, Refusal]] = []
        self.proved: list[tuple[int, str]] = []
        self.profiles: list[tuple[int, int]] = []

    def find(self, identities: list[str]) -> list[Row | None]:
        return [self.rows.get(identity) for identity in identities]

    def register(self, identities: list[str]) -> list[Row | None]:
        for identity in identities if not self.is_full else ():
            self.rows.setdefault(identity, Row(identity))
        return self.find(identities)

    def record(self, handshake: Handshake, refusal: Refusal) -> None:
        self.recorded.append((handshake, refusal))

    def prove(self, charge_point_pk: int, password_hash: str) -> None:
        self.proved.append((charge_point_pk, password_hash))

    def prove_profile(self, charge_point_pk: int, profile: int) -> None:
        self.profiles.append((charge_point_pk, profile))


class Journal:
    """Runs the functions of the port at once, without the database of the journal."""

    async def run_batched(self, many: Callable[[list[str]], list[Any]], item: str) -> Any:
        return many([item])[0]

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def handshake(identity: str = "CP-1", **more: Any) -> Handshake:
    """A handshake of OCPP 1.6 from HERE."""
    return handshakes.handshake(
        identity, **({"offered": [V16], "protocol_header": V16, "address": HERE} | more)
    )


async def refusal_of(given: Handshake) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await admission.admit(given)
    return caught.value


async def counted(kind: str, address: str = HERE, identity: str = "CP-1") -> int:
    (count,) = await live.state().recent.counts(address, identity, kind)
    return count
