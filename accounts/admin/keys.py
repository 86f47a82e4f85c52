"""Admin pages of API keys and of stored answers to idempotent requests."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.admin.rights import AdministratorsOnly
from accounts.models import ApiKey, IdempotentRequest
from accounts.services import api_keys
from ocpp_server.admin import access
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(AdministratorsOnly, OperatorAdmin):
    """API keys. A key is shown once, when it is created; afterwards only its first characters are stored."""

    list_display = ["name", "prefix", "role", "state", "last_used_at", "expires_at", "created_at"]
    list_filter = [("role", ChoicesDropdownFilter)]
    search_fields = ["name", "=prefix"]
    fields = ["name", "role", "expires_at"]
    list_select_related = ["created_by"]
    change_form_template = "operator/api_key.html"
    empty_sentence = _(
        "No API keys yet. Other systems need one to use the REST API. A key is shown only once."
    )

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return ["name", "role", "expires_at"]
        return [*self.fields, "prefix", "created_by", "created_at", "last_used_at", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # The role of an issued key does not change: another role needs another key.
        return (
            []
            if obj is None
            else ["role", "prefix", "created_by", "created_at", "last_used_at", "revoked_at"]
        )

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm[ApiKey], change: bool
    ) -> None:
        if change:
            obj.save(update_fields=["name", "expires_at"])
            return
        assert request.user.is_authenticated
        made, plain = api_keys.create(
            name=obj.name, role=obj.role, expires_at=obj.expires_at, created_by=request.user
        )
        # Django continues with `obj`: the history entry and the redirect need the stored row's values.
        obj.pk, obj.prefix, obj.digest, obj.created_at = made.pk, made.prefix, made.digest, made.created_at
        obj._state.adding = False
        request.plain_api_key = plain  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key in this one answer. It is not stored in a session, a message or a log."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("API key"),
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
        access.require(request.user, self.right)
        key = get_object_or_404(ApiKey, pk=pk)
        api_keys.revoke(key)
        messages.success(
            request,
            gettext("API key “%(key)s” revoked. Requests with it are refused from now on.") % {"key": key},
        )
        return redirect("admin:accounts_apikey_change", pk)

    @display(description=_("State"), label={"usable": "success", "revoked": "danger", "expired": "warning"})
    def state(self, key: ApiKey) -> tuple[str, str]:
        if key.revoked_at:
            return "revoked", gettext("Revoked")
        if key.expires_at and key.expires_at <= timezone.now():
            return "expired", gettext("Expired")
        return "usable", gettext("Active")


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(AdministratorsOnly, EvidenceAdmin):
    json_fields = ("answer",)
    list_display = ["actor", "key", "status_code", "created_at"]
    search_fields = ["key"]
    exact_search = ("key", "actor")
    search_help_text = _("Search by complete Idempotency-Key or actor.")
    sortable_by = ["created_at"]
    ordering = ["-created_at"]
    empty_sentence = _("No requests with an Idempotency-Key yet.")
