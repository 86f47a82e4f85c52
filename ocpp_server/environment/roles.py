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


@dataclass(frozen=True, slots=True)
class Duty:
    """One row. `port` names the variable of the port it listens on; empty where it listens on none."""

    sentence: str
    needs_redis: bool = True
    port: str = ""


DUTIES: dict[Role, Duty] = {
    Role.SERVER: Duty("everything in one process", needs_redis=False, port="HTTP_PORT"),
    Role.WEB: Duty("REST API, admin and station WebSockets", port="HTTP_PORT"),
    Role.GATEWAY: Duty("station WebSockets, handed to the processors through Redis", port="HTTP_PORT"),
    Role.PROCESSOR: Duty("the messages of stations at gateways"),
    Role.HOUSEKEEPING: Duty("deadlines, expiries, retention"),
    Role.ACCOUNTS: Duty("the accounts API alone", needs_redis=False, port="ACCOUNTS_PORT"),
}


def begin(role: Role) -> None:
    """Say what this process and those it starts do."""
    os.environ[_VARIABLE] = role


def current() -> Role:
    """The role of this process; the whole server if none is set (`uvicorn ...`, `manage.py ...`)."""
    return Role(os.environ.get(_VARIABLE, "").strip().lower() or Role.SERVER)


def own_port(settings: object) -> int | None:
    """The port this process listens on, if any. `settings` has the environment's variables as attributes."""
    name = DUTIES[current()].port
    return int(getattr(settings, name)) if name else None
