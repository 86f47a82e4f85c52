"""When a station is asked for the list of its certificates: after each accepted installation and deletion.

The answer to these only makes the list due, and a job asks. An answer that is lost, or that never comes, is
asked for again a few times.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from certificates.models import CertificateInventory
from chargepoints.models import ChargePoint
from ocpp_server.domain import DomainError
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.protocol.translate import installed_certificates
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

log = structlog.get_logger(__name__)

GET: Final = "GetInstalledCertificateIds"
ACTOR: Final = "server"
# Stations that are asked in one run of the job.
AT_ONCE: Final = 20
# The waits after the first request without an answer, the second and so on. Then the server gives up.
_WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600))


def locked(charge_point_pk: int) -> CertificateInventory:
    """The row of a station, made if need be, and locked: every change of its certificates holds this lock."""
    CertificateInventory.objects.get_or_create(charge_point_id=charge_point_pk)
    return CertificateInventory.objects.select_for_update().get(pk=charge_point_pk)


def request(inventory: CertificateInventory, at: datetime) -> None:
    """Make a list due that is newer than this time."""
    inventory.wanted_since, inventory.due_at = at, at
    inventory.attempts, inventory.problem = 0, ""
    inventory.save()


def reported(inventory: CertificateInventory, types: Iterable[str], *, version: str, at: datetime) -> None:
    """The station has listed its certificates of these types."""
    inventory.reported |= {one: at.isoformat() for one in types}
    inventory.reported_at, inventory.problem = at, ""
    since = inventory.wanted_since
    if since is None or all(
        _is_newer(inventory, one, since) for one in installed_certificates.listed_types(version)
    ):
        inventory.wanted_since, inventory.due_at, inventory.attempts = None, None, 0
    inventory.save()


def _is_newer(inventory: CertificateInventory, type_: str, since: datetime) -> bool:
    last = inventory.reported.get(type_)
    return last is not None and datetime.fromisoformat(last) >= since


def claim(now: datetime) -> list[ChargePoint]:
    """The online stations whose list is due. Each is due again later, until its answer has come."""
    due = CertificateInventory.objects.filter(due_at__lte=now, charge_point__is_online=True)
    found = []
    for row in due.select_related("charge_point").order_by("due_at")[:AT_ONCE]:
        if row.attempts < len(_WAITS):
            row.due_at = now + _WAITS[row.attempts]
            row.attempts += 1
            found.append(row.charge_point)
        else:
            row.due_at, row.problem = None, "The station does not list its certificates."
        row.save(update_fields=["due_at", "attempts", "problem"])
    return found


async def refresh_due() -> None:
    """Ask the stations whose lists are due. Their answers come later."""
    for charge_point in await journal.run(claim, datetime.now(UTC)):
        try:
            for payload in installed_certificates.listing_requests(charge_point.ocpp_version):
                await calls.call(charge_point, GET, payload, actor=ACTOR, wait=False)
        except (DomainError, LiveStateUnavailable) as error:
            log.info("certificates.not_listed", station=charge_point.identity, reason=str(error))
