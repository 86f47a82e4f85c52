"""Rotation of a station's password by command (1.6 security whitepaper A01, 2.0.1 A01).

The hash of the new password is committed before the command is sent, so that a crash can't lock the station
out. From then on the handshake accepts both passwords, until

- the station accepts the new one: from then on only that one is valid (A01.FR.03);
- the station rejects it: the present one stays (A01.FR.04);
- the station logs on with the new one, after RebootRequired or without an answer;
- the station logs on with the present one, after a command that was not answered in time.

The password itself is in the answer to the operator and in the command to the station, and nowhere else.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Any, Final

from django.db import transaction

from chargepoints.models import ChargePoint, Command
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from ocpp_server.transport import outcomes
from ocpp_server.transport.handshake.authentication import hash_password

# Without letters and digits that look like others: a technician may have to type it.
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRSTUVWXYZ2345679"
LENGTH: Final = 20  # 114 bits; 1.6 takes 16 to 20 bytes, 2.x 16 to 40 characters
# An answer may take this much longer than its command's deadline.
SLACK: Final = timedelta(seconds=15)

_HEX_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")
# The station took the command and failed: it may have stored the password before.
_DOUBTFUL_ERRORS: Final = frozenset({"InternalError", "GenericError"})
_NONE: Final[dict[str, Any]] = {
    "next_password_hash": "",
    "next_password_until": None,
    "next_password_command": "",
}
# The columns that a password set by an operator clears.
NEXT: Final = frozenset(_NONE)


class Form(StrEnum):
    """The form in which a station takes its password."""

    TEXT = "text"
    HEX = "hex"
    BYTES = "bytes"


class Verdict(Enum):
    """A station's answer to a new password. UNPROVED is RebootRequired, and any word that OCPP lacks."""

    TAKEN = auto()
    REFUSED = auto()
    UNPROVED = auto()


@dataclass(frozen=True, repr=False)
class Password:
    """A new password. `text` is what a person types, empty for arbitrary bytes; `sent` is in the command."""

    text: str
    sent: str
    key: bytes

    @property
    def hex(self) -> str:
        return self.key.hex()


def generated(form: Form) -> Password:
    """A random password.

    TEXT is sent as it is. HEX is the same as 40 hexadecimal digits: a station may log on with the digits or
    with the text that they spell. BYTES are 20 random bytes, which few stations can show or log on with
    otherwise, as hexadecimal digits (1.6 security whitepaper, AuthorizationKey).
    """
    if form == Form.BYTES:
        key = secrets.token_bytes(LENGTH)
        return Password("", key.hex(), key)
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    key = text.encode()
    return Password(text, key.hex() if form == Form.HEX else text, key)


def key_of(value: str) -> str | bytes:
    """The password that a command sets, as the handshake compares it: hexadecimal digits are bytes."""
    return bytes.fromhex(value) if _HEX_KEY.fullmatch(value) else value


def offer(charge_point_pk: int, password_hash: str, *, command_id: str, until: datetime) -> None:
    """Accept a new password beside the present one from now on. Its command may be answered until `until`.

    Raises Conflict while an earlier new password is unproved.
    """
    free = ChargePoint.objects.filter(pk=charge_point_pk, next_password_hash="")
    columns = {
        "next_password_hash": password_hash,
        "next_password_until": until,
        "next_password_command": command_id,
    }
    if free.update(**columns):
        return
    row = ChargePoint.objects.get(pk=charge_point_pk)
    before = Command.objects.filter(pk=row.next_password_command).first()
    same = ChargePoint.objects.filter(pk=charge_point_pk, next_password_command=row.next_password_command)
    if before is not None and was_refused(before) and same.update(**columns):
        return
    raise Conflict(
        f"{row.identity} was sent a new password that it has not proved yet: both are accepted until it logs "
        "on again. Reset the station, or set the password in its settings.",
        code=Code.PASSWORD_UNPROVED,
    )


def was_refused(command: Command) -> bool:
    """Whether the station has certainly not taken the password of this command."""
    if command.state == Command.State.ERROR:
        return command.error_code not in _DOUBTFUL_ERRORS
    # A word that OCPP lacks counts as a refusal elsewhere; here it proves nothing.
    return command.status in outcomes.words_of(command.action).refused


def withdraw(charge_point_pk: int, command_id: str) -> None:
    """Accept only the present password again: this command did not reach the station, or was refused."""
    ChargePoint.objects.filter(pk=charge_point_pk, next_password_command=command_id).update(**_NONE)


def prove(charge_point_pk: int, password_hash: str) -> None:
    """Accept only the password that the station has just logged on with, which has this stored hash."""
    row = ChargePoint.objects.filter(pk=charge_point_pk)
    with transaction.atomic():
        if row.filter(next_password_hash=password_hash).update(password_hash=password_hash, **_NONE):
            found = row.values_list("identity", "site_id").get()
            outbox.emit(events.UPDATED, station=found[0], site=found[1], changed=["password"], actor="server")
            return
        # A command that was sent meanwhile has a later time.
        row.filter(password_hash=password_hash, next_password_until__lt=datetime.now(UTC)).update(**_NONE)


async def answered(*, station: Station, value: str, verdict: Verdict) -> None:
    """Take over the station's answer to the command that set its password to `value`.

    The hash is made of the command, not of the stored one: the station has this password now, whatever was
    stored meanwhile. A station without a password may go on without until it proves the first one.
    """
    columns = _NONE
    if verdict is not Verdict.REFUSED:
        made = await asyncio.to_thread(hash_password, key_of(value))
        if verdict is Verdict.TAKEN and await journal.run(_has_password, station.pk):
            columns = {**_NONE, "password_hash": made}
            station.emit(events.UPDATED, changed=["password"], actor=station.actor)
        else:
            columns = {**_NONE, "next_password_hash": made}
    station.unit.update(CHARGE_POINTS, station.pk, **columns)


def _has_password(charge_point_pk: int) -> bool:
    return ChargePoint.objects.filter(pk=charge_point_pk).exclude(password_hash="").exists()
