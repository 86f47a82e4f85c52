"""People, API keys and tokens in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import ApiKey, IdempotentRequest, Token, UnknownToken, User
from accounts.services import api_keys, tokens
from ocpp_server.domain import DomainError
from ocpp_server.operator import access, tones
from ocpp_server.operator.base import EvidenceAdmin, OperatorAdmin, back, post_button

admin.site.unregister(Group)  # the three roles say who may do what


class AdministratorsOnly:
    """Who signs in with which key is nobody else's business."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may_provide(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may_provide(request.user)


@admin.register(User)
class UserAdmin(AdministratorsOnly, OperatorAdmin, DjangoUserAdmin):  # type: ignore[misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "email", "role_label", "is_active", "is_staff", "last_login"]
    list_filter = [("role", ChoicesDropdownFilter), "is_active", "is_staff"]
    search_fields = ["username", "first_name", "last_name", "email"]
    ordering = ["username"]
    filter_horizontal: tuple[str, ...] = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("role", "is_active", "is_staff", "is_superuser")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "role", "is_staff")}),)
    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        # An administrator who could tick this box would have every right of a superuser one click later.
        extra = () if request.user.is_superuser else ("is_superuser",)
        return (*super().get_readonly_fields(request, obj), *extra)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not getattr(obj, "is_superuser", False))

    @display(description="Name")
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(
        description="Role",
        ordering="role",
        label={"viewer": tones.NEUTRAL, "operator": tones.INFO, "administrator": tones.WARNING},
    )
    def role_label(self, user: User) -> tuple[str, str]:
        return user.role, user.role.capitalize()


@admin.register(ApiKey)
class ApiKeyAdmin(AdministratorsOnly, OperatorAdmin):
    """A key is shown once, when it is made; afterwards only its first characters are known."""

    list_display = ["name", "prefix", "role", "state", "last_used_at", "expires_at", "created_at"]
    list_filter = [("role", ChoicesDropdownFilter)]
    search_fields = ["name", "=prefix"]
    fields = ["name", "role", "expires_at"]
    list_select_related = ["created_by"]
    change_form_template = "operator/api_key.html"
    empty_sentence = "Other systems use the REST API with a key. Add one; it is shown once."

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return ["name", "role", "expires_at"]
        return [*self.fields, "prefix", "created_by", "created_at", "last_used_at", "revoked_at"]  # type: ignore[misc]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # The role stays what it was when the key was handed out: another role is another key.
        return (
            []
            if obj is None
            else ["role", "prefix", "created_by", "created_at", "last_used_at", "revoked_at"]
        )

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "expires_at"])
            return
        made, plain = api_keys.create(
            name=obj.name, role=obj.role, expires_at=obj.expires_at, created_by=request.user
        )
        # Django goes on with `obj`: the history entry and the redirect need the stored row's values.
        obj.pk, obj.prefix, obj.digest, obj.created_at = made.pk, made.prefix, made.digest, made.created_at
        obj._state.adding = False
        request.plain_api_key = plain  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Shown in this one answer and kept nowhere: not in a session, a message or a log."""
        context = {
            **self.admin_site.each_context(request),
            "title": "API key",
            "opts": self.opts,
            "key": obj,
            "plain": request.plain_api_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "operator/api_key_made.html", context)

    def get_urls(self) -> list[Any]:
        revoke = path(
            "<int:pk>/revoke/", self.admin_site.admin_view(require_POST(self.revoke)), name="api-key-revoke"
        )
        return [revoke, *super().get_urls()]

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not access.may_provide(request.user):
            raise PermissionDenied
        key = get_object_or_404(ApiKey, pk=pk)
        api_keys.revoke(key)
        messages.success(request, f"The key {key} is revoked. Requests with it are refused from now on.")
        return redirect("admin:accounts_apikey_change", pk)

    @display(description="State", label={"usable": "success", "revoked": "danger", "expired": "warning"})
    def state(self, key: ApiKey) -> tuple[str, str]:
        if key.revoked_at:
            return "revoked", "Revoked"
        if key.expires_at and key.expires_at <= timezone.now():
            return "expired", "Expired"
        return "usable", "Usable"


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(AdministratorsOnly, EvidenceAdmin):
    json_fields = ("answer",)
    list_display = ["actor", "key", "status_code", "created_at"]
    search_fields = ["key"]
    exact_search = ("key", "actor")
    search_help_text = "A whole Idempotency-Key, or an actor."
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = "No request carried an Idempotency-Key yet."


@admin.register(Token)
class TokenAdmin(OperatorAdmin):
    list_display = ["uid", "name", "type", "status_label", "valid", "group_id", "expires_at", "last_used_at"]
    list_filter = [("status", ChoicesDropdownFilter), ("type", ChoicesDropdownFilter), "valid"]
    search_fields = ["^uid_key", "name", "=group_id"]
    search_help_text = "The beginning of a uid, a part of a name, or a whole group."
    sortable_by = ["uid", "status"]
    ordering = ["-id"]
    fieldsets = (
        (None, {"fields": (("uid", "type"), ("name", "group_id"))}),
        ("May it charge?", {"fields": (("status", "valid"), "expires_at")}),
        ("Times", {"fields": (("last_used_at", "created_at", "updated_at"),)}),
    )
    readonly_fields = ("last_used_at", "created_at", "updated_at")
    empty_sentence = "Hold a card to a station: it appears under unknown tokens, and one click adds it."

    @display(description="Status", ordering="status", label=tones.TOKEN)
    def status_label(self, token: Token) -> tuple[str, str]:
        return token.status, token.get_status_display()


@admin.register(UnknownToken)
class UnknownTokenAdmin(EvidenceAdmin):
    """The inbox: cards that were presented and that nobody has added."""

    list_display = ["uid", "count", "last_seen_where", "last_seen_at", "is_ignored", "decide"]
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
