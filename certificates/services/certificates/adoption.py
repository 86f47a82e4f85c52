"""The use of an issued certificate: a station has logged on with it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from certificates.models import IssuedCertificate

_State = IssuedCertificate.State
# The states of a certificate that the station has, or was sent, and has not used so far.
_UNUSED = (_State.ISSUED, _State.INSTALLED, _State.NOT_ADOPTED)


def used(*, charge_point_pk: int, sha256: str, at: datetime) -> None:
    """Note that a station has logged on with this certificate. One that is not ours has no row."""
    rows = IssuedCertificate.objects.filter(charge_point_id=charge_point_pk, sha256=sha256)
    rows.update(
        first_used_at=Coalesce(F("first_used_at"), Value(at)),
        last_used_at=at,
        state=Case(When(state__in=_UNUSED, then=Value(_State.ACTIVE)), default=F("state")),
    )
