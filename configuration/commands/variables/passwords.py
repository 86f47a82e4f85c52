"""Change the password with which a station logs on (1.6 security whitepaper A01, 2.0.1 A01)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from chargepoints.services.provisioning import passwords
from chargepoints.services.provisioning.passwords import Form
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, Invalid, QueueFull
from ocpp_server.error_codes import Code
from ocpp_server.observability import tracing
from ocpp_server.protocol.versions import V16, in_dialect
from ocpp_server.rights import Right, role_for
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.handshake.authentication import hash_password

# The names of the fields that one answer shows, and no other.
_SHOWN_ONCE = {"password": _("New password"), "passwordHex": _("The same as hexadecimal digits")}


def _form(field: fields.Choice, charge_point: ChargePoint) -> fields.Choice | None:
    return field if charge_point.ocpp_version == V16 else None


def _spell_16(*, value: str) -> dict[str, Any]:
    return {"key": "AuthorizationKey", "value": value}


def _spell_2x(*, value: str) -> dict[str, Any]:
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    return {"setVariableData": [{**place, "attributeValue": value}]}


async def send(
    charge_point: ChargePoint,
    action: str,
    payload: dict[str, Any],
    password: str | bytes,
    *,
    actor: str,
    timeout: float | None,
    wait: bool,
    command_id: str = "",
) -> Any:
    """Store the hash of a password, send the command that sets it, and return its row. Both passwords are
    accepted unless the station refuses the new one. Raises Conflict while an earlier one is unproved, and the
    errors of `calls.call`.
    """
    await calls.check(charge_point, action, payload, sets_password=True)
    seconds = settings.OCPP_CALL_TIMEOUT if timeout is None else timeout
    stored = await asyncio.to_thread(hash_password, password)
    until = datetime.now(UTC) + timedelta(seconds=seconds) + passwords.SLACK
    command_id = command_id or tracing.command_id()
    await journal.run(passwords.offer, charge_point.pk, stored, command_id=command_id, until=until)
    try:
        row: Any = await calls.call(
            charge_point,
            action,
            payload,
            actor=actor,
            timeout=timeout,
            wait=wait,
            sets_password=True,
            command_id=command_id,
        )
    except (Conflict, Invalid, QueueFull):
        # Not sent. After any other error the command may be on its way: both passwords stay.
        await journal.run(passwords.withdraw, charge_point.pk, command_id)
        raise
    if passwords.was_refused(row):
        await journal.run(passwords.withdraw, charge_point.pk, command_id)
    return row


async def _rotate(
    charge_point: ChargePoint, *, form: str = "", actor: str, timeout: float | None, wait: bool
) -> Result:
    """Send a new password, and return it in the result, unless the station refused it."""
    version = charge_point.ocpp_version
    if form and form != Form.TEXT and version != V16:
        raise Invalid("OCPP 2.x has passwords as text only.", field="form", code=Code.NOT_SUPPORTED)
    made = passwords.generated(Form(form or in_dialect(version, Form.HEX, Form.TEXT)))
    action = ROTATE_PASSWORD.action_of(version)
    payload = in_dialect(version, _spell_16, _spell_2x)(value=made.sent)
    row = await send(charge_point, action, payload, made.key, actor=actor, timeout=timeout, wait=wait)
    if passwords.was_refused(row):
        return Result(row, {})
    shown = {"passwordHex": made.hex} | ({"password": made.text} if made.text else {})
    return Result(row, shown, shown_once={name: _SHOWN_ONCE[name] for name in _SHOWN_ONCE if name in shown})


ROTATE_PASSWORD = command(
    "rotate-password",
    _("Rotate password"),
    _("Generate a new password, send it to the station and show it once."),
    action="SetVariables",
    action_16="ChangeConfiguration",
    icon="key",
    position=85,
    role=role_for(Right.STATION_ACCESS),
    is_for_one=True,
    fields=(
        fields.Choice(
            "form",
            _("Form"),
            choices=(
                ("hex", _("Hexadecimal digits of a text (40)")),
                ("text", _("Text (20 characters)")),
                ("bytes", _("Hexadecimal digits of random bytes (40)")),
            ),
            help=_("The form in which a 1.6 station takes its key: hex unless given. In 2.x always text."),
            adapt=_form,
        ),
    ),
    danger=_("The station will have to log on with the new password."),
    run=_rotate,
    rest=Rest(
        answer="configuration.serializers.NewPasswordSerializer",
        description="The password is in this answer only: it is not stored, and a repeated Idempotency-Key "
        "gets the answer without it. Accepted: from then on only the new password is valid. RebootRequired, "
        "or no answer: the server accepts both until the station logs on with one of them; meanwhile another "
        "rotation is 409. Rejected: the present one stays, and the answer has no password.",
    ),
)
