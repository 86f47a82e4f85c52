"""The address in the QR code of a station (2.1 C25): its parts, and whether its password is right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from django.conf import settings

from chargepoints.models import ChargePoint
from chargepoints.services.follow_ups import personal
from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate.limits import COST, ENERGY, TIME
from tariffs.models import WebPaymentKey
from tariffs.services.payment import totp

# The parameters of the address that limit the session, in lower case: the cost, Wh, seconds.
_LIMITS: Final = {"maxcost": COST, "maxenergy": ENERGY, "maxtime": TIME}
_NUMBER: Final = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?")
_WHOLE: Final = re.compile(r"[0-9]{1,10}")
_EVSE: Final = re.compile(r"[1-9][0-9]{0,5}")
# TOTPVersion of the station, as a part of the path or in the query.
_VERSIONS: Final = frozenset({"", "1", "v1"})
_VERSION_NAMES: Final = frozenset({"v", "version", "totpversion"})
_MOST_PARTS: Final = 4
_MOST_CHARACTERS: Final = 255


class Code(NamedTuple):
    """A scanned code. `limits` have their names in 2.1."""

    station: str
    evse: int
    password: str
    limits: dict[str, float]


class Verified(NamedTuple):
    """A code whose password is right, and the interval that it is the password of."""

    charge_point: ChargePoint
    evse: int
    interval: int
    limits: dict[str, float]


def read(path: str, query: Iterable[tuple[str, str]]) -> Code | None:
    """The code of an address: `<station>/<evse>/<password>`, and `/<version>` perhaps. None for another one.

    The names of the query are read in any case; unknown ones are ignored, and a limit without a value too.
    """
    parts = path.split("/")
    if not _MOST_PARTS - 1 <= len(parts) <= _MOST_PARTS or len(path) > _MOST_CHARACTERS:
        return None
    station, evse, password, version = (*parts, "")[:_MOST_PARTS]
    if not (station and station.isprintable() and password and _EVSE.fullmatch(evse)):
        return None
    limits, versions = {}, {version.casefold()}
    for name, value in query:
        key = name.casefold()
        if key in _VERSION_NAMES:
            versions.add(value.casefold())
        if key not in _LIMITS or not value:
            continue
        if not (_WHOLE if _LIMITS[key] == TIME else _NUMBER).fullmatch(value):
            return None
        limits[_LIMITS[key]] = float(value)
    return Code(station, int(evse), password, limits) if versions <= _VERSIONS else None


def verified(code: Code, now: datetime) -> Verified | None:
    """The station and the interval of a code; None for an unknown station, one without a key, and a wrong
    password. Uses the database.
    """
    charge_point = ChargePoint.objects.by_identity(code.station).first()
    if charge_point is None:
        return None
    keys = WebPaymentKey.objects.filter(charge_point=charge_point, evse_number__in=(0, code.evse))
    key = keys.order_by("-evse_number").first()
    secret = None if key is None else personal.unseal(key.sealed_secret)
    if key is None or secret is None:
        return None
    interval = totp.interval_of(
        code.password,
        secret=secret,
        now=now.timestamp(),
        validity_s=key.validity_s,
        length=key.length,
        alphabet=totp.ALPHABETS[settings.OCPP_TOTP_ALPHABET],
    )
    return None if interval is None else Verified(charge_point, code.evse, interval, code.limits)


# -- keys ----------------------------------------------------------------------------------------------------

_MOST_SECRET: Final = 255
_LEAST_SECRET: Final = 8


def check_secret(secret: str) -> None:
    """Raise Invalid for a secret that is too short or too long, or not printable."""
    if not _LEAST_SECRET <= len(secret) <= _MOST_SECRET or not secret.isprintable():
        raise Invalid(f"Must have {_LEAST_SECRET} to {_MOST_SECRET} printable characters.", field="secret")


def set_key(
    charge_point: ChargePoint,
    *,
    secret: str,
    validity_s: int,
    length: int,
    evse_number: int = 0,
    actor: str,
    at: datetime,
) -> WebPaymentKey:
    """Store the key of a station's codes, or of one EVSE; it replaces an earlier one. Raises Invalid."""
    check_secret(secret)
    row, _ = WebPaymentKey.objects.update_or_create(
        charge_point=charge_point,
        evse_number=evse_number,
        defaults={
            "sealed_secret": personal.seal(secret),
            "validity_s": validity_s,
            "length": length,
            "set_by": actor[:150],
            "set_at": at,
        },
    )
    return row


def delete_key(row: WebPaymentKey) -> None:
    row.delete()
