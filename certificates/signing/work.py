"""The work of the signer process: it reads the database every second, and signs what is waiting.

It needs no Redis, and no station or browser reaches it: a row in the database is the only way to it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from certificates.models import AuthorityRequest
from certificates.signing import authorities, cross_signing, issuing, keys, lists
from certificates.signing.keys import KeyStore, KeyUnusable
from ocpp_server.domain import DomainError
from ocpp_server.process import start
from ocpp_server.process.health_file import health_writer

log = structlog.get_logger(__name__)

POLL_S: Final = 0.5
# After a fault that may come again at once.
PAUSE_S: Final = 10.0


class _Health:
    """Whether the last round could use the database."""

    is_well = True


async def run(stop: asyncio.Event) -> None:
    """Sign until `stop` is set. Raises StartError if the keys can't be used."""
    try:
        store = await asyncio.to_thread(keys.open_store)
        names = await asyncio.to_thread(store.names)
        for name in names:
            # A wrong passphrase must be seen now, and not with the first request.
            await asyncio.to_thread(store.key, name)
    except KeyUnusable as error:
        raise start.StartError(str(error), code=2) from None
    log.info("signer.started", keys=names)
    health_writer.start(_status, path=settings.HEALTH_FILE, port=None)
    try:
        while not stop.is_set():
            pause = await asyncio.to_thread(_round, store)
            try:
                async with asyncio.timeout(pause):
                    await stop.wait()
            except TimeoutError:
                continue
    finally:
        await health_writer.stop()


async def _status() -> dict[str, Any]:
    detail = "" if _Health.is_well else "The database can't be used."
    return {"database": {"ok": _Health.is_well, "detail": detail}}


def _round(store: KeyStore) -> float:
    """One look at the database. Returns the seconds until the next one. An outage is logged once, and no
    fault ends the signer.
    """
    try:
        once(store)
    except (OperationalError, InterfaceError) as error:
        if _Health.is_well:
            log.warning("signer.database_away", error=str(error))
        _Health.is_well = False
        connection.close()
    except Exception:
        log.exception("signer.failed")
        connection.close()
        return PAUSE_S
    else:
        _Health.is_well = True
    return POLL_S


def once(store: KeyStore) -> int:
    """Do what is waiting: CAs, cross-signed roots, certificates, lists. Returns how many were taken."""
    made = make_authorities(store) + cross_signing.sign_waiting(store)
    return made + issuing.sign_waiting(store) + lists.sign_due(store)


def make_authorities(store: KeyStore) -> int:
    """Make the CAs that administrators have asked for."""
    waiting = list(AuthorityRequest.objects.filter(state=AuthorityRequest.State.WAITING).order_by("pk"))
    for row in waiting:
        state, reason = AuthorityRequest.State.DONE, ""
        try:
            authorities.set_up(store, organization=row.organization, name=row.name, usage=row.usage)
        except (DomainError, KeyUnusable) as error:
            state, reason = AuthorityRequest.State.FAILED, str(error)
        AuthorityRequest.objects.filter(pk=row.pk).update(
            state=state, reason=reason[:500], finished_at=datetime.now(UTC)
        )
        log.info("signer.authorities", request=row.pk, state=str(state), reason=reason, actor=row.actor)
    return len(waiting)
