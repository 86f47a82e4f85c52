"""Changes of the security profiles of stations, one row for each request (1.6 and 2.x A05)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from chargepoints.models.command import Command
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled


class SecurityProfileChange(models.Model):
    """One request to change the security profile of a station. See `services.provisioning.security_profiles`.

    A station has at most one open row, while `ChargePoint.next_security_profile` is set.
    """

    class State(models.TextChoices):
        SENT = "sent", _("Profile sent")
        ORDERING = "ordering", _("Network priority sent")
        RESTARTING = "restarting", _("Reset sent")
        AWAITED = "awaited", _("Waiting for the station at the new profile")
        PROVED = "proved", _("Proved by the station")
        FELL_BACK = "fell-back", _("Returned at the old profile")
        REFUSED = "refused", _("Rejected by the station")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    charge_point = models.ForeignKey(
        ChargePoint,
        on_delete=models.CASCADE,
        related_name="security_profile_changes",
        db_index=False,
        verbose_name=_("station"),
    )
    previous = models.PositiveSmallIntegerField(_("from"), help_text=_("The profile at the request."))
    target = models.PositiveSmallIntegerField(_("to"), help_text=_("The requested profile."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.SENT)
    reason = models.CharField(
        max_length=500, blank=True, default="", help_text=_("Why it waits, or has failed.")
    )
    steps = models.JSONField(
        default=list, help_text=_("Each step so far: its state, when it began, and the answer that ended it.")
    )
    slot = models.PositiveIntegerField(null=True, help_text=_("2.x: the slot of the network profile."))
    csms_url = models.CharField(
        _("address"),
        max_length=2000,
        blank=True,
        default="",
        help_text=_("2.x: of the central system, login masked."),
    )
    justification = models.CharField(
        max_length=255, blank=True, default="", help_text=_("Why it was sent in spite of a failed check.")
    )
    window = models.PositiveIntegerField(help_text=_("Seconds that the station has to return."))
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who asked for it."))
    # The first command, and that of the present step. The ids are stored before the commands: a process may
    # end between the two.
    first_command = models.CharField(max_length=36, editable=False)
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="security_profile_changes",
        db_constraint=False,
    )
    created_at = models.DateTimeField()
    stepped_at = models.DateTimeField(_("in this state since"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("security profile change")
        verbose_name_plural = _("security profile changes")
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="profile_change_by_station"),
            models.Index(fields=["first_command"], name="profile_change_by_command"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(
                fields=["stepped_at"],
                condition=models.Q(ended_at__isnull=True),
                name="profile_change_open",
            ),
        ]

    def __str__(self) -> str:
        sentence = _("%(station)s from profile %(previous)s to %(target)s") % {
            "station": self.charge_point,
            "previous": self.previous,
            "target": self.target,
        }
        return titled(sentence, self.created_at)

    @property
    def is_open(self) -> bool:
        """Whether it may still go on."""
        return self.ended_at is None
