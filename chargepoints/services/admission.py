"""The stations that may connect, and the refused connections: fills the engine's port `Admission`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from chargepoints.models import ChargePoint, RefusedConnection
from chargepoints.services import security
from chargepoints.services.provisioning import passwords, security_profiles
from ocpp_server.addresses import address_key
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from ocpp_server.transport.handshake import admission
from ocpp_server.transport.handshake.admission import Handshake, Refusal

# Only the newest rows are kept.
MAX_REFUSALS = 10_000
# Of one address, so many rows of failed TLS handshakes are kept: their clients have no identity.
MAX_TLS_FAILURES = 100
# The same refusal within this time is counted in the same row: a charger may try every second.
_COALESCE = timedelta(minutes=10)
# At most this many events in an hour about connections from one address.
_MAX_ANNOUNCED = 100
_announced, _strangers = security.Hourly(), security.Hourly()
# Stations per query.
_AT_ONCE = 500  # equivalent: any number of rows in a query finds and stores the same stations


def find(identities: list[str]) -> list[ChargePoint | None]:
    """The charge points of all stations that connect at this moment; None for unknown ones."""
    found: dict[str, ChargePoint] = {}
    for start in range(0, len(identities), _AT_ONCE):
        rows = ChargePoint.objects.by_identities(identities[start : start + _AT_ONCE])
        found |= {row.identity_key: row for row in rows}
    return [found.get(identity.casefold()) for identity in identities]


def register(identities: list[str]) -> list[ChargePoint | None]:
    """Add charge points for unknown stations, as OCPP_UNKNOWN_STATIONS says; None beyond the limit.

    Another connection or process may have added one meanwhile: that one is returned.
    """
    registration = (
        ChargePoint.Registration.ACCEPTED
        if settings.OCPP_UNKNOWN_STATIONS == "accept"
        else ChargePoint.Registration.PENDING
    )
    unknown = {identity.casefold(): identity for identity in identities}
    room = max(0, admission.MAX_REGISTERED - ChargePoint.objects.count())
    made = [
        ChargePoint(identity=identity, identity_key=key, registration_status=registration)
        for key, identity in list(unknown.items())[:room]
    ]
    present = ChargePoint.objects.by_identities([row.identity for row in made])
    known = set(present.values_list("identity_key", flat=True))
    ChargePoint.objects.bulk_create(made, batch_size=_AT_ONCE, ignore_conflicts=True)
    outbox.emit_many(
        stations.REGISTERED,
        [
            (row.identity, None, {"registrationStatus": row.registration_status, "by": "self"})
            for row in made
            if row.identity_key not in known
        ],
    )
    return find(identities)


def prove(charge_point_pk: int, password_hash: str) -> None:
    """End the time in which two passwords of a station are accepted: it has logged on with this one."""
    passwords.prove(charge_point_pk, password_hash)


def prove_profile(charge_point_pk: int, profile: int) -> None:
    """End the time in which two security profiles of a station are admitted, if a connection at this one
    does.
    """
    security_profiles.returned(charge_point_pk, profile)


def record(handshake: Handshake, refusal: Refusal) -> None:
    """Store a refused connection, and a security event when the refusal is one."""
    now = datetime.now(UTC)
    identity = handshake.identity.replace("\0", "\ufffd")[:255]
    known = RefusedConnection.objects.filter(
        identity=identity,
        remote_address=handshake.address,
        code=refusal.code,
        reason=refusal.reason[:500],
        at__gte=now - _COALESCE,
    ).first()
    if known is not None:
        known.count += 1
        known.at = now
        known.save(update_fields=["count", "at"])
        _announce(handshake, refusal, known.count)
        return
    if RefusedConnection.objects.count() >= MAX_REFUSALS:
        RefusedConnection.objects.filter(pk=RefusedConnection.objects.earliest("at").pk).delete()
    if refusal.code == admission.NO_STATUS:
        failed = RefusedConnection.objects.filter(code=refusal.code, remote_address=handshake.address[:64])
        if failed.count() >= MAX_TLS_FAILURES:
            failed.filter(pk=failed.earliest("at").pk).delete()
    RefusedConnection.objects.create(
        identity=identity,
        remote_address=handshake.address[:64],
        path=handshake.path,
        subprotocols=handshake.protocol_header[:500],
        had_credentials=handshake.authorization is not None,
        code=refusal.code,
        reason=refusal.reason[:500],
        can_be_accepted=refusal.can_be_accepted,
        at=now,
    )
    _announce(handshake, refusal, 1)
    charge_point = find([identity])[0] if refusal.security else None
    if charge_point is not None:
        # One event for each row: repetitions are counted in the row.
        sentence = f"{refusal.reason} From {handshake.address or 'an unknown address'}."
        security.record(charge_point=charge_point, type=refusal.security, tech_info=sentence)


def _announce(handshake: Handshake, refusal: Refusal, count: int) -> None:
    """station.refused, once for each identity, reason and hour.

    Only a known station is named: anybody could fill the numbers of stations with invented identities.
    """
    identity = handshake.identity.replace("\0", "\ufffd")[:255]
    if _announced.count(f"{identity.casefold()} {refusal.code} {refusal.reason}") > 1:
        return
    if _strangers.count(address_key(handshake.address)) > _MAX_ANNOUNCED:
        return
    charge_point = find([identity])[0]
    outbox.emit(
        stations.REFUSED,
        station=charge_point.identity if charge_point is not None else "",
        site=charge_point.site_id if charge_point is not None else None,
        code=refusal.code,
        reason=refusal.reason[:500],
        identity=identity,
        remoteAddress=handshake.address[:64],
        count=count,
    )
