"""Templates of desired values in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from configuration.models import ConfigurationTemplate
from configuration.services.variables import templates, value_lines
from ocpp_server.admin import access
from ocpp_server.admin.base import OperatorAdmin, json_column
from ocpp_server.domain import Invalid
from ocpp_server.rights import Right


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    lines = forms.CharField(
        label=_("Values"),
        strip=False,
        max_length=300_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false"}),
        help_text=_(
            "One per line: key = value, or Component.Variable = value in 2.x. Secrets are not stored: use "
            "“Rotate password” for passwords."
        ),
    )

    class Meta:
        model = ConfigurationTemplate
        fields = ("name", "description", "dialect", "reapplies")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("lines", value_lines.written(self.instance.values))
        if self.instance.pk is not None and not value_lines.fit(self.instance.values):
            self.fields["lines"].disabled = True
            self.fields["lines"].help_text = gettext(
                "Some values have line breaks: change them over the API."
            )

    def clean(self) -> dict[str, Any]:
        """Check the rules of the API."""
        cleaned = super().clean() or {}
        dialect = cleaned.get("dialect", self.instance.dialect)
        if dialect and "lines" in cleaned and not self.fields["lines"].disabled:
            try:
                self.instance.values = templates.checked(value_lines.read(cleaned["lines"]), dialect)
            except Invalid as error:
                self.add_error("lines", error.sentence)
        same = ConfigurationTemplate.objects.filter(name_key=cleaned.get("name", "").casefold())
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("name", gettext("A template with this name already exists."))
        return cleaned


@admin.register(ConfigurationTemplate)
class ConfigurationTemplateAdmin(OperatorAdmin):
    """Saving sends nothing: the stations of the template differ from then on, until it is applied."""

    right = Right.COMMANDS
    form = TemplateForm
    list_display = ["name", "dialect", "count", "reapplies", "updated_at"]
    list_filter = ["dialect"]
    search_fields = ["name", "description"]
    search_help_text = _("Search by name or description")
    sortable_by = ["name"]
    ordering = ["name_key"]
    actions: Any = None
    empty_sentence = _("No templates yet. A template has the desired values of many stations.")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        values: Any = "lines" if access.may(request.user, self.right) else json_column("values")
        return ["name", "description", "dialect", values, "reapplies"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if not access.may(request.user, self.right):
            return self.get_fields(request, obj)
        return [] if obj is None else ["dialect"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, self.right)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The templates alone: their values at the stations may be thousands, and go with them."""
        rows = list(objs)
        return [str(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, set(), []

    def save_model(self, request: HttpRequest, obj: ConfigurationTemplate, form: Any, change: bool) -> None:
        templates.change(obj)

    def delete_model(self, request: HttpRequest, obj: ConfigurationTemplate) -> None:
        templates.delete(obj)

    @admin.display(description=_("Values"))
    def count(self, row: ConfigurationTemplate) -> int:
        return len(row.values)
