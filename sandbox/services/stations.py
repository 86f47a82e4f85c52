"""Virtual stations: create them, and delete them with all that belongs to them."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chargepoints.models import ChargePoint, Command, Message, Site
from chargepoints.services import sites
from chargepoints.services.provisioning import stations
from ocpp_server import sites as rule_of_sites
from ocpp_server.api.waiting import release_connection
from ocpp_server.domain import Conflict, Invalid, Refused
from ocpp_server.error_codes import Code
from sandbox.models import VirtualStation
from tariffs.models import Payment, WebPayment
from transactions.models import MeterValue, Reading, Settlement, Transaction, TransactionEvent

log = structlog.get_logger(__name__)

ACTOR: Final = "sandbox"
# How long a caller waits until a station is deleted.
DELETION_S: Final = 15.0
DELETE_AT_ONCE: Final = 500
_LOOK_S: Final = 0.1
# One letter or digit less that looks like another one.
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def require_sandbox() -> None:
    """Raises Refused where no virtual stations are allowed."""
    if not settings.SANDBOX_STATIONS:
        raise Refused("This server has no sandbox: SANDBOX_STATIONS is 0.")


def create(
    *, client_id: str = "", accepts_unknown_tokens: bool = True, ocpp_version: str = "", **options: Any
) -> VirtualStation:
    """Add a virtual station to the test site; it connects within a second.

    Raises Invalid, Refused without a sandbox, and Conflict beyond SANDBOX_STATIONS and for an identity that
    exists.
    """
    require_sandbox()
    identity = client_id or rule_of_sites.TEST_PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(8))
    # Virtual stations are recognised by their identity, and never take that of a real station.
    if not rule_of_sites.is_for_tests(identity):
        raise Invalid(
            f"The identity of a virtual station begins with {rule_of_sites.TEST_PREFIX}.", field="clientId"
        )
    if VirtualStation._base_manager.count() >= settings.SANDBOX_STATIONS:
        raise Conflict(
            f"There are {settings.SANDBOX_STATIONS} virtual stations already (SANDBOX_STATIONS). Delete one.",
            code=Code.LIMIT_REACHED,
        )
    unknown = ChargePoint.UnknownTokens
    with transaction.atomic():
        charge_point = stations.create(
            identity=identity,
            site=Site._base_manager.get(pk=sites.test_site()),
            unknown_tokens=unknown.ACCEPT if accepts_unknown_tokens else unknown.REFUSE,
            # The process that runs the station replaces it by one that is stored nowhere else.
            password=secrets.token_urlsafe(24),
        )
        return VirtualStation.objects.create(
            charge_point=charge_point,
            ocpp_version=ocpp_version or VirtualStation.Version.V16,
            last_used_at=timezone.now(),
            **options,
        )


def used(station: VirtualStation) -> None:
    """Note that the station was used, so that it is kept."""
    VirtualStation.objects.filter(pk=station.pk).update(last_used_at=timezone.now())


def end(station: VirtualStation) -> None:
    """Delete the station with its sessions, commands and messages, as soon as it has ended its sessions.

    Returns when it is deleted, at the latest after DELETION_S: it is then deleted soon.
    """
    VirtualStation.objects.filter(pk=station.pk).update(is_ending=True)
    if not settings.SANDBOX_STATIONS:
        delete(station.pk)
        return
    release_connection()
    until = time.monotonic() + DELETION_S
    while time.monotonic() < until and VirtualStation._base_manager.filter(pk=station.pk).exists():
        release_connection()
        time.sleep(_LOOK_S)


def end_idle() -> None:
    """Let the stations end that were not used for SANDBOX_IDLE."""
    idle = timezone.now() - timedelta(seconds=settings.SANDBOX_IDLE)
    VirtualStation._base_manager.filter(last_used_at__lt=idle, is_ending=False).update(is_ending=True)


def delete_ended() -> None:
    """Delete the ending stations of a server that runs no stations any more."""
    try:
        for pk in VirtualStation._base_manager.filter(is_ending=True).values_list("pk", flat=True):
            try:
                delete(pk)
            except (DatabaseError, Conflict) as error:
                log.warning("sandbox.not_deleted", station=pk, error=str(error).strip())
    finally:
        release_connection()


def delete(pk: int, *, goes_on: Callable[[], bool] = lambda: True) -> None:
    """Delete a station that is not running any more, with everything that belongs to it. It stops half-way
    when `goes_on` is False, and the next call deletes the rest.

    The rows that a station can have in any number are deleted in small transactions: one for all of them
    would hold its locks for minutes, and begin again after each failure.
    """
    station = VirtualStation._base_manager.select_related("charge_point").filter(pk=pk).first()
    if station is None:
        return
    charge_point = station.charge_point
    try:
        sessions = Transaction.objects.filter(charge_point=charge_point)
        sessions.exclude(merged_into=None).update(merged_into=None)
        for rows in (
            Reading.objects.filter(charge_point=charge_point),
            MeterValue.objects.filter(charge_point=charge_point),
            Message.objects.filter(charge_point=charge_point),
            TransactionEvent.objects.filter(transaction__charge_point=charge_point),
            Command.objects.filter(charge_point=charge_point),
            Settlement.objects.filter(transaction__charge_point=charge_point),
            Payment.objects.filter(charge_point=charge_point),
            WebPayment.objects.filter(charge_point=charge_point),
            sessions,
        ):
            while goes_on() and _delete_some(rows):
                pass
        if goes_on():
            stations.delete(charge_point, actor=ACTOR)
    except (DatabaseError, Conflict):
        # A row of another kind keeps it, a message arrived meanwhile, or the database is away: the next
        # attempt is a minute later. The caller logs the error; a second one about the note adds nothing.
        with contextlib.suppress(DatabaseError):
            VirtualStation._base_manager.filter(pk=pk).update(problem="It can't be deleted yet.")
        raise


def _delete_some(rows: QuerySet[Any]) -> bool:
    """Delete DELETE_AT_ONCE of the rows in a transaction. Returns whether there were any."""
    keys = list(rows.order_by().values_list("pk", flat=True)[:DELETE_AT_ONCE])
    with transaction.atomic():
        rows.model._base_manager.filter(pk__in=keys).delete()
    return bool(keys)
