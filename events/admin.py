"""Events and webhooks in the admin."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
    TextFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from chargepoints.models import Site
from events.models import Event, WebhookDelivery, WebhookEndpoint
from events.services.webhooks import endpoints
from events.services.webhooks.schedule import Meaning
from ocpp_server.admin import access, menu
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin
from ocpp_server.admin.filters import MomentFilter
from ocpp_server.domain import Conflict, DomainError, Invalid
from ocpp_server.events import catalogue
from ocpp_server.rights import Right

menu.model(menu.LOGS, 100, _("Events"), "notifications", "events_event")
menu.model(
    menu.LOGS,
    105,
    _("Webhook deliveries"),
    "outbox",
    "events_webhookdelivery",
    permission=menu.ADMINISTRATORS,
)
menu.model(
    menu.ACCESS, 40, _("Webhooks"), "webhook", "events_webhookendpoint", permission=menu.ADMINISTRATORS
)


class TypeFilter(DropdownFilter):
    title = _("Type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(catalogue.EVENTS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class IdentityFilter(TextFilter):
    """Filters by the identity, which an event keeps when its station is deleted."""

    title = _("Station")
    parameter_name = "station"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        identity = (self.value() or "").strip()
        return queryset.filter(station=identity) if identity else queryset


@admin.register(Event)
class EventAdmin(EvidenceAdmin):
    json_fields = ("data",)
    list_display = ["type", "station", "sequence", "position", "at"]
    list_filter = [TypeFilter, IdentityFilter, ("at", MomentFilter)]
    search_fields = ["uid"]
    exact_search = ("station", "uid", "type")
    search_help_text = _("Search by station, event id or type")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No events yet.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["uid", *super().get_fields(request, obj)]

    @admin.display(description=_("Station"))
    def station(self, row: Event) -> str:
        return row.station or "–"


# -- webhooks ------------------------------------------------------------------------------------------------


class _AdministratorsOnly:
    """Pages that only administrators may see: the URL of a webhook may contain a secret."""

    right = Right.WEBHOOKS

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, self.right)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)


# The fields that the service takes as the form has them.
_PLAIN_FIELDS = (
    "name",
    "url",
    "station",
    "format",
    "personal_data",
    "ordering",
    "timeout_s",
    "contact_email",
)


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    """The values are tried by the service, so that its refusals appear at their fields."""

    types = forms.CharField(
        label=_("Types"),
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_(
            "Types or patterns, with commas: transaction.*,token.*. Empty: all types without a star."
        ),
    )
    site = forms.ModelChoiceField(
        label=_("Site"),
        queryset=Site.objects.order_by("name_key"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text=_("Only events of this site."),
    )
    headers = forms.CharField(
        label=_("Headers"),
        required=False,
        max_length=6000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_(
            "Additional headers, one a line: Authorization: Bearer …. They are stored encrypted and not "
            "shown again. Empty: they stay as they are; a hyphen removes them."
        ),
    )

    class Meta:
        model = WebhookEndpoint
        fields = _PLAIN_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial.setdefault("types", ",".join(self.instance.types))
            self.initial.setdefault("site", self.instance.site_id)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                with transaction.atomic():
                    self.store(cleaned)
                    transaction.set_rollback(True)
            except DomainError as error:
                field = {"siteId": "site"}.get(error.field, error.field)
                self.add_error(field if field in self.fields else None, error.sentence)
        return cleaned

    def store(self, given: dict[str, Any], actor: str = "") -> WebhookEndpoint:
        """Store the values of the form; returns the row. Raises DomainError."""
        settings = {name: given[name] for name in _PLAIN_FIELDS}
        settings["types"] = [each.strip() for each in given["types"].split(",") if each.strip()]
        settings["site_id"] = None if given["site"] is None else given["site"].pk
        if text := given["headers"].strip():
            settings["headers"] = {} if text == "-" else _header_lines(text)
        if self.instance.pk is None:
            return endpoints.create(created_by=actor, **settings)
        row = WebhookEndpoint.objects.get(pk=self.instance.pk)
        endpoints.change(row, **settings)
        return row

    def validate_unique(self) -> None:
        """Left to the service."""


def _header_lines(text: str) -> dict[str, str]:
    """The headers of a text. Raises Invalid."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and (not colon or name.strip() in found):
            raise Invalid(gettext("Each line must be a name, a colon and a value."), field="headers")
        if line.strip():
            found[name.strip()] = value.strip()
    return found


@admin.register(WebhookEndpoint)
class WebhookAdmin(_AdministratorsOnly, OperatorAdmin):
    form = WebhookForm
    list_display = ["name", "url", "shown_state", "last_success_at", "last_status", "failing_since"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["name", "url"]
    search_help_text = _("Search by name or URL")
    sortable_by = ["name"]
    ordering = ["name", "pk"]
    actions: Any = None
    change_form_template = "operator/webhook.html"
    empty_sentence = _("No webhooks yet. A webhook sends events to another system, signed and in order.")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [
            "name",
            "url",
            "types",
            "station",
            "site",
            "format",
            "personal_data",
            "headers",
            "ordering",
            "timeout_s",
            "contact_email",
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row = form.store(form.cleaned_data, request.user.get_username())
        # Django continues with `obj`: the history entry and the redirect need the stored row's values.
        obj.pk, obj.created_at, obj._state.adding = row.pk, row.created_at, False
        if not change:
            request.webhook_secret = row.plain_secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._secret_page(request, obj, request.webhook_secret)  # type: ignore[attr-defined]

    def _secret_page(self, request: HttpRequest, row: WebhookEndpoint, secret: str) -> HttpResponse:
        """Show the secret in this one answer. It is not stored in a session, a message or a log."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Secret of a webhook"),
            "opts": self.opts,
            "row": row,
            "secret": secret,
        }
        return TemplateResponse(request, "operator/webhook_secret.html", context)

    def get_urls(self) -> list[Any]:
        buttons = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(partial(self.press, name))),
                name=f"webhook-{name}",
            )
            for name in ("test", "pause", "enable", "enable-now", "rotate", "replay")
        ]
        return [*buttons, *super().get_urls()]

    def press(self, name: str, request: HttpRequest, pk: int) -> HttpResponse:
        """A button of the page was pressed."""
        access.require(request.user, self.right)
        row = get_object_or_404(WebhookEndpoint, pk=pk)
        try:
            if name == "rotate":
                self.log_change(request, row, gettext("Secret rotated."))
                rotated: Any = endpoints.rotate(row)
                return self._secret_page(request, rotated, rotated.plain_secret)
            messages.success(request, self._pressed(name, request, row))
            if name != "test":
                self.log_change(request, row, name)
        except DomainError as error:
            messages.error(request, error.sentence)
        return redirect("admin:events_webhookendpoint_change", pk)

    def _pressed(self, name: str, request: HttpRequest, row: WebhookEndpoint) -> str:
        """The sentence of success. Raises DomainError."""
        if name == "test":
            result = endpoints.test(row)
            if result.meaning is not Meaning.DELIVERED:
                raise Conflict(result.error)
            words = gettext("The receiver answered %(status)s after %(ms)s ms.")
            return words % {"status": result.status, "ms": result.duration_ms}
        if name == "replay":
            after = parse_datetime(request.POST.get("after", ""))
            if after is None:
                raise Invalid(gettext("Choose the time from which events are sent once more."))
            if timezone.is_naive(after):
                after = timezone.make_aware(after)
            with transaction.atomic():
                count = endpoints.replay(row, after=after)
            return gettext("%(count)s events are sent once more.") % {"count": count}
        if name == "pause":
            endpoints.pause(row)
            return gettext("The webhook is paused. Events wait.")
        endpoints.enable(row, start="now" if name == "enable-now" else "cursor")
        return gettext("The webhook is active.")

    @display(
        description=_("State"),
        label={"active": "success", "paused": "info", "failing": "warning", "disabled": "danger"},
    )
    def shown_state(self, row: WebhookEndpoint) -> tuple[str, str]:
        return row.state, row.get_state_display()


@admin.register(WebhookDelivery)
class DeliveryAdmin(_AdministratorsOnly, EvidenceAdmin):
    list_display = ["type", "endpoint", "station_name", "shown_state", "attempt_count", "status_code", "at"]
    list_filter = [("state", ChoicesDropdownFilter), ("endpoint", RelatedDropdownFilter)]
    list_select_related = ["endpoint"]
    search_fields = ["event_id"]
    exact_search = ("event_id", "station", "type")
    search_help_text = _("Search by event id, station or type")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("Nothing was sent yet.")

    @admin.display(description=_("Station"))
    def station_name(self, row: WebhookDelivery) -> str:
        return row.station or "–"

    @display(
        description=_("State"),
        label={"pending": "info", "delivered": "success", "failed": "danger", "expired": "warning"},
    )
    def shown_state(self, row: WebhookDelivery) -> tuple[str, str]:
        return row.state, row.get_state_display()
