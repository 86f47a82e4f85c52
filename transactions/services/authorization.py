"""May this token charge here? One rule for every message that asks (1.6 4.1, 2.x C01), and for REST.

Warm, it reads no database: the live state keeps each token with all that decides about it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from accounts.models import Token
from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint
from ocpp_server import live
from ocpp_server.domain import Conflict
from ocpp_server.journal import journal
from ocpp_server.live.loading import SIGN_OF_LIFE
from ocpp_server.live.records import TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.live.token_loading import read_consumption, read_tokens
from ocpp_server.protocol.translate import IdToken, Place
from transactions.models import Refusal, Transaction
from transactions.services import access, unknown_tokens
from transactions.services.access import Refused
from transactions.services.suspicion import is_doubtful
from transactions.tables import REFUSALS


class Decision(NamedTuple):
    """`status` is 1.6's AuthorizationStatus, `status_2x` the 2.x one where it says more. `reason` is a
    sentence for the operator. `is_unknown` tells a token nobody added from one that was made invalid.
    """

    status: str
    group_id: str = ""
    expires_at: datetime | None = None
    token_pk: int | None = None
    is_unknown: bool = False
    status_2x: str = ""
    reason: str = ""
    is_master: bool = False
    contract_id: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status == "Accepted"


_FREE_VEND = Decision("Accepted", is_unknown=True, reason="Everybody may charge at this station.")
_UNKNOWN = Decision("Invalid", is_unknown=True, reason="Nobody has added this token.")

# The token type that a 2.x IdTokenType stands for; others are looked up by their value alone.
_TYPES = {
    "ISO14443": Token.Type.RFID,
    "ISO15693": Token.Type.RFID,
    "eMAID": Token.Type.APP_USER,
    "MacAddress": Token.Type.OTHER,
}


async def decide(
    *,
    station: Station,
    token: IdToken,
    place: Place | None = None,
    for_start: bool = False,
    for_stop: bool = False,
) -> Decision:
    """Blocked, then Expired, then Invalid, then ConcurrentTx, then Accepted; unknown is Invalid, and goes to
    the inbox.

    Place, time, budget and other sessions are asked about who wants to charge: `for_start`, or when nobody
    knows what for. Whoever has a session here, or shares a group with one, may end it whatever they say.
    ConcurrentTx is only for what would start: whoever wants to stop has a running transaction by nature
    (1.6 7.2), and one on the same connector is replaced.
    """
    state = live.state()
    key = normalise_uid(token.value)
    record = choose(await state.tokens(key), _TYPES.get(token.type))
    if record is None:
        if station.accepts_unknown_tokens:
            return _FREE_VEND
        if key:
            await journal.run(unknown_tokens.note, token.value, station.identity, station.received_at)
        _keep_refusal(station, token, place, _UNKNOWN, for_start=for_start, for_stop=for_stop)
        return _UNKNOWN
    now = datetime.now(UTC)
    refused = access.standing(record, now)
    if refused is None and not for_stop:
        drawn = [await state.consumed(budget.subject) for budget in record.budgets] if record.budgets else ()
        refused = access.circumstances(
            record, now=now, station=station.pk, site=station.site_pk, drawn=drawn, for_start=for_start
        )
        if refused is not None and not for_start and _may_be_stopping(station, key, record):
            refused = None
    if refused is None and for_start:
        refused = await _concurrent(station, key, record, place)
    decision = _decision(record, refused)
    if refused is None:
        state.token_used(record.pk, station.received_at)
    else:
        _keep_refusal(station, token, place, decision, for_start=for_start, for_stop=for_stop)
    return decision


def decide_now(
    *,
    uid: str,
    type: str = "",
    charge_point: ChargePoint | None = None,
    evse_number: int | None = None,
) -> Decision:
    """The same for who asks without being a station: may it start here and now? Reads the database, which
    mirrors the live state within a moment; works without one.

    `type` is a Token.Type: only such a token is meant. Without a station the place is not asked.
    """
    record = choose(read_tokens(normalise_uid(uid)), type, is_strict=bool(type))
    if record is None:
        is_free = charge_point is not None and charge_point.accepts_unknown_tokens
        return _FREE_VEND if is_free else _UNKNOWN
    now = datetime.now(UTC)
    refused = access.standing(record, now) or access.circumstances(
        record,
        now=now,
        station=charge_point.pk if charge_point is not None else None,
        site=charge_point.site_id if charge_point is not None else None,
        drawn=[read_consumption(budget.subject) for budget in record.budgets],
        for_start=True,
    )
    if refused is None:
        refused = _concurrent_now(record, now, charge_point, evse_number)
    return _decision(record, refused)


def choose(
    records: tuple[TokenRecord, ...], type: str | None, *, is_strict: bool = False
) -> TokenRecord | None:
    """Of the tokens with one uid, that of this type, else the oldest. `is_strict`: only that of this type."""
    if not is_strict and len(records) < 2:
        return records[0] if records else None
    otherwise = None if is_strict else records[0]
    return next((record for record in records if record.type == type), otherwise)


def refuse_remote_start(charge_point: ChargePoint, uid: str, evse_number: int | None) -> None:
    """Raises Conflict with the reason when a token that we know may not charge there; it is kept as refused.

    A token that nobody added passes: the station asks when it comes, and free-vend stations don't care.
    """
    decision = decide_now(uid=uid, charge_point=charge_point, evse_number=evse_number)
    if decision.is_accepted or decision.is_unknown:
        return
    Refusal.objects.create(
        charge_point=charge_point,
        evse_number=evse_number,
        token_id=decision.token_pk,
        id_token=uid[:255],
        purpose=Refusal.Purpose.REMOTE,
        status=decision.status_2x or decision.status,
        reason=decision.reason[:300],
        at=datetime.now(UTC),
    )
    raise Conflict(
        f"The token may not charge here: {decision.reason}",
        data={"status": decision.status, "reason": decision.reason},
    )


def how_it_ends(decision: Decision, token_key: str, transaction: TransactionState) -> str:
    """By what right a token ended a transaction, as a sentence; it has ended whatever this says."""
    if not decision.is_accepted:
        return decision.reason
    if token_key == transaction.token_key:
        return "Ended with the token that began it."
    if decision.group_id and decision.group_id.casefold() == transaction.group_id.casefold():
        return f"Ended with another token of the group {decision.group_id}."
    if decision.is_master:
        return "Ended with a master pass."
    return "Ended with a token that has nothing to do with the session."


def _decision(record: TokenRecord, refused: Refused | None) -> Decision:
    status, reason, status_2x = ("Accepted", "", "") if refused is None else refused[:3]
    return Decision(
        status,
        record.group_id,
        record.expires_at,
        record.pk,
        False,
        status_2x,
        reason,
        record.is_master,
        record.contract_id,
    )


def _may_be_stopping(station: Station, key: str, record: TokenRecord) -> bool:
    group = record.group_id.casefold()
    return record.is_master or any(
        transaction.is_active
        and (transaction.token_key == key or (group and transaction.group_id.casefold() == group))
        for transaction in station.transactions.values()
    )


async def _concurrent(station: Station, key: str, record: TokenRecord, place: Place | None) -> Refused | None:
    limit = settings.OCPP_GROUP_CONCURRENT_TX if record.group_id else 0
    refused = None
    if settings.OCPP_CONCURRENT_TX != "allow":
        running = _elsewhere(await live.state().running(key), station, place)
        refused = access.concurrent([transaction.station for transaction in running])
    if refused is None and limit:
        running = _elsewhere(await live.state().running_of_group(record.group_id), station, place)
        refused = access.crowded(record, len(running), limit)
    return refused


def _elsewhere(
    running: list[TransactionState], station: Station, place: Place | None
) -> list[TransactionState]:
    """Those that count: a ghost, without signs of life or contradictory, keeps no paying customer out."""
    alive_since = station.received_at - SIGN_OF_LIFE
    return [
        transaction
        for transaction in running
        if transaction.last_message_at >= alive_since
        and not is_doubtful(transaction)
        and not (
            transaction.station == station.identity and place is not None and transaction.evse == place.evse
        )
    ]


def _concurrent_now(
    record: TokenRecord, now: datetime, charge_point: ChargePoint | None, evse_number: int | None
) -> Refused | None:
    limit = settings.OCPP_GROUP_CONCURRENT_TX if record.group_id else 0
    active = Transaction.objects.active().filter(last_message_at__gte=now - SIGN_OF_LIFE)
    active = active.select_related("charge_point").order_by("-id")
    if charge_point is not None and evse_number is not None:
        active = active.exclude(charge_point=charge_point, evse_number=evse_number)
    refused = None
    if settings.OCPP_CONCURRENT_TX != "allow":
        mine = [row for row in active.filter(token=record.pk) if not is_doubtful(row)]
        refused = access.concurrent([row.charge_point.identity for row in mine])
    if refused is None and limit:
        theirs = [row for row in active.filter(group_id__iexact=record.group_id) if not is_doubtful(row)]
        refused = access.crowded(record, len(theirs), limit)
    return refused


def _keep_refusal(
    station: Station,
    token: IdToken,
    place: Place | None,
    decision: Decision,
    *,
    for_start: bool,
    for_stop: bool,
) -> None:
    purpose = Refusal.Purpose.AUTHORIZE
    if for_start or for_stop:
        purpose = Refusal.Purpose.START if for_start else Refusal.Purpose.STOP
    station.unit.insert(
        REFUSALS,
        charge_point_id=station.pk,
        evse_number=place.evse if place is not None else None,
        token_id=decision.token_pk,
        id_token=token.value[:255],
        purpose=purpose.value,
        status="Unknown" if decision.is_unknown else decision.status_2x or decision.status,
        reason=decision.reason[:300],
        at=station.received_at,
    )
