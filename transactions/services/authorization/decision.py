"""May this token charge here? One rule for all messages with a token (1.6 4.1, 2.x C01), and for REST.

Once a token is in the live state, with all data of the decision, the rule reads no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import Token
from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint
from chargepoints.services.battery_swap import swaps
from ocpp_server import live, sites
from ocpp_server.contract_certificates import Finding
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.live.records import TokenRecord, TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol.translate import IdToken, Place, Verdict, status_2x, status_16
from ocpp_server.storage.journal import journal
from transactions.live.tokens import read_consumption, read_tokens
from transactions.models import Refusal, Transaction
from transactions.services.authorization import (
    access,
    announcing,
    credit,
    direct_payments,
    unknown_tokens,
)
from transactions.services.authorization.access import Purpose, Refused
from transactions.services.reservation import holding
from transactions.services.transactions import abilities, concurrency
from transactions.tables import REFUSALS


class Decision(NamedTuple):
    """A verdict, independent of the dialect. `reason` is a sentence for the operator. `is_unknown`: the token
    was never added; a station that accepts unknown tokens accepts it nevertheless. `limits`, by their names
    in 2.1, follow from budgets and credit. `charges_battery`: a battery swap station charges a battery in a
    slot, and no driver is there.
    """

    verdict: Verdict
    group_id: str = ""
    expires_at: datetime | None = None
    token_pk: int | None = None
    is_unknown: bool = False
    reason: str = ""
    is_master: bool = False
    contract_id: str = ""
    limits: Mapping[str, float] = MappingProxyType({})
    charges_battery: bool = False

    @property
    def is_accepted(self) -> bool:
        return self.verdict is Verdict.ACCEPTED


_FREE_VEND = Decision(Verdict.ACCEPTED, is_unknown=True, reason="This station accepts every token.")
_PAID = Decision(Verdict.ACCEPTED, is_unknown=True, reason="Paid at the station's payment terminal.")
_NO_TOKEN_NEEDED = Decision(Verdict.ACCEPTED, reason="The session was started without a token.")
_PAID_BEFORE = Decision(Verdict.ACCEPTED, reason="The payment of a remote start of this server.")
_PAYMENT_CLOSED = Decision(Verdict.INVALID, reason="The payment was used, refused or cancelled.")
_SLOT = Decision(Verdict.ACCEPTED, reason="A battery in a slot is charged.", charges_battery=True)
_NO_TOKEN_REFUSED = Decision(Verdict.INVALID, reason="This station accepts no session without a token.")
_UNKNOWN = Decision(Verdict.UNKNOWN, is_unknown=True, reason="Unknown token.")
_NO_TEST = Decision(Verdict.INVALID, reason=f"At the test site tokens begin with {sites.TEST_PREFIX}.")

# The 2.x IdTokenType of a start without a token, for example by a button (2.0.1 C02).
NO_AUTHORIZATION = "NoAuthorization"
# The one of a payment that the terminal of a station has authorized; the token is its reference (2.1 C18).
DIRECT_PAYMENT = "DirectPayment"

# The token type of a 2.x IdTokenType; tokens of other types are looked up by their value alone.
_TYPES = {
    "ISO14443": Token.Type.RFID,
    "ISO15693": Token.Type.RFID,
    "eMAID": Token.Type.EMAID,
    "MacAddress": Token.Type.OTHER,
}


async def decide(
    *,
    station: Station,
    token: IdToken,
    place: Place | None = None,
    purpose: Purpose = Purpose.IDENTIFY,
    at: datetime | None = None,
    certificate: Finding | None = None,
) -> Decision:
    """Blocked, then Expired, then Invalid, then ConcurrentTx, then Accepted. An unknown token is Invalid, and
    is added to the inbox; the reference of a payment is accepted, because the payment is the authorization.

    Place, time and budget are checked for START, and for IDENTIFY, which has no stated purpose. A token with
    a session here, or of the same group as one, may always end it. Other sessions are checked for START only:
    a token that stops has a running transaction by nature (1.6 7.2), and a start replaces a session on the
    same connector. So are reservations of other tokens, at the moment `at` of the start: by default now.

    A `certificate` of a contract that is not valid refuses the token, whatever the token itself is.
    """

    def reserved(key: str, group_id: str) -> Refused | None:
        is_start = purpose is Purpose.START
        return holding.refuse(station, key, group_id, place, at or station.received_at) if is_start else None

    kept_as = _KEPT_AS[purpose] if certificate is None else Refusal.Purpose.CONTRACT
    keep = partial(_refused, station, token, place, purpose=purpose, kept_as=kept_as)
    if (unread := _refused_unread(station, token, certificate)) is not None:
        return keep(unread)
    if token.type == NO_AUTHORIZATION:
        decision = await _without_token(station, token, reserved("", ""))
        return decision if decision.is_accepted else keep(decision)
    paid = await direct_payments.find(station, token, is_start=purpose is Purpose.START)
    state = live.state()
    key = normalise_uid(token.value)
    record = None if paid is not None else choose(await state.tokens(key), _TYPES.get(token.type))
    if record is None:
        decision = _without_row(station, token, key, paid)
        if decision.is_accepted and (refused := reserved(key, "")) is not None:
            decision = Decision(refused.verdict, reason=refused.reason)
        if decision.is_accepted:
            announcing.presented(station, token, place, announcing.How(Verdict.ACCEPTED), purpose)
            return decision
        if key and decision is _UNKNOWN:
            await journal.run(unknown_tokens.note, token.value, station.identity, station.received_at)
        return keep(decision)
    now = datetime.now(UTC)
    refused = access.standing(record, now)
    prepaid = credit.port.app.credit(record)
    drawn = []
    if refused is None and purpose is not Purpose.STOP:
        drawn = [await state.consumed(budget.subject) for budget in record.budgets]
        refused = access.circumstances(
            record, now=now, station=station.pk, site=station.site_pk, drawn=drawn, purpose=purpose
        ) or access.without_credit(prepaid)
        if refused is not None and purpose is Purpose.IDENTIFY and _may_be_stopping(station, key, record):
            refused = None
    if refused is None and purpose is Purpose.START:
        refused = reserved(key, record.group_id) or await concurrency.refuse(station, key, record, place)
    decision = _decision(record, refused)
    if prepaid is not None:
        # The credit changes with every session: a station must not decide from its cache (2.1 C17).
        decision = decision._replace(expires_at=now)
    if refused is None:
        decision = _limited(decision, access.limits(record.budgets, drawn, prepaid))
        station.used_tokens.append(record.pk)
        announcing.presented(station, token, place, announcing.How(decision.verdict, record.pk), purpose)
    else:
        keep(decision)
    return decision


def _refused_unread(station: Station, token: IdToken, certificate: Finding | None) -> Decision | None:
    """The refusal of a token whose row makes no difference."""
    if certificate is not None and certificate.verdict is not Verdict.ACCEPTED:
        return Decision(certificate.verdict, reason=certificate.reason)
    if station.is_test and token.value and not sites.is_for_tests(token.value):
        return _NO_TEST
    return None


async def _without_token(station: Station, token: IdToken, reserved: Refused | None) -> Decision:
    """2.0.1 C02.FR.02. A battery swap station charges its batteries with an empty token (2.1 S)."""
    if not token.value and (swaps.charges_batteries(station) or await abilities.swaps_batteries(station)):
        return _SLOT
    if reserved is not None:
        return Decision(reserved.verdict, reason=reserved.reason)
    return _NO_TOKEN_REFUSED if station.refuses_free_vending else _NO_TOKEN_NEEDED


def decide_now(
    *,
    uid: str,
    type: str = "",
    charge_point: ChargePoint | None = None,
    evse_number: int | None = None,
    purpose: Purpose = Purpose.START,
) -> Decision:
    """The same rule for a caller that is not a station. By default: may the token start here and now? Reads
    the database, which mirrors the live state within a moment, and needs no live state.

    `type` is a Token.Type: only a token of this type matches. Without a station the place is not checked.
    """
    if _is_test(charge_point) and not sites.is_for_tests(uid):
        return _NO_TEST
    record = choose(read_tokens(normalise_uid(uid)), type, is_strict=bool(type))
    if record is None:
        is_free = charge_point is not None and charge_point.accepts_unknown_tokens
        return _FREE_VEND if is_free else _UNKNOWN
    now = datetime.now(UTC)
    refused = access.standing(record, now)
    if refused is None:
        refused = access.circumstances(
            record,
            now=now,
            station=charge_point.pk if charge_point is not None else None,
            site=charge_point.site_id if charge_point is not None else None,
            drawn=[read_consumption(budget.subject) for budget in record.budgets],
            purpose=purpose,
        ) or access.without_credit(credit.port.app.credit(record))
        if refused is not None and purpose is Purpose.IDENTIFY and _may_be_stopping_now(charge_point, record):
            refused = None
    if refused is None and purpose is Purpose.START:
        refused = holding.refuse_now(record, now, charge_point, evse_number) or concurrency.refuse_now(
            record, now, charge_point, evse_number
        )
    return _decision(record, refused)


def _is_test(charge_point: ChargePoint | None) -> bool:
    return charge_point is not None and charge_point.site is not None and charge_point.site.is_test


def choose(
    records: tuple[TokenRecord, ...], type: str | None, *, is_strict: bool = False
) -> TokenRecord | None:
    """The token of this type among tokens with one UID, else the oldest; with `is_strict` no other type."""
    if not is_strict and len(records) < 2:
        return records[0] if records else None
    otherwise = None if is_strict else records[0]
    return next((record for record in records if record.type == type), otherwise)


def refuse_remote_start(charge_point: ChargePoint, uid: str, evse_number: int | None) -> Conflict | None:
    """Store the refusal when a known token may not charge there. Returns the error for the caller to raise:
    the journal would revert the refusal if this function raised it.

    An unknown token passes: a station may not ask, or accepts every token. See `warn_remote_start`.
    """
    decision = decide_now(uid=uid, charge_point=charge_point, evse_number=evse_number)
    if decision.is_accepted or decision.is_unknown:
        return None
    with transaction.atomic():
        refusal = Refusal.objects.create(
            charge_point=charge_point,
            evse_number=evse_number,
            token_id=decision.token_pk,
            id_token=uid[:255],
            purpose=Refusal.Purpose.REMOTE,
            status=status_2x(decision.verdict),
            reason=decision.reason[:300],
            at=datetime.now(UTC),
        )
        announcing.refused_remotely(charge_point, refusal)
    return Conflict(
        f"The token may not charge here: {decision.reason}",
        data={"status": status_16(decision.verdict), "reason": decision.reason},
        code=Code.CONCURRENT_TX if decision.verdict is Verdict.CONCURRENT else Code.TOKEN_REFUSED,
    )


def warn_remote_start(charge_point: ChargePoint, uid: str) -> str:
    """A sentence for a remote start with an unknown token; empty if the token may charge or is known."""
    decision = decide_now(uid=uid, charge_point=charge_point)
    if decision.is_accepted or not decision.is_unknown:
        return ""
    return gettext(
        "This token is unknown. The server refuses it when the station asks, so probably no session starts, "
        "or it ends at once. Add the token first, or let the station accept unknown tokens."
    )


def ended_with(decision: Decision, token_key: str, transaction: TransactionState) -> str:
    """A sentence about the token that ended a transaction. The transaction has ended in any case."""
    if not decision.is_accepted:
        return decision.reason
    if token_key == transaction.token_key:
        return "Ended with the token that started it."
    if decision.group_id and decision.group_id.casefold() == transaction.group_id.casefold():
        return f"Ended with another token of the group {decision.group_id}."
    if decision.is_master:
        return "Ended with a master pass."
    return "Ended with an unrelated token."


def _decision(record: TokenRecord, refused: Refused | None) -> Decision:
    verdict, reason = (Verdict.ACCEPTED, "") if refused is None else refused
    return Decision(
        verdict,
        record.group_id,
        record.expires_at,
        record.pk,
        False,
        reason,
        record.is_master,
        record.contract_id,
    )


def _limited(decision: Decision, limits: Mapping[str, float]) -> Decision:
    return decision._replace(limits=limits) if limits else decision


def _may_be_stopping(station: Station, key: str, record: TokenRecord) -> bool:
    group = record.group_id.casefold()
    return record.is_master or any(
        transaction.is_active
        and (transaction.token_key == key or (group and transaction.group_id.casefold() == group))
        for transaction in station.transactions.values()
    )


def _may_be_stopping_now(charge_point: ChargePoint | None, record: TokenRecord) -> bool:
    """The same rule on the database."""
    if record.is_master or charge_point is None:
        return record.is_master
    running = Transaction.objects.active().filter(charge_point=charge_point)
    of_group = Q(group_id__iexact=record.group_id) if record.group_id else Q()
    return running.filter(Q(token=record.pk) | of_group).exists()


_KEPT_AS = {
    Purpose.IDENTIFY: Refusal.Purpose.AUTHORIZE,
    Purpose.START: Refusal.Purpose.START,
    Purpose.STOP: Refusal.Purpose.STOP,
}


def _without_row(
    station: Station, token: IdToken, key: str, paid: direct_payments.Payment | None
) -> Decision:
    """The decision about a token that was not added here."""
    if paid is not None:
        return _PAID_BEFORE._replace(limits=paid.limits) if paid.is_open else _PAYMENT_CLOSED
    if token.type == DIRECT_PAYMENT and key:
        return _PAID
    return _FREE_VEND if station.accepts_unknown_tokens else _UNKNOWN


def _refused(
    station: Station,
    token: IdToken,
    place: Place | None,
    decision: Decision,
    *,
    purpose: Purpose,
    kept_as: Refusal.Purpose,
) -> Decision:
    """Keep the refusal for the operator. Returns the decision."""
    how = announcing.How(decision.verdict, decision.token_pk, decision.reason)
    announcing.presented(station, token, place, how, purpose)
    if decision.is_unknown:
        announcing.unknown(station, token, place, purpose)
    else:
        announcing.refused(station, token, place, how, purpose)
    station.unit.insert(
        REFUSALS,
        charge_point_id=station.pk,
        evse_number=place.evse if place is not None else None,
        token_id=decision.token_pk,
        id_token=token.value[:255],
        purpose=kept_as.value,
        status=status_2x(decision.verdict),
        reason=decision.reason[:300],
        at=station.received_at,
    )
    return decision
