"""GetDiagnostics and GetLog: ask a station for its diagnostics or log (1.6 4.4 and security extension, N01);
and CustomerInformation (N09, N10).

The server makes an address for each request, at which it receives the file itself, unless an operator gives
another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command, LogUpload
from chargepoints.services.diagnostics import addresses, customers, log_uploads, requests
from ocpp_server import command_fields as fields
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import DomainError
from ocpp_server.given_addresses import MOST_CHARACTERS
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.translate import time as time_text
from ocpp_server.protocol.versions import V21
from ocpp_server.request_numbers import new_number
from ocpp_server.rights import Right, role_for
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee

# The payload of a request, from the address, the requestId and the arguments.
Spelling = Callable[..., dict[str, Any]]

_MOST_RETRIES: Final = 100
_ANSWER: Final = "chargepoints.views.logs.RequestedSerializer"
_KINDS: Final = (
    (LogUpload.Kind.DIAGNOSTICS_LOG.value, _("Diagnostics log")),
    (LogUpload.Kind.SECURITY_LOG.value, _("Security log")),
)
_KINDS_21: Final = (*_KINDS, (LogUpload.Kind.DATA_COLLECTOR_LOG.value, _("Data collector log")))


async def _prepare(charge_point: ChargePoint, **arguments: Any) -> dict[str, Any]:
    return requests.checked(**arguments)


async def _request(
    charge_point: ChargePoint,
    spell: Spelling,
    *,
    action: str,
    kind: str,
    actor: str,
    timeout: float | None,
    wait: bool,
    url: str = "",
    with_login: bool = False,
    **arguments: Any,
) -> Result:
    """Send the request and connect it with its row. Raises the errors of `calls.call`."""
    secrets = None if url else addresses.new_secrets(with_login=with_login)

    def payload(number: int) -> dict[str, Any]:
        address = url if secrets is None else addresses.address(number, secrets)
        return spell(address, number, **arguments)

    # A request that can't be sent gets no row.
    await calls.check(charge_point, action, payload(0))
    upload = await journal.run(log_uploads.create, charge_point, kind=kind, actor=actor, secrets=secrets)
    try:
        sent: Command = await calls.call(
            charge_point, action, payload(upload.pk), actor=actor, timeout=timeout, wait=wait
        )
    except (DomainError, LiveStateUnavailable):
        await journal.run(log_uploads.discard, upload)
        raise
    await journal.run(log_uploads.connect, upload, sent)
    return Result(sent, {"logId": upload.pk, "fileName": log_uploads.announced_name(sent)})


def _period(start_at: datetime | None, stop_at: datetime | None, *, names: tuple[str, str]) -> dict[str, str]:
    times = zip(names, (start_at, stop_at), strict=True)
    return {name: time_text(at) for name, at in times if at is not None}


def _retried(retries: int | None, retry_interval: int | None) -> dict[str, int]:
    given = {"retries": retries, "retryInterval": retry_interval}
    return {name: value for name, value in given.items() if value is not None}


def _diagnostics(
    address: str,
    number: int,
    *,
    start_at: datetime | None = None,
    stop_at: datetime | None = None,
    retries: int | None = None,
    retry_interval: int | None = None,
) -> dict[str, Any]:
    period = _period(start_at, stop_at, names=("startTime", "stopTime"))
    return {"location": address, **period, **_retried(retries, retry_interval)}


def _log(
    address: str,
    number: int,
    *,
    log_type: str,
    start_at: datetime | None = None,
    stop_at: datetime | None = None,
    retries: int | None = None,
    retry_interval: int | None = None,
) -> dict[str, Any]:
    period = _period(start_at, stop_at, names=("oldestTimestamp", "latestTimestamp"))
    return {
        "logType": log_type,
        "requestId": number,
        "log": {"remoteLocation": address, **period},
        **_retried(retries, retry_interval),
    }


async def _get_diagnostics(charge_point: ChargePoint, **how: Any) -> Result:
    kind = LogUpload.Kind.DIAGNOSTICS
    return await _request(charge_point, _diagnostics, action="GetDiagnostics", kind=kind, **how)


async def _get_log(charge_point: ChargePoint, *, log_type: str, **how: Any) -> Result:
    def spell(address: str, number: int, **arguments: Any) -> dict[str, Any]:
        return _log(address, number, log_type=log_type, **arguments)

    return await _request(charge_point, spell, action="GetLog", kind=log_type, **how)


def _kinds(field: fields.Choice, charge_point: ChargePoint) -> fields.Choice:
    return replace(field, choices=_KINDS_21) if charge_point.ocpp_version == V21 else field


_SHARED: Final = (
    fields.Text(
        "start_at",
        _("From"),
        name="startTime",
        most=40,
        help=_("The oldest entry, such as 2026-11-28T14:00:00Z."),
    ),
    fields.Text("stop_at", _("To"), name="stopTime", most=40, help=_("The newest entry.")),
    fields.Whole("retries", _("Retries"), most=_MOST_RETRIES, help=_("If the upload fails.")),
    fields.Whole("retry_interval", _("Retry interval"), help=_("Seconds between two attempts.")),
    fields.Flag(
        "with_login",
        _("Login in the address"),
        help=_("The address has a user name and a password too, which the station must send."),
    ),
    fields.Text(
        "url",
        _("Another address"),
        most=MOST_CHARACTERS,
        help=_(
            "Leave empty to receive the file here. Otherwise http, https, ftp, ftps or sftp; a login in "
            "it is not stored."
        ),
    ),
)
_DESCRIPTION: Final = (
    "The server makes an address for this upload and receives the file: GET .../logs/{logId} returns its "
    "state, as the station reports it, and GET .../logs/{logId}/file the file."
)

GET_DIAGNOSTICS = command(
    "get-diagnostics",
    _("Get diagnostics"),
    _("Ask the station to upload its diagnostics."),
    action="GetDiagnostics",
    icon="troubleshoot",
    position=90,
    fields=_SHARED,
    prepare=_prepare,
    run=_get_diagnostics,
    rest=Rest(answer=_ANSWER, description=_DESCRIPTION),
)

GET_LOG = command(
    "get-log",
    _("Get log"),
    _("Ask the station to upload its diagnostics log or security log."),
    action="GetLog",
    icon="description",
    position=91,
    fields=(
        fields.Choice(
            "log_type",
            _("Log"),
            choices=_KINDS,
            also=(LogUpload.Kind.DATA_COLLECTOR_LOG.value,),
            default=LogUpload.Kind.DIAGNOSTICS_LOG.value,
            adapt=_kinds,
        ),
        *_SHARED,
    ),
    prepare=_prepare,
    run=_get_log,
    rest=Rest(answer=_ANSWER, description=_DESCRIPTION),
)


# -- customer information ------------------------------------------------------------------------------------


def _clears(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    return _("The station deletes what it knows about this customer.") if arguments.get("clear") else ""


async def _name_customer(
    charge_point: ChargePoint,
    *,
    id_token_type: str,
    report: bool = False,
    clear: bool = False,
    id_token: str = "",
    customer_identifier: str = "",
    customer_certificate: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Raises Invalid unless exactly one customer is named, and something is asked for."""
    token = {"idToken": id_token, "type": id_token_type} if id_token else None
    named = zip(customers.NAMES, (token, customer_identifier, customer_certificate), strict=True)
    given = {name: value for name, value in named if value}
    customers.require_valid(report=report, clear=clear, given=given)
    return {"asked": {"report": report, "clear": clear, **given}}


async def _ask_about(charge_point: ChargePoint, *, asked: dict[str, Any], **how: Any) -> Result:
    number = new_number()
    payload = {"requestId": number, **asked}
    sent: Command = await calls.call(charge_point, "CustomerInformation", payload, **how)
    return Result(sent, {"reportRequestId": number})


CUSTOMER_INFORMATION = command(
    "customer-information",
    _("Customer information"),
    _("Ask the station what it knows about a customer, and let it delete that."),
    action="CustomerInformation",
    icon="person_search",
    position=98,
    role=role_for(Right.PERSONAL_DATA),
    danger=_clears,
    fields=(
        fields.Flag("report", _("Report"), help=_("The station sends what it knows.")),
        fields.Flag("clear", _("Clear"), help=_("The station deletes what it knows, except its local list.")),
        fields.Text("id_token", _("Token (UID)"), name="idTag", help=_("One of these three.")),
        fields.Text(
            "id_token_type",
            _("Token type"),
            name="idTagType",
            most=20,
            default="ISO14443",
            help=_("2.x idToken type; ISO14443 unless given."),
        ),
        fields.Text(
            "customer_identifier",
            _("Customer identifier"),
            most=64,
            help=_("As the vendor of the station defines it."),
        ),
        fields.Object(
            "customer_certificate",
            _("Customer certificate"),
            lines=4,
            help=_("hashAlgorithm, issuerNameHash, issuerKeyHash and serialNumber, as it was installed."),
        ),
    ),
    prepare=_name_customer,
    run=_ask_about,
    rest=Rest(
        answer="chargepoints.serializers.customers.CustomerAskedSerializer",
        description="The text of the station comes afterwards, encrypted: administrators read it in the "
        "admin, below Reports. It is deleted after 30 days, with `clear` after one day; `clear` also erases "
        "what this station has sent before about the same customer, and compares its local list.",
    ),
)
