"""Events about tokens that stations present (`ocpp_server.events`)."""

from __future__ import annotations

from typing import NamedTuple

from chargepoints.models import ChargePoint
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from ocpp_server.events.outbox import masked_token
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, Verdict, status_2x
from transactions.models import Refusal
from transactions.services.authorization.access import Purpose

_PURPOSES = {Purpose.IDENTIFY: "authorize", Purpose.START: "start", Purpose.STOP: "stop"}


class How(NamedTuple):
    """The outcome of a decision; `reason` is empty when the token was accepted."""

    verdict: Verdict
    token_pk: int | None = None
    reason: str = ""


def presented(
    station: Station,
    token: IdToken,
    place: Place | None,
    how: How,
    purpose: Purpose,
) -> None:
    """token.presented, if it is chosen: whatever the verdict."""
    if outbox.is_chosen(charging.PRESENTED):
        station.emit(
            charging.PRESENTED,
            idTag=masked_token(token.value),
            tokenId=how.token_pk,
            status=status_2x(how.verdict),
            reason=how.reason,
            purpose=_PURPOSES[purpose],
            evseId=place.evse if place is not None else None,
        )


def unknown(station: Station, token: IdToken, place: Place | None, purpose: Purpose) -> None:
    station.emit(
        charging.UNKNOWN,
        idTag=masked_token(token.value),
        purpose=_PURPOSES[purpose],
        evseId=place.evse if place is not None else None,
    )


def refused(
    station: Station,
    token: IdToken,
    place: Place | None,
    how: How,
    purpose: Purpose,
) -> None:
    station.emit(
        charging.REFUSED,
        idTag=masked_token(token.value),
        tokenId=how.token_pk,
        status=status_2x(how.verdict),
        reason=how.reason,
        purpose=_PURPOSES[purpose],
        evseId=place.evse if place is not None else None,
    )


def refused_remotely(charge_point: ChargePoint, refusal: Refusal) -> None:
    """token.refused for a remote start that an operator asked for; in the transaction of the refusal."""
    outbox.emit(
        charging.REFUSED,
        station=charge_point.identity,
        site=charge_point.site_id,
        idTag=masked_token(refusal.id_token),
        tokenId=refusal.token_id,
        status=refusal.status,
        reason=refusal.reason,
        purpose="remote",
        evseId=refusal.evse_number,
    )
