"""Web payments and the keys of QR codes in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget

from chargepoints.services.follow_ups import personal
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import EvidenceAdmin, OperatorAdmin, station_link
from ocpp_server.admin.filters import StationFilter
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right
from tariffs.models import WebPayment, WebPaymentKey
from tariffs.services.payment import qr_codes
from tariffs.services.tariff import amounts


@admin.register(WebPayment)
class WebPaymentAdmin(EvidenceAdmin):
    list_display = ["__str__", "station", "psp_ref", "state_label", "shown_cost", "failure", "opened_at"]
    list_filter = [StationFilter, ("state", ChoicesDropdownFilter)]
    list_select_related = ["charge_point"]
    search_fields = ["psp_ref"]
    exact_search = ("psp_ref", "charge_point")
    search_help_text = _("Search by payment reference or station")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    empty_sentence = _("No web payments yet. Drivers open them with the QR codes of stations of OCPP 2.1.")

    @admin.display(description=_("Highest cost"))
    def shown_cost(self, row: WebPayment) -> str:
        return amounts.text(row.max_cost) or "–"

    @display(description=_("State"), label=tones.WEB_PAYMENT)
    def state_label(self, row: WebPayment) -> tuple[str, str]:
        return row.state, row.get_state_display()


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The secret is written and never shown."""

    secret = forms.CharField(
        label=_("Shared secret"),
        max_length=255,
        strip=False,
        help_text=_("SharedSecret of the station's WebPaymentsCtrlr. It is not shown again."),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = WebPaymentKey
        fields = ["charge_point", "evse_number", "validity_s", "length"]

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        try:
            qr_codes.check_secret(secret)
        except Invalid as error:
            raise forms.ValidationError(error.sentence) from None
        return secret


@admin.register(WebPaymentKey)
class WebPaymentKeyAdmin(OperatorAdmin):
    right = Right.STATION_ACCESS
    form = KeyForm
    list_display = ["__str__", "station", "evse_number", "validity_s", "length", "set_by", "set_at"]
    list_filter = [StationFilter]
    list_select_related = ["charge_point"]
    search_fields = ["set_by"]
    search_help_text = _("Search by the name of the operator")
    sortable_by: tuple[str, ...] = ()
    ordering = ["-id"]
    autocomplete_fields = ["charge_point"]
    fields = ["charge_point", "evse_number", "secret", "validity_s", "length"]
    empty_sentence = _("No keys yet. Add the shared secret of a station whose display shows QR codes.")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return ("charge_point", "evse_number") if obj else ()

    def save_model(self, request: HttpRequest, obj: WebPaymentKey, form: Any, change: bool) -> None:
        obj.sealed_secret = personal.seal(form.cleaned_data["secret"])
        obj.set_by, obj.set_at = request.user.get_username()[:150], datetime.now(UTC)
        super().save_model(request, obj, form, change)

    @admin.display(description=_("Station"))
    def station(self, key: WebPaymentKey) -> str:
        return station_link(key.charge_point)
