"""Tokens, and the inbox of those that nobody has added."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from accounts.admin.rights import BUDGET_LABELS
from accounts.admin.token_files import TokenFiles
from accounts.models import Token, UnknownToken
from accounts.models.token import normalise_uid
from accounts.services import membership, token_groups, tokens
from accounts.services.reversed_uids import reversed_uid
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, OneCount, OperatorAdmin, back, link, post_button
from ocpp_server.domain import DomainError, Invalid


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Token
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets choose
        labels = BUDGET_LABELS | {"is_master": "Master pass", "user": "Bearer"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        uid, kind = cleaned.get("uid"), cleaned.get("type")
        if uid and kind:
            same = Token.objects.filter(uid_key=normalise_uid(uid), type=kind).exclude(pk=self.instance.pk)
            if same.exists():
                self.add_error("uid", "There is a token of this uid and type already.")
        group_id = cleaned.get("group_id", "")
        try:
            group = token_groups.find(group_id) if group_id else None
            contract = token_groups.contract_in(group, cleaned.get("contract"))
            if cleaned.get("valid"):
                with transaction.atomic():
                    membership.require_bearer(contract, cleaned.get("user"))
        except Invalid as error:
            self.add_error(error.field if error.field in self.fields else None, error.sentence)
        else:
            cleaned["contract"] = contract
        return cleaned


@admin.register(Token)
class TokenAdmin(OperatorAdmin):
    form = TokenForm
    list_display = [
        "uid",
        "name",
        "bearer",
        "method",
        "status_label",
        "group_id",
        "expires_at",
        "last_used_at",
    ]
    list_filter = [("status", ChoicesDropdownFilter), ("type", ChoicesDropdownFilter), "valid", "is_master"]
    list_select_related = ["user"]
    autocomplete_fields = ["user", "contract"]
    search_fields = ["^uid_key", "name", "=group_id", "=visual_number", "user__name"]
    search_help_text = "The beginning of a uid, a part of a name, the printed number, or a whole group."
    sortable_by = ["uid", "status"]
    ordering = ["-id"]
    fieldsets = (
        (None, {"fields": (("uid", "type"), ("name", "visual_number"), ("user", "contract"))}),
        ("May it charge?", {"fields": (("status", "valid"), "valid_from", "expires_at")}),
        ("Together with others", {"fields": (("group_id", "is_master"),)}),
        ("Budget", {"fields": (("energy_wh_per_day", "energy_wh_per_month"),)}),
        (
            "Roaming",
            {
                "classes": ["collapse"],
                "fields": (
                    ("issuer", "country_code", "party_id"),
                    ("whitelist", "language", "default_profile_type"),
                ),
            },
        ),
        ("Times", {"fields": (("last_used_at", "created_at", "updated_at"),)}),
    )
    readonly_fields = ("last_used_at", "created_at", "updated_at")
    empty_sentence = "Hold a card to a station: it appears under unknown tokens, and one click adds it."
    list_before_template = "operator/token_list_buttons.html"

    def get_urls(self) -> list[Any]:
        return [*TokenFiles(self).urls(), *super().get_urls()]

    @display(description="Status", ordering="status", label=tones.TOKEN)
    def status_label(self, token: Token) -> tuple[str, str]:
        if not token.valid and token.status == Token.Status.ACTIVE:
            return Token.Status.INVALID, "Not valid"
        return token.status, token.get_status_display()

    @admin.display(description="Bearer")
    def bearer(self, token: Token) -> str:
        return (
            link(reverse("admin:accounts_person_change", args=[token.user_id]), token.user)
            if token.user
            else "–"
        )

    @admin.display(description="Means")
    def method(self, token: Token) -> str:
        return token.method


class Inbox(OneCount):
    """The rows of a page with the token that each would be with its bytes in the other order."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        backwards = {row.pk: normalise_uid(reversed_uid(row.uid)) for row in self.result_list}
        known = Token.objects.filter(uid_key__in=[key for key in backwards.values() if key])
        by_key = {token.uid_key: token for token in known}
        for row in self.result_list:
            row.backwards = by_key.get(backwards[row.pk])


@admin.register(UnknownToken)
class UnknownTokenAdmin(EvidenceAdmin):
    """The inbox: cards that were presented and that nobody has added."""

    list_display = ["uid", "count", "where", "last_seen_at", "suggestion", "ignored", "decide"]
    list_filter = ["is_ignored"]
    search_fields = ["^uid_key"]
    search_help_text = "The beginning of a uid."
    sortable_by = ["last_seen_at"]
    empty_sentence = (
        "No unknown card was presented. When one is, it is refused, listed here, and one click adds it."
    )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/add-token/", wrap(require_POST(self.add_token)), name="unknown-token-add"),
            path("<int:pk>/ignore/", wrap(require_POST(self.ignore)), name="unknown-token-ignore"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Inbox

    @admin.display(description="Station", ordering="last_seen_where")
    def where(self, unknown: UnknownToken) -> str:
        query = urlencode({"q": unknown.last_seen_where})
        return link(
            f"{reverse('admin:chargepoints_chargepoint_changelist')}?{query}", unknown.last_seen_where or "–"
        )

    @admin.display(description="Perhaps")
    def suggestion(self, unknown: UnknownToken) -> str:
        """Some readers report a card's bytes in the other order. Only said: never taken for the same."""
        known: Token | None = getattr(unknown, "backwards", None)
        if known is None:
            return "–"
        address = reverse("admin:accounts_token_change", args=[known.pk])
        return format_html("{} read backwards", link(address, known.name or known.uid))

    @admin.display(description="Ignored", ordering="is_ignored")
    def ignored(self, unknown: UnknownToken) -> str:
        return "yes" if unknown.is_ignored else "–"

    @admin.display(description="Decide")
    def decide(self, unknown: UnknownToken) -> str:
        add = post_button(reverse("admin:unknown-token-add", args=[unknown.pk]), "Add")
        if unknown.is_ignored:
            return add
        return format_html(
            "{} {}", add, post_button(reverse("admin:unknown-token-ignore", args=[unknown.pk]), "Ignore")
        )

    def add_token(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not access.may_provide(request.user):
            raise PermissionDenied
        unknown = get_object_or_404(UnknownToken, pk=pk)
        try:
            token = tokens.add_unknown(unknown)
        except DomainError as error:
            messages.error(request, error.sentence)
        else:
            messages.success(request, f"The token {token.uid} is added and may charge from now on.")
        return redirect(back(request, "admin:accounts_unknowntoken_changelist"))

    def ignore(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not access.may_provide(request.user):
            raise PermissionDenied
        unknown = get_object_or_404(UnknownToken, pk=pk)
        unknown.is_ignored = True
        unknown.save(update_fields=["is_ignored"])
        messages.info(
            request, f"The token {unknown.uid} stays refused and no longer appears on the dashboard."
        )
        return redirect(back(request, "admin:accounts_unknowntoken_changelist"))
