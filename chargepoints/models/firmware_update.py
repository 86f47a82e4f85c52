"""Updates of the firmware of stations, one row for each request."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.campaign import Campaign
from chargepoints.models.charge_point import ChargePoint
from chargepoints.models.command import Command
from chargepoints.models.firmware import FirmwareFile
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_titles import titled


class FirmwareUpdate(models.Model):
    """One request to update a station's firmware. Its key is the requestId of the request.

    The state is computed from the command, the station's notifications and its boots; see
    `services.firmware.progress`.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        ACCEPTED = "accepted", _("Accepted by the station")
        DOWNLOADING = "downloading", _("Downloading")
        DOWNLOADED = "downloaded", _("Downloaded")
        VERIFIED = "verified", _("Signature verified")
        INSTALLING = "installing", _("Installing")
        REBOOTING = "rebooting", _("Waiting for the boot")
        INSTALLED = "installed", _("Installed")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected by the station")
        SUPERSEDED = "superseded", _("Replaced by a newer update")
        SILENT = "silent", _("No further report")

    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="firmware_updates", db_index=False
    )
    firmware = models.ForeignKey(
        FirmwareFile, null=True, on_delete=models.SET_NULL, related_name="updates", verbose_name=_("file")
    )
    campaign = models.ForeignKey(
        Campaign, null=True, on_delete=models.SET_NULL, related_name="firmware_updates"
    )
    # The id is stored before the command: a process may end between the two.
    command = models.ForeignKey(
        Command,
        null=True,
        on_delete=models.SET_NULL,
        related_name="firmware_updates",
        db_constraint=False,
    )
    action = models.CharField(max_length=64, help_text=_("UpdateFirmware or SignedUpdateFirmware."))
    location = models.CharField(
        max_length=2000, blank=True, default="", help_text=_("An address elsewhere, login masked.")
    )
    is_signed = models.BooleanField(_("signed"), default=False)
    version = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text=_("The version that the station must report in its boot; empty if unknown."),
    )
    previous_version = models.CharField(
        max_length=255, blank=True, default="", help_text=_("The version at the request.")
    )
    actor = models.CharField(max_length=150, blank=True, default="", help_text=_("The one who asked for it."))
    state = models.CharField(max_length=16, choices=State.choices, default=State.REQUESTED)
    status = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The station's last notification that counted.")
    )
    answer = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text=_("The status or the error code in the station's answer."),
    )
    fault = models.CharField(max_length=500, blank=True, default="", help_text=_("Why it has failed."))
    retrieve_at = models.DateTimeField(_("download from"))
    install_at = models.DateTimeField(_("install from"), null=True)
    booted_at = models.DateTimeField(_("last boot"), null=True)
    booted_version = models.CharField(
        max_length=255, blank=True, default="", help_text=_("The version in that boot.")
    )
    created_at = models.DateTimeField()
    # Without another report the update is silent from then on; null for one that has ended.
    stalls_at = models.DateTimeField(_("silent from"), null=True)
    finished_at = models.DateTimeField(null=True)
    # When the state was computed last.
    updated_at = models.DateTimeField(editable=False)

    objects = SiteManager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("firmware update")
        verbose_name_plural = _("firmware updates")
        indexes = [
            models.Index(fields=["charge_point", "-id"], name="firmware_update_by_station"),
            models.Index(fields=["state", "-id"], name="firmware_update_by_state"),
            models.Index(fields=["created_at"], name="firmware_update_by_time"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(
                fields=["stalls_at"],
                condition=models.Q(stalls_at__isnull=False),
                name="firmware_update_open",
            ),
        ]

    def __str__(self) -> str:
        return titled(f"{self.version or _('Firmware')} for {self.charge_point}", self.created_at)

    @property
    def is_open(self) -> bool:
        """Whether it may still go on."""
        return self.state in OPEN


# The states in which something may still come.
OPEN = frozenset(
    {
        FirmwareUpdate.State.REQUESTED,
        FirmwareUpdate.State.ACCEPTED,
        FirmwareUpdate.State.DOWNLOADING,
        FirmwareUpdate.State.DOWNLOADED,
        FirmwareUpdate.State.VERIFIED,
        FirmwareUpdate.State.INSTALLING,
        FirmwareUpdate.State.REBOOTING,
    }
)
