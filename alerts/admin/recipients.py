"""Recipients of alert notices in the admin, with a test mail, and the log of notices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models import User
from alerts.models import Alert, AlertRecipient, Notification
from alerts.services.notices import quiet_hours, recipients, routing
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin, link
from ocpp_server.admin.filters import MomentFilter
from ocpp_server.domain import DomainError, Invalid
from ocpp_server.outbound import mail
from ocpp_server.rights import Right

# The fields of the form for those of a service.
_FIELDS = {"quietHours": "quiet_times", "codes": "chosen_codes", "operator": "user"}


class RecipientForm(forms.ModelForm):  # type: ignore[type-arg]
    """Quiet hours are lines, and codes are words."""

    quiet_times = forms.CharField(
        label=_("Quiet hours"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One time a line, such as mon-fri 22:00-06:30. Info and warning wait until its end."),
    )
    chosen_codes = forms.CharField(
        label=_("Codes"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Codes of alerts, such as offline, faulted. Empty: all."),
    )

    class Meta:
        model = AlertRecipient
        fields = (
            "name", "is_enabled", "user", "address", "min_severity", "sites", "only_escalations",
            "language", "timezone", "digest",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["quiet_times"].initial = quiet_hours.lines(self.instance.quiet_hours)
        self.fields["chosen_codes"].initial = ", ".join(self.instance.codes)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        known = AlertRecipient.objects.filter(name_key=name.casefold()).exclude(pk=self.instance.pk)
        if known.exists():
            raise forms.ValidationError(gettext("A recipient with this name already exists."))
        return name

    def clean(self) -> dict[str, Any]:
        # Django would name the constraint of the database.
        given: dict[str, Any] = super().clean() or {}
        if not given.get("user") and not given.get("address"):
            self.add_error("address", gettext("A recipient needs an address or an operator."))
        return given

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if self.errors:
            return
        codes = self.cleaned_data["chosen_codes"].replace(",", " ").split()
        try:
            self.instance.quiet_hours = quiet_hours.from_lines(self.cleaned_data["quiet_times"])
            self.instance.codes = codes
            recipients.check(self.instance)
        except Invalid as error:
            name = _FIELDS.get(str(error.field), str(error.field))
            self.add_error(name if name in self.fields else None, error.sentence)


@admin.register(AlertRecipient)
class RecipientAdmin(OperatorAdmin):
    right = Right.ALERT_RECIPIENTS
    form = RecipientForm
    list_display = ["name", "shown_address", "min_severity", "digest", "is_enabled"]
    list_filter = [("min_severity", ChoicesDropdownFilter), ("digest", ChoicesDropdownFilter)]
    list_select_related = ["user"]
    search_fields = ["name", "address", "user__username"]
    search_help_text = _("Search by name, address or operator")
    sortable_by = ["name"]
    ordering = ["name_key"]
    autocomplete_fields = ["sites"]
    change_form_template = "operator/alert_recipient.html"
    empty_sentence = _("No recipients yet. Alerts are shown here, and no one gets a mail about them.")
    fieldsets = [
        (None, {"fields": ["name", "is_enabled", "user", "address", "language"]}),
        (_("Alerts"), {"fields": ["min_severity", "sites", "chosen_codes", "only_escalations"]}),
        (_("Times"), {"fields": ["timezone", "quiet_times", "digest"]}),
    ]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if self.has_change_permission(request, obj):
            return self.fieldsets
        columns = [name for name in RecipientForm.Meta.fields if name != "sites"]
        return [(None, {"fields": [*columns, "quiet_hours", "codes"]})]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(
                Q(is_staff=True, is_active=True) | Q(alert_recipients__isnull=False)
            ).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        test = path(
            "<int:pk>/test/",
            self.admin_site.admin_view(require_POST(self.send_test)),
            name="alert-recipient-test",
        )
        return [test, *super().get_urls()]

    def send_test(self, request: HttpRequest, pk: int) -> HttpResponse:
        access.require(request.user, self.right)
        recipient = get_object_or_404(AlertRecipient, pk=pk)
        try:
            notice = recipients.send_test(recipient)
        except DomainError as error:
            messages.error(request, error.sentence)
            return redirect("admin:alerts_alertrecipient_change", pk)
        messages.success(request, gettext("Test queued. This page shows its state."))
        return redirect("admin:alerts_notification_change", notice.pk)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if not mail.is_configured():
            messages.warning(request, gettext("EMAIL_URL is not set: no mails are sent."))
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("Address"))
    def shown_address(self, recipient: AlertRecipient) -> str:
        return routing.address_of(recipient) or gettext("None: the operator has none, or can't sign in")


@admin.register(Notification)
class NotificationAdmin(EvidenceAdmin):
    list_display = ["created_at", "recipient", "about", "kind", "shown_state", "why", "sent_at"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("created_at", MomentFilter),
    ]
    list_select_related = ["recipient", "alert"]
    exact_search = ("recipient__name",)
    search_help_text = _("Search by the complete name of a recipient")
    sortable_by = ["created_at"]
    ordering = ["-id"]
    empty_sentence = _("No notices yet.")

    @admin.display(description=_("Alert"))
    def about(self, notice: Notification) -> str:
        if notice.alert is None:
            return "–"
        if not admin.site.is_registered(Alert):
            return notice.alert.title
        return link(reverse("admin:alerts_alert_change", args=[notice.alert_id]), notice.alert.title)

    @display(description=_("State"), label=tones.NOTICE)
    def shown_state(self, notice: Notification) -> tuple[str, str]:
        return notice.state, notice.get_state_display()
