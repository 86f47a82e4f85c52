"""Admin pages of API keys and of stored answers to idempotent requests."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from accounts.admin import site_fields
from accounts.admin.rights import AdministratorsOnly
from accounts.admin.site_fields import SiteFields
from accounts.models import ApiKey, ApiKeyRequest, IdempotentRequest
from accounts.services import api_keys
from ocpp_server.admin import access
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin, link
from ocpp_server.admin.filters import MomentFilter
from ocpp_server.api import scopes
from ocpp_server.domain import DomainError, Invalid

# The rights and the use of an issued key.
_SHOWN = [
    "role",
    "site_names",
    "scope_names",
    "shows_personal_data",
    "is_test",
    "prefix",
    "request_log",
    "replaces",
    "created_by",
    "actor",
    "created_at",
    "last_used_at",
    "revoked_at",
]


class ApiKeyForm(SiteFields, forms.ModelForm):  # type: ignore[type-arg]
    scope_choices = forms.MultipleChoiceField(
        label=_("Scopes"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=[(scope, scope) for scope in scopes.ALL],
        help_text=_("Without a selected scope, the key may do all that its role allows."),
    )

    hides_personal_data = forms.BooleanField(
        label=_("Without personal data"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Hides token ids, contract ids, names, emails and phones. For viewers only."),
    )

    def clean(self) -> Any:
        cleaned: Any = super().clean()
        if self.instance.pk is not None:
            return cleaned  # the rights of an issued key do not change
        given = self.cleaned_data
        try:
            api_keys.check(
                role=given.get("role", ""),
                scopes=given.get("scope_choices", ()),
                shows_personal_data=not given.get("hides_personal_data"),
                is_test=given.get("is_test", False),
                site_ids=self.instance.site_ids if given.get("is_test") else None,
                expires_at=given.get("expires_at"),
            )
        except Invalid as error:
            field = {"scopes": "scope_choices"}.get(error.field, error.field)
            self.add_error(field if field in self.fields else None, error.sentence)
        return cleaned


@admin.register(ApiKey)
class ApiKeyAdmin(AdministratorsOnly, OperatorAdmin):
    """API keys. A key is shown once, when it is created; afterwards only its first characters are stored."""

    list_display = ["name", "prefix", "role", "state", "last_used_at", "expires_at", "created_at"]
    list_filter = [("role", ChoicesDropdownFilter)]
    search_fields = ["name", "=prefix"]
    form = ApiKeyForm
    list_select_related = ["created_by"]
    change_form_template = "operator/api_key.html"
    empty_sentence = _(
        "No API keys yet. Other systems need one to use the REST API. A key is shown only once."
    )

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        if obj is None:
            return [
                "name",
                "role",
                *site_fields.FIELDS,
                "scope_choices",
                "hides_personal_data",
                "is_test",
                "expires_at",
            ]
        return ["name", "expires_at", *_SHOWN]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        # The rights of an issued key do not change: others need another key.
        return [] if obj is None else _SHOWN

    def save_model(
        self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm[ApiKey], change: bool
    ) -> None:
        if change:
            obj.save(update_fields=["name", "expires_at"])
            return
        assert request.user.is_authenticated
        made, plain = api_keys.create(
            name=obj.name,
            role=obj.role,
            site_ids=obj.site_ids,
            scopes=form.cleaned_data["scope_choices"] or None,
            shows_personal_data=not form.cleaned_data["hides_personal_data"],
            is_test=obj.is_test,
            expires_at=obj.expires_at,
            created_by=request.user,
        )
        # Django continues with `obj`: the history entry and the redirect need the stored row's values.
        obj.pk, obj.prefix, obj.digest, obj.created_at = made.pk, made.prefix, made.digest, made.created_at
        obj._state.adding = False
        request.plain_api_key = plain  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.shown_once(request, obj, request.plain_api_key)  # type: ignore[attr-defined]

    def shown_once(self, request: HttpRequest, key: ApiKey, plain: str) -> HttpResponse:
        """Show the key in this one answer. It is not stored in a session, a message or a log."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("API key"),
            "opts": self.opts,
            "key": key,
            "plain": plain,
        }
        return TemplateResponse(request, "operator/api_key_made.html", context)

    def get_urls(self) -> list[Any]:
        revoke = path(
            "<int:pk>/revoke/", self.admin_site.admin_view(require_POST(self.revoke)), name="api-key-revoke"
        )
        roll = path(
            "<int:pk>/roll/", self.admin_site.admin_view(require_POST(self.roll)), name="api-key-roll"
        )
        return [revoke, roll, *super().get_urls()]

    def roll(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Another key with the same rights; the one before stays valid for a day."""
        access.require(request.user, self.right)
        key = get_object_or_404(ApiKey, pk=pk)
        actor = request.user.get_username()
        assert request.user.is_authenticated
        try:
            made = api_keys.roll(key, actor=actor, granted=None, created_by=request.user)
        except DomainError as error:
            messages.error(request, error.sentence)
            return redirect("admin:accounts_apikey_change", pk)
        return self.shown_once(request, made, made.plain)  # type: ignore[attr-defined]

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
        words = {"usable": gettext("Active"), "expired": gettext("Expired"), "revoked": gettext("Revoked")}
        return key.state, words[key.state]

    @admin.display(description=_("Sites"))
    def site_names(self, key: ApiKey) -> str:
        return site_fields.names(key.site_ids)

    @admin.display(description=_("Scopes"))
    def scope_names(self, key: ApiKey) -> str:
        return gettext("All that the role allows") if key.scopes is None else ", ".join(key.scopes)

    @admin.display(description=_("Requests"))
    def request_log(self, key: ApiKey) -> str:
        href = f"{reverse('admin:accounts_apikeyrequest_changelist')}?key__id__exact={key.pk}"
        return link(href, gettext("Show the requests of this key"))


@admin.register(ApiKeyRequest)
class ApiKeyRequestAdmin(AdministratorsOnly, EvidenceAdmin):
    list_display = ["key", "method", "path", "status", "duration_ms", "address", "at"]
    list_filter = ["key", ("at", MomentFilter)]
    list_select_related = ["key"]
    search_fields = ["path"]
    exact_search = ("path", "address")
    search_help_text = _("Search by complete path or address.")
    sortable_by = ["at"]
    ordering = ["-id"]
    empty_sentence = _("No requests of API keys yet. The newest 1,000 of each key are kept, at most 30 days.")


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
