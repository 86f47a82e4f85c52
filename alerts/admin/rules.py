"""The rules of alerts in the admin: limits in plain fields, and copies for a site or a station."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from alerts.models import AlertRule
from alerts.services import rules
from alerts.services.codes import CODES
from alerts.services.notices import escalation
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.domain import DomainError
from ocpp_server.rights import Right

_LIMIT: Final = "limit_"
_SETTINGS: Final = (
    "is_enabled",
    "severity",
    "critical_after_s",
    "for_s",
    "keep_for_s",
    "auto_resolve",
    "reopens",
    "quiet",
    "escalation",
    "note",
)


class CopyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A copy of a rule for one site or one station."""

    code = forms.ChoiceField(
        label=_("Kind"),
        choices=[(code.name, code.label) for code in CODES.values()],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = AlertRule
        fields = ("code", "site", "charge_point")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        site, station = given.get("site"), given.get("charge_point")
        if (site is None) == (station is None):
            raise forms.ValidationError(gettext("Choose either a site or a station."))
        if AlertRule.objects.filter(code=given.get("code"), site=site, charge_point=station).exists():
            raise forms.ValidationError(gettext("There is a rule of this kind for it already."))
        return given


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The settings of a rule. The limits of its code are fields of their own."""

    class Meta:
        model = AlertRule
        fields = _SETTINGS

    def clean_escalation(self) -> list[Any]:
        # An empty field of JSON is null.
        given: list[Any] = self.cleaned_data["escalation"] or []
        try:
            escalation.parse(given)
        except DomainError as error:
            raise forms.ValidationError(error.sentence) from None
        return given

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = CODES.get(self.instance.code)
        for each in code.parameters if code is not None else ():
            name = f"{_LIMIT}{each.name}"
            if name in self.fields:
                self.initial.setdefault(name, self.instance.parameters.get(each.name, each.default))


def limits_of(code: str) -> dict[str, forms.Field]:
    """A form field for each parameter of a code."""
    known = CODES.get(code)
    return {
        f"{_LIMIT}{each.name}": forms.IntegerField(
            label=f"{each.label} ({each.unit})",
            min_value=each.least,
            max_value=each.most,
            widget=UnfoldAdminIntegerFieldWidget,
            help_text=gettext("Default: %(default)s.") % {"default": f"{each.default:,}"},
        )
        for each in (known.parameters if known is not None else ())
    }


@admin.register(AlertRule)
class AlertRuleAdmin(OperatorAdmin):
    right = Right.ALERT_RULES
    list_display = ["name", "scope", "is_enabled", "severity_label", "for_s", "keep_for_s", "updated_by"]
    list_filter = ["is_enabled", "severity"]
    list_select_related = ["site", "charge_point"]
    search_fields = ["code"]
    search_help_text = _("Search by code")
    sortable_by: tuple[str, ...] = ()
    ordering = ["code", "id"]
    autocomplete_fields = ["site", "charge_point"]
    change_form_template = "operator/alert_rule.html"
    empty_sentence = _("No rules yet: they are created by migrate.")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # The class of the form has the limits as fields, because the admin reads its fields from there.
        form = CopyForm if obj is None else type("RuleFormOfCode", (RuleForm,), limits_of(obj.code))
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["code", "site", "charge_point"]
        written = ["name", "scope", "condition", "updated_by", "updated_at"]
        return [*written[:3], *_SETTINGS[:5], *limits_of(obj.code), *_SETTINGS[5:], *written[3:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["name", "scope", "condition", "updated_by", "updated_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The rule for all stations can be disabled and not deleted."""
        is_copy = isinstance(obj, AlertRule) and not obj.is_for_all
        return is_copy and access.may(request.user, self.right)

    def get_urls(self) -> list[Any]:
        reset = path(
            "<int:pk>/reset/", self.admin_site.admin_view(require_POST(self.reset)), name="alert-rule-reset"
        )
        return [reset, *super().get_urls()]

    def reset(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give a rule the defaults of its code."""
        access.require(request.user, self.right)
        rule = get_object_or_404(AlertRule, pk=pk, code__in=CODES)
        rules.reset(rule, actor=request.user.get_username())
        messages.success(request, gettext("The rule has its defaults again."))
        return redirect(reverse("admin:alerts_alertrule_change", args=[pk]))

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        given, actor = form.cleaned_data, request.user.get_username()
        if not change:
            copied = rules.copy(
                actor=actor, code=given["code"], site=given["site"], charge_point=given["charge_point"]
            )
            obj.pk = copied.pk
            obj.refresh_from_db()
            return
        limits = {
            name.removeprefix(_LIMIT): value for name, value in given.items() if name.startswith(_LIMIT)
        }
        try:
            rules.change(obj, actor=actor, parameters=limits, **{name: given[name] for name in _SETTINGS})
        except DomainError as error:
            messages.error(request, error.sentence)

    @admin.display(description=_("Kind"))
    def name(self, row: AlertRule) -> str:
        return CODES[row.code].label if row.code in CODES else row.code

    @admin.display(description=_("Applies to"))
    def scope(self, row: AlertRule) -> str:
        return str(row.charge_point or row.site or gettext("All stations"))

    @admin.display(description=_("Condition"))
    def condition(self, row: AlertRule) -> str:
        return CODES[row.code].condition if row.code in CODES else "–"

    @display(description=_("Severity"), label=tones.ALERT_SEVERITY)
    def severity_label(self, row: AlertRule) -> tuple[str, str]:
        return row.severity, row.get_severity_display()
