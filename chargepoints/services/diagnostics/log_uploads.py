"""The rows of requested logs: their states, and the files that arrive (1.6 4.4 and GetLog, 2.x N01)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from chargepoints.models import ChargePoint, Command, FollowUp, LogUpload
from chargepoints.services.diagnostics import addresses, files
from chargepoints.services.diagnostics.addresses import Secrets
from chargepoints.services.diagnostics.progress import IDLE, OPEN, REPLACED, Evidence, state_of
from ocpp_server.bounds import folders
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events

log = structlog.get_logger(__name__)

NOTIFICATIONS: Final = ("DiagnosticsStatusNotification", "LogStatusNotification")
# A run of a job computes so many, and deletes so many.
AT_ONCE: Final = 200
_MOST_NAMES: Final = 500


def create(charge_point: ChargePoint, *, kind: str, actor: str, secrets: Secrets | None) -> LogUpload:
    """A new request, before it is sent. `secrets` are those of an address of this server."""
    now = datetime.now(UTC)
    return LogUpload.objects.create(
        charge_point=charge_point,
        kind=kind,
        actor=actor[:150],
        secret_hash=addresses.digest(secrets.key) if secrets else "",
        login_hash=addresses.digest(secrets.login) if secrets else "",
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(seconds=settings.UPLOAD_EXPIRY),
    )


def connect(upload: LogUpload, command: Command) -> None:
    """Connect the request with the command that was sent for it."""
    LogUpload.objects.filter(pk=upload.pk).update(command=command)
    refresh(upload.pk)


def announced_name(command: Command) -> str:
    """The name of the file in the station's answer; empty if it has not answered with one."""
    answer = command.response if isinstance(command.response, dict) else {}
    return addresses.shown_name(str(answer.get("fileName") or answer.get("filename") or ""))


def discard(upload: LogUpload) -> None:
    """Delete a request that was not sent."""
    LogUpload.objects.filter(pk=upload.pk).delete()


# -- the state -------------------------------------------------------------------------------------------


def follow(charge_point_pk: int, action: str, number: int | None) -> None:
    """Compute the state of the log that a notification is about: by its requestId, else the newest one."""
    rows = LogUpload.objects.filter(charge_point=charge_point_pk)
    is_diagnostics = Q(kind=LogUpload.Kind.DIAGNOSTICS)
    if action == "DiagnosticsStatusNotification":
        rows = rows.filter(is_diagnostics)
    else:
        rows = rows.filter(~is_diagnostics, pk=-1 if number is None else number)
    pk = rows.order_by("-pk").values_list("pk", flat=True).first()
    if pk is not None:
        refresh(pk)


def refresh(pk: int) -> None:
    """Compute the state of a log from its command, the notifications and the file."""
    with transaction.atomic():
        row = LogUpload.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return
        command = row.command
        row.status = _last_status(row)
        row.state = state_of(
            Evidence(
                command=command.state if command else "",
                status=row.status,
                is_received_here=row.is_received_here,
                has_begun=row.began_at is not None,
                has_file=row.has_file,
                fault=row.fault,
                is_replaced=_is_replaced(row),
                is_expired=row.expires_at < datetime.now(UTC),
            )
        )
        if command is not None and not row.file_name:
            row.file_name = announced_name(command)
        row.updated_at = datetime.now(UTC)
        row.save(update_fields=["status", "state", "file_name", "updated_at"])
    if command is not None and command.status == REPLACED:
        before = _alike(row).filter(pk__lt=pk).order_by("-pk").values_list("pk", "state").first()
        if before is not None and before[1] in OPEN:
            refresh(before[0])


def _alike(row: LogUpload) -> QuerySet[LogUpload]:
    """The requests of the station that are made by the same action."""
    rows = LogUpload.objects.filter(charge_point=row.charge_point_id)
    is_diagnostics = Q(kind=LogUpload.Kind.DIAGNOSTICS)
    return rows.filter(is_diagnostics if row.kind == LogUpload.Kind.DIAGNOSTICS else ~is_diagnostics)


def _last_status(row: LogUpload) -> str:
    """The last notification about this log. Those of 1.6 diagnostics have no number: they belong to the last
    request before them.
    """
    about = FollowUp.objects.filter(charge_point=row.charge_point_id, received_at__gte=row.created_at)
    if row.kind != LogUpload.Kind.DIAGNOSTICS:
        about = about.filter(action="LogStatusNotification", request_id=row.pk)
    else:
        about = about.filter(action="DiagnosticsStatusNotification")
        next_at = (
            _alike(row).filter(pk__gt=row.pk).order_by("pk").values_list("created_at", flat=True).first()
        )
        about = about.filter(received_at__lt=next_at) if next_at else about
    statuses = about.exclude(status__in=("", IDLE)).order_by("-received_at", "-pk")
    return statuses.values_list("status", flat=True).first() or ""


def _is_replaced(row: LogUpload) -> bool:
    following = _alike(row).filter(pk__gt=row.pk).order_by("pk").values_list("command__status").first()
    return following is not None and following[0] == REPLACED


def settle() -> None:
    """Compute the states that have changed without a process that noticed it: the answer came late, or the
    process died after a notification; or the address has expired.
    """
    newer = FollowUp.objects.filter(
        charge_point=OuterRef("charge_point"),
        action__in=NOTIFICATIONS,
        received_at__gt=OuterRef("updated_at"),
    )
    changed = LogUpload.objects.filter(state__in=OPEN).filter(
        Q(expires_at__lt=datetime.now(UTC))
        | Q(state=LogUpload.State.REQUESTED, command__finished_at__gte=F("updated_at"))
        | Exists(newer)
    )
    for pk in list(changed.order_by("updated_at").values_list("pk", flat=True)[:AT_ONCE]):
        refresh(pk)


# -- the file ----------------------------------------------------------------------------------------------


def find(number: int, key: str) -> LogUpload | None:
    """The request with this address; None if there is none, or it has expired."""
    row = LogUpload.objects.select_related("charge_point").filter(pk=number).first()
    if row is None or not addresses.matches(key, row.secret_hash) or row.expires_at < datetime.now(UTC):
        return None
    return row


def begin(pk: int) -> None:
    """Note that a file begins to arrive."""
    LogUpload.objects.filter(pk=pk).update(began_at=datetime.now(UTC), fault="")
    refresh(pk)


def fail(pk: int, sentence: str) -> None:
    """Note why a file was not stored."""
    LogUpload.objects.filter(pk=pk).update(fault=sentence[:255])
    refresh(pk)


def stored_bytes() -> int:
    """The size of all stored files."""
    return LogUpload.objects.exclude(stored_as="").aggregate(total=Sum("size"))["total"] or 0


def store(pk: int, *, kept: folders.Kept, file_name: str) -> bool:
    """Note a file that has arrived. It replaces one that arrived before at the same address: a station that
    lost our answer uploads again. False if the row was deleted meanwhile.
    """
    now = datetime.now(UTC)
    with transaction.atomic():
        row = LogUpload.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return False
        before, had = row.stored_as, row.sha256
        row.stored_as, row.size, row.sha256 = kept.name, kept.size, kept.sha256
        row.file_name, row.fault = file_name or row.file_name, ""
        row.state, row.received_at, row.updated_at = LogUpload.State.RECEIVED, now, now
        row.save(
            update_fields=[
                "stored_as", "size", "sha256", "file_name", "fault", "state", "received_at", "updated_at"
            ]
        )  # fmt: skip
        station = ChargePoint.objects.values_list("identity", "site_id").get(pk=row.charge_point_id)
        if kept.sha256 != had:
            outbox.emit(
                events.LOG_RECEIVED,
                station=station[0],
                site=station[1],
                logId=row.pk,
                kind=row.kind,
                fileName=row.file_name,
                size=kept.size,
                requestId=row.command_id,
            )
        if before:
            transaction.on_commit(lambda: files.LOGS.delete([before]), robust=True)
    return True


def known(names: Collection[str]) -> set[str]:
    """The names of these files that have a row."""
    found: set[str] = set()
    wanted = list(names)
    for first in range(0, len(wanted), _MOST_NAMES):
        some = LogUpload.objects.filter(stored_as__in=wanted[first : first + _MOST_NAMES])
        found.update(some.values_list("stored_as", flat=True))
    return found


def delete(upload: LogUpload) -> None:
    """Delete a request and its file."""
    name = upload.stored_as
    with transaction.atomic():
        upload.delete()
        transaction.on_commit(lambda: files.LOGS.delete([name]), robust=True)


def delete_old() -> None:
    """Delete requests after UPLOAD_RETENTION. Their files are deleted by the processes that have them."""
    if settings.UPLOAD_RETENTION:
        before = datetime.now(UTC) - timedelta(seconds=settings.UPLOAD_RETENTION)
        old = LogUpload.objects.filter(created_at__lt=before).order_by("created_at")
        LogUpload.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()
