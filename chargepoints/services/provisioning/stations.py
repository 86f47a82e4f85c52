"""Provisioning by an operator: create, accept, change and delete stations, set their passwords."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from zoneinfo import available_timezones

from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from chargepoints.models import ChargePoint, Site
from chargepoints.services.diagnostics import files
from chargepoints.services.provisioning import passwords, security_profiles
from chargepoints.services.provisioning import tags as tags_of_stations
from ocpp_server import live, sites
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations as events
from ocpp_server.protocol import identities
from ocpp_server.transport.handshake.authentication import hash_password
from ocpp_server.transport.messages import Notice, StationChanged, StationDismissed
from ocpp_server.transport.switchboard import switchboard

MIN_PASSWORD: Final = 8  # OCPP demands 16; stations with a printed password have fewer
MAX_PASSWORD: Final = 128
_DISMISSED: Final = 1008  # RFC 6455 7.4.1: policy
_CHANGEABLE: Final = frozenset(
    {
        "name",
        "site",
        "serial_number",
        "registration_status",
        "security_profile",
        "validation",
        "unknown_tokens",
        "assumed_timezone",
        "checks_username",
    }
)

# A change of these can let another machine speak for the station.
# The serial number is the name in its client certificate.
ACCESS: Final = frozenset({"password", "security_profile", "checks_username", "serial_number"})
# Free vending.
FREE: Final = frozenset({"unknown_tokens"})

# The names of settings in the API, for events and refusals.
_SHOWN: Final = {
    "site": "siteId",
    "serial_number": "serialNumber",
    "registration_status": "registrationStatus",
    "security_profile": "securityProfile",
    "unknown_tokens": "unknownTokens",
    "assumed_timezone": "assumedTimezone",
    "checks_username": "checksUsername",
    "password_hash": "password",
}


def reserved(settings: Iterable[str], *, is_new: bool) -> list[str]:
    """The settings among these that need the right to change a station's access, by their names in the API.

    A new station has its password from the caller that adds it: until then it belongs to no one.
    """
    found = set(settings) & (FREE if is_new else ACCESS | FREE)
    return sorted(_SHOWN.get(name, name) for name in found)


def create(*, identity: str, password: str = "", tags: Sequence[str] = (), **settings: Any) -> ChargePoint:
    """Create a station before its first connection, accepted unless `registration_status` is given.

    A password without a `security_profile` means profile 1. The station of a caller that is limited to one
    site belongs to this site; at the test site its identity begins with TEST-. Raises Invalid, and Conflict
    when the identity exists (case makes no difference).
    """
    check_identity(identity)
    if password:
        settings.setdefault("security_profile", 1)
    if settings.get("site") is None and (site := sites.only()) is not None:
        settings["site"] = Site.objects.filter(pk=site).first()
    given = settings.get("site")
    if sites.is_limited() and given is not None and given.is_test and not sites.is_for_tests(identity):
        raise Invalid(
            f"At the site {given} an identity begins with {sites.TEST_PREFIX}.",
            field="clientId",
        )
    charge_point = ChargePoint(identity=identity, registration_status=ChargePoint.Registration.ACCEPTED)
    _apply(charge_point, settings, password)
    try:
        with transaction.atomic():
            charge_point.save()
            tags_of_stations.store(charge_point, tags)
            outbox.emit(
                events.REGISTERED,
                station=charge_point.identity,
                site=charge_point.site_id,
                registrationStatus=charge_point.registration_status,
                by="operator",
            )
    except IntegrityError:
        raise Conflict(f"A station {identity} already exists.", code=Code.DUPLICATE) from None
    return charge_point


def update(
    charge_point: ChargePoint,
    *,
    actor: str = "",
    password: str | None = None,
    tags: Sequence[str] | None = None,
    **settings: Any,
) -> ChargePoint:
    """Change the given settings; an empty password removes it. The change applies to a connected station at
    once. `actor` is who changes them, for the event. Raises Invalid.
    """
    applies_to_connection = bool(settings) or password is not None
    if not applies_to_connection and tags is None:
        return charge_point  # a connected station would be loaded again
    fields = _apply(charge_point, settings, password)
    # An operator's password replaces one that was sent to the station and not proved.
    cleared = passwords.NEXT if password is not None else frozenset()
    sets_profile = "security_profile" in settings
    if sets_profile:
        cleared |= security_profiles.NEXT
    with transaction.atomic():
        if sets_profile:
            security_profiles.cancel(charge_point.pk, "The profile was set in the settings of the station.")
        # Only these columns: the live state writes the others, and may have changed them since the row was
        # read.
        charge_point.save(update_fields=sorted(fields | cleared))
        names = {_SHOWN.get(name, name) for name in fields}
        if tags is not None and tags_of_stations.store(charge_point, tags):
            names.add("tags")
            charge_point.save(update_fields=["updated_at"])
        if names:
            outbox.emit(
                events.UPDATED,
                station=charge_point.identity,
                site=charge_point.site_id,
                changed=sorted(names),
                actor=actor,
            )
    if applies_to_connection:
        changed(charge_point)
    return charge_point


def accept(charge_point: ChargePoint, *, actor: str = "", **settings: Any) -> ChargePoint:
    """Accept a pending or rejected station (1.6 4.2, 2.x B02), and change the given settings."""
    accepted = ChargePoint.Registration.ACCEPTED
    return update(charge_point, actor=actor, registration_status=accepted, **settings)


def delete(charge_point: ChargePoint, *, actor: str = "") -> None:
    """Delete a station with its connectors, logs, their files and commands, and close its socket.

    Raises Conflict when it has transactions: charged energy must stay accountable.
    """
    identity = charge_point.identity
    names = list(charge_point.log_uploads.exclude(stored_as="").values_list("stored_as", flat=True))
    try:
        with transaction.atomic():
            charge_point.delete()
            outbox.emit(
                events.DELETED,
                station=identity,
                site=charge_point.site_id,
                registrationStatus=charge_point.registration_status,
                actor=actor,
            )
    except ProtectedError:
        raise Conflict(
            f"{identity} has transactions, which must be kept. Set registrationStatus to Rejected instead.",
            code=Code.IN_USE,
        ) from None
    transaction.on_commit(lambda: live.state().station_removed(identity), robust=True)
    transaction.on_commit(lambda: files.LOGS.delete(names), robust=True)
    _notify(identity, StationDismissed(code=_DISMISSED, reason="This station was deleted."))


def changed(charge_point: ChargePoint) -> None:
    """Apply the present settings to a connected station."""
    _notify(charge_point.identity, StationChanged())


def reload(identity: str) -> None:
    """Make the process that serves a connected station load it from the database again.

    Callable from any thread, without waiting. A station that is offline is loaded when it connects.
    """
    switchboard.notify_station(identity, StationChanged())


def check_identity(identity: str) -> None:
    """Raises Invalid for an identity that a new station can't have."""
    if fault := identities.fault_of_new(identity):
        raise Invalid(f"{fault[:1].upper()}{fault[1:]}.", field="clientId")


def _apply(charge_point: ChargePoint, settings: dict[str, Any], password: str | None) -> set[str]:
    """Set the row's columns from the settings. Returns the names of the columns. Raises Invalid."""
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of a charge point: {', '.join(sorted(unexpected))}")
    zone = settings.get("assumed_timezone", "")
    if zone and zone not in available_timezones():
        raise Invalid(
            f"{zone} is not a time zone. Use a name such as Europe/Vienna.", field="assumedTimezone"
        )
    fields = set(settings)
    for name, value in settings.items():
        setattr(charge_point, name, value)
    if password is not None:
        charge_point.password_hash = _hashed(password)
        charge_point.next_password_hash = charge_point.next_password_command = ""
        charge_point.next_password_until = None
        fields.add("password_hash")
    if "security_profile" in settings:
        charge_point.next_security_profile = charge_point.next_security_profile_until = None
    if charge_point.security_profile in (1, 2) and not charge_point.password_hash:
        raise Invalid(f"Security profile {charge_point.security_profile} needs a password.", field="password")
    return fields


def _hashed(password: str) -> str:
    if not password:
        return ""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(f"Must have {MIN_PASSWORD} to {MAX_PASSWORD} characters.", field="password")
    return hash_password(password)


def _notify(identity: str, notice: Notice) -> None:
    async def notify() -> None:
        connection = await live.state().connection(identity)
        if connection is not None:
            await switchboard.notify(connection, notice)

    # After the commit: the station's process reads the row again.
    transaction.on_commit(async_to_sync(notify))
