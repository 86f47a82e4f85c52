"""The form of a campaign's course, below the form of the command that it sends."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminTimeWidget,
    UnfoldBooleanSwitchWidget,
)

from chargepoints.models import Campaign
from chargepoints.models.campaign import MOST_AT_ONCE, MOST_ATTEMPTS, MOST_PER_MINUTE
from ocpp_server.admin.base import name_parts

_MOST_MINUTES = 7 * 24 * 60


def _whole(
    label: Any,
    initial: int | None,
    least: int,
    most: int,
    help_text: Any = "",
    *,
    is_required: bool = True,
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        initial=initial,
        required=is_required,
        min_value=least,
        max_value=most,
        help_text=help_text,
        widget=UnfoldAdminIntegerFieldWidget(),
    )


class CampaignForm(forms.Form):
    """The options of a campaign; its cleaned data are those of `planning.create`."""

    prefix = "campaign"
    name = forms.CharField(label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget())
    has_canary = forms.BooleanField(
        label=_("Canary"),
        initial=True,
        required=False,
        help_text=_("Begin with one station, then 10 %, then the others."),
        widget=UnfoldBooleanSwitchWidget(),
    )
    failure_limit_percent = _whole(
        _("Failure limit in percent"), 20, 0, 100, _("The campaign pauses when more stations fail.")
    )
    at_once = _whole(_("Stations at once"), 20, 1, MOST_AT_ONCE)
    per_minute = _whole(
        _("Stations a minute"), None, 1, MOST_PER_MINUTE, _("Empty: no limit."), is_required=False
    )
    attempts = _whole(_("Attempts"), 1, 1, MOST_ATTEMPTS)
    retry_pause_m = _whole(_("Minutes before another attempt"), 5, 0, _MOST_MINUTES)
    offline = forms.ChoiceField(
        label=_("Offline stations"), choices=Campaign.Offline.choices, widget=UnfoldAdminSelectWidget()
    )
    window_from = forms.TimeField(
        label=_("Only from"),
        required=False,
        help_text=_("Local time of the station; empty: at any time."),
        widget=UnfoldAdminTimeWidget(),
    )
    window_to = forms.TimeField(label=_("Only until"), required=False, widget=UnfoldAdminTimeWidget())
    deadline_at = forms.SplitDateTimeField(
        label=_("Deadline"),
        required=False,
        help_text=_("Empty: in a week."),
        widget=UnfoldAdminSplitDateTimeWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        deadline = self.fields["deadline_at"]
        assert isinstance(deadline, forms.SplitDateTimeField)
        name_parts(deadline, str(deadline.label))

    @classmethod
    def is_in(cls, data: Any) -> bool:
        """Whether the posted data have this form."""
        return f"{cls.prefix}-name" in data

    @property
    def options(self) -> dict[str, Any]:
        """The keywords of `planning.create` from a valid form."""
        found = dict(self.cleaned_data)
        found["retry_pause_s"] = found.pop("retry_pause_m") * 60
        return found

    def refuse(self, field: str, reason: str) -> None:
        """Show the reason of an `Invalid` beside the input that it names."""
        names = {"windowFrom": "window_from", "windowTo": "window_to", "deadlineAt": "deadline_at"}
        self.add_error(names.get(field, field) if names.get(field, field) in self.fields else None, reason)
