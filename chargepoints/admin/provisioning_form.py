"""The form for adding and changing a station."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chargepoints.models import ChargePoint
from chargepoints.services.provisioning import stations, tags
from ocpp_server.domain import Invalid


class DailyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The settings that any role which may change stations may change."""

    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Words by which you find stations, separated by commas."),
    )

    class Meta:
        model = ChargePoint
        fields = (
            "identity", "name", "site", "registration_status", "security_profile", "checks_username",
            "validation", "unknown_tokens", "assumed_timezone",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and "tags" in self.fields:
            self.initial["tags"] = f"{tags.SEPARATOR} ".join(self.instance.tag_names)
        if self.instance.pk is None and "registration_status" in self.fields:
            # A station that an operator adds may charge. The model's default is for unknown stations.
            self.initial.setdefault("registration_status", ChargePoint.Registration.ACCEPTED)

    def clean_identity(self) -> str:
        identity: str = self.cleaned_data["identity"].strip()
        try:
            stations.check_identity(identity)
        except Invalid as error:
            raise forms.ValidationError(error.sentence) from None
        if ChargePoint.objects.by_identity(identity).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                gettext("A station with this identity already exists (case makes no difference).")
            )
        return identity

    def clean_assumed_timezone(self) -> str:
        zone: str = self.cleaned_data["assumed_timezone"].strip()
        if zone and zone not in available_timezones():
            raise forms.ValidationError(gettext("Not a time zone. Use a name such as Europe/Vienna."))
        return zone

    def clean_tags(self) -> list[str]:
        names = [name for name in self.cleaned_data["tags"].split(tags.SEPARATOR) if name.strip()]
        try:
            return list(tags.checked(names).values())
        except Invalid as error:
            raise forms.ValidationError(error.sentence) from None

    def new_password(self) -> str | None:
        """The password to set, "" to remove it, None to keep it."""
        return None

    def settings(self) -> dict[str, Any]:
        """All settings of the form, as arguments of `stations.create`."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in {"identity", "password", "remove_password"}
        }

    def changed_settings(self) -> dict[str, Any]:
        """The settings that differ from the stored ones, as arguments of `stations.update`."""
        return {name: value for name, value in self.settings().items() if name in self.changed_data}


class ProvisioningForm(DailyForm):
    """All settings. The password is write-only: the form shows only whether there is one."""

    security_profile = forms.TypedChoiceField(
        label=_("Security profile"),
        coerce=int,
        widget=UnfoldAdminSelectWidget,
        choices=[
            (0, _("0: no password (open)")),
            (1, _("1: password")),
            (2, _("2: TLS and password")),
            (3, _("3: TLS with client certificate")),
        ],
    )
    password = forms.CharField(
        required=False,
        min_length=8,
        max_length=128,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "Basic authentication (security profiles 1 and 2). Leave empty to keep the current password."
        ),
    )
    remove_password = forms.BooleanField(
        label=_("Remove password"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("The station can then connect without a password."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        has_password = bool(self.instance.pk and self.instance.password_hash)
        if "password" in self.fields:
            self.fields["password"].label = _("New password") if has_password else _("Password")
        if "remove_password" in self.fields:
            self.fields["remove_password"].disabled = not has_password
            if not has_password:
                self.fields["remove_password"].help_text = _("No password is set.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password") and cleaned.get("remove_password"):
            self.add_error("remove_password", gettext("Either set a password or remove it."))
        profile = cleaned.get("security_profile")
        keeps = bool(self.instance.password_hash) and not cleaned.get("remove_password")
        if profile == 0 and (cleaned.get("password") or (keeps and "security_profile" in self.changed_data)):
            # Saving both would show "no password" for a station that must prove one.
            sentence = gettext("Profile 0 is for stations without a password: choose 1 or 2, or remove it.")
            self.add_error("security_profile", sentence)
        if profile in (1, 2) and not (keeps or cleaned.get("password")):
            sentence = gettext("Security profile %(profile)s needs a password.")
            self.add_error("password", sentence % {"profile": profile})
        return cleaned

    def new_password(self) -> str | None:
        return "" if self.cleaned_data.get("remove_password") else self.cleaned_data.get("password") or None
