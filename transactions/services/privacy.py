"""Personal data: the export of everything stored about a person, and its erasure, which keeps the sessions.

Erasure replaces every UID of the person by a random pseudonym, one per token: sessions can still be counted
and billed together, but no longer identify the person. It covers the database: sessions, events, the outbox,
logs of messages and commands, follow-ups, inboxes, the admin's history. It can't cover the stations' caches
and lists (until they are updated), backups, and files written earlier: exports, and logs of the process,
which mask tokens. What a consumer of events has received is out of reach too.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Max, Min, Q
from django.utils import timezone

from accounts.models import Contract, IdempotentRequest, Member, Token, UnknownToken, User
from accounts.models.token import normalise_uid
from accounts.services import membership
from chargepoints.models import (
    BatterySwap,
    Campaign,
    ChargePoint,
    Command,
    Deviation,
    FollowUp,
    Message,
)
from chargepoints.services.follow_ups import keeping
from chargepoints.services.provisioning import stations
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.storage.fields import CompressedTextField
from transactions.models import (
    QuarantinedMessage,
    Refusal,
    RemoteStart,
    Reservation,
    Transaction,
    TransactionEvent,
)

# Models and columns that keep stations' messages as text.
_TEXTS: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (
        Message,
        ("request", "response", "request_text", "response_text", "error_description"),
    ),
    (FollowUp, ("payload", "payload_text")),
    (TransactionEvent, ("payload", "payload_text")),
    (QuarantinedMessage, ("payload",)),
    (Deviation, ("example", "detail")),
)
_JSON: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (Command, ("payload", "response")),
    (Campaign, ("arguments",)),
)
_UIDS: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (Transaction, ("id_token", "stop_id_token")),
    (Refusal, ("id_token",)),
    (RemoteStart, ("id_token",)),
    (Reservation, ("id_token",)),
    (BatterySwap, ("id_token",)),
)
# Rows per batch of a search; only rows that change are locked.
_AT_ONCE = 20_000  # equivalent: any number finds the same rows
# Comparisons of one query.
_MOST_COMPARISONS = 300  # equivalent: any number below the limit of SQLite
_HEX = re.compile(r"(?:[0-9A-F]{2})+")


class Erased(NamedTuple):
    tokens: int
    sessions: int
    messages: int


def export(user: User) -> dict[str, Any]:
    """Everything stored about a person, as values for JSON; energy in Wh, times in UTC."""
    tokens = list(user.tokens.order_by("pk"))
    sessions = Transaction.objects.filter(token__in=tokens).select_related("charge_point").order_by("pk")
    sessions = sessions.prefetch_related("settlements")
    refusals = Refusal.objects.filter(token__in=tokens).select_related("charge_point").order_by("pk")
    reservations = Reservation.objects.filter(token__in=tokens).select_related("charge_point").order_by("pk")
    memberships = user.memberships.select_related("contract").order_by("pk")
    return {
        "exported_at": timezone.now(),
        "person": _columns(
            user, "pk username name first_name last_name email phone language status created_at updated_at"
        ),
        "contracts": [
            _columns(member.contract, "contract_id name type status valid_from valid_until")
            | _columns(member, "role status created_at", prefix="member_")
            for member in memberships
        ],
        "tokens": [
            _columns(
                token,
                "uid type name visual_number group_id issuer status valid valid_from expires_at last_used_at "
                "created_at",
            )
            for token in tokens
        ],
        "sessions": [
            _columns(
                row,
                "pk id_token evse_number connector_number started_at stopped_at meter_start_wh meter_stop_wh "
                "energy_wh stop_reason authorization_status authorization_reason",
            )
            | {"station": row.charge_point.identity}
            | {
                "settlements": [
                    _columns(settlement, "fix reason created_at") for settlement in row.settlements.all()
                ]
            }
            for row in sessions
        ],
        "refusals": [
            _columns(row, "at id_token purpose status reason") | {"station": row.charge_point.identity}
            for row in refusals
        ],
        "reservations": [
            _columns(row, "pk number id_token evse_number requested_at expires_at state reason ended_at")
            | {"station": row.charge_point.identity}
            for row in reservations
        ],
        # The relation of another app: nothing of it is imported here.
        "alert_recipients": [
            _columns(row, "name address timezone quiet_hours digest created_at")
            for row in user.alert_recipients.order_by("pk")
        ],
        "battery_swaps": [
            _columns(row, "pk number id_token state in_at out_at") | {"station": row.charge_point.identity}
            for row in _swaps(tokens)
        ],
    }


def _swaps(tokens: Iterable[Token]) -> list[BatterySwap]:
    """The battery swaps with these tokens, which are stored by their uids, the oldest first."""
    spellings = {spelling: 0 for token in tokens for spelling in _searched(token.uid)}
    keys = [row.pk for row in _rows(BatterySwap, ("id_token",), "iexact", spellings)]
    rows = BatterySwap.objects.filter(pk__in=keys).select_related("charge_point")
    return list(rows.order_by("created_at", "pk"))


def erase(user: User) -> Erased:
    """Erase a person's data. Raises Conflict with the step that must come first."""
    _require_erasable(user)
    tokens = list(user.tokens.order_by("pk"))
    pseudonyms = {token.pk: f"erased-{secrets.token_hex(8)}" for token in tokens}
    by_spelling = {spelling: pseudonyms[token.pk] for token in tokens for spelling in _searched(token.uid)}
    # Before the rows lose them: the stored answers of the API are searched for these words.
    words = {user.name, user.email, user.phone, *by_spelling}
    words |= {word for token in tokens for word in (token.name, token.visual_number)}
    # The logs first: after an interruption the person still exists and can be erased again.
    keeping.erase_personal([*by_spelling, user.name, user.email, user.phone])
    messages = sum(_replace_in_texts(*where, by_spelling) for where in (*_TEXTS, *_JSON))
    outbox.port.app.erase(user=user.pk, tokens=[token.pk for token in tokens])
    affected: set[int] = set()
    sessions = 0
    with transaction.atomic():
        for model, columns in _UIDS:
            for row in _rows(model, columns, "iexact", by_spelling):
                changes: dict[str, Any] = {
                    name: by_spelling[getattr(row, name).casefold()]
                    for name in columns
                    if getattr(row, name).casefold() in by_spelling
                }
                if isinstance(row, Transaction | Reservation):
                    changes["updated_at"] = timezone.now()
                    affected.add(row.charge_point_id)
                    sessions += isinstance(row, Transaction)
                model._default_manager.filter(pk=row.pk).update(**changes)
        for token in tokens:
            UnknownToken.objects.filter(uid_key=token.uid_key).delete()
            token.uid, token.name, token.visual_number = pseudonyms[token.pk], "", ""
            token.status = Token.Status.INVALID
            token.save()
        _forget_history(user, tokens)
        _forget_answers(words)
        _forget_person(user)
    for charge_point in ChargePoint.objects.online().filter(pk__in=affected):
        # A late reading would write back the UID from the connected station's live state.
        stations.changed(charge_point)
    return Erased(len(tokens), sessions, messages)


def _require_erasable(user: User) -> None:
    if user.erased_at is not None:
        raise Conflict("This person has been erased already.")
    if user.is_staff or user.is_superuser:
        raise Conflict("This person can sign in to the console. Remove the console login first.")
    owned = user.memberships.filter(role=Member.Role.OWNER, contract__status=Contract.Status.ACTIVE).first()
    if owned is not None:
        raise Conflict(
            f"This person owns the active contract {owned.contract}: transfer or terminate it first."
        )
    running = Transaction.objects.active().filter(token__user=user).first()
    if running is not None:
        raise Conflict(f"Session {running.pk} is still running. End it first.", code=Code.TRANSACTION_RUNNING)
    reserved = Reservation.objects.live().filter(token__user=user).select_related("charge_point").first()
    if reserved is not None:
        # The station would keep the UID until the expiry.
        raise Conflict(f"{reserved.charge_point} holds the reservation {reserved.number}. Cancel it first.")


def _forget_person(user: User) -> None:
    for member in user.memberships.exclude(status=Member.Status.REMOVED):
        if member.role == Member.Role.OWNER:
            # The contract has ended. Its number stays for accounting; its name may be a family's name.
            Contract.objects.filter(pk=member.contract_id).update(name="")
        else:
            membership.remove(member)
    user.alert_recipients.all().delete()
    user.username = f"erased-{user.pk}"
    user.name = user.first_name = user.last_name = user.email = user.phone = user.language = ""
    user.status, user.is_active = User.Status.CLOSED, False
    user.erased_at = timezone.now()
    user.set_unusable_password()
    user.save()


def _forget_history(user: User, tokens: list[Token]) -> None:
    """Erase names and UIDs from the admin's history."""
    for model, keys in (
        (User, [user.pk]),
        (Token, [token.pk for token in tokens]),
        (Member, list(user.memberships.values_list("pk", flat=True))),
    ):
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(model), object_id__in=[str(key) for key in keys]
        ).update(object_repr="erased", change_message="")


def _forget_answers(words: Iterable[str]) -> None:
    """Delete the answers stored for an Idempotency-Key that contain one of the words."""
    written = {text for word in words if word.strip() for text in _in_json(word)}
    for condition in _any(("answer",), "icontains", written):
        IdempotentRequest.objects.filter(condition).delete()


def _in_json(text: str) -> set[str]:
    """The spellings of a text inside of a JSON string: SQLite stores ASCII only."""
    return {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)}


def _replace_in_texts(
    model: type[models.Model], columns: tuple[str, ...], by_spelling: Mapping[str, str]
) -> int:
    """Replace UIDs that are a whole JSON string. Returns the number of changed rows."""
    written = {text: pseudonym for spelling, pseudonym in by_spelling.items() for text in _in_json(spelling)}
    words = "|".join(map(re.escape, written))
    pattern = re.compile(rf'"\s*({words})\s*"', re.IGNORECASE)
    alike = {text.casefold(): pseudonym for text, pseudonym in written.items()}
    changed = 0
    for row in _rows(model, columns, "icontains", written):
        changes: dict[str, Any] = {}
        for name in columns:
            before = getattr(row, name)
            text = before if isinstance(before, str) else json.dumps(before)
            after = pattern.sub(lambda found: f'"{alike[found[1].casefold()]}"', text)
            if after != text:
                changes[name] = after if isinstance(before, str) else json.loads(after)
        if changes:
            changed += model._default_manager.filter(pk=row.pk).update(**changes)
    return changed


def _any(columns: tuple[str, ...], lookup: str, words: Iterable[str]) -> Iterator[Q]:
    """Conditions of which each row with one of the words fulfils at least one. SQLite limits their depth."""
    texts, size = list(words), _MOST_COMPARISONS // len(columns)
    for start in range(0, len(texts), size):
        condition = Q()
        for word in texts[start : start + size]:
            for name in columns:
                condition |= Q(**{f"{name}__{lookup}": word})
        yield condition


def _rows(
    model: type[models.Model], columns: tuple[str, ...], lookup: str, words: Iterable[str]
) -> Iterator[Any]:
    """The rows with one of the words, each once, read in batches: the logs have no index for this, and
    stations continue to write.
    """
    words = list(words)
    packed = tuple(name for name in columns if _is_packed(model, name))
    texts = tuple(name for name in columns if name not in packed)
    conditions = list(_any(texts, lookup, words)) if texts else []
    if not words:
        return
    ends = model._default_manager.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    for start in (
        range(ends["first"], ends["last"] + 1, _AT_ONCE) if isinstance(ends["first"], int) else [None]
    ):
        piece = model._default_manager.filter(
            Q() if start is None else Q(pk__gte=start, pk__lt=start + _AT_ONCE)
        )
        found: dict[Any, models.Model] = {}
        for condition in conditions:
            found |= {row.pk: row for row in piece.filter(condition)}
        if packed:
            found |= model._default_manager.in_bulk(_with_packed(piece, packed, words))
        yield from (found[pk] for pk in sorted(found))


def _is_packed(model: type[models.Model], name: str) -> bool:
    return isinstance(model._meta.get_field(name), CompressedTextField)


def _with_packed(piece: models.QuerySet[Any], columns: tuple[str, ...], words: list[str]) -> list[Any]:
    """The keys of the rows whose compressed columns contain one of the words, in any case."""
    folded = [word.casefold() for word in words]
    found = []
    for pk, *texts in piece.values_list("pk", *columns).iterator():
        together = "\n".join(text for text in texts if text is not None).casefold()
        if any(word in together for word in folded):
            found.append(pk)
    return found


def _searched(uid: str) -> set[str]:
    """The spellings to search for. SQLite ignores the case of ASCII letters only."""
    found = _spellings(uid)
    others = {form for text in found if not text.isascii() for form in (text, text.lower(), text.upper())}
    return others | {text.casefold() for text in found}


def _spellings(uid: str) -> set[str]:
    """The possible spellings of a UID: with any separators, a vehicle's with and without VID."""
    bare = re.sub(r"[:.\- ]", "", re.sub(r"^VID:", "", uid.strip(), flags=re.IGNORECASE)).upper()
    found = {uid.strip(), normalise_uid(uid)}
    if _HEX.fullmatch(bare):
        pairs = [bare[at : at + 2] for at in range(0, len(bare), 2)]
        written = {separator.join(pairs) for separator in ("", ":", "-", " ", ".")}
        found |= {f"VID:{text}" for text in written} if uid.upper().startswith("VID:") else set()
        found |= written
    return found


def _columns(row: models.Model, names: str, prefix: str = "") -> dict[str, Any]:
    return {f"{prefix}{'id' if name == 'pk' else name}": getattr(row, name) for name in names.split()}
