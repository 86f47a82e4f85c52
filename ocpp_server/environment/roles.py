"""The roles of processes in an installation, as `run.py` starts them, in one table. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum

_VARIABLE = "OCPP_ROLE"


class Role(StrEnum):
    SERVER = "server"
    WEB = "web"
    GATEWAY = "gateway"
    PROCESSOR = "processor"
    HOUSEKEEPING = "housekeeping"
    ACCOUNTS = "accounts"
    SIGNER = "signer"


@dataclass(frozen=True, slots=True)
class RoleInfo:
    """A role of the table. `port` is the variable with its port; empty for a role without a port."""

    sentence: str
    needs_redis: bool = True
    port: str = ""


ROLES: dict[Role, RoleInfo] = {
    Role.SERVER: RoleInfo("everything in one process", needs_redis=False, port="HTTP_PORT"),
    Role.WEB: RoleInfo("REST API, admin and station WebSockets", port="HTTP_PORT"),
    Role.GATEWAY: RoleInfo("station WebSockets, handed to the processors through Redis", port="HTTP_PORT"),
    Role.PROCESSOR: RoleInfo("the messages of stations at gateways"),
    Role.HOUSEKEEPING: RoleInfo("deadlines, expiries, retention"),
    Role.ACCOUNTS: RoleInfo("the accounts API alone", needs_redis=False, port="ACCOUNTS_PORT"),
    Role.SIGNER: RoleInfo("the keys of our CAs: certificates and revocation lists", needs_redis=False),
}


def begin(role: Role) -> None:
    """Set the role of this process and of the processes that it starts."""
    os.environ[_VARIABLE] = role


def current() -> Role:
    """The role of this process; SERVER if none is set (`uvicorn ...`, `manage.py ...`)."""
    return Role(os.environ.get(_VARIABLE, "").strip().lower() or Role.SERVER)


def own_port(settings: object) -> int | None:
    """The port of this process, None for a role without one. `settings` has the variables as attributes."""
    name = ROLES[current()].port
    return int(getattr(settings, name)) if name else None
