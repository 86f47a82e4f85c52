"""Desired values in the admin: those of one station are edited, those of a template are shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from configuration.models import DesiredValue
from configuration.services.variables import desired
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import OperatorAdmin, station_link
from ocpp_server.admin.filters import StationFilter
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right


class DesiredValueForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = DesiredValue
        fields = ("charge_point", "key", "value", "reapplies")
        help_texts = {
            "key": _("A 1.6 key; Component.Variable or Component[instance].Variable in 2.x."),
            "value": _("The station gets it with “Apply configuration”."),
            "reapplies": _("Set the value again when the station has lost it after a boot."),
        }

    def clean(self) -> dict[str, Any]:
        """Check the rules of the API. The station and the key of a row stay as they are."""
        cleaned = super().clean() or {}
        charge_point = cleaned.get("charge_point") or getattr(self.instance, "charge_point", None)
        key, value = cleaned.get("key", self.instance.key), cleaned.get("value")
        if charge_point is None or not key or value is None:
            return cleaned
        try:
            desired.check_at(charge_point, key, value)
        except Invalid as error:
            self.add_error(error.field if error.field in self.fields else None, error.sentence)
        own = DesiredValue.objects.filter(charge_point=charge_point, template=None)
        if own.filter(key__iexact=key.strip()).exclude(pk=self.instance.pk).exists():
            self.add_error("key", gettext("The station has a desired value of this key already."))
        if self.instance.pk is None and own.count() >= desired.MOST_PER_STATION:
            sentence = gettext("A station has at most %(most)d desired values.")
            self.add_error(None, sentence % {"most": desired.MOST_PER_STATION})
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # A value of a template with this key makes room for the new one.
        return {*super()._get_validation_exclusions(), "key"}  # type: ignore[misc]  # not in the stubs


@admin.register(DesiredValue)
class DesiredValueAdmin(OperatorAdmin):
    """Saving sends nothing: "Apply configuration" and campaigns do."""

    right = Right.COMMANDS
    form = DesiredValueForm
    list_display = ["key", "station", "value", "state_label", "template", "reapplies", "updated_at"]
    list_filter = [StationFilter, "state"]
    list_select_related = ["charge_point", "template"]
    autocomplete_fields = ["charge_point"]
    search_fields = ["key"]
    exact_search = ("key", "charge_point")
    search_help_text = _("Search by key or station")
    sortable_by = ["key"]
    ordering = ["-id"]
    fields = ["charge_point", "key", "value", "reapplies", "template", "state", "reason", "answered_at"]
    shown_fields = ("template", "state", "reason", "answered_at")
    actions: Any = None
    empty_sentence = _("No desired values yet. Add one, or a template for many stations.")

    @display(description=_("State"), label=tones.DESIRED_VALUE)
    def state_label(self, row: DesiredValue) -> tuple[str, str]:
        return row.state, row.get_state_display()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for name in self.fields if obj is not None or name not in self.shown_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.shown_fields if obj is None else ("charge_point", "key", *self.shown_fields)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_own = obj is None or obj.template_id is None
        return is_own and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_own = obj is None or obj.template_id is None
        return is_own and access.may(request.user, self.right)

    def save_model(self, request: HttpRequest, obj: DesiredValue, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in ("value", "reapplies")}
        if change:
            desired.change(DesiredValue.objects.get(pk=obj.pk), **given)
        else:
            obj.pk = desired.add(obj.charge_point, key=obj.key, **given).pk

    def delete_model(self, request: HttpRequest, obj: DesiredValue) -> None:
        desired.remove(obj)

    @admin.display(description=_("Station"))
    def station(self, row: DesiredValue) -> str:
        return station_link(row.charge_point)
