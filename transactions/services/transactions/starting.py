"""1.6 StartTransaction (4.8): a transaction is always opened, even for a refused token, because the vehicle
may be charging already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chargepoints.services import availability
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, verdict
from transactions.live.unmatched import ORPHANS
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide
from transactions.services.transactions import ending, late_starts, sessions
from transactions.services.transactions.fingerprints import fingerprint
from transactions.services.transactions.suspicion import about_clock

# A start this old was queued while the station was offline. It may have been sent and stored before.
REPLAYED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Started:
    number: int
    decision: Decision


async def start(
    *,
    station: Station,
    place: Place,
    token: IdToken,
    meter_wh: float,
    at: datetime,
    time_text: str,
    time_problem: str = "",
    reservation_id: int | None = None,
) -> Started:
    """Open a transaction, or recognise one that was opened before.

    A station that missed the answer sends the same start again (1.6 3.7.1). The fingerprint is looked up
    before authorization, or a lost answer would turn into ConcurrentTx for a vehicle that is charging.
    `time_text` is empty for a start without a time.
    """
    key = fingerprint(place.connector, token.value.strip().casefold(), time_text, meter_wh)
    was_queued = station.received_at - at > REPLAYED_AFTER
    if time_text:
        known = await sessions.find_fingerprint(station, key, in_database=station.in_doubt or was_queued)
    else:
        known = _running_since(station, place, key)
        key = f"{key}-{station.received_at.timestamp():.6f}"
    if known is not None:
        station.deviation("repeated-start")
        decision = await decide(station=station, token=token)
        return Started(
            known.id,
            Decision(
                verdict(known.authorization_status), known.group_id, decision.expires_at, known.token_pk
            ),
        )
    suspicions = about_clock(time_problem, time_text)
    connector = await availability.connector_at(station, place, is_provisional=True)
    if connector is None or not connector.reported_at:
        suspicions.append(("connector-unknown", str(place.connector)))
    decision = await decide(
        station=station, token=token, place=place, purpose=Purpose.START, at=at if was_queued else None
    )
    built = late_starts.built_from_stop(station, token=token, meter_wh=meter_wh, at=at)
    if built is not None:
        await late_starts.join(
            station,
            built,
            place=place,
            token=token,
            decision=decision,
            meter_wh=meter_wh,
            at=at,
            fingerprint=key,
            reservation_id=reservation_id,
            was_offline=was_queued,
        )
        return Started(built.id, decision)
    sessions.supersede(station, place, at)
    transaction = await sessions.open_new(
        station=station,
        place=place,
        at=at,
        token=token,
        decision=decision,
        meter_wh=meter_wh,
        fingerprint=key,
        reservation_id=reservation_id,
        was_offline=was_queued,
        suspicions=tuple(suspicions),
    )
    if was_queued:
        sessions.save(station, transaction, was_offline=True)
    if ORPHANS.of(station).count:
        await ending.join_waiting_stop(station, transaction)
    return Started(transaction.id, decision)


def _running_since(station: Station, place: Place, key: str) -> TransactionState | None:
    """The running transaction that the same start without a time opened.

    A later session of the same token may begin at the same reading, so an ended one is not meant.
    """
    running = sessions.running_at(station, place)
    is_same = running is not None and (running.start_fingerprint or "").startswith(key)
    return running if is_same else None
