"""The local authorization list of each station: what the station should have, and what it has."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server.sites import SiteManager
from ocpp_server.storage.fields import CompressedTextField


class LocalList(models.Model):
    """The list of one station. The list of a station without a row is left alone.

    `version`, `entries` and `digest` are the list at the station. `entries` has no uid (see
    `configuration.services.local_list.contents`); NULL means that the contents are not known, so the next
    list is a Full one. The columns `part_*` are the update that was sent last: the answer to another
    update means that an operator has sent a list by hand.
    """

    class State(models.TextChoices):
        UNKNOWN = "unknown", _("Unknown")
        DUE = "due", _("Update due")
        SENDING = "sending", _("Being updated")
        IN_SYNC = "in_sync", _("Up to date")
        FAILED = "failed", _("Failed")
        UNSUPPORTED = "unsupported", _("Not supported")

    charge_point = models.OneToOneField(ChargePoint, on_delete=models.CASCADE, related_name="local_list")
    is_automatic = models.BooleanField(
        default=False, help_text=_("Whether a change of a token or a rule updates the list.")
    )

    version = models.PositiveBigIntegerField(null=True, blank=True, help_text=_("At the station."))
    digest = models.CharField(
        max_length=32, blank=True, default="", help_text=_("Of the list at the station.")
    )
    entries = CompressedTextField(null=True, blank=True)
    wanted_version = models.PositiveBigIntegerField(null=True, blank=True)
    wanted_digest = models.CharField(max_length=32, blank=True, default="")
    listed_count = models.PositiveIntegerField(null=True, blank=True)
    eligible_count = models.PositiveIntegerField(null=True, blank=True)
    unfit_count = models.PositiveIntegerField(
        default=0, help_text=_("Tokens that are too long for the station's version.")
    )
    capacity = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("The most entries that the station has reported to take.")
    )
    part_version = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    part_digest = models.CharField(max_length=32, blank=True, default="", editable=False)
    part_entries = CompressedTextField(null=True, blank=True)

    state = models.CharField(max_length=16, choices=State.choices, default=State.UNKNOWN)
    reason = models.CharField(max_length=300, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("Failed ones since the last success."))
    last_command = models.CharField(max_length=36, blank=True, default="")
    due_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the station last reported the version of its list.")
    )
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["charge_point"]
        constraints = [
            models.CheckConstraint(
                condition=Q(listed_count__isnull=True) | Q(listed_count__lte=models.F("eligible_count")),
                name="local_list_of_eligible",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="local_list_by_due"),
            models.Index(fields=["state", "due_at"], name="local_list_by_state"),
            models.Index(fields=["updated_at"], name="local_list_by_change"),
        ]

    def __str__(self) -> str:
        return f"local list of {self.charge_point}"

    @property
    def share(self) -> str:
        """The listed tokens of those that may charge here, such as "312 of 2,000"."""
        if self.listed_count is None or self.eligible_count is None:
            return ""
        if self.listed_count == self.eligible_count:
            return f"{self.listed_count:,}"
        return gettext("%(listed)s of %(eligible)s") % {
            "listed": f"{self.listed_count:,}",
            "eligible": f"{self.eligible_count:,}",
        }


class ListChange(models.Model):
    """A change that lists depend on: written with the change, and deleted when the lists are due."""

    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"change {self.pk}"
