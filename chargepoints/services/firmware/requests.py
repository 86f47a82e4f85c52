"""Requests of firmware updates: their fields, what a station takes, and the payload (1.6 4.5 and security
extension L01, 2.x L01).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, FirmwareFile, FirmwareUpdate
from chargepoints.services.diagnostics import addresses
from chargepoints.services.firmware import offers, signing, updates
from chargepoints.services.firmware.updates import PLAIN, SIGNED
from ocpp_server import capabilities
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Invalid
from ocpp_server.given_addresses import check_address
from ocpp_server.given_times import given_time
from ocpp_server.manufacturer_roots import manufacturer_roots
from ocpp_server.protocol import actions
from ocpp_server.protocol.translate import time as time_text
from ocpp_server.protocol.versions import in_dialect

# The key and the variable with the protocols that a station takes.
_PROTOCOLS: Final = ("SupportedFileTransferProtocols", "OCPPCommCtrlr.FileTransferProtocols")
# To check a payload before there is an address of this server.
_ANY_ADDRESS: Final = "https://example.com/"  # equivalent: the schema takes any address
_MOST_WAITED: Final = timedelta(days=7)


@dataclass(frozen=True)
class Wish:
    """An update as it is asked for: a file of this server, or an address elsewhere. Times are in UTC, and
    `retry_interval` is in seconds.
    """

    retrieve_at: datetime
    firmware: FirmwareFile | None = None
    location: str = ""
    version: str = ""
    signature: str = ""
    signing_certificate: str = ""
    install_at: datetime | None = None
    retries: int | None = None
    retry_interval: int | None = None

    @property
    def is_signed(self) -> bool:
        return bool(self.signature)

    @property
    def expires_at(self) -> datetime:
        """The end of an address that is made for it: the station may begin late, and try again."""
        tries = timedelta(seconds=min((self.retries or 0) * (self.retry_interval or 0), _most_seconds()))
        return self.retrieve_at + tries + timedelta(seconds=settings.UPLOAD_EXPIRY)


def _most_seconds() -> int:
    return int(_MOST_WAITED.total_seconds())


# -- what is asked for ---------------------------------------------------------------------------------------


def wish(
    *,
    firmware: int | None = None,
    location: str = "",
    version: str = "",
    sha256: str = "",
    signature: str = "",
    signing_certificate: str = "",
    retrieve_at: str = "",
    install_at: str = "",
    retries: int | None = None,
    retry_interval: int | None = None,
) -> Wish:
    """The checked fields of a request. Uses the database. Raises Invalid with the field, and NotOffered for a
    file that must not be offered.
    """
    now = datetime.now(UTC)
    begin, end = given_time(retrieve_at, "retrieveAt"), given_time(install_at, "installAt")
    if end is not None and end < (begin or now):
        raise Invalid("Must not be earlier than retrieveAt, or than now.", field="installAt")
    rest: dict[str, Any] = {"retries": retries, "retry_interval": retry_interval}
    rest |= {"retrieve_at": begin or now, "install_at": end}
    given: dict[str, Any]
    if firmware is None:
        given = {"location": _elsewhere(location), "version": version.strip()}
        digest = signing.checked_sha256(sha256)
        if signature or signing_certificate:
            signed = signing.check(
                signature=signature,
                certificate=signing_certificate,
                sha256=digest,
                now=now,
                roots=manufacturer_roots.app.certificates(),
            )
            given |= {"signature": signed.signature, "signing_certificate": signed.certificate}
    else:
        own = {
            "location": location,
            "version": version,
            "sha256": sha256,
            "signature": signature,
            "signingCertificate": signing_certificate,
        }
        if wrong := next((name for name, value in own.items() if value), ""):
            raise Invalid("The file of firmware has its own. Leave this empty.", field=wrong)
        given = _of_file(firmware, now)
    return Wish(**given, **rest)


def _of_file(number: int, now: datetime) -> dict[str, Any]:
    firmware = FirmwareFile.objects.filter(pk=number).first()
    if firmware is None:
        raise Invalid(f"There is no firmware {number}.", field="firmware")
    offers.check(firmware, now=now)
    return {
        "firmware": firmware,
        "version": firmware.version,
        "signature": firmware.signature,
        "signing_certificate": firmware.signing_certificate,
    }


def _elsewhere(location: str) -> str:
    """An address elsewhere. Raises Invalid."""
    if not location:
        raise Invalid("Give the number of a firmware, or a location.", field="firmware")
    check_address(location, "location")
    return location


# -- what the station takes ----------------------------------------------------------------------------------


def mismatch(charge_point: ChargePoint, firmware: FirmwareFile | None) -> str:
    """A sentence if the firmware is for stations of another make; empty if it fits."""
    if firmware is None:
        return ""
    for column, name in (("vendor", gettext("vendor")), ("model", gettext("model"))):
        wanted, found = getattr(firmware, column), getattr(charge_point, column)
        if wanted and wanted.casefold() != found.casefold():
            return gettext("%(firmware)s is for the %(name)s %(wanted)s; %(station)s has %(found)s.") % {
                "firmware": firmware,
                "name": name,
                "wanted": wanted,
                "station": charge_point.identity,
                "found": found or gettext("none"),
            }
    return ""


def action_for(charge_point: ChargePoint, wanted: Wish) -> str:
    """The action by which the station takes this update. Uses the database.

    No report of a 1.6 station shows whether it has the security extension, so the signed request is tried
    first, and its answer NotSupported is remembered until the firmware changes. Raises NotSupported for what
    the station does not take, and Invalid for what its dialect can't express.
    """
    _require_protocol(charge_point, wanted)
    if not _has_both(charge_point.ocpp_version):
        return PLAIN
    lacks_signed = updates.has_refused(charge_point, SIGNED)
    if wanted.is_signed and not lacks_signed:
        return SIGNED
    if updates.has_refused(charge_point, PLAIN):
        names = {"station": charge_point.identity}
        if wanted.is_signed:
            raise NotSupported(
                gettext(
                    "%(station)s has answered that it knows neither SignedUpdateFirmware nor UpdateFirmware."
                )
                % names
            )
        raise NotSupported(
            gettext(
                "%(station)s has answered that it does not know UpdateFirmware: it may take signed firmware "
                "only, and this one has no signature."
            )
            % names
        )
    if wanted.install_at is not None:
        raise Invalid("UpdateFirmware of OCPP 1.6 has no time of installation.", field="installAt")
    return PLAIN


def _require_protocol(charge_point: ChargePoint, wanted: Wish) -> None:
    name = in_dialect(charge_point.ocpp_version, *_PROTOCOLS)
    reported = capabilities.reports.app.values(charge_point.pk, {name}).get(name, "")
    known = [one.strip().upper() for one in reported.split(",") if one.strip()]
    scheme = urlsplit(_address_shown(wanted)).scheme.upper()
    if known and scheme not in known:
        raise NotSupported(
            gettext("%(station)s does not take files over %(scheme)s: it reports %(name)s=%(reported)s.")
            % {
                "station": charge_point.identity,
                "scheme": scheme,
                "name": name,
                "reported": reported[:200],
            }
        )


def _address_shown(wanted: Wish) -> str:
    """The begin of the address that the station gets. Raises Conflict if this server does not know it."""
    if wanted.firmware is None:
        return wanted.location
    return addresses.base_address() if wanted.firmware.is_hosted else wanted.firmware.url


# -- the request ---------------------------------------------------------------------------------------------


def begin(
    charge_point: ChargePoint, wanted: Wish, *, action: str, actor: str, command_id: str
) -> FirmwareUpdate:
    """The row of the update, before its command is sent with this id."""
    return updates.create(
        charge_point,
        command_id=command_id,
        action=action,
        actor=actor,
        firmware=wanted.firmware,
        location=wanted.location,
        version=wanted.version,
        is_signed=wanted.is_signed and not _is_plain(charge_point.ocpp_version, action),
        retrieve_at=wanted.retrieve_at,
        install_at=wanted.install_at,
    )


def _is_plain(version: str, action: str) -> bool:
    """Whether the request has no signature and no number."""
    return action == PLAIN and _has_both(version)


def _has_both(version: str) -> bool:
    """Whether signed firmware has an action of its own: then the other one has neither."""
    return SIGNED in actions.to_station(version)


def address(update: FirmwareUpdate, wanted: Wish) -> str:
    """The address at which the station finds the file. Uses the database. Raises NotOffered."""
    if wanted.firmware is None:
        return wanted.location
    return offers.offer(
        firmware=wanted.firmware,
        charge_point=update.charge_point,
        campaign=update.campaign,
        expires_at=wanted.expires_at,
    )


def payload(version: str, action: str, wanted: Wish, *, number: int, location: str = "") -> dict[str, Any]:
    """The payload of the request with this number. Without a location, one of the same shape."""
    location = location or wanted.location or _ANY_ADDRESS
    tries = {"retries": wanted.retries, "retryInterval": wanted.retry_interval}
    shared = {name: value for name, value in tries.items() if value is not None}
    at = time_text(wanted.retrieve_at)
    if _is_plain(version, action):
        return {"location": location, "retrieveDate": at, **shared}
    firmware = {"location": location, "retrieveDateTime": at}
    if wanted.install_at is not None:
        firmware["installDateTime"] = time_text(wanted.install_at)
    if wanted.is_signed:
        firmware |= {"signature": wanted.signature, "signingCertificate": wanted.signing_certificate}
    return {"requestId": number, "firmware": firmware, **shared}
