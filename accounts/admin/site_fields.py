"""The form fields of a limit to sites, for logins and API keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from ocpp_server import sites

FIELDS = ("is_limited", "sites")


class SiteFields(forms.Form):
    """Two fields, because no selected site could mean all sites or none."""

    is_limited = forms.BooleanField(
        label=_("Limited to sites"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Then only the selected sites, their stations and refused connections are shown."),
    )
    sites = forms.MultipleChoiceField(
        label=_("Sites"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, choices=()
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form: Any = self
        if "sites" not in self.fields:
            return  # read-only
        form.fields["sites"].choices = [(str(pk), name) for pk, name in sites.port.app.names().items()]
        kept = form.instance.site_ids
        form.initial |= {"is_limited": kept is not None, "sites": [str(pk) for pk in kept or ()]}

    def clean(self) -> Any:
        cleaned: Any = super().clean()
        form: Any = self
        if "sites" in self.fields:
            chosen = self.cleaned_data
            form.instance.site_ids = (
                sorted(map(int, chosen.get("sites", ()))) if chosen.get("is_limited") else None
            )
        return cleaned


def names(site_ids: list[int] | None) -> str:
    """The names of the sites, for a read-only field."""
    if site_ids is None:
        return gettext("All sites")
    known = sites.port.app.names()
    return ", ".join(known[pk] for pk in site_ids if pk in known) or gettext("None")
