"""Charging sessions and their readings in the admin. All of it is evidence: rows are read only."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from ocpp_server.admin import access, cells, tones
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin, back, session_link
from ocpp_server.admin.filters import MomentFilter, StationFilter
from operations import session, settling
from transactions.models import (
    AccessRule,
    Counter,
    MeterValue,
    QuarantinedMessage,
    Refusal,
    RemoteStart,
    Settlement,
    Transaction,
    TransactionEvent,
)


@admin.register(Transaction)
class TransactionAdmin(EvidenceAdmin):
    """The list leads to the session page. What an operator decides about sessions is no edit of a row."""

    actions = ["settle_as_proposed", "settle_as_ignored", "end_sessions"]

    list_display = [
        "number",
        "station",
        "place",
        "id_token",
        "state",
        "energy",
        "duration",
        "started_at",
        "flag",
    ]
    list_filter = [
        StationFilter,
        ("status", ChoicesDropdownFilter),
        "suspect",
        ("started_at", MomentFilter),
    ]
    list_select_related = ["charge_point"]
    search_fields = ["id"]
    exact_search = ("pk", "id_token", "charge_point", "ocpp_id")
    search_help_text = "A number, a token, a station's identity, or a 2.x transaction id."
    sortable_by = ["number", "started_at"]
    ordering = ["-id"]
    empty_sentence = "No vehicle has charged yet. A session appears here the moment a station starts one."

    def get_urls(self) -> list[Any]:
        return [*session.urls(self.admin_site), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return session.page(request, object_id)

    def has_command_permission(self, request: HttpRequest) -> bool:
        return access.may_command(request.user)

    @admin.action(description="Settle: apply proposed fix", permissions=["command"])
    def settle_as_proposed(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> Any:
        return settling.confirm_many(request, queryset, "proposed")

    @admin.action(description="Settle: ignore", permissions=["command"])
    def settle_as_ignored(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> Any:
        return settling.confirm_many(request, queryset, "ignore")

    @admin.action(description="End session", permissions=["command"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> Any:
        return settling.confirm_many(request, queryset, "end")

    @admin.display(description="Number", ordering="id")
    def number(self, transaction: Transaction) -> int:
        return transaction.pk

    @admin.display(description="EVSE")
    def place(self, transaction: Transaction) -> str:
        return "–" if transaction.evse_number is None else str(transaction.evse_number)

    @display(description="State", label=tones.SESSION | {"suspect": tones.DANGER})
    def state(self, transaction: Transaction) -> tuple[str, str]:
        return transaction.status, transaction.get_status_display()

    @admin.display(description="Energy")
    def energy(self, transaction: Transaction) -> str:
        return cells.kilowatt_hours(transaction.energy_wh)

    @admin.display(description="Duration")
    def duration(self, transaction: Transaction) -> str:
        return cells.span(transaction.started_at, transaction.stopped_at or timezone.now())

    @display(description="Suspect", ordering="suspect", label={"suspect": tones.DANGER})
    def flag(self, transaction: Transaction) -> tuple[str, str] | str:
        return ("suspect", "suspect") if transaction.suspect else ""


@admin.register(Settlement)
class SettlementAdmin(EvidenceAdmin):
    json_fields = ("before", "after")
    list_display = ["fix_label", "session", "actor", "reason", "energy", "created_at"]
    list_filter = [("fix", ChoicesDropdownFilter)]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id",)
    search_help_text = "A session's number."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = "No session was ended or settled by an operator yet."

    @display(description="Fix", label=tones.FIX)
    def fix_label(self, settlement: Settlement) -> tuple[str, str]:
        return settlement.fix, settlement.get_fix_display()

    @admin.display(description="Session")
    def session(self, settlement: Settlement) -> str:
        return session_link(settlement.transaction_id)

    @admin.display(description="Energy")
    def energy(self, settlement: Settlement) -> str:
        before, after = settlement.before.get("energy_wh"), settlement.after.get("energy_wh")
        words = cells.kilowatt_hours(before)
        return words if before == after else f"{words} → {cells.kilowatt_hours(after)}"


@admin.register(TransactionEvent)
class TransactionEventAdmin(EvidenceAdmin):
    json_fields = ("payload",)
    list_display = ["type", "session", "seq_no", "trigger_reason", "charging_state", "offline", "at"]
    list_filter = ["offline"]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id", "transaction__ocpp_id")
    search_help_text = "A session's number, or its 2.x transaction id."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = "OCPP 2.x stations report sessions as events; 1.6 stations have none."

    @admin.display(description="Session")
    def session(self, event: TransactionEvent) -> str:
        return session_link(event.transaction_id)


class ReadingsOfStationFilter(StationFilter):
    """Readings are found by their session: those of the station's latest ones, and those that have none."""

    def of_station(self, queryset: QuerySet[Any], station: int) -> QuerySet[Any]:
        latest = (
            Transaction.objects.filter(charge_point_id=station).order_by("-id").values_list("pk", flat=True)
        )
        return queryset.filter(
            Q(transaction__in=list(latest[:10])) | Q(transaction__isnull=True, charge_point_id=station)
        )


@admin.register(MeterValue)
class MeterValueAdmin(EvidenceAdmin):
    list_display = ["measurand", "station", "session", "reading", "phase", "context", "measured_at"]
    list_filter = [ReadingsOfStationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["transaction__id"]
    exact_search = ("transaction_id",)
    search_help_text = "A session's number."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = "Readings appear as soon as a station sends meter values."

    @admin.display(description="Session")
    def session(self, reading: MeterValue) -> str:
        return session_link(reading.transaction_id)

    @admin.display(description="Reading")
    def reading(self, reading: MeterValue) -> str:
        return reading.raw if reading.value is None else f"{reading.value:,g} {reading.unit}"


@admin.register(QuarantinedMessage)
class QuarantinedMessageAdmin(EvidenceAdmin):
    json_fields = ("payload",)
    list_display = ["action", "station", "session", "reason_label", "detail", "received_at", "resolved_at"]
    list_filter = [
        StationFilter,
        ("reason", ChoicesDropdownFilter),
        ("resolved_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["charge_point"]
    search_fields = ["charge_point__identity_key"]
    exact_search = ("charge_point", "transaction_id")
    search_help_text = "A station's identity, or a session's number."
    sortable_by = ["received_at"]
    change_form_template = "operator/quarantined.html"
    empty_sentence = "Every message about money could be applied."

    def get_urls(self) -> list[Any]:
        resolve = path(
            "<int:pk>/resolve/",
            self.admin_site.admin_view(require_POST(self.resolve)),
            name="quarantine-resolve",
        )
        return [resolve, *super().get_urls()]

    def resolve(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Somebody has looked at it; the row stays."""
        if not access.may_command(request.user):
            raise PermissionDenied
        message = get_object_or_404(QuarantinedMessage, pk=pk)
        if message.resolved_at is None:
            message.resolved_at = timezone.now()
            message.save(update_fields=["resolved_at"])
        messages.success(request, "Marked as resolved. The message is kept.")
        return redirect(back(request, "admin:transactions_quarantinedmessage_changelist"))

    @admin.display(description="Session")
    def session(self, message: QuarantinedMessage) -> str:
        return session_link(message.transaction_id)

    @display(description="Reason", label=True)
    def reason_label(self, message: QuarantinedMessage) -> str:
        return message.get_reason_display()


@admin.register(RemoteStart)
class RemoteStartAdmin(EvidenceAdmin):
    list_display = ["id_token", "station", "evse_number", "outcome_label", "session", "created_at"]
    list_filter = [StationFilter, ("outcome", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id_token", "charge_point")
    search_help_text = "A token, or a station's identity."
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = "No session was started from here yet. A station's page has the button."

    @admin.display(description="Session")
    def session(self, start: RemoteStart) -> str:
        return session_link(start.transaction_id)

    @display(description="Outcome", label=tones.REMOTE_START)
    def outcome_label(self, start: RemoteStart) -> tuple[str, str]:
        return start.outcome, start.get_outcome_display()


class AccessRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for names, sentence in (
            (("token", "group", "contract"), "Choose one: a token, a group or a contract."),
            (("charge_point", "site"), "Choose one: a station or a site."),
        ):
            if len([name for name in names if cleaned.get(name)]) != 1:
                self.add_error(names[0], sentence)
        return cleaned


@admin.register(AccessRule)
class AccessRuleAdmin(OperatorAdmin):
    """Rules may be deleted: what they once did is told by sessions and refusals."""

    form = AccessRuleForm
    list_display = ["who", "effect_label", "where", "note", "created_at"]
    list_filter = [("effect", ChoicesDropdownFilter)]
    list_select_related = ["token", "group", "contract", "charge_point", "site"]
    search_fields = [
        "token__uid", "group__group_id", "contract__contract_id", "charge_point__identity", "site__name",
        "note",
    ]  # fmt: skip
    search_help_text = "A part of token, group, contract, station, site or note."
    sortable_by = ["created_at"]
    ordering = ["-id"]
    autocomplete_fields = ["token", "group", "contract", "charge_point", "site"]
    fieldsets = (
        ("Who", {"fields": ("token", "group", "contract")}),
        ("Where", {"fields": ("charge_point", "site")}),
        (None, {"fields": (("effect", "note"),)}),
    )
    empty_sentence = (
        "Every valid token may charge everywhere. A rule refuses somebody a place, or allows only some."
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_provide(request.user)

    @admin.display(description="Who")
    def who(self, rule: AccessRule) -> str:
        kind = "token" if rule.token_id else "group" if rule.group_id else "contract"
        return f"{kind.capitalize()} {rule.subject}"

    @admin.display(description="Where")
    def where(self, rule: AccessRule) -> str:
        return f"{'Station' if rule.charge_point_id else 'Site'} {rule.place}"

    @display(description="Effect", label=tones.EFFECT)
    def effect_label(self, rule: AccessRule) -> tuple[str, str]:
        return rule.effect, rule.get_effect_display()


class WhyFilter(DropdownFilter):
    """By the status. From a list, because asking the table which ones it has reads all of it."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status, status) for status in tones.AUTHORIZATION]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() else queryset


@admin.register(Refusal)
class RefusalAdmin(EvidenceAdmin):
    list_display = ["id_token", "station", "status_label", "reason", "purpose", "at"]
    list_filter = [StationFilter, WhyFilter, ("purpose", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["id_token"]
    exact_search = ("id_token", "charge_point")
    search_help_text = "A token, or a station's identity."
    sortable_by = ["at"]
    ordering = ["-at"]
    station_ordering = ("-at",)
    empty_sentence = "Nobody was refused yet. When somebody is, the reason is here."

    @display(description="Status", label=tones.AUTHORIZATION)
    def status_label(self, refusal: Refusal) -> str:
        return refusal.status


@admin.register(Counter)
class CounterAdmin(EvidenceAdmin):
    list_display = ["name", "value"]
    empty_sentence = "The first session gets the number 1000."
