"""The kind "logs": a campaign that asks stations for their logs, and is done where the file has arrived.

1.6 4.4 (GetDiagnostics) and the security extension (GetLog), 2.x N01.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import CampaignStation, ChargePoint, Command, LogUpload
from chargepoints.services.campaigns.command import (
    at_present,
    declared,
    deleted,
    failure_of,
    sent_for,
    skipped_if_lacking,
    validated,
)
from chargepoints.services.campaigns.kinds import Arguments, Result
from chargepoints.services.diagnostics import progress, requests
from ocpp_server.credentials import Role
from ocpp_server.domain import Invalid
from ocpp_server.observability.masking import masked
from ocpp_server.protocol.versions import in_dialect

State, Reason = CampaignStation.State, CampaignStation.Reason

_LOG, _DIAGNOSTICS = "get-log", "get-diagnostics"
_TYPE: Final = "logType"
# A station may report the end of an upload before the server has stored the file.
_FILE_COMES_WITHIN: Final = timedelta(minutes=1)


class LogsKind:
    """Its arguments are the body of the endpoint `get-log`.

    A 1.6 station gets GetDiagnostics for its diagnostics log, because only stations with the security
    extension know GetLog, and GetLog for its security log.
    """

    name = "logs"
    title = _("Logs")

    def check(self, arguments: Arguments) -> dict[str, Any]:
        asked = validated(declared(_LOG), dict(arguments), below="arguments")
        try:
            requests.checked(**asked)
        except Invalid as error:
            wrong = [{**one, "field": f"arguments.{one['field']}"} for one in error.errors]
            raise Invalid(error.sentence, errors=wrong) from None
        return {_TYPE: asked["log_type"], **arguments}

    def role(self, arguments: Arguments) -> Role:
        return declared(_LOG).role

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return dict(masked(dict(arguments)))

    def sentence(self, arguments: Arguments) -> str:
        kind = str(arguments.get(_TYPE, ""))
        title = str(LogUpload.Kind(kind).label) if kind in LogUpload.Kind.values else kind
        others = ", ".join(f"{name}: {value}" for name, value in arguments.items() if name != _TYPE)
        return f"{title} ({others})" if others else title

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        asked = validated(declared(_LOG), dict(arguments), below="arguments")
        version = (await at_present(charge_point)).ocpp_version
        command = declared(_LOG)
        if asked["log_type"] == LogUpload.Kind.DIAGNOSTICS_LOG and in_dialect(version, True, False):
            command = declared(_DIAGNOSTICS)
            del asked["log_type"]
        await command.perform(charge_point, actor=actor, wait=False, **asked)
        return None

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        uploads = _uploads_of(rows)
        now = timezone.now()
        found = {row: _result(commands, uploads.get(row), now) for row, commands in sent_for(rows).items()}
        return {row: result for row, result in found.items() if result is not None}


def _uploads_of(rows: Sequence[CampaignStation]) -> dict[int, LogUpload]:
    """The request of the last attempt of each row, by the row's key. It is found by its station and actor:
    a process that died after it sent the command has not connected the two.
    """
    oldest = min((row.claimed_at for row in rows if row.claimed_at), default=None)
    if oldest is None:
        return {}
    newest = {
        upload.charge_point_id: upload
        for upload in LogUpload.objects.filter(
            charge_point__in=[row.charge_point_id for row in rows],
            actor=rows[0].campaign.sender,
            created_at__gte=oldest,
        ).order_by("pk")
    }
    return {row.pk: newest[row.charge_point_id] for row in rows if row.charge_point_id in newest}


def _result(commands: Sequence[Command], upload: LogUpload | None, now: datetime) -> Result | None:
    """The end of one request: the failure of its command, or what became of the file. None before that."""
    if not commands or upload is None:
        return deleted(gettext("The request was deleted before its result was read."))
    if upload.state == LogUpload.State.RECEIVED:
        return Result(State.DONE, detail=_file(upload))
    command = commands[0]
    if command.is_finished and (failure := failure_of(command)) is not None:
        return skipped_if_lacking(failure, command)
    if upload.state == LogUpload.State.UPLOADED:
        return Result(State.DONE, detail=str(upload.get_state_display()))
    if upload.state in progress.OPEN:
        return None
    is_reported = upload.status == progress.UPLOADED and not upload.fault
    if is_reported and now - upload.updated_at < _FILE_COMES_WITHIN:
        return None
    return Result(State.FAILED, Reason.NO_EFFECT, _failure(upload, is_reported=is_reported))


def _file(upload: LogUpload) -> str:
    return gettext("%(name)s, %(size)s bytes") % {
        "name": upload.file_name or gettext("A file without a name"),
        "size": f"{upload.size or 0:,}",
    }


def _failure(upload: LogUpload, *, is_reported: bool) -> str:
    if is_reported:
        return gettext("The station reported Uploaded, but no file has arrived.")
    said = upload.fault or (upload.status if upload.state == LogUpload.State.FAILED else "")
    return said or str(upload.get_state_display())


LOGS: Final = LogsKind()


def from_diagnostics(fields: Arguments) -> dict[str, Any]:
    """The arguments from the fields of `get-diagnostics`."""
    return {_TYPE: LogUpload.Kind.DIAGNOSTICS_LOG.value, **fields}
