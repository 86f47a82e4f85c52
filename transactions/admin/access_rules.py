"""Access rules in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from ocpp_server.admin import access, tones
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.rights import Right
from transactions.models import AccessRule


class AccessRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for names, sentence in (
            (("token", "group", "contract"), gettext("Choose exactly one: a token, a group or a contract.")),
            (("charge_point", "site"), gettext("Choose exactly one: a station or a site.")),
        ):
            if len([name for name in names if cleaned.get(name)]) != 1:
                self.add_error(names[0], sentence)
        return cleaned


@admin.register(AccessRule)
class AccessRuleAdmin(OperatorAdmin):
    """Rules may be deleted: sessions and refusals keep the record of their effects."""

    right = Right.CONTRACTS
    form = AccessRuleForm
    list_display = ["subject", "effect_label", "place", "note", "created_at"]
    list_filter = [("effect", ChoicesDropdownFilter)]
    list_select_related = ["token", "group", "contract", "charge_point", "site"]
    search_fields = [
        "token__uid", "group__group_id", "contract__contract_id", "charge_point__identity", "site__name",
        "note",
    ]  # fmt: skip
    search_help_text = _("Search by token, group, contract, station, site or note")
    sortable_by = ["created_at"]
    ordering = ["-id"]
    autocomplete_fields = ["token", "group", "contract", "charge_point", "site"]
    fieldsets = (
        (_("Who"), {"fields": ("token", "group", "contract")}),
        (_("Where"), {"fields": ("charge_point", "site")}),
        (None, {"fields": (("effect", "note"),)}),
    )
    empty_sentence = _(
        "Every valid token may charge everywhere. Add a rule to refuse a place, or to allow only some places."
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, self.right)

    @admin.display(description=_("Who"))
    def subject(self, rule: AccessRule) -> str:
        if rule.token_id:
            kind = gettext("Token")
        else:
            kind = gettext("Group") if rule.group_id else gettext("Contract")
        return f"{kind} {rule.subject}"

    @admin.display(description=_("Where"))
    def place(self, rule: AccessRule) -> str:
        kind = gettext("Station") if rule.charge_point_id else gettext("Site")
        return f"{kind} {rule.place}"

    @display(description=_("Effect"), label=tones.EFFECT)
    def effect_label(self, rule: AccessRule) -> tuple[str, str]:
        return rule.effect, rule.get_effect_display()
