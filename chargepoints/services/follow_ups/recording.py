"""Store a message that follows a command, in the unit of work of the message."""

from __future__ import annotations

import hashlib
from typing import Any

from chargepoints.services.follow_ups import personal
from chargepoints.services.follow_ups.table import FOLLOWS, Follows
from chargepoints.tables import FOLLOW_UPS
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked_text

_INT64 = 2**63 - 1


def record(*, station: Station, request: dict[str, Any]) -> None:
    """Store the current message of the station. A repetition is stored once."""
    follows = FOLLOWS[station.action]
    seq_no = whole(request.get(follows.seq_no))
    secret = request.get(follows.personal)
    status = request.get("status") or request.get("reservationUpdateStatus") or request.get("eventType")
    station.unit.insert(
        FOLLOW_UPS,
        charge_point_id=station.pk,
        action=station.action,
        request_id=number_of(follows, request),
        reference=" ".join(f"{name} {request[name]}" for name in follows.about if name in request)[:255],
        seq_no=seq_no,
        is_last=not (follows.is_report and request.get("tbc", False)),
        status=status[:64] if isinstance(status, str) else "",
        payload=masked_text(station.payload, station.action),
        personal_data=personal.seal(secret) if isinstance(secret, str) and secret else "",
        fingerprint=_fingerprint(station, is_numbered=seq_no is not None),
        received_at=station.received_at,
    )


def number_of(follows: Follows, request: dict[str, Any]) -> int | None:
    """The request ID of a message, or the number of its reservation."""
    return whole(request.get(follows.number))


def whole(value: object) -> int | None:
    """A number of a station that fits into the column; None for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return max(-_INT64, min(value, _INT64))


def _fingerprint(station: Station, *, is_numbered: bool) -> str:
    """The hash by which a repetition is recognised.

    A numbered part has a time and a number: the same payload is the same part, under any message id. Other
    messages may mean something new each time: only the same frame within the same hour is a repetition. Some
    stations count their message ids from 1 again after a boot, so the hour is part of it.
    """
    same = station.payload if is_numbered else f"{station.received_at:%Y-%m-%dT%H}|{station.frame}"
    return hashlib.blake2b(f"{station.action}|{same}".encode(), digest_size=16).hexdigest()
