"""Filters of the lists of sessions, meter values, reservations, refused tokens, quarantined messages,
settlements and access rules. Each has its index.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.models import Token
from accounts.models.token import normalise_uid
from chargepoints.models import ChargePoint
from chargepoints.views.lookups import of_station
from ocpp_server.api.cursors import BadCursor, Cursor
from ocpp_server.api.fields import FlagField, StrictSerializer, TextField, WholeField
from ocpp_server.api.lists import (
    ChangedQuery,
    ListQuery,
    Page,
    changes,
    not_a_cursor,
    ordering,
    period,
    search,
    within,
)
from ocpp_server.domain import Invalid
from ocpp_server.storage.row_numbers import row_number
from transactions.models import (
    AccessRule,
    QuarantinedMessage,
    Refusal,
    Reservation,
    Settlement,
    Transaction,
)
from transactions.services.metering.samples import Wanted
from transactions.services.metering.stored import Place, Series
from transactions.views.lookups import subject_and_place

ALL = "all"
STATUSES = ("active", "ended", ALL)


class TransactionFilters(StrictSerializer):
    """The filters without paging; the export and the list share them."""

    clientId = TextField(required=False, max_length=255)
    status = serializers.ChoiceField(choices=STATUSES, default=ALL)
    idTag = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    suspect = FlagField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | period() | changes()

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """`from` and `to` compare the start of the transaction, the other two its last change."""
        asked = self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        if asked["status"] != ALL:
            rows = rows.filter(status=asked["status"])
        if "idTag" in asked:
            rows = rows.filter(presented(asked["idTag"]))
        if "suspect" in asked:
            rows = rows.filter(suspect=asked["suspect"])
        if "updated_from" in asked or "updated_to" in asked:
            rows = rows.filter(pk__in=_changed(asked))
        return within(rows, "started_at", asked)


def _changed(asked: dict[str, Any]) -> QuerySet[Any]:
    """The keys of the transactions whose last change is in the period. A running session changes with each
    message; the others by `updated_at`. A union of two index look-ups, as in `presented`.
    """
    keys = Transaction.objects.order_by().values("pk")
    running = keys.filter(status=Transaction.Status.ACTIVE)
    spoken = within(running, "last_message_at", asked, prefix="updated_")
    changed = within(keys, "updated_at", asked, prefix="updated_")
    if "updated_to" in asked:  # the later of the two is the last change
        spoken = spoken.filter(updated_at__lt=asked["updated_to"])
        changed = changed.exclude(status=Transaction.Status.ACTIVE, last_message_at__gte=asked["updated_to"])
    return spoken.union(changed)


def presented(uid: str) -> Q:
    """Transactions of an idTag: presented in one of the usual spellings, or of the token with this UID."""
    spellings = {uid, uid.strip(), uid.lower(), uid.upper()}
    tokens = list(Token.objects.filter(uid_key=normalise_uid(uid)).values_list("pk", flat=True))
    # A union of two index look-ups: with an OR, the planner scans a million rows in order of their key.
    numbers = Transaction.objects.order_by().values("pk")
    return Q(pk__in=numbers.filter(id_token__in=spellings).union(numbers.filter(token__in=tokens)))


class TransactionQuery(TransactionFilters, ListQuery):
    orderings = {"transactionId": "pk", "startTime": "started_at"}

    ordering = ordering(orderings)
    search = search("A transaction number, or the beginning of an idTag or a clientId.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filtered(rows)
        if "search" not in self.validated_data:
            return rows
        text = self.validated_data["search"]
        stations = ChargePoint.objects.filter(identity_key__startswith=text.casefold())
        matches = Q(charge_point__in=stations.values("pk"))
        for spelling in {text, text.lower(), text.upper()}:
            # A range, not LIKE: LIKE ignores the index on one database and the case on the other.
            matches |= Q(id_token__gte=spelling, id_token__lt=spelling + "\U0010ffff")
        if (number := row_number(text)) is not None:
            matches |= Q(pk=number)
        return rows.filter(matches)


class MeterValueQuery(ListQuery):
    """A reading has many samples, and the list is one of samples: its pages may end within a reading."""

    orderings = {"timestamp": "measured_at"}
    moment = "measured_at"

    ordering = ordering(orderings)
    # The filters in the order of `Wanted`.
    _of_samples = ("measurand", "phase", "context")

    measurand = TextField(required=False, max_length=64)
    phase = TextField(required=False, allow_blank=True, max_length=16)
    context = TextField(required=False, max_length=32)  # type: ignore[assignment]  # the metaclass takes it out of the class

    def read(self, rows: Series) -> Page:
        asked = self.validated_data
        names = (frozenset({asked[name]}) if name in asked else None for name in self._of_samples)
        kept = rows.narrowed(wanted=Wanted(*names), since=asked.get("from"), until=asked.get("to"))
        newest_first = asked.get("ordering", "").startswith("-")
        limit, sign = asked["limit"], "-" if newest_first else ""
        order = [f"{sign}{name}" for name in Place._fields]
        after, total = self._after(order) or (None, kept.total())
        found = kept.page(limit + 1, newest_first=newest_first, after=after, skipped=asked["offset"])
        if len(found) <= limit:
            return Page(found, total, None)
        values: list[str | None] = [str(value) for value in found[limit - 1].place]
        return Page(found[:limit], total, Cursor(order, values, total).encode())

    def _after(self, order: list[str]) -> tuple[Place, int] | None:
        """The place of the cursor and the total in it; None without a cursor."""
        if not self.cursor:
            return None
        try:
            cursor = Cursor.decode(self.cursor)
            if cursor.order != order:
                raise BadCursor
        except BadCursor:
            raise not_a_cursor() from None
        at, row, number = map(str, cursor.values)
        return Place(datetime.fromisoformat(at), int(row), int(number)), cursor.total


class MonthField(TextField):
    """A month such as 2026-11, as its first day."""

    # The stubs declare str.
    def to_internal_value(self, data: Any) -> date:  # type: ignore[override]
        try:
            return date.fromisoformat(f"{super().to_internal_value(data)}-01")
        except ValueError:
            raise serializers.ValidationError("Must be a month such as 2026-11.") from None


class MonthlyEnergyQuery(StrictSerializer):
    month = MonthField(
        required=False, help_text="Such as 2026-11, a month of the server's TIME_ZONE; by default this month."
    )


class ReservationQuery(ChangedQuery):
    """`from` and `to` compare the time of the request."""

    orderings = {"id": "pk", "requestedAt": "requested_at", "updatedAt": "updated_at"}
    moment = "requested_at"

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255)
    reservationId = WholeField(
        required=False, min_value=-(2**63), max_value=2**63 - 1, help_text="The number in OCPP."
    )
    state = serializers.ChoiceField(choices=Reservation.State.values, required=False)
    live = FlagField(required=False, help_text="true: only those that a station holds, or may hold.")
    idTag = TextField(required=False, max_length=255, help_text="Case makes no difference.")
    requestId = TextField(required=False, max_length=36, help_text="The command that asked for it.")

    exact = {"reservationId": "number", "state": "state", "requestId": "command"}

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "clientId" in asked:
            rows = of_station(rows, asked["clientId"])
        if "live" in asked:
            is_live = Q(state__in=Reservation.LIVE)
            rows = rows.filter(is_live if asked["live"] else ~is_live)
        if "idTag" in asked:
            uid = asked["idTag"]
            tokens = Token.objects.filter(uid_key=normalise_uid(uid)).values_list("pk", flat=True)
            spellings = {uid, uid.strip(), uid.lower(), uid.upper()}
            rows = rows.filter(Q(id_token__in=spellings) | Q(token__in=list(tokens)))
        return rows


class RefusalQuery(ListQuery):
    """`from` and `to` compare the time of the refusal."""

    orderings = {"id": "pk"}
    moment = "at"
    exact = {"purpose": "purpose", "status": "status", "idTag": "id_token", "tokenId": "token"}

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    purpose = serializers.ChoiceField(choices=Refusal.Purpose.values, required=False)
    status = TextField(required=False, max_length=32, help_text="As OCPP 2.x spells it.")
    idTag = TextField(required=False, max_length=255, help_text="As presented.")
    tokenId = WholeField(required=False, min_value=1)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, identity = super().filtered(rows), self.validated_data.get("clientId")
        if identity is None:
            return rows
        found = ChargePoint.objects.by_identity(identity).values_list("pk", flat=True).first()
        return rows.none() if found is None else rows.filter(charge_point=found)


class QuarantineQuery(ListQuery):
    """`from` and `to` compare the time of receipt."""

    orderings = {"receivedAt": "received_at"}
    exact = {"reason": "reason", "transactionId": "transaction"}
    moment = "received_at"

    ordering = ordering(orderings)
    clientId = TextField(required=False, max_length=255, help_text="The identity of a station.")
    reason = serializers.ChoiceField(choices=QuarantinedMessage.Reason.values, required=False)
    transactionId = WholeField(required=False, min_value=1)
    isResolved = FlagField(required=False, help_text="false: the messages that need attention.")

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows, asked = super().filtered(rows), self.validated_data
        if "isResolved" in asked:
            rows = rows.filter(resolved_at__isnull=not asked["isResolved"])
        return of_station(rows, asked["clientId"]) if "clientId" in asked else rows


class SettlementQuery(ListQuery):
    """`from` and `to` compare the time of the decision."""

    orderings = {"createdAt": "created_at"}
    exact = {"fix": "fix", "transactionId": "transaction"}
    moment = "created_at"

    ordering = ordering(orderings)
    fix = serializers.ChoiceField(choices=Settlement.Fix.values, required=False)
    transactionId = WholeField(required=False, min_value=1)


class AccessRuleQuery(ListQuery):
    orderings = {"id": "pk", "created_at": "created_at"}

    ordering = ordering(orderings)
    q = search("In the note.")
    search = search("The same as q.")
    token_id = WholeField(required=False, min_value=1)
    group_id = TextField(required=False, max_length=36, help_text="Case makes no difference.")
    contract_id = TextField(required=False, max_length=36, help_text="Its id or contract_id.")
    charge_point_id = TextField(required=False, max_length=255, help_text="A station's identity.")
    site_id = WholeField(required=False, min_value=1)
    effect = serializers.ChoiceField(choices=AccessRule.Effect.values, required=False)

    exact = ("effect",)

    def containing(self, text: str) -> Q:
        return Q(note__icontains=text)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        try:
            named = subject_and_place(self.validated_data)
        except Invalid:  # the token, group or station does not exist, so it has no rules
            return rows.none()
        return super().filtered(rows).filter(**named)
