"""Admin pages of tokens, and of unknown tokens that stations reported."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from accounts.admin.person_picker import PersonPicker, offer_people
from accounts.admin.rights import BUDGET_LABELS
from accounts.admin.token_files import TokenFiles
from accounts.models import Token, UnknownToken
from accounts.models.token import normalise_uid
from accounts.services import membership, token_groups, unknown_tokens
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin, OperatorChangeList, back, link, post_button
from ocpp_server.domain import DomainError, Invalid
from ocpp_server.rights import Right


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Token
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets choose
        labels = BUDGET_LABELS | {"is_master": _("Master pass"), "user": _("Driver")}
        help_texts = {"name": _("The driver's name, or a label for the token.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_people(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        uid, kind = cleaned.get("uid"), cleaned.get("type")
        if uid and kind:
            same = Token.objects.filter(uid_key=normalise_uid(uid), type=kind).exclude(pk=self.instance.pk)
            if same.exists():
                self.add_error("uid", gettext("A token with this uid and type already exists."))
        group_id = cleaned.get("group_id", "")
        try:
            group = token_groups.find(group_id) if group_id else None
            contract = token_groups.contract_in(group, cleaned.get("contract"))
            if self._is_valid(cleaned.get("status", "")):
                with transaction.atomic():
                    membership.require_holder(contract, cleaned.get("user"))
        except Invalid as error:
            field = error.field.removesuffix("_id")  # the API's name of a row
            field = field if field in self.fields else error.field
            self.add_error(field if field in self.fields else None, error.sentence)
        else:
            cleaned["contract"] = contract
        return cleaned

    def _is_valid(self, status: str) -> bool:
        """Whether the token is valid with this status: an invalid one becomes valid with another status."""
        was_invalid = self.initial.get("status") == Token.Status.INVALID
        return status != Token.Status.INVALID and (self.instance.valid or was_invalid)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        self.instance.reconcile(self.changed_data, before=self.initial.get("status", ""))


@admin.register(Token)
class TokenAdmin(PersonPicker, OperatorAdmin):
    right = Right.TOKENS
    form = TokenForm
    list_display = [
        "uid",
        "name",
        "driver",
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
    search_help_text = _("Search by start of the uid, name, printed number or complete group id.")
    sortable_by = ["uid", "status"]
    ordering = ["-id"]
    fieldsets = (
        (None, {"fields": (("uid", "type"), ("name", "visual_number"), ("user", "contract"))}),
        (_("Authorization"), {"fields": ("status", "valid_from", "expires_at")}),
        (_("Group"), {"fields": (("group_id", "is_master"),)}),
        (_("Budget"), {"fields": (("energy_wh_per_day", "energy_wh_per_month"),)}),
        (
            _("Roaming"),
            {
                "classes": ["collapse"],
                "fields": (
                    ("issuer", "country_code", "party_id"),
                    ("whitelist", "language", "default_profile_type"),
                ),
            },
        ),
        (_("Times"), {"fields": (("last_used_at", "created_at", "updated_at"),)}),
    )
    readonly_fields = ("last_used_at", "created_at", "updated_at")
    empty_sentence = _(
        "No tokens yet. Present a card to a station: it appears under Unknown tokens, where you can add it."
    )
    list_before_template = "operator/token_list_buttons.html"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (title, {**options, "fields": self.readable(request, obj, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_urls(self) -> list[Any]:
        return [*TokenFiles(self).urls(), *super().get_urls()]

    @display(description=_("Status"), ordering="status", label=tones.TOKEN)
    def status_label(self, token: Token) -> tuple[str, str]:
        return token.status, token.get_status_display()

    @admin.display(description=_("Driver"))
    def driver(self, token: Token) -> str:
        return (
            link(reverse("admin:accounts_person_change", args=[token.user_id]), token.user)
            if token.user
            else "–"
        )

    @admin.display(description=_("Type"))
    def method(self, token: Token) -> str:
        return token.method


class UnknownTokenList(OperatorChangeList):
    """A page of unknown tokens, each with the token that has the same bytes in reverse order."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = unknown_tokens.with_reversed_bytes(self.result_list)
        for row in self.result_list:
            row.reversed_match = found.get(row.pk)


@admin.register(UnknownToken)
class UnknownTokenAdmin(EvidenceAdmin):
    """The inbox of unknown tokens: uids that stations reported and that are not tokens yet."""

    right = Right.TOKENS
    list_display = ["uid", "count", "station", "last_seen_at", "possible_match", "ignored", "row_actions"]
    list_filter = ["is_ignored"]
    search_fields = ["^uid_key"]
    search_help_text = _("Search by start of the uid.")
    sortable_by = ["last_seen_at"]
    empty_sentence = _(
        "No unknown tokens. A refused unknown token appears here, and you can add it with one click."
    )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/add-token/", wrap(require_POST(self.add_token)), name="unknown-token-add"),
            path("<int:pk>/ignore/", wrap(require_POST(self.ignore)), name="unknown-token-ignore"),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return UnknownTokenList

    @admin.display(description=_("Station"), ordering="last_seen_where")
    def station(self, unknown: UnknownToken) -> str:
        query = urlencode({"q": unknown.last_seen_where})
        return link(
            f"{reverse('admin:chargepoints_chargepoint_changelist')}?{query}", unknown.last_seen_where or "–"
        )

    @admin.display(description=_("Possible match"))
    def possible_match(self, unknown: UnknownToken) -> str:
        """Link the token with the same bytes in reverse order, as some readers report them. Only a hint: it
        is never used for authorization.
        """
        known: Token | None = getattr(unknown, "reversed_match", None)
        if known is None:
            return "–"
        address = reverse("admin:accounts_token_change", args=[known.pk])
        return format_html(gettext("{} with reversed bytes"), link(address, known.name or known.uid))

    @admin.display(description=_("Ignored"), ordering="is_ignored")
    def ignored(self, unknown: UnknownToken) -> str:
        return gettext("Yes") if unknown.is_ignored else "–"

    @admin.display(description=_("Actions"))
    def row_actions(self, unknown: UnknownToken) -> str:
        add = post_button(reverse("admin:unknown-token-add", args=[unknown.pk]), gettext("Add"))
        if unknown.is_ignored:
            return add
        return format_html(
            "{} {}",
            add,
            post_button(reverse("admin:unknown-token-ignore", args=[unknown.pk]), gettext("Ignore")),
        )

    def add_token(self, request: HttpRequest, pk: int) -> HttpResponse:
        access.require(request.user, self.right)
        unknown = get_object_or_404(UnknownToken, pk=pk)
        try:
            token = unknown_tokens.add(unknown)
        except DomainError as error:
            messages.error(request, error.sentence)
        else:
            messages.success(request, gettext("Token %(uid)s added. It can charge now.") % {"uid": token.uid})
        return redirect(back(request, "admin:accounts_unknowntoken_changelist"))

    def ignore(self, request: HttpRequest, pk: int) -> HttpResponse:
        access.require(request.user, self.right)
        unknown = get_object_or_404(UnknownToken, pk=pk)
        unknown_tokens.ignore(unknown)
        messages.info(
            request,
            gettext("Token %(uid)s ignored. It stays refused and no longer appears on the dashboard.")
            % {"uid": unknown.uid},
        )
        return redirect(back(request, "admin:accounts_unknowntoken_changelist"))
